//! Where a report is kept.

use jiff::Timestamp;

/// A link to the console's page of the report's object. It opens for whoever may read the bucket and lives as long as the
/// object; a presigned URL would die with the session of the role that signed it, within hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLink {
    /// Address of the page; none where the console has no public one.
    pub url: Option<String>,
    /// When the bucket deletes the object.
    pub kept_until: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// Key of the HTML page in it.
    pub key: String,
}
