//! What a cluster of ECS and one of EKS have in common on the page.

use maud::{Markup, html};

use crate::model::cluster::{AccountId, Region};

/// So many services or workloads are shown without a click.
pub(crate) const OPEN: usize = 40;

/// What needs a person, behind the line of the cluster.
pub(crate) fn warnings<const N: usize>(warnings: [Option<String>; N]) -> Markup {
    html! { @for warning in warnings.into_iter().flatten() { ". " i { (warning) } } }
}

/// Where it is, and where to look further.
pub(crate) fn place(account: &AccountId, region: &Region, console: &str, link: Option<&str>) -> Markup {
    html! {
        p class="note" {
            (region.as_str()) " (" (account.as_str()) "). "
            @if let Some(link) = link { a rel="noreferrer" href=(link) { "Open in the " (console) " console" } }
        }
    }
}
