//! What died, for the alarms of a service; and which alarms others hide.

use std::collections::HashSet;

use super::super::{AlarmKey, NoticeBody};
use super::{ChangedAlarm, Judging};
use crate::deaths::{Class, DeathSummary, Origin};
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, Source, TaskFigure};
use crate::sources::plan;

impl Judging<'_> {
    /// The deaths that explain an alarm on what ECS or events say of a service.
    pub(super) fn deaths_behind(&self, rule: &AlarmRule, subject: &Subject) -> Vec<DeathSummary> {
        let figure = rule.measure.task_figure();
        let is_of_tasks = figure.is_some() || rule.measure.service_figure().is_some();
        let Some(groups) = self.incidents.get(subject).filter(|_| is_of_tasks) else { return Vec::new() };
        let is_asked = |class| {
            rule.classes.contains(&class)
                || figure == Some(TaskFigure::SpotInterruptions) && class == Class::Spot
        };
        DeathSummary::failures(groups, is_asked)
    }

    /// What is to be said where it is not known why tasks of a service stopped.
    pub(super) fn deaths_not_known(&self, rule: &AlarmRule, subject: &Subject) -> Option<String> {
        let fault = self.known.as_ref()?.fault.as_ref()?;
        let is_of_tasks = rule.measure.service_figure().is_some() && subject.service().is_some();
        (is_of_tasks && !self.incidents.contains_key(subject))
            .then(|| format!("Why its tasks stopped is not known: {fault}."))
    }

    /// The services with incidents, or with an alarm of a rule that counts them: the only ones whose
    /// count may not be zero, or was not.
    pub(super) fn with_incidents(&self) -> Vec<(usize, Source, Subject)> {
        let platform = self.begin.target.platform;
        let mut found = Vec::new();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.platform() == platform) {
            let Some(figure) = rule.measure.task_figure() else { continue };
            for (cluster, entry) in &self.inventory.clusters {
                let matters = |subject: &Subject| {
                    self.incidents.contains_key(subject) || self.remembered(rule, subject).is_some()
                };
                let subjects = plan::subjects_in(rule, cluster, entry).filter(matters);
                found.extend(subjects.map(|subject| (index, Source::TaskEvents(figure), subject)));
            }
        }
        found
    }

    /// Marks the rules that count events as having data: that nothing happened is known.
    pub(super) fn note_known_events(&mut self) {
        let known = self.known.as_ref();
        let is_known = known.is_some_and(|known| known.fault.is_none() && known.origin == Origin::Events);
        for (rule, evidence) in self.rules.iter().zip(&mut self.evidence) {
            if rule.measure.task_figure().is_some() {
                if is_known { evidence.known() } else { evidence.not_due() }
            }
        }
    }

    /// Names in each new notification the alarms that its rule hides.
    pub(super) fn name_hidden(&self, changes: &mut [ChangedAlarm<'_>], in_alarm: &HashSet<AlarmKey>) {
        for changed in changes {
            let AlarmKey { rule: name, subject } = &changed.record.key;
            let is_hidden = |rule: &&AlarmRule| {
                rule.unless.contains(name)
                    && in_alarm.contains(&AlarmKey { rule: rule.name.clone(), subject: subject.clone() })
            };
            let hidden: Vec<String> =
                self.rules.iter().filter(is_hidden).map(|rule| rule.name.clone()).collect();
            if hidden.is_empty() {
                continue;
            }
            let before = self.remembered(changed.rule, &changed.record.key.subject);
            let earlier = before.map_or(0, |record| record.pending.len());
            changed.observation.hidden.clone_from(&hidden);
            for notice in changed.record.pending.iter_mut().skip(earlier) {
                if let NoticeBody::Began { hidden: named, .. } = &mut notice.body {
                    named.clone_from(&hidden);
                }
            }
        }
    }
}
