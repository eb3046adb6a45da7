//! The paragraphs of the message, the most urgent first.

use super::super::coverage::in_words;
use super::super::words::{about_dollars, count, hang, list, thousands, wrap};
use super::{Findings, Found, FoundDefault, cost_of, names};
use crate::fault::Fault;
use crate::insights::{CostEstimate, InsightsLevel, TARIFF};
use crate::message::harmless;
use crate::outcome::InsightsResult;
use crate::run::{RunKind, Target};

/// Why what is to be changed waits: fargaze.yaml says how much one run may change.
pub(super) const LIMIT_REACHED: &str =
    "It waits because this run has changed as many clusters as max-changes and max-percent let it.";

/// What follows if no event of a new cluster came.
pub(super) const NO_TRAIL: &str = "The sweep found them as new ones. EventBridge gets calls to ECS and EKS only through a trail that logs management \
     events; without it, new clusters wait for the next sweep.";

/// Clusters that one paragraph names.
pub(super) const NAMED: usize = 20;

impl Findings<'_> {
    /// All paragraphs, each of whole lines.
    pub(super) fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = Vec::new();
        paragraphs.extend(self.dry_run_head().map(ToOwned::to_owned));
        paragraphs.extend(self.failed());
        paragraphs.extend(self.fights());
        paragraphs.extend(self.eks_urgent());
        paragraphs.extend(self.moved("SET", |result| match result {
            InsightsResult::Set(to) => Some(*to),
            _ => None,
        }));
        paragraphs.extend(self.moved("PUT BACK", |result| match result {
            InsightsResult::Restored(to) => Some(*to),
            _ => None,
        }));
        paragraphs.extend(self.standing("SKIPPED", &InsightsResult::Skipped));
        let waiting = self.moved("WAITS FOR THE NEXT RUN", |result| match result {
            InsightsResult::Waiting(to) => Some(*to),
            _ => None,
        });
        paragraphs.extend(waiting.into_iter().map(|paragraph| paragraph + &wrap(LIMIT_REACHED, 2)));
        let would = if self.kind == RunKind::Restore { "WOULD PUT BACK" } else { "WOULD SET" };
        paragraphs.extend(self.moved(would, |result| match result {
            InsightsResult::WouldSet(to) => Some(*to),
            _ => None,
        }));
        paragraphs.extend(self.silent());
        paragraphs.extend(self.unannounced());
        paragraphs.extend(self.standing("NOT AS WISHED, AND LEFT SO", &InsightsResult::Reported));
        paragraphs.extend(self.account_defaults());
        paragraphs.extend(self.eks_paragraphs());
        paragraphs.extend(Some(self.counts()).filter(|counts| !counts.is_empty()));
        paragraphs.extend(self.costs());
        paragraphs
    }

    fn failed(&self) -> Vec<String> {
        let failed = self.clusters.iter().filter_map(|found| match &found.finding.result {
            InsightsResult::Failed(fault) => Some((*found, fault)),
            _ => None,
        });
        let groups = grouped(failed, |(found, fault)| (place(found.target), &fault.operation, &fault.code));
        let paragraphs = groups.into_iter().map(|((place, ..), group)| {
            let clusters: Vec<Found<'_>> = group.iter().map(|(found, _)| *found).collect();
            let fault = group.first().map(|(_, fault)| why_failed(fault)).unwrap_or_default();
            let head = format!("FAILED in {place}: {}.", names(&clusters, NAMED));
            wrap(&head, 0) + &wrap(&fault, 2)
        });
        paragraphs.collect()
    }

    fn fights(&self) -> Vec<String> {
        let fights = self.clusters.iter().filter_map(|found| match &found.finding.result {
            InsightsResult::Fight(by) => Some((*found, by)),
            _ => None,
        });
        let groups = grouped(fights, |(found, by)| {
            (place(found.target), found.finding.level, found.finding.reason.as_str(), *by)
        });
        let paragraphs = groups.into_iter().map(|((place, level, reason, by), group)| {
            let clusters: Vec<Found<'_>> = group.iter().map(|(found, _)| *found).collect();
            fight(&format!("{} ({level})", names(&clusters, NAMED)), &place, reason, by)
        });
        paragraphs.collect()
    }

    /// Clusters that went, or would or will go, from one level to another, the dearest first.
    fn moved(&self, head: &str, to: impl Fn(&InsightsResult) -> Option<InsightsLevel>) -> Vec<String> {
        let moved = self.clusters.iter().filter_map(|found| Some((*found, to(&found.finding.result)?)));
        let groups = grouped(moved, |(found, to)| {
            (place(found.target), found.finding.level, *to, found.finding.reason.as_str())
        });
        let paragraphs = groups.into_iter().map(|((place, from, to, reason), group)| {
            let mut clusters: Vec<Found<'_>> = group.iter().map(|(found, _)| *found).collect();
            let dollars = |found: &Found<'_>| found.finding.cost.map_or(0.0, |cost| cost.dollars_a_month);
            clusters.sort_by(|a, b| {
                dollars(b).total_cmp(&dollars(a)).then_with(|| a.finding.cluster.cmp(&b.finding.cluster))
            });
            let mut text = wrap(&format!("{head} {from} -> {to} in {place}:"), 0);
            let (named, more) = clusters.split_at(clusters.len().min(NAMED));
            for found in named {
                let cost =
                    found.finding.cost.map(|cost| format!(": {}", cost_words(cost))).unwrap_or_default();
                text.push_str(&wrap(&format!("{}{cost}", found.finding.cluster), 2));
            }
            if !more.is_empty() {
                let cost = cost_words(cost_of(more));
                text.push_str(&wrap(&format!("and {} more: {cost}", more.len()), 2));
            }
            text + &wrap(&format!("Why: {}.", harmless(reason)), 2)
        });
        paragraphs.collect()
    }

    /// Clusters that stay as they are for the same reason.
    fn standing(&self, head: &str, result: &InsightsResult) -> Vec<String> {
        let standing = self.clusters.iter().filter(|found| found.finding.result == *result).copied();
        let groups = grouped(standing, |found| {
            (place(found.target), found.finding.level, found.finding.reason.as_str())
        });
        let paragraphs = groups.into_iter().map(|((place, level, reason), clusters)| {
            let head = format!("{head} ({level}) in {place}: {}.", names(&clusters, NAMED));
            wrap(&head, 0) + &wrap(&format!("Why: {}.", harmless(reason)), 2)
        });
        paragraphs.collect()
    }

    fn silent(&self) -> Option<String> {
        let silent = self.that(|finding| finding.silent);
        let why = "Tasks run there, and no metrics come. A likely cause: a cluster of that name without Container Insights \
                   was deleted, and this one was created within 7 days; then ECS does not really turn it on (ECS API, \
                   UpdateClusterSettings). Use another name, or create it anew after 7 days.";
        (!silent.is_empty()).then(|| by_place("ON, BUT SILENT", &silent) + &wrap(why, 2))
    }

    fn unannounced(&self) -> Option<String> {
        let unannounced = self.that(|finding| finding.unannounced);
        let head = "EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event came of";
        (!unannounced.is_empty()).then(|| by_place(head, &unannounced) + &wrap(NO_TRAIL, 2))
    }

    fn account_defaults(&self) -> Vec<String> {
        let groups = grouped(self.defaults.iter().copied(), |found| {
            (found.finding.level, &found.finding.result, found.finding.reason.as_str())
        });
        groups.into_iter().map(|(_, group)| account_default(&group)).collect()
    }

    /// How many are right, and how many are left alone why.
    fn counts(&self) -> String {
        let left = self.with(InsightsResult::is_left);
        if self.kind == RunKind::Restore {
            let rest = left.len() + self.with(|result| *result == InsightsResult::Right).len();
            let text = || format!("Nothing to put back: {}.\n", count(rest, "cluster"));
            return if rest > 0 { text() } else { String::new() };
        }
        let right = self.with(|result| *result == InsightsResult::Right).len();
        if self.clusters.is_empty() && !self.eks.is_empty() {
            return String::new();
        }
        let mut text = format!("As wished: {right} of {}.\n", count(self.clusters.len(), "cluster"));
        if !left.is_empty() {
            text.push_str(&format!("Left alone: {}.\n", count(left.len(), "cluster")));
            for (reason, group) in grouped(left.into_iter(), |found| found.finding.reason.as_str()) {
                text.push_str(&wrap(&format!("{}: {}.", group.len(), harmless(reason)), 2));
            }
        }
        text
    }

    fn costs(&self) -> Option<String> {
        let sums = [
            (self.with(|result| matches!(result, InsightsResult::Set(_))), "What was set:"),
            (self.with(|result| matches!(result, InsightsResult::WouldSet(_))), "What would be set:"),
            (self.with(|result| matches!(result, InsightsResult::Waiting(_))), "What waits, once it is set:"),
            (self.with(|result| *result == InsightsResult::Reported), "What is left so, if it were set:"),
        ];
        let has_cost = |found: &[Found<'_>]| found.iter().any(|found| found.finding.cost.is_some());
        let lines: String = sums
            .iter()
            .filter(|(found, _)| has_cost(found))
            .map(|(found, what)| wrap(&format!("{what} {}.", cost_words_in_all(cost_of(found))), 0))
            .collect();
        let tariff = format!(
            "At the tariff of {} ({}: ${:.2} a metric and month, ${:.2} where it is enhanced).",
            TARIFF.date, TARIFF.region, TARIFF.enabled, TARIFF.enhanced
        );
        (!lines.is_empty()).then(|| lines + &wrap(&tariff, 0))
    }
}

/// One paragraph about account defaults that are alike.
fn account_default(alike: &[FoundDefault<'_>]) -> String {
    let Some(FoundDefault { finding, .. }) = alike.first() else { return String::new() };
    let places: Vec<String> = alike.iter().map(|found| place(found.target)).collect();
    let place = list(places.iter().map(String::as_str), 5);
    let why = format!("Why: {}.", harmless(&finding.reason));
    let level = finding.level.map_or("unknown", InsightsLevel::as_str);
    let (head, why) = match &finding.result {
        InsightsResult::Set(to) => (format!("ACCOUNT DEFAULT SET {level} -> {to} in {place}."), why),
        InsightsResult::WouldSet(to) => {
            (format!("WOULD SET the account default {level} -> {to} in {place}."), why)
        }
        InsightsResult::Waiting(to) => {
            (format!("ACCOUNT DEFAULT WAITS to go {level} -> {to} in {place}."), why)
        }
        InsightsResult::Restored(to) => {
            (format!("ACCOUNT DEFAULT PUT BACK {level} -> {to} in {place}."), why)
        }
        InsightsResult::Skipped => (format!("ACCOUNT DEFAULT SKIPPED ({level}) in {place}."), why),
        InsightsResult::Reported => (format!("ACCOUNT DEFAULT NOT AS WISHED ({level}) in {place}."), why),
        InsightsResult::Failed(fault) if finding.level.is_none() => {
            (format!("ACCOUNT DEFAULT COULD NOT BE READ in {place}."), why_failed(fault))
        }
        InsightsResult::Failed(fault) => {
            (format!("ACCOUNT DEFAULT FAILED ({level}) in {place}."), why_failed(fault))
        }
        InsightsResult::Fight(by) => {
            return fight(&format!("the account default ({level})"), &place, &finding.reason, by);
        }
        InsightsResult::Right | InsightsResult::Left | InsightsResult::NotYet | InsightsResult::UnderWay => {
            let text = format!("The account default is {level} in {place}: {}.", harmless(&finding.reason));
            return hang(&text);
        }
    };
    wrap(&head, 0) + &wrap(&why, 2)
}

/// Who changed something back, by ARN or name; five at most.
pub(super) fn people(by: &[String]) -> String {
    let by: Vec<String> = by.iter().map(|by| harmless(by)).collect();
    list(by.iter().map(String::as_str), 5)
}

fn fight(what: &str, place: &str, reason: &str, by: &[String]) -> String {
    let by = people(by);
    wrap(&format!("FIGHT over {what} in {place}."), 0)
        + &wrap(&format!("Why: {}.", harmless(reason)), 2)
        + &wrap(&format!("Put back by {by}."), 2)
}

/// A fault and what to do about it; whose it is stands before it.
pub(super) fn why_failed(fault: &Fault) -> String {
    let unnamed = Fault { subject: String::new(), ..fault.clone() };
    format!("{} ({}).", in_words(&unnamed), fault.advice())
}

/// Clusters behind a heading, place by place.
fn by_place(head: &str, found: &[Found<'_>]) -> String {
    let groups = grouped(found.iter().copied(), |found| place(found.target));
    let places: Vec<String> =
        groups.iter().map(|(place, group)| format!("{} in {place}", names(group, NAMED))).collect();
    let joint = if head.ends_with("of") { " " } else { ": " };
    wrap(&format!("{head}{joint}{}.", places.join("; ")), 0)
}

/// The target without its part: clusters of all parts belong together.
pub(super) fn place(target: &Target) -> String {
    format!("{} ({})", target.region, target.account)
}

/// `about 112 metrics, $33.60 a month`
fn cost_words(cost: CostEstimate) -> String {
    words_of(cost, "")
}

/// `about 112 custom metrics, $33.60 a month`
fn cost_words_in_all(cost: CostEstimate) -> String {
    words_of(cost, "custom ")
}

fn words_of(CostEstimate { metrics, dollars_a_month }: CostEstimate, kind: &str) -> String {
    let s = if metrics == 1 { "" } else { "s" };
    if dollars_a_month > -0.005 {
        let dollars = about_dollars(dollars_a_month.max(0.0));
        format!("about {} {kind}metric{s}, {dollars} a month", thousands(metrics))
    } else {
        format!("saves about {} a month", about_dollars(-dollars_a_month))
    }
}

/// Items with equal keys together, in the order in which the keys first appear.
pub(super) fn grouped<T, K: PartialEq>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for item in items {
        let key = key(&item);
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}
