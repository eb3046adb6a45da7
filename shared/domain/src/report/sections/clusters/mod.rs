//! ECS clusters, each with the table of its services. The mail only names the services to check
//! first.

pub(crate) mod load_balancing;
pub(crate) mod model;
mod page;
pub(crate) mod part;
pub(crate) mod runs_on;
pub(crate) mod seen;
pub(crate) mod service;

use maud::{Markup, html};

use crate::report::section::{Head, Report, Section, View};

/// Every ECS cluster with its services.
pub(crate) struct Clusters;

impl Section for Clusters {
    fn head(&self, _: &Report) -> Head {
        Head::new("clusters", "Clusters and services", "Clusters and services")
    }

    fn page(&self, view: &View<'_>) -> Markup {
        if view.report.shows_ecs() {
            page::section(view.report)
        } else {
            html! {}
        }
    }
}
