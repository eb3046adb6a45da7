//! The sections of the report, each in a folder with its data, how it is collected, and how it is shown.
//!
//! A new section is a folder and its line in [`SECTIONS`]. If it holds data of its own, [`Report`](super::model::Report) has a
//! field for it, which [`ReportBuilder`](super::builder::ReportBuilder) fills.

pub(super) mod alarms;
pub(super) mod changes;
pub(super) mod clusters;
pub(super) mod cost;
pub(super) mod coverage;
pub(super) mod eks;
pub(super) mod fleet;
pub(super) mod insights;
pub(super) mod rules;
pub(super) mod silent;
pub(super) mod worst;

use super::section::Section;

/// All sections in the order of the mail, of the page and of its navigation: how all is, what needs a person, what there
/// is, and what fargaze itself did.
pub(super) const SECTIONS: &[&dyn Section] = &[
    &fleet::All,
    &changes::Changes,
    &alarms::Alarms,
    &silent::Silent,
    &rules::Rules,
    &worst::First,
    // On the page only: a mail with every service would not be read.
    &clusters::Clusters,
    &eks::Eks,
    &insights::Insights,
    &coverage::Coverage,
    &cost::OwnCost,
];
