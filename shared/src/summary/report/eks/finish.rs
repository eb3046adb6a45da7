//! From what was read of a cluster of EKS to its report.

use super::{
    AddonReport, CadvisorReport, EksClusterReport, FindingReport, MetricsApiReport, MetricsApiState,
    ProfileReport, SeenEks, WorkloadReport,
};
use crate::kubernetes::workload::listed_with;
use crate::pods::ClusterState;
use crate::run::Target;
use crate::summary::report::figures::{Answer, Utilization};
use crate::summary::report::text::Text;

/// Findings that a report keeps of a cluster, and profiles, and add-ons.
const MOST: usize = 40;

/// The report of one cluster, with at most so many of its pods.
pub(in crate::summary::report) fn cluster(
    target: &Target,
    mut seen: SeenEks,
    most_pods: usize,
) -> EksClusterReport {
    seen.keep_worst_pods(most_pods);
    let SeenEks { name, unread, state, api, workloads, pods, pod_count, hints, vended } = seen;
    let (metrics, metrics_left_out) = vended.finish();
    let unlisted = state.as_ref().map(|state| state.unlisted.clone()).unwrap_or_default();
    let workloads = workloads.into_values().map(|workload| WorkloadReport {
        replicas_not_known: unlisted.contains(listed_with(workload.figures.kind.as_str())),
        ..of_workload(&workload.figures, &api, unread)
    });
    let workloads = workloads.collect();
    let report = EksClusterReport {
        account: target.account.clone(),
        region: target.region.clone(),
        cluster: name,
        status: None,
        version: None,
        metrics_api: api,
        cadvisor: None,
        fargate_nodes: None,
        other_nodes: None,
        profiles: None,
        addons: None,
        logs: None,
        findings: Vec::new(),
        hints: hints.finish(),
        unread,
        workloads,
        unlisted: unlisted.iter().map(|kind| Text::new(kind)).collect(),
        pods_left_out: pod_count - pods.len(),
        pods,
        metrics,
        metrics_left_out,
    };
    match state {
        Some(state) => set_up(report, &state),
        None => report,
    }
}

fn set_up(report: EksClusterReport, state: &ClusterState) -> EksClusterReport {
    EksClusterReport {
        status: state.status.as_deref().map(Text::new),
        version: state.version.as_deref().map(Text::new),
        cadvisor: state.cadvisor.as_ref().map(CadvisorReport::from),
        fargate_nodes: state.nodes.map(|nodes| nodes.fargate),
        other_nodes: state.nodes.map(|nodes| nodes.other),
        profiles: state.profiles.as_ref().map(|of| of.iter().take(MOST).map(ProfileReport::from).collect()),
        addons: state.addons.as_ref().map(|of| of.iter().take(MOST).map(AddonReport::from).collect()),
        logs: state.logs.clone(),
        findings: state.findings.iter().take(MOST).map(FindingReport::from).collect(),
        ..report
    }
}

impl SeenEks {
    /// The figures of a workload, where it is told whether they could be asked for.
    pub(in crate::summary::report) fn asked(&self, figures: &WorkloadReport) -> WorkloadReport {
        of_workload(figures, &self.api, self.unread)
    }
}

/// Where the cluster could not be read, that no pod was seen does not mean that there is none.
fn of_workload(figures: &WorkloadReport, api: &MetricsApiReport, unread: bool) -> WorkloadReport {
    let serves = api.state == MetricsApiState::Serves;
    let (cpu, memory) = (asked(figures.cpu, serves), asked(figures.memory, serves));
    WorkloadReport { cpu, memory, pods: figures.pods.filter(|_| !unread), ..figures.clone() }
}

/// Where the Metrics API does not answer, there being no figure does not mean that there is none.
fn asked(figure: Utilization, serves: bool) -> Utilization {
    let is_empty = figure.average.or(figure.maximum).is_none();
    let answer = if is_empty && !serves { Answer::CouldNotAsk } else { figure.answer };
    Utilization { answer, ..figure }
}
