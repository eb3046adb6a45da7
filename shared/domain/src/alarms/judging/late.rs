//! Evaluation after all lines have been read: figures from ECS, and metrics whose lines were kept.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::super::Basis;
use super::super::which::is_late;
use super::Judging;
use crate::deaths::Origin;
use crate::evidence::inventory::ServiceState;
use crate::model::fault::Fault;
use crate::model::load_balancer::LoadBalancing;
use crate::model::metric::{Metric, MetricQuery};
use crate::model::run::Target;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, BalancerFigure, Scope, ServiceFigure, Source};
use crate::sources::ecs_api::newest_only;
use crate::sources::{cloudwatch, load_balancers, not_queried, plan, source_of, task_events};

impl Judging<'_> {
    /// Evaluates what can only be evaluated after all lines have been read.
    pub(super) fn judge_late(&mut self, services: &HashMap<Subject, ServiceState>) {
        self.note_known_events();
        for (index, source, subject) in self.late() {
            let (rule, state) = (&self.rules[index], services.get(&subject));
            let (reading, basis) = match source {
                Source::LogsInsights => match self.log_reading(rule, &subject) {
                    Some(reading) => (Some(reading), Basis::Points),
                    None => continue,
                },
                Source::TaskEvents(figure) => {
                    // What ECS still knows of services in trouble says nothing about the others.
                    let known = self.known.as_ref().filter(|known| known.origin == Origin::Events);
                    let Some(known) = known else { continue };
                    let groups = self.incidents.get(&subject).map(Vec::as_slice).unwrap_or_default();
                    let window = &self.begin.run.window;
                    (Some(task_events::reading(figure, rule, groups, known, window)), Basis::Points)
                }
                Source::EcsApi(figure) => {
                    let basis = Basis::State { idle: state.is_some_and(|state| state.desired == 0) };
                    (self.state_reading(rule, figure, &subject, state), basis)
                }
                // A query that failed has a line that says so.
                Source::Quota(figure) => (self.kept.get(&figure.query(rule.period)).cloned(), Basis::Points),
                Source::LoadBalancer(figure) => {
                    (self.balancer_reading(figure, rule, &subject), Basis::Points)
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
                let source = source.filter(|source| !matches!(source, Source::TaskEvents(_)));
                let Some(source) = source else { continue };
                late.extend(plan::subjects_in(rule, cluster, entry).map(|subject| (index, source, subject)));
            }
        }
        late.extend(self.quotas());
        late.extend(self.log_groups());
        late.extend(self.with_incidents());
        late
    }

    /// The rules on quotas: the first part evaluates them for the whole account.
    fn quotas(&self) -> impl Iterator<Item = (usize, Source, Subject)> + '_ {
        let Target { platform, part, .. } = self.begin.target;
        let rules = self.rules.iter().enumerate().filter(move |(_, rule)| {
            rule.scope == Scope::Account
                && rule.platform() == platform
                && part.holds_subject(&Subject::Account)
        });
        rules.filter_map(|(index, rule)| {
            Some((index, Source::Quota(rule.measure.quota_figure()?), Subject::Account))
        })
    }

    /// The rules on log groups, which belong to no cluster: the groups that were queried, and those
    /// whose alarm is stored.
    fn log_groups(&self) -> impl Iterator<Item = (usize, Source, Subject)> + '_ {
        let of_groups = |rule: &AlarmRule| rule.scope == Scope::LogGroup;
        let rules = self.rules.iter().enumerate().filter(move |(_, rule)| of_groups(rule));
        rules.flat_map(|(index, rule)| {
            let queried = self.logs.rules.get(&rule.name).into_iter().flatten().map(|(subject, _)| subject);
            let stored = self.before.iter().filter(|(subject, records)| {
                matches!(subject, Subject::LogGroup(_))
                    && self.begin.target.part.holds_subject(subject)
                    && self.logs.may_have(&rule.name, subject)
                    && rule.covers(subject)
                    && records.iter().any(|record| record.key.rule == rule.name)
            });
            let subjects: BTreeSet<&Subject> = queried.chain(stored.map(|(subject, _)| *subject)).collect();
            subjects.into_iter().map(move |subject| (index, Source::LogsInsights, subject.clone()))
        })
    }

    /// The reading of a rule on logs. `None` if the logs of the subject cannot be queried, unless it
    /// has an alarm, which then cannot be evaluated.
    fn log_reading(&self, rule: &AlarmRule, subject: &Subject) -> Option<Reading> {
        let unread = || Reading::Unread(not_queried(&format!("its logs ({})", rule.measure.label())));
        let has_alarm = self.remembered(rule, subject).is_some();
        self.logs.of(&rule.name, subject).or_else(|| has_alarm.then(unread))
    }

    /// The reading of a rule whose lines were kept.
    fn kept_reading(&self, rule: &AlarmRule, subject: &Subject, source: Source) -> Reading {
        let answer = |query: MetricQuery| self.kept.get(&query).cloned().map(|reading| (query, reading));
        let entry = subject.cluster().and_then(|cluster| self.inventory.clusters.get(cluster));
        let queries = entry.map(|entry| cloudwatch::queries(rule, subject, source, entry));
        let queries = queries.unwrap_or_default();
        let mut answers: Vec<_> = queries.into_iter().filter_map(answer).collect();
        if let Some(reading) = rule.reading(&answers) {
            return reading.into_owned();
        }
        answers
            .pop()
            .map_or_else(|| Reading::Unread(not_queried(rule.measure.label())), |(_, reading)| reading)
    }

    /// The reading of a figure of load balancers; `None` if nothing is in front of the service.
    fn balancer_reading(
        &self,
        figure: BalancerFigure,
        rule: &AlarmRule,
        subject: &Subject,
    ) -> Option<Reading> {
        let answer = |query: &MetricQuery| self.kept.get(query).cloned();
        Some(load_balancers::reading(figure, rule, self.balancing(subject)?, answer))
    }

    /// What the load balancers of a service show in the newest periods.
    pub(super) fn said_of_balancers(&self, rule: &AlarmRule, subject: &Subject) -> Option<String> {
        load_balancers::said(rule, self.balancing(subject)?, |query| self.kept.get(query))
    }

    /// The metrics of load balancers that a rule evaluates for a service.
    pub(super) fn balancer_metrics(&self, rule: &AlarmRule, subject: &Subject) -> Vec<Metric> {
        let Some(figure) = rule.measure.balancer_figure() else { return Vec::new() };
        let entry = subject.cluster().and_then(|cluster| self.inventory.clusters.get(cluster));
        let queries = entry.map(|entry| load_balancers::queries(figure, rule, subject, entry));
        queries.unwrap_or_default().into_iter().map(|query| query.metric).collect()
    }

    fn balancing(&self, subject: &Subject) -> Option<&LoadBalancing> {
        load_balancers::of_service(subject, self.inventory.clusters.get(subject.cluster()?)?)
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
