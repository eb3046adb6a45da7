//! Finds the alarms that end because their subject or rule was deleted.

use super::super::which::was_listed;
use super::super::{AlarmKey, AlarmRecord, end};
use super::Judging;
use crate::evidence::coverage::Coverage;
use crate::model::subject::{Scope, Subject, TaskOwner};
use crate::rules::AlarmRule;
use crate::sources::{load_balancers, plan};

fn has(parts: &[(TaskOwner, String)], owner: &TaskOwner, name: &str) -> bool {
    parts.iter().any(|(of, other)| of == owner && other == name)
}

impl Judging<'_> {
    /// The alarms that end: those whose subject or rule certainly no longer exists, and not only
    /// was not read in this run.
    pub(super) fn ended(&self, coverage: &Coverage) -> Vec<AlarmRecord> {
        let part = self.begin.target.part;
        let here = self.before.values().flatten().filter(|record| part.holds_subject(&record.key.subject));
        let unevaluated = here.filter(|record| !self.is_judged(&record.key));
        let deleted = unevaluated.filter(|record| self.knows(&record.key.subject, coverage));
        let mut ended: Vec<_> = deleted.filter_map(|record| end(record, self.begin.run.window.end)).collect();
        ended.sort_by(|a, b| a.key.cmp(&b.key));
        ended
    }

    fn is_judged(&self, AlarmKey { rule, subject }: &AlarmKey) -> bool {
        if let Subject::LogGroup(_) = subject {
            let rule = self.rules.iter().find(|candidate| candidate.name == *rule);
            return rule.is_some_and(|rule| rule.covers(subject) && self.logs.may_have(&rule.name, subject));
        }
        if let Subject::Account = subject {
            let is_it = |candidate: &AlarmRule| candidate.name == *rule && candidate.scope == Scope::Account;
            // Without a cluster nothing is queried.
            return !self.inventory.clusters.is_empty() && self.rules.iter().any(is_it);
        }
        let entry = subject.cluster().and_then(|cluster| self.inventory.clusters.get(cluster));
        let Some(entry) = entry else { return false };
        let exists = match subject {
            Subject::Account | Subject::Cluster(_) | Subject::LogGroup(_) => true,
            Subject::Service(_, service) => entry.services().contains(service),
            Subject::TaskFamily(_, family) => entry.task_families().contains(family),
            Subject::Task(_, owner, id) => entry.ecs().is_some_and(|ecs| has(&ecs.tasks, owner, id)),
            Subject::Container(_, owner, name) => {
                entry.ecs().is_some_and(|ecs| has(&ecs.containers, owner, name))
            }
            Subject::Workload(_, workload) => entry.workloads().contains(workload),
        };
        let rule = self.rules.iter().find(|candidate| candidate.name == *rule);
        let rule = rule.filter(|rule| rule.platform() == self.begin.target.platform);
        // What is in front of a service may not be known for a while.
        let is_unclear = |rule: &AlarmRule| {
            rule.measure.balancer_figure().is_some() && load_balancers::may_be_unknown(subject, entry)
        };
        exists && rule.is_some_and(|rule| plan::judges(rule, subject, entry) || is_unclear(rule))
    }

    /// Whether the inventory certainly contains the subject if it exists; also true if its cluster
    /// was deleted.
    fn knows(&self, subject: &Subject, coverage: &Coverage) -> bool {
        if let Subject::LogGroup(_) = subject {
            return true;
        }
        let listed = was_listed(coverage, subject.scope());
        let cluster = subject.cluster().and_then(|cluster| self.inventory.clusters.get(cluster));
        listed && cluster.is_none_or(|entry| !entry.unlisted)
    }
}
