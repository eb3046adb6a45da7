//! The report: how the last day or week was, as a mail, as a page and as JSON.
//!
//! ```text
//! SnapshotLine -> ReportBuilder -> Report -> report_mail -> Message
//!                  builder.rs     model.rs   mail.rs
//! ReportFacts  ->                       \-> report_html -> one page; JSON is the Report itself
//!  facts.rs                                  page.rs
//! ```
//!
//! All three say the same, because all are made from one [`Report`] by the sections in one list. It holds no free text but
//! [`Text`](crate::text::Text), which is harmless from its birth; the page escapes every value by the type system of its
//! templates.
//!
//! Files in the order in which they build on each other:
//!
//! | files | what they hold |
//! | --- | --- |
//! | `measured/` | figures and small charts of one service or workload, and what both have in common |
//! | `sections/*/model.rs`, `model.rs` | what a section knows, and all of them as the report |
//! | `sections/*/seen.rs`, `seen.rs` | what is kept of snapshots while they are read |
//! | `sections/*/collect.rs`, `builder.rs` | from that to the report |
//! | `show/`, `section.rs` | what sections are shown with, and what a section is |
//! | `sections/*/mod.rs` with `mail.rs` and `page.rs` | how each section is shown |
//! | `sections/mod.rs` | the list of all sections |
//! | `mail.rs`, `subject.rs`, `compact.rs`, `page.rs` | the frames that walk the list |

mod builder;
mod compact;
mod facts;
mod link;
mod mail;
mod measured;
mod model;
mod page;
#[cfg(test)]
mod schema;
mod section;
mod sections;
mod seen;
mod show;
mod subject;

pub use builder::ReportBuilder;
pub use facts::ReportFacts;
pub use link::ReportLink;
pub use mail::report_mail;
pub use measured::figures::{Answer, History, Utilization};
pub use model::{Report, ReportWindow};
pub use page::report_html;
pub use sections::alarms::model::AlarmLine;
pub use sections::changes::model::{Difference, DifferenceKind, ReachChange, Since};
pub use sections::clusters::model::ClusterReport;
pub use sections::clusters::service::{Deployment, ServiceReport, Tasks, Traffic, WithoutMetrics};
pub use sections::cost::model::Cost;
pub use sections::coverage::model::{Extent, Problem, ReportCoverage};
pub use sections::eks::counted::{CadvisorReport, PodCounted};
pub use sections::eks::hint::{Hint, HintKind};
pub use sections::eks::model::{EksClusterReport, WorkloadReport};
pub use sections::eks::pod::{PodEnd, PodReport, PodResource, PodUsage, PodWait};
pub use sections::eks::setup::{
    AddonReport, FindingReport, MetricsApiReport, MetricsApiState, ProfileReport,
};
pub use sections::eks::vended::VendedMetric;
pub use sections::fleet::model::{EksFleet, Fleet};
pub use sections::insights::model::{AccountDefault, Posture, PostureChange};
pub use sections::rules::model::{RuleLine, RuleLineProblem};
pub use sections::worst::model::{Because, Worst, WorstFigures};

pub(crate) use sections::rules::model::counted;
