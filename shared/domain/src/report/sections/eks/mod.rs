//! EKS clusters: their configuration, problems, workloads and usage.
//!
//! ```text
//! SnapshotLine -> SeenEks -> EksClusterReport -> mail.rs, page/, JSON
//!                 seen.rs    model.rs and its parts
//! ```

pub(crate) mod counted;
pub(crate) mod hint;
mod mail;
pub(crate) mod model;
mod page;
pub(crate) mod pod;
pub(crate) mod seen;
pub(crate) mod setup;
pub(crate) mod vended;
mod words;

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::report::section::{Head, Members, Report, Section, View};
use model::EksClusterReport;

/// EKS clusters.
pub(crate) struct Eks;

impl Section for Eks {
    fn head(&self, _: &Report) -> Head {
        Head::new("eks", "EKS", "EKS clusters and workloads")
    }

    fn mail(&self, view: &View<'_>) -> String {
        mail::section(view)
    }

    fn page(&self, view: &View<'_>) -> Markup {
        if view.report.eks.is_empty() {
            html! {}
        } else {
            page::section(view.report)
        }
    }

    fn style(&self) -> &'static str {
        include_str!("style.css")
    }

    /// Without workloads and pods.
    fn json(&self, report: &Report) -> Members {
        vec![("eks", report.eks.iter().map(compact).collect())]
    }
}

fn compact(cluster: &EksClusterReport) -> Value {
    let problems: Vec<_> = cluster.findings.iter().map(|finding| &finding.problem).collect();
    let workloads = cluster.knows_workloads().then_some(cluster.workloads.len());
    json!({
        "account": cluster.account, "region": cluster.region, "cluster": cluster.cluster, "status": cluster.status,
        "version": cluster.version, "metrics_api": cluster.metrics_api, "workloads": workloads,
        "unlisted": cluster.unlisted, "pods": cluster.pod_count(), "unread": cluster.unread, "findings": problems, "hints": cluster.hints,
    })
}
