//! Parts of the page that ECS and EKS clusters share.

use maud::{Markup, html};

use crate::model::cluster::{AccountId, Region};

/// Up to this many services or workloads, clusters are shown unfolded.
pub(crate) const OPEN: usize = 40;

/// What needs a person, after the cluster's line.
pub(crate) fn warnings<const N: usize>(warnings: [Option<String>; N]) -> Markup {
    html! { @for warning in warnings.into_iter().flatten() { ". " i { (warning) } } }
}

/// Region, account and console link.
pub(crate) fn place(account: &AccountId, region: &Region, console: &str, link: Option<&str>) -> Markup {
    html! {
        p class="note" {
            (region.as_str()) " (" (account.as_str()) "). "
            @if let Some(link) = link { a rel="noreferrer" href=(link) { "Open in the " (console) " console" } }
        }
    }
}
