//! What a section of the report is: how the mail, the page and the short JSON of the message show it.

use maud::{Markup, html};
use serde_json::Value;

pub(crate) use super::model::Report;
use crate::model::cluster::{AccountId, Region};

/// Members of the JSON of the message.
pub(crate) type Members = Vec<(&'static str, Value)>;

/// A section of the report. What it does not implement it lacks: a section may be shown in some of the forms only.
pub(crate) trait Section: Sync {
    /// How it is called.
    fn head(&self, report: &Report) -> Head;

    /// Its heading in the mail: that of the page, in capitals where a word begins with one.
    fn mail_heading(&self, report: &Report) -> String {
        let title = self.head(report).title;
        let words = title.split(' ').map(|word| {
            if word.starts_with(char::is_uppercase) { word.to_uppercase() } else { word.to_owned() }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Its lines in the mail; empty if there is nothing to tell.
    fn mail(&self, _view: &View<'_>) -> String {
        String::new()
    }

    /// What stands under its heading on the page; empty if there is nothing to show.
    fn page(&self, _view: &View<'_>) -> Markup {
        html! {}
    }

    /// What the page's style sheet needs for it.
    fn style(&self) -> &'static str {
        ""
    }

    /// What programs behind the topic get of it, without what only the JSON in the bucket has.
    fn json(&self, _report: &Report) -> Members {
        Vec::new()
    }
}

/// How a section is called.
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

/// A report with how its places are told apart.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) report: &'a Report,
    places: Places,
}

/// How places are told apart: by nothing, by Region, or by Region and account, whichever is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    One,
    Regions,
    Accounts,
}

impl<'a> View<'a> {
    /// The report as it is shown.
    pub(crate) fn of(report: &'a Report) -> Self {
        let problems = report.coverage.problems.iter().map(|problem| (&problem.account, &problem.region));
        Self { report, places: Places::among(report.places().chain(problems)) }
    }

    /// `, eu-west-1 (123456789012)` if there is but one place, so that it is told once.
    pub(crate) fn only_place(&self) -> String {
        match (self.places, self.report.places().next()) {
            (Places::One, Some((account, region))) => format!(", {region} ({account})"),
            _ => String::new(),
        }
    }

    /// ` in eu-west-1`, ` in eu-west-1 (123456789012)` or nothing, behind what is there.
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
