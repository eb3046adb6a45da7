//! From what was read to the report.

use super::builder::{ReportBuilder, SeenCluster, SeenService, SeenTarget};
use super::coverage;
use super::eks::{self, EksClusterReport, SeenEks};
use super::facts::ReportFacts;
use super::figures::{History, tenth};
use super::model::{AlarmLine, ClusterReport, FORMAT, Fleet, Report, ReportWindow};
use super::since;
use super::slots::Slots;
use super::standing::Cost;
use super::text::Text;
use super::worst;
use crate::evaluate::AlarmState;
use crate::run::Target;
use crate::summary::{RuleLine, posture};
use crate::usage::price;
use jiff::Timestamp;

/// The whole report.
pub(super) fn report(builder: ReportBuilder, facts: &ReportFacts<'_>) -> Report {
    let ReportBuilder { run, slots, mut targets } = builder;
    let clusters = targets.iter_mut().flat_map(|seen| &mut seen.clusters);
    clusters
        .flat_map(|cluster| &mut cluster.services)
        .for_each(|seen| seen.note_missing_metrics(&run.window));
    let alarms = alarms(facts);
    let fleet = fleet(&targets, &alarms, &slots);
    let worst = worst::worst(&targets, &alarms, &slots);
    let coverage = coverage::coverage(&targets, facts.results);
    let report_metrics = u64::try_from(coverage.metrics).unwrap_or(u64::MAX);
    let (mut clusters, mut eks) = (Vec::<ClusterReport>::new(), Vec::<EksClusterReport>::new());
    let most_pods = eks::most_pods(targets.iter().map(|seen| seen.eks.len()).sum());
    for mut seen in targets {
        let of_eks = std::mem::take(&mut seen.eks);
        eks.extend(of_eks.into_values().map(|cluster| eks::cluster(&seen.target, cluster, most_pods)));
        clusters.extend(self::clusters(seen));
    }
    eks.sort_by(|a, b| (&a.region, &a.account, &a.cluster).cmp(&(&b.region, &b.account, &b.cluster)));
    clusters.sort_by(|a, b| (&a.region, &a.account, &a.cluster).cmp(&(&b.region, &b.account, &b.cluster)));
    let posture = posture::posture(&run, facts.results, &mut clusters, facts.ledgers);
    let (start, end) = (run.window.start, run.window.end);
    let mut report = Report {
        format: FORMAT,
        run: Text::new(&run.id),
        time: run.time,
        window: ReportWindow { start, end, period_seconds: run.window.period.seconds() },
        fleet,
        since: None,
        sight: facts.changes.iter().filter_map(coverage::sight).collect(),
        alarms,
        rules: rules(facts, run.time),
        worst,
        posture,
        coverage,
        cost: Cost {
            report_metrics,
            report_dollars: price(report_metrics),
            usage: facts.usage,
            usage_dollars: facts.usage.map(|usage| usage.dollars()),
            dollars_a_month: facts.usage.and_then(|usage| usage.dollars_a_month(run.time)),
        },
        clusters,
        eks,
    };
    report.since = facts.previous.map(|previous| since::since(previous, &report, facts.results));
    report
}

/// Alarms that go on or cannot be judged, the longest first.
fn alarms(facts: &ReportFacts<'_>) -> Vec<AlarmLine> {
    let records =
        facts.alarms.iter().flat_map(|(target, records)| records.iter().map(move |record| (target, record)));
    let mut lines: Vec<AlarmLine> = records
        .filter_map(|(Target { platform, account, region, .. }, record)| {
            let memory = &record.memory;
            let in_alarm = memory.state == AlarmState::Alarm;
            let since = if in_alarm { memory.since } else { memory.blind?.since };
            Some(AlarmLine {
                platform: *platform,
                account: account.clone(),
                region: region.clone(),
                subject: eks::subject(&record.key.subject),
                rule: Text::new(&record.key.rule),
                in_alarm,
                since,
                blind_since: memory.blind.map(|blind| blind.since),
                blind_because: memory.blind.map(|blind| blind.because),
                silenced_by: memory.muted.as_ref().map(|mute| Text::new(&mute.to_string())),
            })
        })
        .collect();
    lines.sort_by(|a, b| {
        (!a.in_alarm, a.since, &a.region, &a.account, &a.subject, &a.rule).cmp(&(
            !b.in_alarm,
            b.since,
            &b.region,
            &b.account,
            &b.subject,
            &b.rule,
        ))
    });
    // The parts of an account and Region share its alarms.
    lines.dedup();
    lines
}

/// Rules that cannot fire, those that are certainly at fault first.
fn rules(facts: &ReportFacts<'_>, now: Timestamp) -> Vec<RuleLine> {
    let listed = facts.rules.iter().filter(|record| record.is_reported(now));
    let mut lines: Vec<RuleLine> = listed.map(RuleLine::of).collect();
    lines.sort_by(|a, b| (a.may_be_normal, a.since, &a.rule).cmp(&(b.may_be_normal, b.since, &b.rule)));
    lines
}

pub(super) fn services(
    targets: &[SeenTarget],
) -> impl Iterator<Item = (&Target, &SeenCluster, &SeenService)> {
    let clusters = targets.iter().flat_map(|seen| seen.clusters.iter().map(move |one| (&seen.target, one)));
    clusters.flat_map(|(target, cluster)| cluster.services.iter().map(move |one| (target, cluster, one)))
}

/// The clusters of EKS with their places.
pub(super) fn eks_clusters(targets: &[SeenTarget]) -> impl Iterator<Item = (&Target, &SeenEks)> {
    targets.iter().flat_map(|seen| seen.eks.values().map(move |cluster| (&seen.target, cluster)))
}

fn fleet(targets: &[SeenTarget], alarms: &[AlarmLine], slots: &Slots) -> Fleet {
    let mut fleet = Fleet {
        clusters: targets.iter().map(|seen| seen.clusters.len() + seen.eks.len()).sum(),
        eks: eks::fleet(eks_clusters(targets).map(|(_, cluster)| cluster), slots),
        alarms: alarms.iter().filter(|line| line.in_alarm).count(),
        blind: alarms.iter().filter(|line| line.blind_since.is_some()).count(),
        ..Fleet::default()
    };
    let (mut cpu, mut memory) = (Mean::default(), Mean::default());
    let (mut cpu_slots, mut memory_slots) =
        (vec![Mean::default(); slots.count()], vec![Mean::default(); slots.count()]);
    for (_, _, SeenService { figures, sparks, .. }) in services(targets) {
        fleet.services += 1;
        let known = [&figures.cpu, &figures.memory].map(|figure| figure.average.or(figure.maximum));
        fleet.without_figures += usize::from(known == [None, None]);
        fleet.running_without_metrics += usize::from(figures.without_metrics.is_some());
        let tasks = &figures.tasks;
        match tasks.both() {
            Some((running, desired)) => {
                fleet.running += u64::from(running);
                fleet.desired += u64::from(desired);
            }
            None => fleet.tasks_unknown += 1,
        }
        fleet.nothing_running += usize::from(tasks.none_runs());
        fleet.short_of_tasks += usize::from(tasks.is_short());
        figures.cpu.average.iter().for_each(|value| cpu.add(*value));
        figures.memory.average.iter().for_each(|value| memory.add(*value));
        sparks.cpu.known().for_each(|(slot, value)| cpu_slots[slot].add(value));
        sparks.memory.known().for_each(|(slot, value)| memory_slots[slot].add(value));
    }
    let values = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect();
    (fleet.cpu, fleet.memory) = (cpu.value(), memory.value());
    fleet.history = History {
        slot_seconds: slots.seconds(),
        cpu: values(cpu_slots),
        memory: values(memory_slots),
        ..History::default()
    };
    fleet
}

/// The mean of values that come one by one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    pub(super) fn value(self) -> Option<f64> {
        (self.count > 0.0).then(|| tenth(self.sum / self.count))
    }
}

fn clusters(seen: SeenTarget) -> impl Iterator<Item = ClusterReport> {
    let SeenTarget { target: Target { account, region, .. }, clusters, .. } = seen;
    clusters.into_iter().map(move |cluster| {
        let services = cluster.services.into_iter().map(|SeenService { mut figures, .. }| {
            figures.deployment = figures.deployment.filter(|deployment| !deployment.is_empty());
            figures
        });
        ClusterReport {
            account: account.clone(),
            region: region.clone(),
            cluster: cluster.name,
            insights: cluster.insights,
            reports_insights: cluster.reports_insights,
            opted_out: cluster.opted_out,
            silent: false,
            fought_by: Vec::new(),
            services_unread: cluster.services_unread,
            services: services.collect(),
        }
    })
}
