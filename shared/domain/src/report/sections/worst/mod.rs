//! Services and workloads to check first, with charts on the page.

pub(crate) mod collect;
pub(crate) mod model;
mod page;

use maud::Markup;
use serde_json::{Value, json};

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::more_in_report;
use crate::text::words::wrap;
use model::Worst;

/// Most services and workloads that the mail names.
const WORST: usize = 10;

/// What to check first.
pub(crate) struct First;

impl Section for First {
    fn head(&self, report: &Report) -> Head {
        Head::new("worst", "Check first", format!("{} to check first", report.fleet.kinds()))
    }

    fn mail(&self, view: &View<'_>) -> String {
        let report = view.report;
        let shown = &report.worst[..report.worst.len().min(WORST)];
        let text: String = shown.iter().map(|worst| one(worst, view)).collect();
        let more = (report.fleet.services + report.fleet.workloads()).saturating_sub(shown.len());
        if text.is_empty() { text } else { text + &more_in_report(more) }
    }

    fn page(&self, view: &View<'_>) -> Markup {
        page::section(view)
    }

    /// Without their charts.
    fn json(&self, report: &Report) -> Members {
        let worst = report.worst.iter().take(WORST).map(|worst| {
            let mut worst = json!(worst);
            worst.as_object_mut().map(|members| members.remove("history"));
            worst
        });
        vec![("worst", worst.collect::<Vec<Value>>().into())]
    }
}

fn one(Worst { account, region, cluster, because, figures, .. }: &Worst, view: &View<'_>) -> String {
    let (member, place) = (figures.member(), view.place(account, region));
    let because: Vec<&str> = because.iter().map(|because| because.words()).collect();
    let because = if because.is_empty() { String::new() } else { format!(": {}", because.join(", ")) };
    let lines = [
        wrap(&format!("{}{place}{because}", member.subject(cluster)), 2),
        wrap(&format!("memory {}", member.sentence(member.memory())), 4),
        wrap(&format!("CPU {}", member.sentence(member.cpu())), 4),
        wrap(&member.running_and_more(), 4),
    ];
    lines.concat()
}
