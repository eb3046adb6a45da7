//! The section `logs` of the user's file.

use jiff::SignedDuration;

use super::library::Library;
use super::text;
use crate::logs::Masks;
use crate::model::run::RunKind;
use crate::rules::QueryPlaces;

/// Whether log lines may leave the account's logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Excerpts {
    /// Messages and reports have links only, because logs may hold secrets.
    #[default]
    Link,
    /// They have a few lines, with secrets masked.
    Lines,
}

/// The section `logs` of the user's file. Without it, no log is queried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogSettings {
    /// Whether messages and reports have log lines.
    pub excerpts: Excerpts,
    /// What is masked in them.
    pub masks: Masks,
    /// The saved queries.
    pub queries: Vec<SavedQuery>,
    /// US dollars that queries may cost in a calendar month (UTC), over all targets; `None` for no
    /// limit.
    pub dollars_a_month: Option<f64>,
}

/// A saved query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedQuery {
    /// Its name, unique in the file.
    pub name: String,
    /// Where it looks.
    pub places: QueryPlaces,
    /// Its text, in the language of Logs Insights.
    pub text: String,
    /// Where the text comes from, unless the user wrote it.
    pub library: Option<Library>,
    /// How far back it looks.
    pub window: SignedDuration,
    /// Whether it runs with every alarms run.
    pub with_alarms: bool,
    /// Whether it runs with the report.
    pub with_report: bool,
}

impl LogSettings {
    /// The queries of a run of this kind.
    pub fn queries_of(&self, kind: RunKind) -> impl Iterator<Item = &SavedQuery> {
        self.queries.iter().filter(move |query| query.runs_with(kind))
    }

    /// The query with this name.
    pub fn query(&self, name: &str) -> Option<&SavedQuery> {
        self.queries.iter().find(|query| query.name == name)
    }
}

impl SavedQuery {
    /// Whether it runs with runs of this kind.
    pub fn runs_with(&self, kind: RunKind) -> bool {
        match kind {
            RunKind::Alarms => self.with_alarms,
            RunKind::Report => self.with_report,
            RunKind::Sweep | RunKind::Rollback => false,
        }
    }

    /// The text that is sent for its result: its own, if it has `stats`; else the number of
    /// selected events over time, because lines are asked for apart.
    pub(super) fn result_text(&self) -> String {
        if text::has_stats(&self.text) {
            self.text.clone()
        } else {
            text::histogram(&self.text, bin_for(self.window))
        }
    }
}

/// The width of a bin with which a window has some thirty of them.
fn bin_for(window: SignedDuration) -> i64 {
    const WIDTHS: [i64; 7] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400];
    let ideal = window.as_secs() / 30;
    WIDTHS.into_iter().find(|width| *width >= ideal).unwrap_or(86_400)
}
