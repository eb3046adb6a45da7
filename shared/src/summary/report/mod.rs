//! The report: how the last day or week was, as a mail, as a page and as JSON.
//!
//! ```text
//! SnapshotLine -> ReportBuilder -> Report -> report_mail -> Message
//!                  builder.rs     model.rs   mail.rs
//! ReportFacts  ->  finish.rs             \-> report_html -> one page; JSON is the Report itself
//!                                             html/
//! ```
//!
//! All three say the same, because all are made from one [`Report`]. It holds no free text but [`Text`], which is harmless
//! from its birth; the page escapes every value by the type system of its templates.

mod builder;
mod compact;
mod coverage;
mod eks;
mod facts;
mod figures;
mod finish;
mod html;
mod link;
mod mail;
mod model;
#[cfg(test)]
mod schema;
mod since;
mod slots;
mod standing;
mod text;
mod words;
mod worst;

pub use builder::ReportBuilder;
pub use eks::{
    AddonReport, CadvisorReport, EksClusterReport, EksFleet, FindingReport, Hint, HintKind, MetricsApiReport,
    MetricsApiState, PodCounted, PodEnd, PodReport, PodResource, PodUsage, PodWait, ProfileReport,
    VendedMetric, WorkloadReport,
};
pub use facts::ReportFacts;
pub use figures::{Answer, Deployment, History, Tasks, Traffic, Utilization};
pub use html::report_html;
pub use link::{ReportLink, console_object_link};
pub use mail::report_mail;
pub use model::{
    AlarmLine, Because, ClusterReport, Difference, DifferenceKind, Fleet, Report, ReportWindow,
    ServiceReport, SightChange, Since, WithoutMetrics, Worst, WorstService, WorstWorkload,
};
pub use standing::{AccountDefault, Cost, Posture, PostureChange, Problem, ReportCoverage};
pub use text::{Block, Text};
