//! Reads snapshots line by line and builds the report.

use super::facts::ReportFacts;
use super::measured::slots::Slots;
use super::model::{FORMAT, Report, ReportWindow};
use super::sections::changes::compare;
use super::sections::changes::model::ReachChange;
use super::sections::clusters::model::ClusterReport;
use super::sections::cost::model::Cost;
use super::sections::eks::model::EksClusterReport;
use super::sections::eks::seen::most_pods;
use super::sections::insights::posture;
use super::sections::logs::model::LogsReport;
use super::sections::queries::model::QueriesReport;
use super::sections::rules::model::RuleLine;
use super::sections::setup::model::QuotaReport;
use super::sections::stopped::model::StoppedReport;
use super::sections::{alarms, coverage, fleet, worst};
use super::seen::SeenTarget;
use crate::evidence::snapshot::SnapshotLine;
use crate::logs::TargetLogs;
use crate::model::fault::Fault;
use crate::model::run::{Run, Target};
use crate::text::Text;

/// Builds the report of one run from the snapshots of its targets. It keeps only figures, not the
/// series behind them.
#[derive(Debug)]
pub struct ReportBuilder {
    run: Run,
    slots: Slots,
    targets: Vec<SeenTarget>,
}

impl ReportBuilder {
    /// An empty report of this run.
    pub fn new(run: &Run) -> Self {
        Self { run: run.clone(), slots: Slots::of(&run.window), targets: Vec::new() }
    }

    /// Starts the snapshot of a target, and discards what a failed attempt has already read for it.
    pub fn target(&mut self, target: &Target) {
        self.targets.retain(|seen| seen.target != *target);
        self.targets.push(SeenTarget::new(target));
    }

    /// Takes the next line of the target's snapshot.
    pub fn add(&mut self, line: SnapshotLine) {
        if let Some(target) = self.targets.last_mut() {
            target.take(line, self.run.time, &self.slots);
        }
    }

    /// The report on everything added, and on `facts`.
    pub fn finish(self, facts: ReportFacts<'_>) -> Report {
        let Self { run, slots, mut targets } = self;
        targets.iter_mut().for_each(|seen| seen.close(&slots));
        let alarms = alarms::collect::alarms(facts.alarms);
        let fleet = fleet::collect::fleet(&targets, &alarms, &slots);
        let worst = worst::collect::worst(&targets, &alarms, &slots);
        let coverage =
            coverage::collect::coverage(&targets, facts.results, facts.target_logs, facts.target_queries);
        let (start, end) = (run.window.start, run.window.end);
        let window = ReportWindow { start, end, period_seconds: run.window.period.seconds() };
        let stopped = StoppedReport::of(&targets, &window, run.time);
        let quotas = quotas(&targets);
        let (mut clusters, eks) = clusters(targets);
        take_sizes(&mut clusters, facts.target_logs);
        let posture = posture::posture(&run, facts.results, &mut clusters, facts.logs);
        let log_metrics =
            facts.target_logs.iter().map(|(_, logs)| logs.as_ref().map_or(0, TargetLogs::metrics));
        let log_metrics: usize = log_metrics.sum();
        let mut report = Report {
            format: FORMAT,
            run: Text::new(&run.id),
            time: run.time,
            window,
            fleet,
            since: None,
            coverage_changes: facts.changes.iter().filter_map(ReachChange::of).collect(),
            alarms,
            rules: RuleLine::reported(facts.rules, run.time),
            worst,
            stopped,
            quotas,
            posture,
            cost: Cost::of(coverage.metrics + log_metrics, facts.usage, run.time),
            logs: LogsReport::of(facts.target_logs),
            queries: QueriesReport::of(facts.target_queries),
            coverage,
            clusters,
            eks,
        };
        report.since = facts.previous.map(|previous| compare::since(previous, &report, facts.results));
        report
    }
}

/// Gives services and task families the sizes that the audit of their task definitions found.
fn take_sizes(clusters: &mut [ClusterReport], logs: &[(Target, Result<TargetLogs, Fault>)]) {
    for (target, logs) in logs {
        let Ok(TargetLogs::Read(read)) = logs else { continue };
        for running in &read.sizes {
            let is_it = |cluster: &&mut ClusterReport| {
                (&cluster.account, &cluster.region) == (&target.account, &target.region)
                    && running.subject.cluster() == Some(&cluster.cluster)
            };
            clusters.iter_mut().filter(is_it).for_each(|cluster| cluster.take_size(running));
        }
    }
}

/// Quotas by Region, account and class.
fn quotas(targets: &[SeenTarget]) -> Vec<QuotaReport> {
    let mut quotas: Vec<QuotaReport> = targets.iter().flat_map(|seen| seen.quotas.iter().cloned()).collect();
    quotas.sort_by(|a, b| (&a.region, &a.account, &a.class).cmp(&(&b.region, &b.account, &b.class)));
    quotas
}

/// ECS and EKS clusters, by Region, account and name.
fn clusters(targets: Vec<SeenTarget>) -> (Vec<ClusterReport>, Vec<EksClusterReport>) {
    let (mut clusters, mut eks) = (Vec::new(), Vec::new());
    let most_pods = most_pods(targets.iter().map(|seen| seen.eks.len()).sum());
    for seen in targets {
        let target = &seen.target;
        clusters.extend(seen.clusters.into_iter().map(|cluster| cluster.finish(target)));
        eks.extend(seen.eks.into_values().map(|cluster| cluster.finish(target, most_pods)));
    }
    clusters.sort_by(|a, b| (&a.region, &a.account, &a.cluster).cmp(&(&b.region, &b.account, &b.cluster)));
    eks.sort_by(|a, b| (&a.region, &a.account, &a.cluster).cmp(&(&b.region, &b.account, &b.cluster)));
    (clusters, eks)
}
