//! The mail: the fleet in five lines, and then what a person should know, with a link to the rest.

mod cost;
mod coverage;
mod eks;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::compact::{attributes, compact};
use super::link::ReportLink;
use super::model::{
    AlarmLine, DifferenceKind, Fleet, Report, ServiceReport, SightChange, Worst, WorstService,
};
use super::standing::ReportCoverage;
use super::words::{Places, percent};
use crate::alarm::Unseen;
use crate::message::Message;
use crate::run::Platform;
use crate::summary::words::{count, span, utc, wrap};
use crate::summary::{RuleLine, posture, rule_line};
pub(super) use cost::cost_words;
pub(super) use coverage::{looked_at, problem};
pub(super) use eks::{by_platform, is_eks_only, kinds};

/// Services that the mail names.
pub(super) const WORST: usize = 10;
/// Changes and alarms that the mail names.
const NAMED: usize = 20;

/// The message of a report run. It is always sent: a report that fails to come is noticed.
pub fn report_mail(report: &Report, link: &ReportLink) -> Message {
    let places = Places::of(report);
    let sections = [
        fleet(report),
        changes(report, places),
        alarms(report, places),
        without_metrics(report),
        rules(report),
        worst(report, places),
        eks::section(report, places),
        insights(report),
        coverage::section(report),
        cost::section(&report.cost),
        linked(report, link),
    ];
    let body: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    Message::new(&subject(report), &body.join("\n"), &compact(report, link), attributes(report))
}

/// How Container Insights stands; nothing if nothing is known.
fn insights(report: &Report) -> String {
    let paragraph = posture::paragraph(report);
    if paragraph.lines().count() > 1 { paragraph } else { String::new() }
}

/// What matters first.
fn subject(report: &Report) -> String {
    let Fleet { clusters, services, running, alarms, blind, nothing_running, without_figures, .. } =
        report.fleet;
    let silent = report.fleet.running_without_metrics;
    let ReportCoverage { targets, targets_seen, .. } = report.coverage;
    let mut matters = Vec::new();
    if alarms > 0 {
        matters.push(format!("{alarms} in ALARM"));
    }
    if nothing_running > 0 {
        matters.push(format!("{} with no task running", count(nothing_running, "service")));
    }
    if silent > 0 {
        matters.push(silent_words(silent));
    }
    matters.extend(report.fleet.eks.iter().flat_map(eks::matters));
    if blind > 0 {
        matters.push(format!("{} cannot be judged", count(blind, "alarm")));
    }
    matters.extend(rule_line::counted(&report.rules));
    if services > 0 && without_figures == services {
        matters.push("no data of any service".to_owned());
    }
    if targets_seen < targets {
        matters.push(format!("cannot see {} of {}", targets - targets_seen, count(targets, "target")));
    } else if !is_whole(&report.coverage) {
        matters.push("some could not be asked".to_owned());
    }
    let size = format!("{}{}", count(clusters, "cluster"), eks::subjects(&report.fleet));
    if matters.is_empty() {
        let tasks = count(usize::try_from(running).unwrap_or(usize::MAX), "task");
        let running = match &report.fleet.eks {
            None => tasks,
            Some(eks) if services == 0 => count(eks.pods, "pod"),
            Some(eks) => format!("{tasks} and {}", count(eks.pods, "pod")),
        };
        format!("Report: all quiet in {size}, {running} running")
    } else {
        format!("Report: {}; {size}", matters.join(", "))
    }
}

pub(super) fn is_whole(coverage: &ReportCoverage) -> bool {
    coverage.problems.is_empty() && coverage.clusters_seen == coverage.clusters
}

/// Five lines under a heading.
fn fleet(report: &Report) -> String {
    let fleet = &report.fleet;
    let window = format!("FLEET, {} to {}", utc(report.window.start), utc(report.window.end));
    let mut text = wrap(&window, 0);
    let mut line = |words: String| text.push_str(&wrap(&words, 2));
    let place = Places::of(report).only(report);
    line(with_notes(&format!("Clusters: {}{place}", eks::clusters(fleet)), &unseen(report)));
    if !is_eks_only(fleet) {
        line(services(fleet));
        line(tasks(fleet));
    }
    fleet.eks.iter().for_each(|eks| line(eks::workloads(eks)));
    let blind = if fleet.blind > 0 { format!(", {} cannot be judged", fleet.blind) } else { String::new() };
    let alarms = if fleet.alarms == 0 { "none".to_owned() } else { format!("{} in ALARM", fleet.alarms) };
    line(format!("Alarms: {alarms}{blind}."));
    line(format!("Changes: {}.", differences(report)));
    text
}

fn services(fleet: &Fleet) -> String {
    let mut services = format!("Services: {}", fleet.services);
    if fleet.memory.or(fleet.cpu).is_some() {
        services.push_str(&format!(
            "; on average memory {} and CPU {}",
            percent(fleet.memory),
            percent(fleet.cpu)
        ));
    }
    let notes = [without_figures(fleet), running_without_metrics(fleet)];
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    with_notes(&services, &notes.join("; "))
}

/// How many services have no figures, if any.
pub(super) fn without_figures(fleet: &Fleet) -> String {
    match fleet.without_figures {
        0 => String::new(),
        n => format!("{n} without data of CPU and memory"),
    }
}

/// How many services run and have no metrics, if any.
pub(super) fn running_without_metrics(fleet: &Fleet) -> String {
    match fleet.running_without_metrics {
        0 => String::new(),
        1 => "1 runs and has no metrics".to_owned(),
        n => format!("{n} run and have no metrics"),
    }
}

fn silent_words(n: usize) -> String {
    if n == 1 {
        "1 service runs without metrics".to_owned()
    } else {
        format!("{n} services run without metrics")
    }
}

/// Services that run and have no metrics, one sentence each.
pub(super) fn silent_services(report: &Report) -> impl Iterator<Item = (String, String)> {
    let places = Places::of(report);
    let services = report
        .clusters
        .iter()
        .flat_map(|cluster| cluster.services.iter().map(move |service| (cluster, service)));
    services.filter_map(move |(cluster, ServiceReport { service, tasks, without_metrics, .. })| {
        let since = match without_metrics.as_ref()?.since {
            Some(since) => format!("no data since {} ({})", utc(since), span(since, report.window.end)),
            None => format!("no data since {} or longer", utc(report.window.start)),
        };
        let running = count(usize::try_from(tasks.running?).unwrap_or(usize::MAX), "running task");
        let place = places.behind(&cluster.account, &cluster.region);
        Some((format!("{}/{service}{place}", cluster.cluster), format!("{running}, {since}")))
    })
}

/// What may be the reason, and what to look at.
pub(super) const WHY_WITHOUT_METRICS: &str = "ECS reports running tasks, and CloudWatch has no CPU or memory of them, \
    so no alarm on these can fire. Look at the service in the ECS console, and at the AWS Health Dashboard.";

fn without_metrics(report: &Report) -> String {
    let text = named(silent_services(report).map(|(name, words)| format!("{name}: {words}")));
    if text.is_empty() {
        text
    } else {
        format!("SERVICES that run without metrics\n{text}{}", wrap(WHY_WITHOUT_METRICS, 2))
    }
}

/// Rules that cannot fire.
fn rules(report: &Report) -> String {
    let (told, more) = report.rules.split_at(report.rules.len().min(NAMED));
    let paragraph = |line: &RuleLine| {
        let command =
            line.command().map(|command| format!("    List what exists: {command}\n")).unwrap_or_default();
        wrap(&line.sentences(report.time), 2) + &command
    };
    let mut text: String = told.iter().map(paragraph).collect();
    if !more.is_empty() {
        text.push_str(&format!("  ... and {} more in the report.\n", more.len()));
    }
    if text.is_empty() { text } else { format!("RULES without data or subject\n{text}") }
}

/// A line with what there is to say about it.
fn with_notes(line: &str, notes: &str) -> String {
    if notes.is_empty() { format!("{line}.") } else { format!("{line}; {notes}.") }
}

/// Of which clusters and targets something or all is missing.
pub(super) fn unseen(report: &Report) -> String {
    let ReportCoverage { targets, targets_seen, clusters, clusters_seen, .. } = report.coverage;
    let mut notes = Vec::new();
    if clusters > clusters_seen {
        notes.push(format!("{} not seen in full", clusters - clusters_seen));
    }
    if targets > targets_seen {
        notes.push(format!("nothing seen of {} of {}", targets - targets_seen, count(targets, "target")));
    }
    notes.join("; ")
}

fn tasks(fleet: &Fleet) -> String {
    if fleet.services == fleet.tasks_unknown {
        return "Tasks: none known.".to_owned();
    }
    with_notes(&format!("Tasks: {} of {} run", fleet.running, fleet.desired), &idle_notes(fleet))
}

fn idle_notes(fleet: &Fleet) -> String {
    let notes = [
        (fleet.nothing_running, "with no task running"),
        (fleet.short_of_tasks, "with fewer than desired"),
        (fleet.tasks_unknown, "whose tasks are not known"),
    ];
    let notes = notes.iter().filter(|(n, _)| *n > 0);
    let notes: Vec<String> = notes.map(|(n, what)| format!("{} {what}", count(*n, "service"))).collect();
    notes.join("; ")
}

/// What is to be said of the running tasks beside their number.
pub(super) fn task_notes(fleet: &Fleet) -> String {
    let (idle, desired) = (idle_notes(fleet), fleet.desired);
    if idle.is_empty() { format!("of {desired} run") } else { format!("of {desired} run; {idle}") }
}

/// Since when changes are told.
pub(super) fn since_words(report: &Report) -> String {
    match &report.since {
        Some(since) => format!("since {}", utc(since.time)),
        None => "no earlier report to compare with".to_owned(),
    }
}

/// What changed, counted.
fn differences(report: &Report) -> String {
    let Some(since) = &report.since else { return since_words(report) };
    let mut counts = BTreeMap::<(DifferenceKind, Platform), usize>::new();
    for difference in &since.differences {
        *counts.entry((difference.kind, difference.platform)).or_default() += 1;
    }
    let told: Vec<String> =
        counts.into_iter().map(|((kind, platform), n)| kind.counted(platform, n)).collect();
    let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    format!("{told} since the last report ({})", utc(since.time))
}

fn changes(report: &Report, places: Places) -> String {
    let mut text = String::new();
    for SightChange { target, since, why, .. } in &report.sight {
        let line = match why {
            Some(why) => format!("CANNOT SEE {target}: {why}."),
            None => format!("CAN SEE {target} again, after {}.", span(*since, report.time)),
        };
        text.push_str(&wrap(&line, 2));
    }
    let differences = report.since.iter().flat_map(|since| &since.differences);
    let lines = differences.map(|difference| {
        let place = places.behind(&difference.account, &difference.region);
        let detail = difference.detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
        format!("{}: {}{place}{detail}", difference.words(), difference.subject)
    });
    text.push_str(&named(lines));
    if text.is_empty() { text } else { format!("CHANGES\n{text}") }
}

/// The first lines of a list, and how many more there are.
fn named(lines: impl Iterator<Item = String>) -> String {
    let (mut text, mut more) = (String::new(), 0);
    for (i, line) in lines.enumerate() {
        if i < NAMED {
            text.push_str(&wrap(&line, 2));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        text.push_str(&format!("  ... and {more} more in the report.\n"));
    }
    text
}

fn alarms(report: &Report, places: Places) -> String {
    let lines = report.alarms.iter().map(|line| {
        let place = places.behind(&line.account, &line.region);
        format!("{}{place}, rule {}: {}", line.subject, line.rule, alarm_state(line, report.time))
    });
    let text = named(lines);
    if text.is_empty() { text } else { format!("ALARMS that go on\n{text}") }
}

/// `in ALARM for 2 hours, and cannot be judged for 5 minutes; not told because of a deployment`
pub(super) fn alarm_state(line: &AlarmLine, now: Timestamp) -> String {
    let mut states = Vec::new();
    if line.in_alarm {
        states.push(format!("in ALARM for {}", span(line.since, now)));
    }
    if let Some(since) = line.blind_since {
        let lasts = span(since, now);
        states.push(match line.blind_because {
            Some(Unseen::NoData) => format!("cannot be judged: no data for {lasts}"),
            Some(Unseen::CouldNotAsk) => format!("cannot be judged: could not be asked for {lasts}"),
            None => format!("cannot be judged for {lasts}"),
        });
    }
    let silenced = line.silenced_by.as_ref().map(|by| format!("; not told because of {by}"));
    states.join(", and ") + &silenced.unwrap_or_default()
}

fn worst(report: &Report, places: Places) -> String {
    let told = &report.worst[..report.worst.len().min(WORST)];
    if told.is_empty() {
        return String::new();
    }
    let mut text = format!("{} to look at first\n", kinds(report).to_uppercase());
    for worst in told {
        text.push_str(&match worst {
            Worst::Service(worst) => one_service(worst, places),
            Worst::Workload(worst) => eks::one_workload(worst, places),
        });
    }
    let workloads = report.fleet.eks.as_ref().map_or(0, |eks| eks.workloads);
    let more = (report.fleet.services + workloads).saturating_sub(told.len());
    if more > 0 {
        text.push_str(&format!("  ... and {more} more in the report.\n"));
    }
    text
}

fn one_service(
    WorstService { account, region, cluster, because, figures, .. }: &WorstService,
    places: Places,
) -> String {
    let place = places.behind(account, region);
    let because: Vec<&str> = because.iter().map(|because| because.words()).collect();
    let because = if because.is_empty() { String::new() } else { format!(": {}", because.join(", ")) };
    let mut text = wrap(&format!("{cluster}/{}{place}{because}", figures.service), 2);
    text.push_str(&wrap(&format!("memory {}", figures.memory.sentence()), 4));
    text.push_str(&wrap(&format!("CPU {}", figures.cpu.sentence()), 4));
    text + &wrap(&tasks_and_more(figures), 4)
}

/// Tasks, deployment and network.
pub(super) fn tasks_and_more(figures: &ServiceReport) -> String {
    let mut rest = format!("tasks {}", figures.tasks.of_desired());
    let rollout = figures.deployment.as_ref().filter(|deployment| !deployment.is("COMPLETED"));
    if let Some(rollout) = rollout.and_then(|deployment| deployment.rollout.as_ref()) {
        rest.push_str(&format!(", deployment {rollout}"));
    }
    if let Some(failed) = figures.deployment.as_ref().and_then(|deployment| deployment.failed_tasks) {
        rest.push_str(&format!(" with {} failed", count(usize::try_from(failed).unwrap_or(0), "task")));
    }
    if let Some(network) = &figures.network {
        rest.push_str(&format!(", network {}", network.sentence()));
    }
    rest
}

fn linked(report: &Report, link: &ReportLink) -> String {
    let ReportLink { url, kept_until, bucket, key } = link;
    let until = kept_until.strftime("%Y-%m-%d");
    let opens = match url {
        Some(_) => {
            format!("The link opens the page in the S3 console for whoever may read the bucket {bucket}")
        }
        None => format!("Whoever may read it finds the page in the bucket {bucket}"),
    };
    let text = format!(
        "The whole report, with charts and every service. {opens}, until {until}; then the bucket deletes it."
    );
    let url = url.as_ref().map(|url| format!("  {url}\n")).unwrap_or_default();
    let kept = format!("Key: {key}; the same as JSON lies beside it. Run {}.", report.run);
    format!("REPORT\n{}{url}{}", wrap(&text, 2), wrap(&kept, 2))
}
