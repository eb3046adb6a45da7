//! Evaluation after all lines have been read: figures from ECS, and metrics whose lines were kept.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::Basis;
use super::super::which::is_late;
use super::Judging;
use crate::evidence::inventory::ServiceState;
use crate::model::fault::Fault;
use crate::model::metric::MetricQuery;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, ServiceFigure, Source};
use crate::sources::ecs_api::newest_only;
use crate::sources::{cloudwatch, not_queried, plan, source_of};

impl Judging<'_> {
    /// Evaluates what can only be evaluated after all lines have been read.
    pub(super) fn judge_late(&mut self, services: &HashMap<Subject, ServiceState>) {
        for (index, source, subject) in self.late() {
            let (rule, state) = (&self.rules[index], services.get(&subject));
            let (reading, basis) = match source {
                Source::EcsApi(figure) => {
                    let basis = Basis::State { idle: state.is_some_and(|state| state.desired == 0) };
                    (self.state_reading(rule, figure, &subject, state), basis)
                }
                Source::Metric(_) | Source::Derived { .. } | Source::Sampled(_) | Source::Custom => {
                    (Some(self.kept_reading(rule, &subject, source)), Basis::Points)
                }
            };
            match reading {
                Some(reading) => self.judge(index, &subject, Cow::Owned(reading), basis),
                None => self.evidence[index].not_due(),
            }
        }
    }

    /// What is evaluated after all lines have been read: the rule's index, its source, and the
    /// subject.
    fn late(&self) -> Vec<(usize, Source, Subject)> {
        let platform = self.begin.target.platform;
        let mut late = Vec::new();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.platform() == platform) {
            for (cluster, entry) in &self.inventory.clusters {
                let source = source_of(rule, entry).filter(|_| is_late(rule, &self.kept_metrics, entry));
                let Some(source) = source else { continue };
                late.extend(plan::subjects_in(rule, cluster, entry).map(|subject| (index, source, subject)));
            }
        }
        late
    }

    /// The reading of a rule whose lines were kept.
    fn kept_reading(&self, rule: &AlarmRule, subject: &Subject, source: Source) -> Reading {
        let answer = |query: MetricQuery| self.kept.get(&query).cloned().map(|reading| (query, reading));
        let queries = cloudwatch::queries(rule, subject, source);
        let mut answers: Vec<_> = queries.into_iter().filter_map(answer).collect();
        if let Some(reading) = rule.reading(&answers) {
            return reading.into_owned();
        }
        answers
            .pop()
            .map_or_else(|| Reading::Unread(not_queried(rule.measure.label())), |(_, reading)| reading)
    }

    /// The reading of a figure from ECS. `None` if the service was not described in this run
    /// because nothing was in progress at its last check.
    fn state_reading(
        &self,
        rule: &AlarmRule,
        figure: ServiceFigure,
        subject: &Subject,
        state: Option<&ServiceState>,
    ) -> Option<Reading> {
        let run = &self.begin.run;
        if let Some(state) = state {
            return Some(state.reading(figure, rule, run));
        }
        let unread = |fault: &Fault| Some(Reading::Unread(fault.clone()));
        match self.undescribed.get(subject) {
            Some(service) if figure.needs_every_service() || !service.is_alive => unread(&service.fault),
            None if figure.needs_every_service() => None,
            // A service whose metrics arrive has running tasks.
            _ => match self.unclear.get(subject) {
                Some(fault) => unread(fault),
                None => Some(newest_only(rule, &run.window, 0.0)),
            },
        }
    }
}
