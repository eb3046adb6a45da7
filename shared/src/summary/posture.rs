//! How Container Insights stands, for the report: where it is on and off, who opted out, who fights us, who is silent.

use super::TargetResult;
use super::words::{count, list, utc, wrap};
use crate::cluster::ClusterName;
use crate::insights::{Change, ChangeState, InsightsLevel, Ledger, LedgerSubject, fight_over, opts_out};
use crate::inventory::ClusterEntry;
use crate::message::harmless;
use crate::run::{Run, Target};

/// Clusters and changes that one line or list names.
const NAMED: usize = 20;

/// A cluster of the inventory with its place.
pub(super) type Seen<'a> = (&'a Target, &'a ClusterName, &'a ClusterEntry);

/// The paragraph of the report. The ledger of an account and Region is about all parts of it.
pub(super) fn paragraph(
    run: &Run,
    results: &[TargetResult],
    clusters: &[Seen<'_>],
    ledger: &[(Target, Ledger)],
) -> String {
    let mut text = String::from("CONTAINER INSIGHTS\n");
    for level in InsightsLevel::ALL.into_iter().rev() {
        text.push_str(&named(clusters, &format!("{level} in"), |(.., entry)| entry.insights == level));
    }
    text.push_str(&named(clusters, "opted out (tag fargaze = hands-off) in", |(.., entry)| {
        opts_out(&entry.tags)
    }));
    let is_silent = |(target, name, entry): &Seen<'_>| {
        let on = entry.insights > InsightsLevel::Disabled && !entry.reports_insights;
        on && !entry.services.is_empty() && !was_changed(run, ledger, target, name)
    };
    let silent = named(clusters, "on, but no metrics in the last 3 hours, in", is_silent);
    if !silent.is_empty() {
        let why = "A likely cause: a cluster of that name, which was off, was deleted less than 7 days before this one was \
                   created; then ECS does not really turn it on.";
        text.push_str(&(silent + &wrap(why, 4)));
    }
    text.push_str(&fights(clusters, ledger));
    text.push_str(&account_defaults(results));
    text.push_str(&changes(run, ledger));
    text
}

/// Clusters behind a heading, with their Region if there are several.
fn named(clusters: &[Seen<'_>], head: &str, wanted: impl Fn(&Seen<'_>) -> bool) -> String {
    let place = |target: &Target| (target.account.clone(), target.region.clone());
    let first = clusters.first().map(|(target, ..)| place(target));
    let one_place = clusters.iter().all(|(target, ..)| Some(place(target)) == first);
    let label = |(target, name, _): &Seen<'_>| {
        if one_place { name.to_string() } else { format!("{name} in {}", target.region) }
    };
    let names: Vec<String> = clusters.iter().filter(|seen| wanted(seen)).map(label).collect();
    if names.is_empty() {
        return String::new();
    }
    let listed = list(names.iter().map(String::as_str), NAMED);
    wrap(&format!("{head} {}: {listed}", count(names.len(), "cluster")), 2)
}

/// The ledger of the target's account and Region.
fn ledger_of<'a>(ledger: &'a [(Target, Ledger)], target: &Target) -> Option<&'a Ledger> {
    let same = |other: &Target| (&other.account, &other.region) == (&target.account, &target.region);
    ledger.iter().find(|(other, _)| same(other)).map(|(_, ledger)| ledger)
}

/// Whether we changed it lately, so that it cannot have metrics yet.
fn was_changed(run: &Run, ledger: &[(Target, Ledger)], target: &Target, name: &ClusterName) -> bool {
    let entry =
        ledger_of(ledger, target).and_then(|ledger| ledger.get(&LedgerSubject::Cluster(name.clone())));
    entry.is_some_and(|entry| entry.changes.iter().any(|change| is_recent(run, change)))
}

/// Whether a change was made in the window of the report or after it.
fn is_recent(run: &Run, change: &Change) -> bool {
    change.time >= run.window.start && change.state != ChangeState::Abandoned
}

/// Clusters that others put back twice.
fn fights(clusters: &[Seen<'_>], ledger: &[(Target, Ledger)]) -> String {
    let fight = |(target, name, entry): &Seen<'_>| {
        if opts_out(&entry.tags) {
            return None;
        }
        let subject = LedgerSubject::Cluster((*name).clone());
        let by = fight_over(entry.insights, ledger_of(ledger, target)?.get(&subject)?)?;
        let by = list(by.iter().map(String::as_str), 3);
        Some(format!("{name} in {} (by {})", target.region, harmless(&by)))
    };
    let fights: Vec<String> = clusters.iter().filter_map(fight).collect();
    if fights.is_empty() {
        return String::new();
    }
    let names = list(fights.iter().map(String::as_str), NAMED);
    wrap(&format!("put back twice, so fargaze leaves it until its wish changes: {names}"), 2)
}

/// The account's default of each Region that told it.
fn account_defaults(results: &[TargetResult]) -> String {
    let lines = results.iter().filter_map(|result| {
        let finding = result.outcome()?.account_default.as_ref()?;
        let level = finding.level.map_or("could not be read", InsightsLevel::as_str);
        Some(wrap(&format!("account default in {}: {level}", result.target), 2))
    });
    lines.collect()
}

/// What we changed in the window of the report, and since.
fn changes(run: &Run, ledger: &[(Target, Ledger)]) -> String {
    let all = ledger.iter().flat_map(|(target, ledger)| {
        ledger.values().flat_map(move |entry| entry.changes.iter().map(move |change| (target, change)))
    });
    let mut recent: Vec<(&Target, &Change)> = all.filter(|(_, change)| is_recent(run, change)).collect();
    recent.sort_by_key(|(_, change)| std::cmp::Reverse(change.time));
    let (told, more) = recent.split_at(recent.len().min(NAMED));
    let mut text: String = told.iter().map(|(target, change)| told_change(target, change)).collect();
    if !more.is_empty() {
        text.push_str(&format!("  ... and {} before.\n", count(more.len(), "change")));
    }
    text
}

fn told_change(target: &Target, Change { subject, time, from, to, reason, state, .. }: &Change) -> String {
    let what = match subject {
        LedgerSubject::Cluster(name) => format!("{name} in {}", target.region),
        LedgerSubject::AccountDefault => format!("the account default in {}", target.region),
    };
    let set = if *state == ChangeState::Planned { "began to set (and may have set)" } else { "set" };
    let then = if *state == ChangeState::Restored { ", and put it back in a restore" } else { "" };
    let reason = harmless(reason);
    wrap(&format!("fargaze {set} {what} from {from} to {to} at {}{then}: {reason}.", utc(*time)), 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::insights::{ClusterLedger, OPT_OUT_TAG, PutBack};
    use crate::outcome::{AccountDefaultFinding, Coverage, InsightsResult, Outcome};
    use crate::run::{Part, RunKind};

    fn now() -> Timestamp {
        "2026-11-22T07:00:00Z".parse().unwrap()
    }

    fn target(region: &str) -> Target {
        Target {
            account: "123456789012".parse().unwrap(),
            region: region.parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        }
    }

    fn entry(insights: InsightsLevel, reports_insights: bool) -> ClusterEntry {
        let services = vec!["web".parse().unwrap()];
        ClusterEntry { insights, reports_insights, services, ..ClusterEntry::default() }
    }

    fn change(cluster: &str, hours_ago: i64, state: ChangeState) -> (LedgerSubject, Change) {
        let subject: LedgerSubject = cluster.parse().unwrap();
        let change = Change {
            subject: subject.clone(),
            time: now() - SignedDuration::from_hours(hours_ago),
            cause: format!("event-{hours_ago}"),
            from: InsightsLevel::Disabled,
            to: InsightsLevel::Enabled,
            wish: "at-least-enabled".to_owned(),
            reason: "it is new; its wish is at-least-enabled (built-in)".to_owned(),
            request_id: None,
            state,
        };
        (subject, change)
    }

    fn ledger(changes: impl IntoIterator<Item = (LedgerSubject, Change)>) -> Ledger {
        let mut ledger = Ledger::new();
        for (subject, change) in changes {
            ledger.entry(subject).or_default().changes.push(change);
        }
        ledger
    }

    fn written(
        clusters: &[(&Target, &str, ClusterEntry)],
        ledger: &[(Target, Ledger)],
        results: &[TargetResult],
    ) -> String {
        let named: Vec<_> =
            clusters.iter().map(|(target, name, entry)| (*target, name.parse().unwrap(), entry)).collect();
        let seen: Vec<Seen<'_>> = named.iter().map(|(target, name, entry)| (*target, name, *entry)).collect();
        let run = Run::new(
            RunKind::Report,
            now(),
            SignedDuration::from_mins(2),
            SignedDuration::from_hours(24),
            None,
        );
        paragraph(&run, results, &seen, ledger)
    }

    #[test]
    fn the_posture_reads_like_this() {
        use InsightsLevel::{Disabled, Enabled, Enhanced};
        let (eu, us) = (target("eu-west-1"), target("us-east-1"));
        let mut lab = entry(Disabled, false);
        lab.tags = BTreeMap::from([(OPT_OUT_TAG.0.to_owned(), OPT_OUT_TAG.1.to_owned())]);
        let clusters = [
            (&eu, "cart", entry(Enabled, false)),
            (&eu, "lab", lab),
            (&eu, "orders", entry(Disabled, false)),
            (&eu, "search", entry(Enhanced, true)),
            (&eu, "till", entry(Enabled, false)),
            (&us, "orders", entry(Disabled, false)),
        ];
        let mut eu_ledger = ledger([
            change("cart", 1, ChangeState::Done),
            change("orders", 300, ChangeState::Done),
            change("orders", 200, ChangeState::Done),
            change("lab", 300, ChangeState::Done),
            change("lab", 200, ChangeState::Done),
            change("shop", 3, ChangeState::Planned),
            change("@account-default", 2, ChangeState::Restored),
        ]);
        let by = "arn:aws:sts::123456789012:assumed-role/terraform/ci".to_owned();
        let put_back = PutBack { time: now(), event_id: "e".to_owned(), by, level: Disabled };
        eu_ledger.entry("orders".parse().unwrap()).or_default().put_back.push(put_back);
        // One change in each Region is no fight.
        let us_ledger = ledger([change("orders", 100, ChangeState::Done)]);
        let default = AccountDefaultFinding {
            level: Some(Enabled),
            result: InsightsResult::Right,
            reason: String::new(),
            news: false,
        };
        let outcome = Outcome {
            target: eu.clone(),
            coverage: Coverage::default(),
            notices: Vec::new(),
            insights: Vec::new(),
            account_default: Some(default),
            dry_run: false,
            snapshot: None,
        };
        let results = [TargetResult { target: eu.clone(), result: Ok(outcome) }];
        let text = written(&clusters, &[(eu.clone(), eu_ledger), (us.clone(), us_ledger)], &results);
        assert_eq!(
            text,
            "\
CONTAINER INSIGHTS
  enhanced in 1 cluster: search in eu-west-1
  enabled in 2 clusters: cart in eu-west-1, till in eu-west-1
  disabled in 3 clusters: lab in eu-west-1, orders in eu-west-1, orders in
  us-east-1
  opted out (tag fargaze = hands-off) in 1 cluster: lab in eu-west-1
  on, but no metrics in the last 3 hours, in 1 cluster: till in eu-west-1
    A likely cause: a cluster of that name, which was off, was deleted less
    than 7 days before this one was created; then ECS does not really turn it
    on.
  put back twice, so fargaze leaves it until its wish changes: orders in
  eu-west-1 (by arn:aws:sts::123456789012:assumed-role/terraform/ci)
  account default in eu-west-1 (123456789012): enabled
  fargaze set cart in eu-west-1 from disabled to enabled at 2026-11-22 06:00
  UTC: it is new; its wish is at-least-enabled (built-in).
  fargaze set the account default in eu-west-1 from disabled to enabled at
  2026-11-22 05:00 UTC, and put it back in a restore: it is new; its wish is
  at-least-enabled (built-in).
  fargaze began to set (and may have set) shop in eu-west-1 from disabled to
  enabled at 2026-11-22 04:00 UTC: it is new; its wish is at-least-enabled
  (built-in).
"
        );
    }

    #[test]
    fn many_changes_are_cut_the_newest_first() {
        let many = (1..=22).map(|n| change(&format!("c{n}"), n, ChangeState::Done));
        let text = written(&[], &[(target("eu-west-1"), ledger(many))], &[]);
        assert!(
            text.starts_with("CONTAINER INSIGHTS\n  fargaze set c1 in eu-west-1 from disabled"),
            "{text}"
        );
        assert!(text.ends_with("  ... and 2 changes before.\n"), "{text}");
        let empty = written(
            &[],
            &[(target("eu-west-1"), BTreeMap::from([("a".parse().unwrap(), ClusterLedger::default())]))],
            &[],
        );
        assert_eq!(empty, "CONTAINER INSIGHTS\n");
    }
}
