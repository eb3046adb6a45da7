//! Every cluster with the table of its services.
//!
//! An estate has thousands of rows, so they are written without the closing tags that HTML leaves optional ("Optional
//! tags", HTML Standard), and every text goes through [`push`].

use std::fmt::Write;

use maud::{Escaper, Markup, PreEscaped, html};

use crate::insights::InsightsLevel;
use crate::summary::posture::NOT_KNOWN;
use crate::summary::report::figures::{Answer, Deployment, Tasks, Traffic, Utilization};
use crate::summary::report::link::console_cluster_link;
use crate::summary::report::model::{ClusterReport, Report, ServiceReport};
use crate::summary::report::words::{percent, rate};
use crate::summary::words::count;

/// So many services are shown without a click.
const OPEN: usize = 40;

/// Head of each table.
const HEAD: &str = "<thead><tr><th scope=col rowspan=2>Service<th class=g scope=colgroup colspan=4>CPU %\
    <th class=g scope=colgroup colspan=4>Memory %<th scope=col rowspan=2>Tasks<th class=t scope=col rowspan=2>Deployment\
    <th scope=colgroup colspan=2>Network a task<tr><th class=g scope=col>3 h<th scope=col>highest<th scope=col>all\
    <th scope=col>highest<th class=g scope=col>3 h<th scope=col>highest<th scope=col>all<th scope=col>highest\
    <th scope=col>in<th scope=col>out<tbody>";

/// The section of all clusters.
pub(super) fn section(report: &Report) -> Markup {
    let open = report.fleet.services <= OPEN;
    html! {
        section aria-labelledby="clusters" {
            h2 id="clusters" { "Clusters and services" }
            p class="note" {
                "Mean and highest value of the last 3 hours, and of the whole report. Percent of what the tasks reserve. \
                 Tasks: running of desired, and in brackets the fewest that ran. Network of a task on average, only where \
                 Container Insights reports it. A dash: no data. A question mark: the answer was cut, so it may \
                 be higher."
            }
            @if report.clusters.is_empty() { p { "No cluster was seen." } }
            @for cluster in &report.clusters { (one(cluster, open)) }
        }
    }
}

fn one(cluster: &ClusterReport, open: bool) -> Markup {
    let ClusterReport { account, region, cluster: name, services, .. } = cluster;
    html! {
        details open[open] {
            summary { b { (name.as_str()) } (heading(cluster)) (warnings(cluster)) }
            @if !services.is_empty() {
                div class="scroll" tabindex="0" role="region" aria-label={ "Services of " (name.as_str()) } {
                    (table(cluster))
                }
            }
            p class="note" {
                (region.as_str()) " (" (account.as_str()) "). "
                @if let Some(link) = console_cluster_link(region, name) {
                    a rel="noreferrer" href=(link) { "Open in the ECS console" }
                }
            }
        }
    }
}

/// The cluster in a line.
fn heading(cluster: &ClusterReport) -> String {
    let mean = |figure: fn(&ServiceReport) -> &Utilization| {
        let known: Vec<f64> = cluster.services.iter().filter_map(|service| figure(service).average).collect();
        #[expect(clippy::cast_precision_loss, reason = "a cluster has at most some thousand services")]
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        (!known.is_empty()).then_some(mean)
    };
    let mut heading = format!("{}, {}", cluster.region, count(cluster.services.len(), "service"));
    let tasks = cluster.services.iter().filter_map(|service| service.tasks.both());
    let (running, desired) = tasks
        .fold((0_u64, 0_u64), |(r, d), (running, desired)| (r + u64::from(running), d + u64::from(desired)));
    if desired > 0 || running > 0 {
        heading.push_str(&format!(", tasks {running} of {desired}"));
    }
    if let Some((memory, cpu)) = mean(|service| &service.memory).zip(mean(|service| &service.cpu)) {
        heading.push_str(&format!(", memory {}, CPU {}", percent(Some(memory)), percent(Some(cpu))));
    }
    let insights = match cluster.insights {
        InsightsLevel::Disabled => "Container Insights off".to_owned(),
        level => format!("Container Insights {level}"),
    };
    format!("{heading}. {insights}")
}

fn warnings(cluster: &ClusterReport) -> Markup {
    let idle = cluster.services.iter().filter(|service| service.tasks.none_runs()).count();
    let warnings = [
        (idle > 0).then(|| format!("{} with no task running", count(idle, "service"))),
        cluster.services_unread.then(|| "services could not be listed".to_owned()),
        cluster.silent.then(|| "on, but silent".to_owned()),
        cluster.may_be_silent().then(|| NOT_KNOWN.to_owned()),
        (!cluster.fought_by.is_empty()).then(|| "put back by others".to_owned()),
    ];
    html! {
        @for warning in warnings.into_iter().flatten() { ". " i { (warning) } }
        @if cluster.opted_out { ". Opted out" }
    }
}

fn table(cluster: &ClusterReport) -> Markup {
    let mut text = String::with_capacity(700 + 220 * cluster.services.len());
    text.push_str("<table class=s><caption>Services of ");
    push(&mut text, cluster.cluster.as_str());
    text.push_str("</caption>");
    text.push_str(HEAD);
    cluster.services.iter().for_each(|service| row(&mut text, service));
    text.push_str("</table>");
    PreEscaped(text)
}

/// Writes a text where markup is expected. Every text of these tables goes through here.
pub(super) fn push(to: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = Escaper::new(to).write_str(text);
}

fn row(to: &mut String, service: &ServiceReport) {
    let ServiceReport { service: name, cpu, memory, tasks, deployment, network, .. } = service;
    to.push_str("<tr><th scope=row>");
    push(to, name.as_str());
    utilization(to, cpu);
    utilization(to, memory);
    self::tasks(to, tasks);
    self::deployment(to, deployment.as_ref());
    traffic(to, network.as_ref());
}

fn utilization(to: &mut String, figure: &Utilization) {
    if figure.average.or(figure.maximum).is_none() {
        to.push_str("<td class=g colspan=4>");
        push(to, figure.answer.words());
    } else {
        figures(to, figure);
    }
}

/// Four cells: mean and highest value of the last three hours, and of all.
pub(super) fn figures(to: &mut String, figure: &Utilization) {
    let Utilization { answer, average_3h, maximum_3h, average, maximum } = *figure;
    for (i, value) in [average_3h, maximum_3h, average, maximum].into_iter().enumerate() {
        to.push_str(if i == 0 { "<td class=g>" } else { "<td>" });
        match value {
            // A cut answer is marked at each figure: the missing points may have been the highest.
            Some(value) if answer == Answer::Partial => to.push_str(&format!("{value:.1}?")),
            Some(value) => to.push_str(&format!("{value:.1}")),
            None => to.push('-'),
        }
    }
}

fn tasks(to: &mut String, tasks: &Tasks) {
    to.push_str(if tasks.none_runs() || tasks.is_short() { "<td class=w>" } else { "<td>" });
    push(to, &tasks.of_desired());
    let lowest = tasks.lowest.filter(|lowest| tasks.running.is_some_and(|running| *lowest < running));
    if let Some(lowest) = lowest {
        to.push_str(&format!(" ({lowest})"));
    }
}

fn deployment(to: &mut String, deployment: Option<&Deployment>) {
    let Some(deployment) = deployment else {
        to.push_str("<td class=t>-");
        return;
    };
    to.push_str(if deployment.fails() { "<td class=\"t w\">" } else { "<td class=t>" });
    push(to, &said(deployment));
}

/// `done`, `in progress`, `FAILED, 12 tasks failed`, and the most at once if there were several.
fn said(deployment: &Deployment) -> String {
    let mut said = match &deployment.rollout {
        Some(_) if deployment.is("COMPLETED") => "done".to_owned(),
        Some(_) if deployment.is("IN_PROGRESS") => "in progress".to_owned(),
        Some(rollout) => rollout.to_string(),
        None => "-".to_owned(),
    };
    if let Some(failed) = deployment.failed_tasks {
        said.push_str(&format!(", {} failed", count(usize::try_from(failed).unwrap_or(usize::MAX), "task")));
    }
    if let Some(most) = deployment.most_at_once.filter(|most| *most > 1) {
        said.push_str(&format!(", {most} at once"));
    }
    said
}

fn traffic(to: &mut String, network: Option<&Traffic>) {
    match network {
        None => to.push_str("<td>-<td>-"),
        Some(Traffic { answer, received: None, sent: None }) => {
            to.push_str("<td colspan=2>");
            push(to, answer.words());
        }
        Some(Traffic { received, sent, .. }) => {
            to.push_str(&format!("<td>{}<td>{}", rate(*received), rate(*sent)));
        }
    }
}
