//! Services and workloads to look at first, with charts.

use maud::{Markup, html};

use super::chart;
use crate::summary::report::figures::{History, Utilization};
use crate::summary::report::link::{console_eks_link, console_service_link};
use crate::summary::report::mail;
use crate::summary::report::model::{Because, Report, Worst, WorstService, WorstWorkload};
use crate::summary::report::words::{Places, percent};

/// The section of them.
pub(super) fn section(report: &Report) -> Markup {
    let places = Places::of(report);
    html! {
        section aria-labelledby="worst" {
            h2 id="worst" { (mail::kinds(report)) " to look at first" }
            @if report.worst.is_empty() {
                p { "There is none." }
            } @else {
                p class="note" {
                    @if report.fleet.eks.is_none() {
                        "What is broken first, then the fullest. Each line is the mean of the tasks, and the shade above it reaches \
                         to the highest value of a task."
                    } @else {
                        "What is broken first, then the fullest. Each line is the mean of the tasks or pods, and the shade above it \
                         reaches to the highest value of one of them. Percent of what tasks reserve, and of what Fargate provisioned \
                         for pods."
                    }
                }
                ul class="cards" { @for worst in &report.worst { (card(&Card::of(worst, places))) } }
            }
        }
    }
}

/// What a card shows.
struct Card<'a> {
    name: String,
    link: Option<String>,
    place: String,
    because: &'a [Because],
    /// Memory and CPU, each with its sentence.
    figures: [(&'a Utilization, String); 2],
    history: &'a History,
    rest: String,
}

impl<'a> Card<'a> {
    fn of(worst: &'a Worst, places: Places) -> Self {
        match worst {
            Worst::Service(worst) => Self::of_service(worst, places),
            Worst::Workload(worst) => Self::of_workload(worst, places),
        }
    }

    fn of_service(worst: &'a WorstService, places: Places) -> Self {
        let WorstService { account, region, cluster, because, figures, history } = worst;
        let sentence = |figure: &'a Utilization| {
            let is_known = figure.average.or(figure.maximum).is_some();
            (figure, if is_known { figure.sentence() } else { figure.answer.words().to_owned() })
        };
        Self {
            name: format!("{cluster}/{}", figures.service),
            link: console_service_link(region, cluster, &figures.service),
            place: places.behind(account, region),
            because,
            figures: [sentence(&figures.memory), sentence(&figures.cpu)],
            history,
            rest: mail::tasks_and_more(figures),
        }
    }

    fn of_workload(worst: &'a WorstWorkload, places: Places) -> Self {
        let WorstWorkload { account, region, cluster, because, figures, history, .. } = worst;
        let sentence = |figure: &'a Utilization| (figure, figures.sentence(figure));
        Self {
            name: figures.subject(cluster).to_string(),
            link: console_eks_link(region, cluster),
            place: places.behind(account, region),
            because,
            figures: [sentence(&figures.memory), sentence(&figures.cpu)],
            history,
            rest: figures.pods_and_more(),
        }
    }
}

fn card(Card { name, link, place, because, figures, history, rest }: &Card<'_>) -> Markup {
    let [(memory, memory_words), (cpu, cpu_words)] = figures;
    let charts = [
        ("Memory", "memory", memory, memory_words, &history.memory, &history.memory_maximum),
        ("CPU", "cpu", cpu, cpu_words, &history.cpu, &history.cpu_maximum),
    ];
    html! {
        li {
            h3 { @if let Some(link) = link { a rel="noreferrer" href=(link) { (name) } } @else { (name) } }
            @if !place.is_empty() { p { (place.trim_start()) } }
            @for because in *because { span class="tag" { (because.words()) } }
            div class="pair" {
                @for (what, class, figure, words, mean, maximum) in charts {
                    figure {
                        @if figure.average.or(figure.maximum).is_some() {
                            figcaption {
                                span class={ "key " (class) } { (what) } " " (percent(figure.average))
                                span { "highest " (percent(figure.maximum)) }
                            }
                            (chart::small(&format!("{what} of {name} over time: {words}"), class, mean, maximum))
                        } @else {
                            figcaption { span class={ "key " (class) } { (what) } span { (words) } }
                        }
                    }
                }
            }
            p { (rest) }
        }
    }
}
