//! Compares two checks of a service.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{ServiceState, ServiceTrend, UndescribedService};
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::deployment::RolloutState;
use crate::model::status::ServiceStatus;

/// Results of an earlier run's service checks.
#[derive(Debug, Clone, Default)]
pub struct EarlierChecks {
    /// Services as ECS described them.
    states: BTreeMap<(ClusterName, ServiceName), ServiceState>,
    /// Services that could not be described.
    undescribed: BTreeSet<(ClusterName, ServiceName)>,
}

impl EarlierChecks {
    /// Adds the state of a service.
    pub fn add(&mut self, state: ServiceState) {
        self.states.insert((state.cluster.clone(), state.service.clone()), state);
    }

    /// Adds a service that could not be described.
    pub fn add_undescribed(&mut self, UndescribedService { cluster, service, .. }: UndescribedService) {
        self.undescribed.insert((cluster, service));
    }

    /// Whether the service must be checked again, whatever the rotation says: because something was
    /// in progress, or because it could not be described.
    pub fn must_recheck(&self, cluster: &ClusterName, service: &ServiceName, now: Timestamp) -> bool {
        let key = (cluster.clone(), service.clone());
        self.undescribed.contains(&key) || self.states.get(&key).is_some_and(|state| state.is_unsettled(now))
    }
}

impl ServiceState {
    /// Desired tasks that are not running.
    pub fn tasks_missing(&self) -> u32 {
        self.desired.saturating_sub(self.running)
    }

    /// Compares the service with its check in an earlier run, if there is one. A service that the
    /// earlier run does not mention was settled when it was last checked. `end` is the end of this
    /// run's window.
    pub fn compare(&mut self, earlier: Option<&EarlierChecks>, end: Timestamp) {
        let key = (self.cluster.clone(), self.service.clone());
        // If the earlier run could not describe the service, its earlier state is unknown.
        let earlier = earlier.filter(|earlier| !earlier.undescribed.contains(&key));
        let before = earlier.and_then(|earlier| earlier.states.get(&key));
        let is_short = self.status == ServiceStatus::Active && self.tasks_missing() > 0;
        let since = before.and_then(|before| before.trend.short_since);
        let deployment = self.deployment.as_ref();
        let failed = deployment.map_or(0, |deployment| deployment.failed_tasks);
        let known = before.and_then(|before| before.deployment.as_ref());
        let known = known.filter(|known| deployment.is_some_and(|now| now.started_at == known.started_at));
        let known = known.map_or(0, |known| known.failed_tasks);
        self.trend = ServiceTrend {
            short_since: is_short.then(|| since.unwrap_or(end)),
            // ECS counts consecutive failures: a smaller number means that the count restarted.
            new_failures: match earlier {
                Some(_) => Some(if failed < known { failed } else { failed - known }),
                // When those tasks failed is unknown.
                None => (failed == 0).then_some(0),
            },
        };
    }

    /// Whether the next run must check the service again, whatever the rotation says.
    pub fn is_unsettled(&self, now: Timestamp) -> bool {
        let deploys = self.deployment.as_ref().is_some_and(|deployment| {
            let is_over = deployment.rollout_state.is_none_or(|state| state == RolloutState::Completed);
            !is_over || deployment.failed_tasks > 0 || deployment.has_failed(now)
        });
        self.tasks_missing() > 0 || deploys
    }
}
