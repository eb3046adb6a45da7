//! The report on the last day or week, as a mail, as a page and as JSON.
//!
//! ```text
//! SnapshotLine -> ReportBuilder -> Report -> report_mail -> Message
//!                  builder.rs     model.rs   mail.rs
//! ReportFacts  ->                       \-> report_html -> one page; JSON is the Report itself
//!  facts.rs                                  page.rs
//! ```
//!
//! All three agree, because one list of sections renders them from one [`Report`]. Its only free
//! text is of type [`Text`](crate::text::Text), which is sanitized when it is created; the page's
//! template types escape every value.
//!
//! Files, each building on those above:
//!
//! | files | contents |
//! | --- | --- |
//! | `measured/` | figures and sparklines of one service or workload, and the trait that both share |
//! | `sections/*/model.rs`, `model.rs` | the data of each section, and the report that holds them all |
//! | `sections/*/seen.rs`, `seen.rs` | what is kept from snapshots while they are read |
//! | `sections/*/collect.rs`, `builder.rs` | build the report from it |
//! | `show/`, `section.rs` | building blocks for sections, and the section trait |
//! | `sections/*/mod.rs` with `mail.rs` and `page.rs` | render each section |
//! | `sections/mod.rs` | the list of all sections |
//! | `mail.rs`, `subject.rs`, `compact.rs`, `page.rs` | walk the list and render the whole |

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
pub use sections::logs::model::{LogFindingReport, LogGroupReport, LogsReport};
pub use sections::queries::model::{HistogramReport, LineReport, QueriesReport, QueryReport};
pub use sections::rules::model::{RuleLine, RuleLineProblem};
pub use sections::worst::model::{Because, Worst, WorstFigures};

pub(crate) use sections::rules::model::counted;
