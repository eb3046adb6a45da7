//! Services and workloads to check first, with charts.

use maud::{Markup, html};

use super::model::{Worst, WorstFigures};
use crate::report::measured::figures::percent;
use crate::report::section::View;
use crate::report::show::chart;
use crate::text::links::{ecs_service_link, eks_cluster_link};

/// The section.
pub(super) fn section(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        @if report.worst.is_empty() {
            p { "None." }
        } @else {
            p class="note" {
                @if report.fleet.eks.is_none() {
                    "Broken services first, then the highest usage. Each line is the mean over the tasks, and the shade above it \
                    reaches to the highest value of any task."
                } @else {
                    "Broken services and workloads first, then the highest usage. Each line is the mean over the tasks or pods, and \
                    the shade above it reaches to the highest value of any of them. Percent of what tasks reserve, or of what \
                    Fargate provisioned for pods."
                }
            }
            ul class="cards" { @for worst in &report.worst { (card(worst, view)) } }
        }
    }
}

fn card(worst: &Worst, view: &View<'_>) -> Markup {
    let Worst { account, region, cluster, because, figures, history, .. } = worst;
    let member = figures.member();
    let name = member.subject(cluster);
    let link = match figures {
        WorstFigures::Service(service) => ecs_service_link(region, cluster, &service.service),
        WorstFigures::Workload(_) => eks_cluster_link(region, cluster),
    };
    let place = view.place(account, region);
    let charts = [
        ("Memory", "memory", member.memory(), &history.memory, &history.memory_maximum),
        ("CPU", "cpu", member.cpu(), &history.cpu, &history.cpu_maximum),
    ];
    html! {
        li {
            h3 { @if let Some(link) = link { a rel="noreferrer" href=(link) { (name.as_str()) } } @else { (name.as_str()) } }
            @if !place.is_empty() { p { (place.trim_start()) } }
            @for because in because { span class="tag" { (because.words()) } }
            div class="pair" {
                @for (what, class, figure, mean, maximum) in charts {
                    figure {
                        @if figure.is_empty() {
                            figcaption { span class={ "key " (class) } { (what) } span { (member.why_none(figure)) } }
                        } @else {
                            figcaption {
                                span class={ "key " (class) } { (what) } " " (percent(figure.average))
                                span { "highest " (percent(figure.maximum)) }
                            }
                            (chart::small(&format!("{what} of {name} over time: {}", figure.sentence()), class, mean, maximum))
                        }
                    }
                }
            }
            p { (member.running_and_more()) }
        }
    }
}
