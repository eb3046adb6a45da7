//! Keys of rules on services: `minimum-samples` and `runs-on`.

use super::super::read::At;
use super::check::Check;
use crate::model::compute::Capacity;
use crate::model::metric::Statistic;
use crate::rules::pattern::NamePattern;
use crate::rules::{BalancerFigure, Measure, Scope, measures_with_samples};
use crate::text::nearest::hint;

impl Check<'_> {
    /// The least number of requests of a period. Reports it for a measure whose periods have no
    /// number of samples.
    pub(super) fn minimum_samples(&self, at: Option<&At<u32>>, measure: Option<&Measure>) -> Option<u32> {
        let At { line, value } = at?;
        let has = |measure: &Measure| measure.balancer_figure().is_some_and(BalancerFigure::has_samples);
        if measure.is_some_and(|measure| !has(measure)) {
            let words: Vec<&str> = measures_with_samples().collect();
            let why = format_args!("is only valid with `what: {}`", words.join("` or `what: "));
            self.add(*line, "minimum-samples", why);
        }
        if *value == Some(0) {
            self.add(*line, "minimum-samples", "must be at least 1; leave the key out for no minimum");
        }
        value.filter(|least| *least > 0)
    }

    /// What the tasks of the services run on. Reports a pattern that matches no kind of capacity.
    pub(super) fn runs_on(&self, at: Option<&At<Vec<At<NamePattern>>>>, scope: Scope) -> Vec<NamePattern> {
        let Some(at) = at else { return vec![NamePattern::new("*")] };
        if scope != Scope::Service {
            self.add(at.line, "runs-on", format_args!("is not valid for scope {}", scope.as_str()));
        }
        let Some(given) = &at.value else { return Vec::new() };
        if given.is_empty() {
            self.add(at.line, "runs-on", "the list is empty; leave the key out to mean all of them");
        }
        let known: Vec<&str> = Capacity::ALL.iter().map(|capacity| capacity.as_str()).collect();
        let mut patterns = Vec::new();
        for At { line, value } in given {
            let Some(pattern) = value else { continue };
            if !known.iter().any(|word| pattern.matches(word)) {
                let text = pattern.to_string();
                let why = format_args!("`{text}` is not a kind of capacity: {}", hint(&text, &known));
                self.add(*line, "runs-on", why);
            }
            patterns.push(pattern.clone());
        }
        patterns
    }

    /// Reports a statistic for a figure of load balancers or a quota that has only one.
    pub(super) fn statistic_of_balancers(&self, measure: &Measure, statistic: Option<&Statistic>) {
        let Some(statistic) = statistic else { return };
        let fixed =
            |figure: BalancerFigure| (figure != BalancerFigure::ResponseTime).then(|| figure.statistic());
        let of_quota = measure.quota_figure().map(|_| Statistic::Maximum);
        let only = measure.balancer_figure().and_then(fixed).or(of_quota);
        if only.is_some_and(|only| *statistic != only) {
            self.add(
                self.line,
                "statistic",
                "is not valid for this measure, which has only one: leave it out",
            );
        }
    }
}
