//! The sections `logs` and `budget`: saved queries, log lines in messages, and what queries may
//! cost.

use jiff::SignedDuration;
use serde::Deserialize;

use super::policies::log_group_pattern;
use super::read::{At, Problems, ScalarText};
use crate::logs::Masks;
use crate::logs::query::{Excerpts, Library, LogSettings, SavedQuery};
use crate::model::run::RunKind;
use crate::rules::pattern::NamePattern;
use crate::rules::{DurationText, QueryPlaces};
use crate::text::nearest::{hint, nearest};

/// Characters of a query (Amazon `CloudWatch` Logs API, `StartQuery`), less what fargaze adds.
const LONGEST_TEXT: usize = 9_000;
/// The same limits as for names of rules.
const LONGEST_NAME: usize = 100;
/// Saved queries of a file: an account runs at most 100 at once.
const MOST_QUERIES: usize = 50;
const DEFAULT_WINDOW: SignedDuration = SignedDuration::from_hours(1);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Saved queries of logs, and whether messages may have log lines.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename = "logs", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawLogs {
    /// Whether messages and reports have log lines, with secrets masked: lines, or only links,
    /// because logs may hold secrets. Default: link.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["link", "lines", null])))]
    excerpts: Option<At<ScalarText>>,
    /// Regular expressions of what to mask in log lines, in addition to the built-in ones.
    mask: Option<At<Vec<At<String>>>>,
    /// Queries of `CloudWatch` Logs Insights that fargaze runs.
    queries: Option<At<Vec<At<RawQuery>>>>,
}

/// A query of `CloudWatch` Logs Insights: where it looks, what it asks, and when it runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "query", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawQuery {
    /// Name, unique among the queries of the file: up to 100 characters.
    #[cfg_attr(test, schemars(required, length(min = 1, max = 100)))]
    name: Option<At<String>>,
    /// Log groups of the ECS services that match CLUSTER/SERVICE, `*` for any part.
    #[cfg_attr(test, schemars(length(min = 1)))]
    services: Option<At<Vec<At<String>>>>,
    /// Log groups of the EKS workloads that match CLUSTER/NAMESPACE/WORKLOAD, `*` for any part.
    #[cfg_attr(test, schemars(length(min = 1)))]
    workloads: Option<At<Vec<At<String>>>>,
    /// Names of log groups, `*` for any part.
    #[cfg_attr(test, schemars(length(min = 1)))]
    groups: Option<At<Vec<At<String>>>>,
    /// A built-in query, by name.
    library: Option<At<LibraryText>>,
    /// A query of your own, in the language of Logs Insights.
    #[cfg_attr(test, schemars(length(min = 1, max = 9000)))]
    text: Option<At<String>>,
    /// How far back it looks: 1m to 7d. Longer windows scan, and cost, more. Default: 1h.
    window: Option<At<DurationText>>,
    /// The runs with which it runs: alarms, report, or both. Default: report.
    #[cfg_attr(test, schemars(length(min = 1)))]
    run_with: Option<At<Vec<At<RunText>>>>,
}

/// What fargaze may spend.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename = "budget", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawBudget {
    /// US dollars that queries of logs may cost in a calendar month (UTC), over all targets, such as
    /// `20 USD`. A query that would exceed it is refused and reported. Default: no limit.
    #[cfg_attr(test, schemars(required))]
    month: Option<At<DollarsText>>,
}

/// The name of a built-in query.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct LibraryText(pub(super) String);

/// A kind of runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct RunText(pub(super) String);

/// An amount of US dollars.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct DollarsText(pub(super) String);

/// Both sections, validated; every problem is added to `problems`.
pub(super) fn check_logs(raw: RawLogs, budget: Option<RawBudget>, problems: &Problems) -> LogSettings {
    let RawLogs { excerpts, mask, queries } = raw;
    let masks =
        mask.and_then(|at| at.value).unwrap_or_default().into_iter().filter_map(|At { line, value }| {
            Masks::pattern(&value?).map_err(|why| problems.add(line, "logs: mask", why)).ok()
        });
    let masks = Masks::new(masks.collect());
    let (line, given) = queries.map_or((0, Vec::new()), |at| (at.line, at.value.unwrap_or_default()));
    if given.len() > MOST_QUERIES {
        let why =
            format_args!("are {}, but an account runs few at once: at most {MOST_QUERIES}", given.len());
        problems.add(line, "logs: queries", why);
    }
    let mut queries: Vec<(u64, SavedQuery)> = Vec::new();
    for At { line, value } in given {
        let Some(query) = value.and_then(|raw| check_query(line, raw, problems)) else { continue };
        if let Some((first, _)) = queries.iter().find(|(_, other)| other.name == query.name) {
            let why = format!("another query has the same name, on line {first}; names must be unique");
            problems.add(line, &format!("query `{}`: name", query.name), why);
        }
        queries.push((line, query));
    }
    LogSettings {
        excerpts: excerpts_of(excerpts, problems),
        masks,
        queries: queries.into_iter().map(|(_, query)| query).collect(),
        dollars_a_month: budget.and_then(|budget| dollars_of(budget, problems)),
    }
}

fn excerpts_of(raw: Option<At<ScalarText>>, problems: &Problems) -> Excerpts {
    let Some(At { line, value: Some(ScalarText(text)) }) = raw else { return Excerpts::default() };
    match text.as_str() {
        "link" => Excerpts::Link,
        "lines" => Excerpts::Lines,
        other => {
            let why = format!("`{other}` is neither link nor lines");
            problems.add(line, "logs: excerpts", why);
            Excerpts::default()
        }
    }
}

fn dollars_of(RawBudget { month }: RawBudget, problems: &Problems) -> Option<f64> {
    let At { line, value } = month?;
    let DollarsText(text) = value?;
    let number = text.trim().strip_suffix("USD").or_else(|| text.trim().strip_prefix('$'));
    let amount = number.and_then(|number| number.trim().parse::<f64>().ok());
    let amount = amount.filter(|amount| amount.is_finite() && *amount >= 0.0);
    if amount.is_none() {
        problems.add(line, "budget: month", format_args!("`{text}` is not an amount such as `20 USD`"));
    }
    amount
}

/// A query that is being checked.
struct Check<'a> {
    label: String,
    line: u64,
    problems: &'a Problems,
}

impl Check<'_> {
    fn add(&self, line: u64, key: &str, why: impl std::fmt::Display) {
        self.problems.add(line, &format!("{}: {key}", self.label), why);
    }
}

fn check_query(line: u64, raw: RawQuery, problems: &Problems) -> Option<SavedQuery> {
    let RawQuery { name, services, workloads, groups, library, text, window, run_with } = raw;
    let given = name.as_ref().and_then(|name| name.value.as_deref()).filter(|name| !name.trim().is_empty());
    let label = given.map_or_else(|| "query".to_owned(), |name| format!("query `{name}`"));
    let check = Check { label, line, problems };
    let name = check.name(name);
    let places = check.places(services, workloads, groups);
    let text = check.text(library, text);
    let window = check.window(window.as_ref());
    let (with_alarms, with_report) = check.runs(run_with);
    let (text, library) = text?;
    Some(SavedQuery { name: name?, places: places?, text, library, window, with_alarms, with_report })
}

impl Check<'_> {
    fn name(&self, name: Option<At<String>>) -> Option<String> {
        let Some(At { line, value }) = name else {
            self.add(self.line, "name", "is missing");
            return None;
        };
        let name = value?;
        let why = if name.trim().is_empty() {
            "is empty".to_owned()
        } else if name.chars().count() > LONGEST_NAME {
            format!("has more than {LONGEST_NAME} characters")
        } else if name.contains(char::is_control) {
            format!("`{}` contains an invisible character: write the name again", name.escape_debug())
        } else {
            return Some(name);
        };
        self.add(line, "name", why);
        None
    }

    /// Where it looks: exactly one of three lists.
    fn places(
        &self,
        services: Option<At<Vec<At<String>>>>,
        workloads: Option<At<Vec<At<String>>>>,
        groups: Option<At<Vec<At<String>>>>,
    ) -> Option<QueryPlaces> {
        match (services, workloads, groups) {
            (Some(list), None, None) => self
                .patterns("services", list, |text| text.parse().map_err(|error| format!("{error}")))
                .map(QueryPlaces::Services),
            (None, Some(list), None) => self
                .patterns("workloads", list, |text| text.parse().map_err(|error| format!("{error}")))
                .map(QueryPlaces::Workloads),
            (None, None, Some(list)) => self.patterns("groups", list, groups_named).map(QueryPlaces::Groups),
            (None, None, None) => {
                self.add(self.line, "services", "is missing: write services, workloads or groups");
                None
            }
            _ => {
                let why =
                    "is given together with another of services, workloads and groups: write two queries";
                self.add(self.line, "services", why);
                None
            }
        }
    }

    fn patterns<T>(
        &self,
        key: &str,
        At { line, value }: At<Vec<At<String>>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let given = value?;
        if given.is_empty() {
            self.add(line, key, "the list is empty");
            return None;
        }
        let count = given.len();
        let good: Vec<T> = given
            .into_iter()
            .filter_map(|At { line, value }| read(&value?).map_err(|why| self.add(line, key, why)).ok())
            .collect();
        (good.len() == count).then_some(good)
    }

    /// What it asks: its own text, or one of the library.
    fn text(
        &self,
        library: Option<At<LibraryText>>,
        text: Option<At<String>>,
    ) -> Option<(String, Option<Library>)> {
        match (library, text) {
            (Some(At { line, value }), None) => {
                let LibraryText(key) = value?;
                let known: Vec<&str> = Library::ALL.iter().map(|library| library.key()).collect();
                let found = Library::ALL.iter().find(|library| library.key() == key);
                if found.is_none() {
                    let all = known.join(", ");
                    let near = nearest(&key, known)
                        .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                    self.add(line, "library", format_args!("`{key}` is not one of {all}{near}"));
                }
                found.map(|library| (library.text().to_owned(), Some(*library)))
            }
            (None, Some(At { line, value })) => {
                let text = value?;
                let why = if text.trim().is_empty() {
                    "is empty".to_owned()
                } else if text.chars().count() > LONGEST_TEXT {
                    format!("has more than {LONGEST_TEXT} characters")
                } else if text.trim_start().to_ascii_uppercase().starts_with("SOURCE") {
                    "begins with SOURCE: name the log groups under services, workloads or groups".to_owned()
                } else {
                    return Some((text.trim().to_owned(), None));
                };
                self.add(line, "text", why);
                None
            }
            (None, None) => {
                self.add(
                    self.line,
                    "text",
                    "is missing: write text, or library with the name of a built-in query",
                );
                None
            }
            (Some(_), Some(At { line, .. })) => {
                self.add(line, "text", "is given together with library: write one of them");
                None
            }
        }
    }

    fn window(&self, window: Option<&At<DurationText>>) -> SignedDuration {
        let Some(At { line, value: Some(DurationText(window)) }) = window else { return DEFAULT_WINDOW };
        if !(SHORTEST..=LONGEST).contains(window) {
            self.add(*line, "window", format_args!("`{window:#}` is not between 1m and 7d"));
        }
        *window
    }

    /// Whether it runs with alarms runs and with reports.
    fn runs(&self, run_with: Option<At<Vec<At<RunText>>>>) -> (bool, bool) {
        let Some(At { line, value: Some(given) }) = run_with else { return (false, true) };
        if given.is_empty() {
            self.add(line, "run-with", "the list is empty: write alarms, report, or both");
        }
        let mut runs = (false, false);
        for At { line, value } in given {
            match value.as_ref().map(|RunText(text)| text.as_str()) {
                Some(text) if text == RunKind::Alarms.as_str() => runs.0 = true,
                Some(text) if text == RunKind::Report.as_str() => runs.1 = true,
                Some(other) => {
                    let why = format!(
                        "`{other}` is neither alarms nor report: {}",
                        hint(other, &["alarms", "report"])
                    );
                    self.add(line, "run-with", why);
                }
                None => {}
            }
        }
        runs
    }
}

fn groups_named(text: &str) -> Result<NamePattern, String> {
    log_group_pattern(text).map_err(|error| error.to_string())
}
