//! The sections of the report, each in a folder with its data, how it is collected, and how it is
//! rendered.
//!
//! To add a section, add a folder and a line in [`SECTIONS`]. If it holds data of its own, add a
//! field to [`Report`](super::model::Report), which
//! [`ReportBuilder`](super::builder::ReportBuilder) fills.

pub(super) mod alarms;
pub(super) mod changes;
pub(super) mod clusters;
pub(super) mod cost;
pub(super) mod coverage;
pub(super) mod eks;
pub(super) mod fleet;
pub(super) mod insights;
pub(super) mod logs;
pub(super) mod queries;
pub(super) mod rules;
pub(super) mod setup;
pub(super) mod silent;
pub(super) mod stopped;
pub(super) mod worst;

use super::section::Section;

/// All sections, in the order of the mail, the page and its navigation: the overview, what needs a
/// person, the inventory, and what fargaze itself did.
pub(super) const SECTIONS: &[&dyn Section] = &[
    &fleet::All,
    &changes::Changes,
    &alarms::Alarms,
    &stopped::Stopped,
    &silent::Silent,
    &setup::Setup,
    &rules::Rules,
    &worst::First,
    // On the page only: nobody would read a mail with every service.
    &clusters::Clusters,
    &eks::Eks,
    &insights::Insights,
    &logs::Logs,
    &queries::Queries,
    &coverage::Coverage,
    &cost::OwnCost,
];
