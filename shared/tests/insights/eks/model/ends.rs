//! What may be at the end of a history, when nobody touches anything any more.

use fargaze::cluster::ClusterName;
use fargaze::insights::eks::{
    AddonWish, AwsLoggingWish, EksAspect, EksChange, EksFinding, EksResult, EksState, LoggingNamespace,
    LogsWish,
};
use fargaze::insights::{ChangeState, ExistingClusters, opts_out};

use super::judge::is_met;
use super::{Cluster, Owner, World};
use crate::eks::table::data;

impl World {
    /// Every part is as configured, or there is a true reason why not.
    pub(crate) fn judge_end(&self, findings: &[EksFinding]) {
        for finding in findings {
            let EksFinding { cluster: name, aspect, result, reason, news, .. } = finding;
            assert!(!news, "it is reported again and again: {finding:?}");
            let cluster = &self.clusters[name];
            let Some(aspect) = *aspect else {
                let left = *result == EksResult::Left && opts_out(&cluster.tags);
                assert!(left || *result == EksResult::Reported && cluster.is_failed(), "{finding:?}");
                continue;
            };
            let policies = self.configured(name).wishes;
            let state = cluster.state(aspect);
            match result {
                EksResult::Right => assert!(is_met(aspect, &state, &policies), "{finding:?}"),
                EksResult::Left if reason.contains("restore") => {
                    assert!(!is_met(aspect, &state, &policies), "{finding:?}");
                }
                EksResult::Left => assert!(self.is_not_asked_for(name, aspect), "{finding:?}"),
                EksResult::Blocked => assert!(is_blocked(cluster, aspect), "{finding:?}"),
                EksResult::Reported => self.judge_report(finding, cluster, aspect, &state),
                EksResult::Fight { .. } => {}
                _ => panic!("{name} does not come to rest: {finding:?}"),
            }
        }
    }

    /// Whether a part is as it is to be made.
    pub(crate) fn fulfils(&self, name: &ClusterName, aspect: EksAspect) -> bool {
        is_met(aspect, &self.clusters[name].state(aspect), &self.configured(name).wishes)
    }

    fn is_not_asked_for(&self, name: &ClusterName, aspect: EksAspect) -> bool {
        let policies = self.configured(name).wishes;
        let cluster = &self.clusters[name];
        match aspect {
            EksAspect::MetricsServer => policies.metrics_server == AddonWish::Leave,
            EksAspect::CloudwatchObservability => {
                policies.cloudwatch_observability == AddonWish::Leave || !cluster.has_nodes
            }
            EksAspect::ControlPlaneLogs => policies.control_plane_logs == LogsWish::Leave,
            EksAspect::AwsLogging => {
                let is_built_in = self.configured(name).is_built_in(aspect);
                policies.aws_logging == AwsLoggingWish::Leave || cluster.profile.is_none() || is_built_in
            }
        }
    }

    fn judge_report(&self, finding: &EksFinding, cluster: &Cluster, aspect: EksAspect, state: &EksState) {
        let configured = self.configured(&finding.cluster);
        let says = |words: &str| finding.reason.contains(words);
        let policies = &configured.wishes;
        let is_true = if says("existing: report") {
            configured.existing == ExistingClusters::Report && !is_met(aspect, state, policies)
        } else if says("EKS failed at it 2 times") {
            cluster.past.has_failed_twice(aspect) && !is_met(aspect, state, policies)
        } else if says("a restore wanted it undone") {
            cluster.past.undone.contains(&aspect)
        } else {
            match aspect {
                EksAspect::ControlPlaneLogs => {
                    policies.control_plane_logs == LogsWish::Report && cluster.logs.is_empty()
                }
                EksAspect::AwsLogging => match &cluster.config_map {
                    None => policies.aws_logging == AwsLoggingWish::Report,
                    Some((there, owner)) => {
                        let is_bad = *there == data("bad") || is_blocked(cluster, aspect);
                        is_bad || *owner == Owner::Others && !is_met(aspect, state, policies)
                    }
                },
                _ => match cluster.addons.get(aspect.addon().unwrap()) {
                    Some(addon) => addon.fails,
                    None => [policies.metrics_server, policies.cloudwatch_observability]
                        .contains(&AddonWish::Report),
                },
            }
        };
        assert!(is_true, "{state} of {cluster:?}: {finding:?}");
    }

    /// Changes of which it is still open how they ended, though the cluster can be looked at.
    pub(crate) fn open(&self) -> Vec<&EksChange> {
        let is_open = |change: &&EksChange| {
            let there = self.clusters.get(&change.subject.cluster).filter(|there| change.time >= there.born);
            let is_seen = |there: &Cluster| there.status(self.minute) == "ACTIVE" && !opts_out(&there.tags);
            there.is_some_and(is_seen)
                && (change.state == ChangeState::Planned || change.in_progress().is_some())
        };
        self.table.values().filter(is_open).collect()
    }

    /// What of fargaze's is there that nobody touched since, and a restore has to take away; of clusters that can be
    /// changed at all.
    pub(crate) fn untouched(&self) -> Vec<(ClusterName, EksAspect)> {
        let active = self.clusters.iter().filter(|(_, cluster)| cluster.status(self.minute) == "ACTIVE");
        let of = |(name, cluster): (&ClusterName, &Cluster)| {
            let parts = EksAspect::ALL.into_iter().filter(|aspect| cluster.is_of_fargaze(*aspect));
            parts.map(|aspect| (name.clone(), aspect)).collect::<Vec<_>>()
        };
        active.flat_map(of).collect()
    }
}

fn is_blocked(cluster: &Cluster, aspect: EksAspect) -> bool {
    match aspect {
        EksAspect::MetricsServer => {
            !cluster.has_nodes && cluster.profile.is_none_or(|(namespace, _)| namespace == "default")
        }
        EksAspect::AwsLogging => matches!(cluster.namespace, LoggingNamespace::NotEnabled(_)),
        EksAspect::CloudwatchObservability | EksAspect::ControlPlaneLogs => false,
    }
}

impl Cluster {
    /// Whether a part is as fargaze made it, and fargaze knows that. Where a call was not answered, what is there may
    /// be of others as well.
    fn is_of_fargaze(&self, aspect: EksAspect) -> bool {
        let ours = |owner: &Owner| *owner == Owner::Fargaze;
        let is_there = match (aspect, aspect.addon()) {
            (_, Some(name)) => self.addons.get(name).is_some_and(|addon| ours(&addon.owner) && !addon.fails),
            (EksAspect::AwsLogging, _) => self.config_map.as_ref().is_some_and(|(_, owner)| ours(owner)),
            _ => self.logs.values().any(ours),
        };
        is_there && !self.past.unanswered.contains(&aspect)
    }
}
