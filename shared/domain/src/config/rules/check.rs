//! Validates one rule of the file and reports everything that is wrong with it.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

use super::super::read::{At, Either, OneOf, Problems};
use super::raw::{RawMaintenance, RawMetric, RawRule, RemindText, StatisticText, WhatText};
use super::{MAX_EVALUATION_PERIODS, unless};
use crate::logs::query::LogSettings;
use crate::model::metric::{Period, Statistic, Unit};
use crate::model::vended::is_counter;
use crate::rules::pattern::NamePattern;
use crate::rules::{
    AlarmRule, BalancerFigure, Comparison, Condition, DurationText, MaintenanceWindow, Measure,
    SAMPLE_PERIOD, Scope, Selection, SourceKind, ThresholdText,
};
use crate::text::nearest::nearest;

/// The maximum length of the evaluation range in seconds: CloudWatch evaluates longer ranges only
/// once per hour (`PutMetricAlarm`).
const DAY: i64 = 86_400;

/// The maximum number of characters of a name.
const MAX_NAME: usize = 100;

const STATISTICS: [&str; 5] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];

/// A rule whose problems are being reported.
pub(super) struct Check<'a> {
    /// The owner of the keys, such as "rule `busy`".
    label: String,
    /// The first line of the rule.
    pub line: u64,
    problems: &'a Problems,
}

impl Check<'_> {
    /// Reports a problem with the value of a key.
    pub(super) fn add(&self, line: u64, key: &str, why: impl fmt::Display) {
        self.problems.add(line, &format!("{}: {key}", self.label), why);
    }

    /// A required value. `None` if it is missing or could not be read; both have then been
    /// reported.
    fn need<T>(&self, key: &str, at: Option<At<T>>) -> Option<(u64, T)> {
        let Some(at) = at else {
            self.add(self.line, key, "is missing");
            return None;
        };
        at.value.map(|value| (at.line, value))
    }

    /// A duration within its limits.
    fn duration(
        &self,
        key: &str,
        line: u64,
        text: DurationText,
        least: &str,
        most: &str,
    ) -> Option<SignedDuration> {
        let limit = |text: &str| DurationText::from_str(text).map_or(SignedDuration::ZERO, |limit| limit.0);
        let fits = (limit(least)..=limit(most)).contains(&text.0);
        if !fits {
            self.add(line, key, format_args!("`{:#}` is not between {least} and {most}", text.0));
        }
        fits.then_some(text.0)
    }
}

/// The rule, if it is valid.
pub(super) fn rule(line: u64, raw: RawRule, logs: &LogSettings, problems: &Problems) -> Option<AlarmRule> {
    let given =
        raw.name.as_ref().and_then(|name| name.value.as_deref()).filter(|name| !name.trim().is_empty());
    let label = given.map_or_else(|| "rule".to_owned(), |name| format!("rule `{name}`"));
    let check = Check { label, line, problems };
    let query = super::log_query::of(raw.what.as_ref(), logs);
    let of_query = query.map(|query| query.places.scope());
    let scope = raw.scope.as_ref().and_then(|at| at.value).or(of_query);
    let scope = scope.unwrap_or_else(|| default_scope(raw.what.as_ref()));

    let name = check.need("name", raw.name.clone()).and_then(|(line, name)| check.name(line, name));
    let sampled = is_sampled(raw.what.as_ref());
    let statistic = check.statistic(raw.statistic.as_ref(), default_statistic(raw.what.as_ref(), sampled));
    let is_of_logs = super::log_query::is_given(raw.what.as_ref());
    let measure = if is_of_logs {
        check.log_measure(&raw, query, logs)
    } else {
        check.measure(raw.what.as_ref(), scope, statistic.as_ref())
    };
    let classes = check.classes(raw.classes.as_ref(), measure.as_ref());
    let minimum_samples = check.minimum_samples(raw.minimum_samples.as_ref(), measure.as_ref());
    let source = check.source(raw.source.as_ref(), measure.as_ref());
    let period = check.period(raw.period.as_ref(), sampled, is_of_logs);
    let selection = check.selection(&raw, scope);
    let condition = measure.as_ref().zip(statistic.as_ref());
    let condition = check.condition(&raw, condition, period);
    let hold = raw.minimum_hold.and_then(|at| check.duration("minimum-hold", at.line, at.value?, "0s", "7d"));
    let remind_every = check.remind_every(raw.remind_every);
    let maintenance = raw.maintenance.and_then(|at| at.value).unwrap_or_default();
    let maintenance = maintenance.into_iter().filter_map(|window| check.maintenance(window)).collect();
    let unless = unless::names(raw.unless.as_ref()).into_iter().map(|(_, name)| name.to_owned()).collect();
    Some(AlarmRule {
        name: name?,
        measure: measure?,
        classes,
        minimum_samples,
        source,
        statistic: statistic?,
        scope,
        selection,
        condition: condition?,
        period: period?,
        severity: raw.severity.and_then(|at| at.value).unwrap_or_default(),
        message: raw.message.and_then(|at| at.value),
        hold: hold.unwrap_or_default(),
        remind_every,
        maintenance,
        quiet_during_deployment: raw.quiet_during_deployment.and_then(|at| at.value).unwrap_or_default(),
        unless,
    })
}

/// Whether the measure is sampled once per run, and so has a fixed period.
fn is_sampled(what: Option<&Either<WhatText, RawMetric>>) -> bool {
    let Some(OneOf::Plain(WhatText(text))) = what.and_then(|what| what.value.as_ref()) else { return false };
    Measure::from_str(text).is_ok_and(|measure| measure.sampled().is_some())
}

/// The scope of a rule that names none: the account for a quota, which exists for nothing else.
fn default_scope(what: Option<&Either<WhatText, RawMetric>>) -> Scope {
    match what.and_then(|what| what.value.as_ref()) {
        Some(OneOf::Plain(WhatText(text)))
            if Measure::from_str(text).is_ok_and(|measure| measure.quota_figure().is_some()) =>
        {
            Scope::Account
        }
        _ => Scope::default(),
    }
}

/// The statistic of a rule that names none: Maximum for samples of pods, Sum for counters of the
/// control plane.
fn default_statistic(what: Option<&Either<WhatText, RawMetric>>, sampled: bool) -> Statistic {
    let text = |at: &Option<At<String>>| at.as_ref().and_then(|at| at.value.clone()).unwrap_or_default();
    match what.and_then(|what| what.value.as_ref()) {
        _ if sampled => Statistic::Maximum,
        Some(OneOf::Plain(WhatText(text))) if is_counted(text) => Statistic::Sum,
        Some(OneOf::Plain(WhatText(text))) => {
            let measure = Measure::from_str(text).ok();
            let is_quota = measure.as_ref().is_some_and(|measure| measure.quota_figure().is_some());
            let figure = measure.and_then(|measure| measure.balancer_figure());
            let other = if is_quota { Statistic::Maximum } else { Statistic::Average };
            figure.map_or(other, BalancerFigure::statistic)
        }
        // One value for a period: there is nothing to aggregate.
        Some(OneOf::Compound(metric)) if metric.log_query.is_some() => Statistic::Sum,
        Some(OneOf::Compound(metric)) if is_counter(&text(&metric.namespace), &text(&metric.metric)) => {
            Statistic::Sum
        }
        _ => Statistic::Average,
    }
}

/// Whether the measure counts events, which can only be added up.
fn is_counted(text: &str) -> bool {
    Measure::from_str(text).is_ok_and(|measure| measure.task_figure().is_some())
}

impl Check<'_> {
    /// A name that can be part of the key under which an alarm is stored.
    fn name(&self, line: u64, name: String) -> Option<String> {
        let why = if name.trim().is_empty() {
            "is empty".to_owned()
        } else if name.chars().count() > MAX_NAME {
            format!("has more than {MAX_NAME} characters")
        } else if name.contains('#') {
            format!("`{}` contains `#`: choose a name without it", name.escape_debug())
        } else if name.contains(char::is_control) {
            format!("`{}` contains an invisible character: write the name again", name.escape_debug())
        } else {
            return Some(name);
        };
        self.add(line, "name", why);
        None
    }

    fn statistic(&self, at: Option<&At<StatisticText>>, default: Statistic) -> Option<Statistic> {
        let Some(at) = at else { return Some(default) };
        let StatisticText(text) = at.value.as_ref()?;
        let read = Statistic::from_str(text).map_err(|error| match nearest(text, STATISTICS) {
            Some(near) => self.add(at.line, "statistic", format_args!("{error}; did you mean `{near}`?")),
            None => self.add(at.line, "statistic", error),
        });
        read.ok()
    }

    /// The source that the rule chooses. Reports one that the measure does not have.
    fn source(&self, at: Option<&At<SourceKind>>, measure: Option<&Measure>) -> Option<SourceKind> {
        let At { line, value: Some(source) } = at? else { return None };
        let known: Vec<&str> = measure?.sources().map(|source| source.kind().as_str()).collect();
        if !known.contains(&source.as_str()) {
            let (source, known) = (source.as_str(), known.join(" or "));
            self.add(*line, "source", format_args!("{source} does not provide this measure, only {known}"));
        }
        Some(*source)
    }

    fn period(&self, at: Option<&At<i64>>, sampled: bool, is_of_logs: bool) -> Option<Period> {
        let default = match (sampled, is_of_logs) {
            (true, _) => SAMPLE_PERIOD,
            (false, true) => Period::FIVE_MINUTES,
            (false, false) => Period::MINUTE,
        };
        let Some(at) = at else { return Some(default) };
        let period =
            Period::from_seconds(at.value?).map_err(|error| self.add(at.line, "period", error)).ok()?;
        if sampled && period != SAMPLE_PERIOD {
            let why = format_args!(
                "{}, but pods are sampled once per run, so it must be {}",
                period.seconds(),
                SAMPLE_PERIOD.seconds()
            );
            self.add(at.line, "period", why);
        }
        Some(period)
    }

    fn selection(&self, raw: &RawRule, scope: Scope) -> Selection {
        let is_part = matches!(scope, Scope::Task | Scope::Container);
        let of_service = (scope != Scope::Service && !is_part).then_some(&raw.services);
        let of_family = (scope != Scope::TaskFamily && !is_part).then_some(&raw.task_families);
        let of_container = (scope != Scope::Container).then_some(&raw.containers);
        let of_account = |at| (scope == Scope::Account).then_some(at);
        if let (Scope::Account, Some(at)) = (scope, &raw.tags) {
            self.add(at.line, "tags", "is not valid for scope account");
        }
        let of_workload = |at| (scope != Scope::Workload).then_some(at);
        for (key, at) in [
            ("clusters", of_account(&raw.clusters)),
            ("services", of_service),
            ("task-families", of_family),
            ("containers", of_container),
            ("namespaces", of_workload(&raw.namespaces)),
            ("workloads", of_workload(&raw.workloads)),
        ] {
            if let Some(Some(at)) = at {
                self.add(at.line, key, format_args!("is not valid for scope {}", scope.as_str()));
            }
        }
        let tags = raw.tags.as_ref().and_then(|at| at.value.as_ref());
        let tags = tags.into_iter().flatten().filter_map(|(key, at)| Some((key.clone(), at.value.clone()?)));
        Selection {
            clusters: self.patterns("clusters", raw.clusters.as_ref()),
            services: self.patterns("services", raw.services.as_ref()),
            runs_on: self.runs_on(raw.runs_on.as_ref(), scope),
            task_families: self.patterns("task-families", raw.task_families.as_ref()),
            containers: self.patterns("containers", raw.containers.as_ref()),
            namespaces: self.patterns("namespaces", raw.namespaces.as_ref()),
            workloads: self.patterns("workloads", raw.workloads.as_ref()),
            tags: tags.collect(),
        }
    }

    /// Patterns that can match a name: ECS has the same rules for names of clusters, services and
    /// families; Kubernetes also allows dots.
    fn patterns(&self, key: &str, at: Option<&At<Vec<At<NamePattern>>>>) -> Vec<NamePattern> {
        let Some(at) = at else { return vec![NamePattern::new("*")] };
        let Some(given) = &at.value else { return Vec::new() };
        if given.is_empty() {
            self.add(at.line, key, "the list is empty; leave the key out to mean all of them");
        }
        let dots = matches!(key, "namespaces" | "workloads");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-' | '_') || (dots && c == '.');
        let mut patterns = Vec::new();
        for At { line, value } in given {
            let Some(pattern) = value else { continue };
            let text = pattern.to_string();
            if text.is_empty() || !text.chars().all(fits) {
                let why =
                    "is not a name pattern: letters, digits, hyphens and underscores, with * for any part";
                self.add(*line, key, format_args!("`{text}` {why}"));
            }
            patterns.push(pattern.clone());
        }
        patterns
    }

    fn condition(
        &self,
        raw: &RawRule,
        measured: Option<(&Measure, &Statistic)>,
        period: Option<Period>,
    ) -> Option<Condition> {
        let periods = self.need("evaluation-periods", raw.evaluation_periods.clone());
        let periods = periods.and_then(|(line, n)| self.evaluation_periods(line, n, measured, period));
        let datapoints = match &raw.datapoints_to_alarm {
            None => periods,
            Some(at) => at.value.filter(|m| {
                let n = raw.evaluation_periods.as_ref().and_then(|at| at.value).filter(|n| *n > 0);
                let good = *m > 0 && n.is_none_or(|n| *m <= n);
                if !good {
                    let n = n.map_or_else(String::new, |n| format!(" ({n})"));
                    let why = format!("{m} is not between 1 and evaluation-periods{n}");
                    self.add(at.line, "datapoints-to-alarm", why);
                }
                good
            }),
        };
        let comparison = self.need("comparison", raw.comparison.clone()).map(|(_, comparison)| comparison);
        let threshold = self.need("threshold", raw.threshold.clone());
        let in_unit = |key, line, text: &ThresholdText| {
            let (measure, statistic) = measured?;
            // SampleCount has no unit, whatever was sampled.
            let unit = if *statistic == Statistic::SampleCount { Unit::Count } else { measure.unit() };
            text.in_unit(unit).map_err(|error| self.add(line, key, error)).ok()
        };
        let threshold = threshold.and_then(|(line, text)| in_unit("threshold", line, &text));
        let clear = raw.clear_threshold.as_ref();
        let clear_threshold = clear.and_then(|at| in_unit("clear-threshold", at.line, at.value.as_ref()?));
        let clear = clear_threshold.zip(clear).zip(threshold.zip(comparison));
        let clear_is_wrong = clear.is_some_and(|((clear, at), (threshold, comparison))| {
            self.clear_threshold_breaches(at.line, clear, threshold, comparison)
        });
        Some(Condition {
            comparison: comparison?,
            threshold: threshold?,
            clear_threshold: clear_threshold.filter(|_| !clear_is_wrong),
            evaluation_periods: periods?,
            datapoints_to_alarm: datapoints?,
            treat_missing_data: raw.treat_missing_data.as_ref().and_then(|at| at.value).unwrap_or_default(),
        })
    }

    fn evaluation_periods(
        &self,
        line: u64,
        n: u32,
        measured: Option<(&Measure, &Statistic)>,
        period: Option<Period>,
    ) -> Option<u32> {
        let key = "evaluation-periods";
        let seconds = period.unwrap_or(Period::MINUTE).seconds();
        if n == 0 || n > MAX_EVALUATION_PERIODS {
            self.add(line, key, format_args!("{n} is not between 1 and {MAX_EVALUATION_PERIODS}"));
            return None;
        }
        if i64::from(n) * seconds > DAY {
            let most = DAY / seconds;
            self.add(
                line,
                key,
                format_args!("{n} periods of {seconds} seconds are more than a day: at most {most}"),
            );
            return None;
        }
        if let Some((Measure::Named(row), _)) =
            measured.filter(|(measure, _)| n > 1 && measure.is_of_one_instant())
        {
            let why = format_args!("{n}, but {} is read once per run, so it must be 1", row.word);
            self.add(line, key, why);
            return None;
        }
        Some(n)
    }

    /// Whether an alarm would end at values that still breach the threshold, which is reported.
    fn clear_threshold_breaches(
        &self,
        line: u64,
        clear: f64,
        threshold: f64,
        comparison: Comparison,
    ) -> bool {
        let (wrong, side) = match comparison {
            Comparison::GreaterThanThreshold | Comparison::GreaterThanOrEqualToThreshold => {
                (clear > threshold, "most")
            }
            Comparison::LessThanThreshold | Comparison::LessThanOrEqualToThreshold => {
                (clear < threshold, "least")
            }
        };
        if wrong {
            self.add(
                line,
                "clear-threshold",
                format_args!("{clear} still breaches: it must be at {side} the threshold ({threshold})"),
            );
        }
        wrong
    }

    fn remind_every(&self, at: Option<At<RemindText>>) -> Option<SignedDuration> {
        let Some(at) = at else { return Some(SignedDuration::from_hours(24)) };
        let RemindText(text) = at.value?;
        if text == "never" {
            return None;
        }
        let Ok(duration) = text.parse() else {
            let near = nearest(&text, ["never"]).map_or("", |_| "; did you mean `never`?");
            let why = format!("`{text}` is neither a duration such as 12h nor `never`{near}");
            self.add(at.line, "remind-every", why);
            return None;
        };
        self.duration("remind-every", at.line, duration, "5m", "30d")
    }

    fn maintenance(&self, at: At<RawMaintenance>) -> Option<MaintenanceWindow> {
        let raw = at.value?;
        let check =
            Check { label: format!("{}: maintenance", self.label), line: at.line, problems: self.problems };
        let cron = check.need("cron", raw.cron);
        let duration = check.need("duration", raw.duration);
        let duration = duration.and_then(|(line, text)| check.duration("duration", line, text, "1m", "7d"));
        let zone = match raw.time_zone {
            None => MaintenanceWindow::zone("UTC").ok(),
            Some(At { line, value }) => value.and_then(|name| {
                let zone = MaintenanceWindow::zone(&name);
                zone.map_err(|error| {
                    let known: Vec<String> =
                        jiff::tz::db().available().map(|name| name.to_string()).collect();
                    let near = nearest(&name, known.iter().map(String::as_str));
                    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    check.add(line, "time-zone", format_args!("{error}{near}"));
                })
                .ok()
            }),
        };
        let (line, cron) = cron?;
        // Checked even if the others are missing, so that all problems are reported.
        let length = duration.unwrap_or(SignedDuration::from_hours(1));
        let window = MaintenanceWindow::new(&cron, length, zone.clone().unwrap_or(jiff::tz::TimeZone::UTC));
        let window = window.map_err(|error| check.add(line, "cron", error)).ok();
        window.filter(|_| duration.is_some() && zone.is_some())
    }
}
