//! What a rule sees in a snapshot: the one reading that it is judged on.

use jiff::SignedDuration;

use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::inventory::ServiceState;
use crate::metric::MetricQuery;
use crate::plan;
use crate::rule::{AlarmRule, Measure, Subject};
use crate::series::{MetricSeries, Reading};
use crate::snapshot::Snapshot;
use crate::transition::newest_only;

/// How long a new service may take to start its first task before "nothing runs" counts.
const START_UP: SignedDuration = SignedDuration::from_mins(10);

/// How old the newest point of a service may be before the service counts as silent.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(5);

impl Snapshot {
    /// The reading that the rule is judged on for this subject.
    pub fn reading(&self, rule: &AlarmRule, subject: &Subject) -> Reading {
        if rule.measure == Measure::NothingRunning {
            return self.tasks_missing(rule, subject);
        }
        let queries = plan::queries(rule, subject);
        match (rule.measure, &queries[..]) {
            (Measure::Derived { formula, .. }, [first, second]) => {
                formula.derive(&self.answer(first), &self.answer(second))
            }
            (Measure::Metric(_), [query]) => self.answer(query),
            _ => Reading::Unread(not_asked("the rule's metrics do not exist for this subject")),
        }
    }

    /// Whether it is sure which services the cluster has, be it none because the cluster is gone.
    pub fn knows_services_of(&self, cluster: &ClusterName) -> bool {
        let listing = ["ecs:ListClusters", "ecs:DescribeClusters"];
        let mut faults = self.coverage.faults.iter().map(|counted| &counted.fault);
        let clusters_listed = faults.all(|fault| !listing.contains(&fault.operation.as_str()));
        clusters_listed && self.inventory.clusters.get(cluster).is_none_or(|entry| !entry.services_unread)
    }

    fn answer(&self, query: &MetricQuery) -> Reading {
        let answer = self.readings.get(query).cloned();
        answer.unwrap_or_else(|| Reading::Unread(not_asked(&format!("{} was not asked", query.metric))))
    }

    /// Tasks that should run while none does. ECS was asked about silent services only: a service whose metrics arrive
    /// has running tasks.
    fn tasks_missing(&self, rule: &AlarmRule, subject: &Subject) -> Reading {
        let known = |value| Reading::Complete(newest_only(rule, &self.run.window, value));
        let nothing_known = Reading::Complete(MetricSeries::default());
        let state = self.services.iter().find(|state| {
            state.cluster == subject.cluster && Some(&state.service) == subject.service.as_ref()
        });
        match state {
            Some(state) if state.status != "ACTIVE" || self.is_starting(state) => nothing_known,
            Some(state) if state.running == 0 => known(f64::from(state.desired)),
            Some(_) => known(0.0),
            None => match self.unread_reason(subject) {
                Some(fault) => Reading::Unread(fault),
                None => known(0.0),
            },
        }
    }

    fn is_starting(&self, state: &ServiceState) -> bool {
        state.created_at.is_some_and(|created| self.run.time.duration_since(created) < START_UP)
    }

    /// Why nothing is known of a service: ECS was to be asked and did not answer, or its metrics could not be read.
    fn unread_reason(&self, subject: &Subject) -> Option<Fault> {
        let described = |fault: &&Fault| {
            fault.operation == "ecs:DescribeServices" && fault.subject == subject.cluster.as_str()
        };
        let faults = self.coverage.faults.iter().map(|counted| &counted.fault);
        let of_service = self.readings.iter().filter(|(query, _)| {
            let dimensions = &query.metric.dimensions;
            dimensions.get("ClusterName") == Some(subject.cluster.as_str())
                && dimensions.get("ServiceName")
                    == subject.service.as_ref().map(super::cluster::ServiceName::as_str)
        });
        let mut unread = of_service.filter_map(|(_, reading)| reading.fault());
        faults.filter(described).chain(unread.by_ref()).next().cloned()
    }
}

fn not_asked(why: &str) -> Fault {
    Fault::malformed("cloudwatch:GetMetricData", "", why)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::config::{DEFAULT_YAML, read_rules};
    use crate::inventory::Inventory;
    use crate::outcome::{CountedFault, Coverage};
    use crate::run::{Part, Run, RunKind, Target};

    fn now() -> Timestamp {
        "2026-11-22T10:05:00Z".parse().unwrap()
    }

    fn snapshot(services: Vec<ServiceState>) -> Snapshot {
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(15));
        Snapshot {
            run: Run::new(RunKind::Alarms, now(), delay, lookback, None),
            target: Target {
                account: "123456789012".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                part: Part::WHOLE,
                role: None,
            },
            coverage: Coverage::default(),
            inventory: Inventory { read_at: now(), clusters: BTreeMap::new(), faults: Vec::new() },
            services,
            readings: BTreeMap::new(),
        }
    }

    fn state(desired: u32, running: u32, age_minutes: i64) -> ServiceState {
        ServiceState {
            cluster: "shop".parse().unwrap(),
            service: "web".parse().unwrap(),
            status: "ACTIVE".to_owned(),
            desired,
            running,
            pending: 0,
            created_at: Some(now() - SignedDuration::from_mins(age_minutes)),
        }
    }

    fn missing(snapshot: &Snapshot) -> Reading {
        let rules = read_rules(DEFAULT_YAML).unwrap();
        let subject = Subject { cluster: "shop".parse().unwrap(), service: Some("web".parse().unwrap()) };
        snapshot.reading(rules.iter().find(|rule| rule.name == "nothing-running").unwrap(), &subject)
    }

    #[test]
    fn a_service_with_desired_tasks_and_none_running_lacks_all_of_them() {
        assert_eq!(missing(&snapshot(vec![state(2, 0, 60)])).series().unwrap().max(), Some(2.0));
    }

    #[test]
    fn a_service_that_runs_or_should_not_run_lacks_nothing() {
        for services in [vec![state(2, 1, 60)], vec![state(0, 0, 60)], vec![]] {
            assert_eq!(missing(&snapshot(services)).series().unwrap().max(), Some(0.0));
        }
    }

    #[test]
    fn a_service_created_a_minute_ago_or_being_deleted_is_not_judged() {
        let mut draining = state(2, 0, 60);
        draining.status = "DRAINING".to_owned();
        for service in [state(2, 0, 1), draining] {
            assert!(missing(&snapshot(vec![service])).is_silent());
        }
    }

    #[test]
    fn a_service_that_ecs_did_not_describe_is_unread_and_not_fine() {
        let mut snapshot = snapshot(Vec::new());
        let fault = Fault::malformed("ecs:DescribeServices", "shop", "cut");
        snapshot.coverage.faults = vec![CountedFault { fault: fault.clone(), count: 1 }];
        assert_eq!(missing(&snapshot), Reading::Unread(fault));
    }
}
