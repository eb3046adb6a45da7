//! The trait of a report section: how the mail, the page and the compact JSON show it.

use maud::{Markup, html};
use serde_json::Value;

pub(crate) use super::model::Report;
use crate::model::cluster::{AccountId, Region};

/// Members of the message's JSON.
pub(crate) type Members = Vec<(&'static str, Value)>;

/// A section of the report. The defaults show nothing, so a section may appear in some of the
/// formats only.
pub(crate) trait Section: Sync {
    /// Its names.
    fn head(&self, report: &Report) -> Head;

    /// Its heading in the mail: the page's heading, with every capitalized word in capitals.
    fn mail_heading(&self, report: &Report) -> String {
        let title = self.head(report).title;
        let words = title.split(' ').map(|word| {
            if word.starts_with(char::is_uppercase) { word.to_uppercase() } else { word.to_owned() }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Its lines in the mail; empty if there is nothing to report.
    fn mail(&self, _view: &View<'_>) -> String {
        String::new()
    }

    /// Its content on the page; empty if there is nothing to show.
    fn page(&self, _view: &View<'_>) -> Markup {
        html! {}
    }

    /// Its addition to the page's style sheet.
    fn style(&self) -> &'static str {
        ""
    }

    /// Its members in the compact JSON, for programs that subscribe to the topic.
    fn json(&self, _report: &Report) -> Members {
        Vec::new()
    }
}

/// The names of a section.
#[derive(Debug)]
pub(crate) struct Head {
    /// Its anchor on the page.
    pub(crate) id: &'static str,
    /// Its name in the navigation of the page.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) title: String,
}

impl Head {
    /// Anchor, name and heading.
    pub(crate) fn new(id: &'static str, name: &'static str, title: impl Into<String>) -> Self {
        Self { id, name, title: title.into() }
    }
}

/// A report, and how much of account and Region it takes to distinguish its places.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) report: &'a Report,
    places: Places,
}

/// What distinguishes the places of a report: nothing (there is one), the Region, or Region and
/// account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    One,
    Regions,
    Accounts,
}

impl<'a> View<'a> {
    /// A view of the report.
    pub(crate) fn of(report: &'a Report) -> Self {
        let problems = report.coverage.problems.iter().map(|problem| (&problem.account, &problem.region));
        Self { report, places: Places::among(report.places().chain(problems)) }
    }

    /// `, eu-west-1 (123456789012)` if there is only one place, so that it is named once.
    pub(crate) fn only_place(&self) -> String {
        match (self.places, self.report.places().next()) {
            (Places::One, Some((account, region))) => format!(", {region} ({account})"),
            _ => String::new(),
        }
    }

    /// The suffix of a name: ` in eu-west-1`, ` in eu-west-1 (123456789012)` or nothing.
    pub(crate) fn place(&self, account: &AccountId, region: &Region) -> String {
        match self.places {
            Places::One => String::new(),
            Places::Regions => format!(" in {region}"),
            Places::Accounts => format!(" in {region} ({account})"),
        }
    }
}

impl Places {
    fn among<'a>(mut places: impl Iterator<Item = (&'a AccountId, &'a Region)>) -> Self {
        let Some(first) = places.next() else { return Self::One };
        let mut result = Self::One;
        for (account, region) in places {
            if account != first.0 {
                return Self::Accounts;
            }
            if region != first.1 {
                result = Self::Regions;
            }
        }
        result
    }
}
