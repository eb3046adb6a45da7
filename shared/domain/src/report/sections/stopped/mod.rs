//! Tasks that stopped, and why; and the tasks and pods that AWS will stop.

pub(crate) mod model;

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::json;

use crate::deaths::Origin;
use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::{items, named};
use crate::text::sparkline::sparkline;
use crate::text::words::{clock, count, utc, wrap};
use model::{KnownReport, RetirementReport, StoppedGroup};

/// Tasks that stopped.
pub(crate) struct Stopped;

impl Section for Stopped {
    fn head(&self, _: &Report) -> Head {
        Head::new("stopped", "Stopped tasks", "Stopped tasks")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let stopped = &view.report.stopped;
        let failures = stopped.groups.iter().filter(|group| group.is_failure);
        let lines = failures.map(|group| format!("{} {}", sentence(group, view), group.advice));
        let mut text = named(lines);
        text.push_str(&named(stopped.retirements.iter().map(|retirement| retired(retirement, view))));
        let others = [others(view.report)].into_iter().flatten();
        // Where nothing failed and everything is known, nobody has to read anything.
        let gaps: Vec<String> = gaps(view).collect();
        let is_quiet = text.is_empty() && gaps.is_empty();
        let rest = others.filter(|_| !is_quiet).chain(gaps);
        text + &rest.map(|line| wrap(&line, 2)).collect::<String>()
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let stopped = &view.report.stopped;
        if stopped.is_empty() {
            return html! {};
        }
        let failures: Vec<&StoppedGroup> = stopped.groups.iter().filter(|group| group.is_failure).collect();
        html! {
            @if failures.is_empty() { p { "No task of a service failed." } }
            (items(failures.iter().map(|group| html! {
                (sentence(group, view)) " " (sparkline(&group.by_hour))
                p class="note" { (group.advice) }
            })))
            @if !stopped.retirements.is_empty() {
                h3 { "Retirements ahead" }
                (items(stopped.retirements.iter().map(|retirement| html! { (retired(retirement, view)) })))
            }
            @if let Some(others) = others(view.report) { p { (others) } }
            @for gap in gaps(view) { p class="cannot" { (gap) } }
        }
    }

    fn json(&self, report: &Report) -> Members {
        let failures = report.stopped.groups.iter().filter(|group| group.is_failure);
        let stopped = failures.map(|group| {
            json!({
                "account": group.account, "region": group.region, "cluster": group.cluster, "name": group.name,
                "class": group.class, "count": group.count, "first": group.first, "newest": group.newest,
            })
        });
        let stopped: Vec<_> = stopped.collect();
        if stopped.is_empty() && report.stopped.retirements.is_empty() {
            return Vec::new();
        }
        vec![("stopped", json!(stopped)), ("retirements", json!(report.stopped.retirements))]
    }
}

/// `shop/web: 5 tasks out of memory (OOM), container web with exit code 137, from 10:01 to 14:22 UTC.`
fn sentence(group: &StoppedGroup, view: &View<'_>) -> String {
    let place = view.place(&group.account, &group.region);
    let n = usize::try_from(group.count).unwrap_or(usize::MAX);
    let what = if group.deaths { count(n, "task") } else { count(n, "event") };
    let container = group.container.as_ref().map(|container| match group.exit_code {
        Some(code) => format!(", container {container} with exit code {code}"),
        None => format!(", container {container}"),
    });
    let when = if n == 1 {
        format!("at {}", utc(group.newest))
    } else {
        format!("from {} to {}", utc(group.first), clock(group.newest))
    };
    let reason = group.reason.as_ref().map(|reason| {
        let reason = reason.as_str().trim_end_matches('.');
        format!(" ECS: {reason}.")
    });
    format!(
        "{}/{}{place}: {what}, {} ({}){}, {when}.{}",
        group.cluster,
        group.name,
        group.class.label(),
        group.class,
        container.unwrap_or_default(),
        reason.unwrap_or_default(),
    )
}

fn retired(retirement: &RetirementReport, view: &View<'_>) -> String {
    let place = view.place(&retirement.account, &retirement.region);
    let cluster = &retirement.cluster;
    let due = utc(retirement.due);
    match (&retirement.task, retirement.name.as_str()) {
        (Some(task), _) => format!(
            "AWS stops task {task} in {cluster}{place} at {due} and does not replace it; stop and start it before."
        ),
        (None, name) => format!(
            "AWS replaces the tasks of {cluster}/{name}{place} from {due} on; to choose the time, force a new deployment before."
        ),
    }
}

/// What stopped as intended, by class.
fn others(report: &Report) -> Option<String> {
    let mut by_class = BTreeMap::new();
    for group in report.stopped.groups.iter().filter(|group| !group.is_failure && group.deaths) {
        *by_class.entry(group.class).or_insert(0_u64) += u64::from(group.count);
    }
    let parts: Vec<String> =
        by_class.iter().map(|(class, count)| format!("{count} {}", class.label())).collect();
    (!parts.is_empty()).then(|| format!("Other tasks that stopped: {}.", parts.join(", ")))
}

/// Where not the whole window is known.
fn gaps<'a>(view: &'a View<'_>) -> impl Iterator<Item = String> + 'a {
    let report = view.report;
    let known = report.stopped.known.iter().filter(|known| !known.is_whole(&report.window));
    known.map(move |KnownReport { account, region, origin, from, fault }| {
        let place = format!("{region} ({account})");
        match (fault, origin) {
            (Some(fault), _) => format!("Not known why tasks stopped in {place}: {fault}."),
            (None, Origin::Events) => {
                format!("Events of {place} are kept since {}; what stopped before is not known.", utc(*from))
            }
            (None, Origin::StoppedTasks) => format!(
                "No events arrive from {place}: only the tasks that ECS still lists are known, since about {}.",
                utc(*from)
            ),
        }
    })
}
