//! Active alarms, and alarms that cannot be evaluated.

pub(crate) mod collect;
pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::named;
use crate::report::show::table;

/// Active alarms.
pub(crate) struct Alarms;

impl Section for Alarms {
    fn head(&self, _: &Report) -> Head {
        Head::new("alarms", "Alarms", "Active alarms")
    }

    fn mail(&self, view: &View<'_>) -> String {
        named(view.report.alarms.iter().map(|line| {
            let place = view.place(&line.account, &line.region);
            format!("{}{place}, rule {}: {}", line.subject, line.rule, line.state(view.report.time))
        }))
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let alarms = &view.report.alarms;
        if alarms.is_empty() {
            return html! { p { "None." } };
        }
        table::of_section("alarms", "Active alarms", ["Where", "Rule", "State"], alarms, |alarm| {
            html! {
                th scope="row" { (alarm.subject.as_str()) (view.place(&alarm.account, &alarm.region)) }
                td { (alarm.rule.as_str()) }
                td { (alarm.state(view.report.time)) }
            }
        })
    }

    fn json(&self, report: &Report) -> Members {
        vec![("alarms", json!(report.alarms))]
    }
}
