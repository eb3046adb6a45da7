//! Every ECS cluster with the table of its services.

use maud::{Markup, html};

use super::load_balancing::{LoadBalancingReport, seconds_in_words};
use super::model::ClusterReport;
use super::part::PartReport;
use super::runs_on::RunsOn;
use super::service::{Deployment, ServiceReport, Tasks, Traffic};
use crate::model::insights::InsightsLevel;
use crate::report::measured::figures::{Answer, Utilization, percent, rate};
use crate::report::measured::member::Member;
use crate::report::model::Report;
use crate::report::sections::insights::posture::NOT_KNOWN;
use crate::report::show::cluster;
use crate::report::show::list::{ROWS, more_in_json};
use crate::report::show::table::{Wide, cell, figures, head, utilization};
use crate::text::links::ecs_cluster_link;
use crate::text::words::count;

/// The columns after CPU and memory.
const MORE: &str = "<th scope=col rowspan=2>Tasks<th class=t scope=col rowspan=2>Deployment<th class=t scope=col rowspan=2>Runs on<th scope=colgroup colspan=2>Network a task";
const BELOW: &str = "<th scope=col>in<th scope=col>out";
const BALANCERS: &str = "<th class=g scope=colgroup colspan=4>Load balancer";
const BELOW_BALANCERS: &str =
    "<th class=g scope=col>requests<th scope=col>5XX<th scope=col>p99<th scope=col>unhealthy";

/// Above this share of 5XX answers, in percent, the built-in rule fires.
const BAD_5XX: f64 = 5.0;

/// The section of all clusters.
pub(super) fn section(report: &Report) -> Markup {
    let open = report.fleet.services <= cluster::OPEN;
    html! {
        p class="note" {
            "Mean and highest value, for the last 3 hours and for the whole report, in percent of what the tasks reserve. \
             Tasks: running of desired, and in brackets the fewest that ran. Network: average per task, only where \
             Container Insights reports it. Load balancer: requests of the whole report, those that the service's targets \
             answered with 5XX, the highest p99 of the response time, and the targets that are unhealthy now. A dash means no data. A question mark means that the answer was incomplete, \
             so the value may be higher."
        }
        @if report.clusters.is_empty() { p { "No clusters." } }
        @for cluster in &report.clusters { (one(cluster, open)) }
    }
}

fn one(cluster: &ClusterReport, open: bool) -> Markup {
    let ClusterReport { account, region, cluster: name, services, .. } = cluster;
    // Most clusters have services behind a load balancer, or none at all.
    let balanced = services.iter().any(|service| service.load_balancing.is_some());
    let head = if balanced {
        head("Service", &format!("{MORE}{BALANCERS}"), &format!("{BELOW}{BELOW_BALANCERS}"))
    } else {
        head("Service", MORE, BELOW)
    };
    let row = |to: &mut String, service: &ServiceReport| row(to, service, balanced);
    let table = Wide { what: "Services", class: "s", head: &head, row: 220 };
    html! {
        details open[open] {
            summary { b { (name.as_str()) } (heading(cluster)) (warnings(cluster)) }
            @if !services.is_empty() { (table.of(name, services, row)) }
            @if !cluster.parts.is_empty() { (parts(cluster)) }
            (cluster::place(account, region, "ECS", ecs_cluster_link(region, name).as_deref()))
        }
    }
}

/// The cluster in one line.
/// Task families, tasks and containers, as many as a table shows.
fn parts(cluster: &ClusterReport) -> Markup {
    let head = head("Task family, task or container", "<th class=t scope=col rowspan=2>Kind", "");
    let table = Wide { what: "Task families, tasks and containers", class: "s", head: &head, row: 160 };
    let row = |to: &mut String, part: &PartReport| {
        cell(to, "<tr><th scope=row>", &part.name());
        for figure in [&part.cpu, &part.memory] {
            utilization(to, figure, figure.answer.words());
        }
        cell(to, "<td class=t>", &part.kind());
    };
    let shown = &cluster.parts[..cluster.parts.len().min(ROWS)];
    html! {
        (table.of(&cluster.cluster, shown, row))
        (more_in_json(cluster.parts.len() - shown.len()))
        @if cluster.parts_left_out > 0 {
            p class="note" { (cluster.parts_left_out) " more are listed by CloudWatch and were not queried." }
        }
    }
}

fn heading(cluster: &ClusterReport) -> String {
    let mean = |figure: fn(&ServiceReport) -> &Utilization| {
        let known: Vec<f64> = cluster.services.iter().filter_map(|service| figure(service).average).collect();
        #[expect(clippy::cast_precision_loss, reason = "a cluster has at most some thousand services")]
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        (!known.is_empty()).then_some(mean)
    };
    let mut heading = format!("{}, {}", cluster.region, count(cluster.services.len(), "service"));
    let tasks = cluster.services.iter().filter_map(Member::running_of_desired);
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
    let is_old = |service: &&ServiceReport| service.runs_on.as_ref().is_some_and(|one| one.old_platform);
    let old = cluster.services.iter().filter(is_old).count();
    let idle = cluster.services.iter().filter(|service| service.none_runs()).count();
    let warnings = cluster::warnings([
        (idle > 0).then(|| format!("{} with no tasks running", count(idle, "service"))),
        (old > 0).then(|| format!("{} on a Fargate platform before 1.4.0", count(old, "service"))),
        cluster.services_unread.then(|| "services could not be listed".to_owned()),
        cluster.silent.then(|| "on, but no metrics arrive".to_owned()),
        cluster.may_be_silent().then(|| NOT_KNOWN.to_owned()),
        (!cluster.reverted_by.is_empty()).then(|| "reverted by others".to_owned()),
    ]);
    html! { (warnings) @if cluster.opted_out { ". Opted out" } }
}

fn row(to: &mut String, service: &ServiceReport, balanced: bool) {
    cell(to, "<tr><th scope=row>", service.service.as_str());
    figures(to, service);
    tasks(to, service);
    deployment(to, service.deployment.as_ref());
    runs_on(to, service.runs_on.as_ref());
    traffic(to, service.network.as_ref());
    if balanced {
        balancers(to, service.load_balancing.as_ref());
    }
}

fn runs_on(to: &mut String, runs_on: Option<&RunsOn>) {
    match runs_on {
        None => to.push_str("<td class=t>-"),
        Some(one) => {
            cell(to, if one.old_platform { "<td class=\"t w\">" } else { "<td class=t>" }, &one.to_string());
        }
    }
}

/// Requests, errors, response time and unhealthy targets. A Network Load Balancer has no codes and no
/// response time, which is not 0.
fn balancers(to: &mut String, requests: Option<&LoadBalancingReport>) {
    let Some(requests) = requests else { return to.push_str("<td class=g>-<td>-<td>-<td>-") };
    if requests.answer == Answer::NotAsked || requests.answer == Answer::CouldNotAsk {
        let why = requests.unread().unwrap_or_else(|| requests.answer.words().to_owned());
        return cell(to, "<td class=\"g t\" colspan=4>", &why);
    }
    if requests.has_http {
        let whole = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let unsure = if requests.answer == Answer::Partial { "?" } else { "" };
        to.push_str(&format!("<td class=g>{}{unsure}", whole(requests.requests)));
        let percent = requests.percent_5xx();
        to.push_str(if percent.is_some_and(|percent| percent > BAD_5XX) { "<td class=w>" } else { "<td>" });
        to.push_str(&percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1} %")));
        to.push_str(&format!(
            "<td>{}",
            requests.p99_seconds.map_or_else(|| "-".to_owned(), seconds_in_words)
        ));
    } else {
        to.push_str("<td class=\"g t\" colspan=3>network: no HTTP");
    }
    let unhealthy = requests.unhealthy;
    to.push_str(if unhealthy.is_some_and(|hosts| hosts > 0) { "<td class=w>" } else { "<td>" });
    to.push_str(&unhealthy.map_or_else(|| "-".to_owned(), |hosts| hosts.to_string()));
    if requests.answer == Answer::Partial {
        to.push('?');
    }
}

fn tasks(to: &mut String, service: &ServiceReport) {
    let Tasks { running, lowest, .. } = service.tasks;
    let is_bad = service.none_runs() || service.is_short();
    cell(to, if is_bad { "<td class=w>" } else { "<td>" }, &service.tasks.of_desired());
    if let Some(lowest) = lowest.filter(|lowest| running.is_some_and(|running| *lowest < running)) {
        to.push_str(&format!(" ({lowest})"));
    }
}

fn deployment(to: &mut String, deployment: Option<&Deployment>) {
    let Some(deployment) = deployment else {
        to.push_str("<td class=t>-");
        return;
    };
    cell(to, if deployment.fails() { "<td class=\"t w\">" } else { "<td class=t>" }, &rollout(deployment));
}

/// `done`, `in progress`, `FAILED, 12 tasks failed`, and the most at once if there were several.
fn rollout(deployment: &Deployment) -> String {
    let mut words = match &deployment.rollout {
        Some(_) if deployment.is("COMPLETED") => "done".to_owned(),
        Some(_) if deployment.is("IN_PROGRESS") => "in progress".to_owned(),
        Some(rollout) => rollout.to_string(),
        None => "-".to_owned(),
    };
    if let Some(failed) = deployment.failed_tasks {
        words.push_str(&format!(", {} failed", count(usize::try_from(failed).unwrap_or(usize::MAX), "task")));
    }
    if let Some(most) = deployment.most_at_once.filter(|most| *most > 1) {
        words.push_str(&format!(", {most} at once"));
    }
    words
}

fn traffic(to: &mut String, network: Option<&Traffic>) {
    match network {
        None => to.push_str("<td>-<td>-"),
        Some(Traffic { answer, received: None, sent: None }) => {
            cell(to, "<td colspan=2>", answer.words());
        }
        Some(Traffic { received, sent, .. }) => {
            to.push_str(&format!("<td>{}<td>{}", rate(*received), rate(*sent)));
        }
    }
}
