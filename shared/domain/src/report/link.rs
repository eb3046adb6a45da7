//! Where a report is stored.

use jiff::Timestamp;

/// A link to the report's object in the S3 console. It opens for anyone who may read the bucket and
/// works as long as the object exists; a presigned URL would expire within hours, with the session
/// of the role that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLink {
    /// URL of the page; `None` in partitions whose console has no public address.
    pub url: Option<String>,
    /// When the bucket deletes the object.
    pub kept_until: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// Key of the HTML page.
    pub key: String,
}
