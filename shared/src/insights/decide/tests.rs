//! What is decided, case by case and for all cases.

use proptest::prelude::*;

use super::super::samples::{change, cluster, ledger, ledger_of, level, put_back, wish, wished};
use super::*;
use crate::insights::InsightsLevel::{Disabled, Enabled, Enhanced};
use crate::insights::{PutBack, RestoreStep, restore_step};

const ENABLED: Wish = Wish::AtLeastEnabled;

fn empty() -> ClusterLedger {
    ClusterLedger::default()
}

/// So many changes from disabled to enabled, all put back.
fn put_back_times(times: i64, by: &[&str]) -> ClusterLedger {
    let made = |n| change(10 * n, (Disabled, Enabled), ENABLED, ChangeState::Done);
    ClusterLedger {
        put_back: (1_i64..).zip(by).map(|(n, by)| put_back(10 * n + 5, by)).collect(),
        ..ledger_of((1..=times).map(made))
    }
}

fn decided(wish: Wish, has: InsightsLevel, acquaintance: Acquaintance, ledger: &ClusterLedger) -> Decision {
    let wished = wished(wish, ExistingClusters::Report);
    decide(&wished, &cluster(has), &History { acquaintance, ledger })
}

#[test]
fn a_new_cluster_is_set_to_what_is_wished_and_never_below_what_it_has() {
    for (wish, has, action) in [
        (Wish::HandsOff, Disabled, Action::Leave),
        (Wish::OffIsFine, Disabled, Action::Right),
        (ENABLED, Disabled, Action::Set(Enabled)),
        (ENABLED, Enabled, Action::Right),
        (ENABLED, Enhanced, Action::Right),
        (Wish::AtLeastEnhanced, Disabled, Action::Set(Enhanced)),
        (Wish::AtLeastEnhanced, Enabled, Action::Set(Enhanced)),
        (Wish::AtLeastEnhanced, Enhanced, Action::Right),
        (Wish::Exactly(Enabled), Enhanced, Action::Set(Enabled)),
        (Wish::Exactly(Disabled), Enhanced, Action::Set(Disabled)),
        (Wish::Exactly(Disabled), Disabled, Action::Right),
    ] {
        assert_eq!(decided(wish, has, Acquaintance::New, &empty()).action, action, "{wish}, {has}");
    }
}

#[test]
fn inactive_and_tagged_clusters_are_left_whatever_is_wished() {
    let wished = wished(Wish::Exactly(Enhanced), ExistingClusters::Change);
    let history = History { acquaintance: Acquaintance::New, ledger: &empty() };
    let mut tagged = cluster(Disabled);
    tagged.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    let mut gone = cluster(Disabled);
    gone.status = "INACTIVE".to_owned();
    for (cluster, why) in [(tagged, "its tag fargaze = hands-off says so"), (gone, "its status is INACTIVE")]
    {
        let Decision { action, reason } = decide(&wished, &cluster, &history);
        assert_eq!((action, reason.as_str()), (Action::Leave, why));
    }
    let mut other = cluster(Disabled);
    other.tags.insert("fargaze".to_owned(), "yes please".to_owned());
    assert_eq!(decide(&wished, &other, &history).action, Action::Set(Enhanced));
}

#[test]
fn an_existing_cluster_is_reported_unless_the_user_says_change_or_we_changed_it_before() {
    let once = put_back_times(1, &["ci"]);
    let mut abandoned = once.clone();
    abandoned.changes[0].state = ChangeState::Abandoned;
    for (existing, ledger, action, why) in [
        (ExistingClusters::Report, empty(), Action::Report, "it was there before fargaze"),
        (ExistingClusters::Report, abandoned, Action::Report, "it was there before fargaze"),
        (ExistingClusters::Change, empty(), Action::Set(Enabled), "(existing: change); its wish is at"),
        (
            ExistingClusters::Report,
            once,
            Action::Set(Enabled),
            "set it before, and it was put back by ci; its wish is at",
        ),
    ] {
        let history = History { acquaintance: Acquaintance::Existing, ledger: &ledger };
        let decision = decide(&wished(ENABLED, existing), &cluster(Disabled), &history);
        assert_eq!(decision.action, action);
        assert!(decision.reason.contains(why), "{}", decision.reason);
    }
}

#[test]
fn who_puts_it_back_twice_has_won_until_the_wish_changes() {
    let twice = put_back_times(2, &["arn:aws:iam::123456789012:role/terraform", "ci"]);
    let decision = decided(ENABLED, Disabled, Acquaintance::Existing, &twice);
    let by = ["arn:aws:iam::123456789012:role/terraform".to_owned(), "ci".to_owned()].to_vec();
    assert_eq!(decision.action, Action::Fight { by });
    assert!(decision.reason.starts_with("fargaze set it 2 times for the wish at-least-enabled"));
    assert_eq!(fight_over(Disabled, &twice).map(|by| by.len()), Some(2));
    assert_eq!(fight_over(Enabled, &twice), None);
    let other = decided(Wish::AtLeastEnhanced, Disabled, Acquaintance::Existing, &twice);
    assert_eq!(other.action, Action::Set(Enhanced));
    assert!(other.reason.starts_with("fargaze set it before, for another wish"), "{}", other.reason);
}

/// Issue 13, point 2: CloudTrail's times are whole seconds, and ours are not.
#[test]
fn who_puts_it_back_within_the_second_is_named() {
    let mut ledger = put_back_times(2, &["ci"]);
    for change in &mut ledger.changes {
        change.made += jiff::SignedDuration::from_millis(900);
    }
    ledger.put_back[0].time = change(10, (Disabled, Enabled), ENABLED, ChangeState::Done).time;
    let decision = decided(ENABLED, Disabled, Acquaintance::New, &ledger);
    assert_eq!(decision.action, Action::Fight { by: vec!["ci".to_owned()] });
}

#[test]
fn of_those_who_put_it_back_each_is_named_once_and_the_unheard_as_unheard() {
    let named = |ledger: &ClusterLedger| match decided(ENABLED, Disabled, Acquaintance::New, ledger).action {
        Action::Fight { by } => by,
        other => panic!("{other:?}"),
    };
    assert_eq!(named(&put_back_times(2, &["ci", "ci"])), ["ci"]);
    assert_eq!(named(&put_back_times(2, &[])), ["somebody whose event did not arrive"]);
    let mut ledger = put_back_times(2, &["ci"]);
    ledger.put_back.insert(0, put_back(1, "who was there before us"));
    ledger.put_back.push(PutBack { level: Enhanced, ..put_back(17, "who raised it") });
    assert_eq!(named(&ledger), ["ci"]);
}

#[test]
fn a_fight_begins_anew_after_a_change_for_another_wish() {
    let mut ledger = put_back_times(2, &[]);
    ledger.changes.push(change(30, (Disabled, Enhanced), Wish::AtLeastEnhanced, ChangeState::Done));
    let decision = decided(ENABLED, Disabled, Acquaintance::Existing, &ledger);
    assert_eq!(decision.action, Action::Set(Enabled));
}

#[test]
fn a_restore_holds_until_the_wish_changes() {
    let mut ledger = put_back_times(1, &[]);
    ledger.mark_restored(None);
    let decision = decided(ENABLED, Disabled, Acquaintance::New, &ledger);
    assert_eq!(decision.action, Action::Leave);
    assert!(decision.reason.starts_with("a restore put it back"), "{}", decision.reason);
    let other = decided(Wish::AtLeastEnhanced, Disabled, Acquaintance::Existing, &ledger);
    assert_eq!(other.action, Action::Report);
    assert!(other.reason.contains("existing: report"), "{}", other.reason);
}

#[test]
fn the_account_default_is_raised_if_wished_and_never_lowered() {
    use AccountDefaultWish::{AtLeast, Leave};
    for (wish, has, action) in [
        (Leave, Disabled, Action::Leave),
        (AtLeast(Enabled), Disabled, Action::Set(Enabled)),
        (AtLeast(Enabled), Enhanced, Action::Right),
        (AtLeast(Enhanced), Enabled, Action::Set(Enhanced)),
    ] {
        assert_eq!(decide_account_default(wish, has, &empty()).action, action, "{wish}, {has}");
    }
    let mut twice = put_back_times(2, &[]);
    twice.changes.iter_mut().for_each(|change| change.wish = "enabled".to_owned());
    let decision = decide_account_default(AtLeast(Enabled), Disabled, &twice);
    assert!(matches!(decision.action, Action::Fight { .. }));
    twice.mark_restored(None);
    assert_eq!(decide_account_default(AtLeast(Enabled), Disabled, &twice).action, Action::Leave);
}

#[test]
fn new_is_what_was_heard_of_or_what_the_last_sweep_did_not_see() {
    for (heard, seen, acquaintance) in [
        (true, None, Acquaintance::New),
        (true, Some(true), Acquaintance::New),
        (false, Some(false), Acquaintance::New),
        (false, Some(true), Acquaintance::Existing),
        (false, None, Acquaintance::Existing),
    ] {
        assert_eq!(Acquaintance::of(heard, seen), acquaintance);
    }
}

fn any_case() -> impl Strategy<Value = (Wished, ObservedCluster, Acquaintance, ClusterLedger)> {
    let existing = prop::sample::select(vec![ExistingClusters::Report, ExistingClusters::Change]);
    let acquaintance = prop::sample::select(vec![Acquaintance::New, Acquaintance::Existing]);
    let status = prop::sample::select(vec!["ACTIVE", "ACTIVE", "ACTIVE", "INACTIVE", "PROVISIONING"]);
    let case = (wish(), existing, level(), status, prop::bool::weighted(0.1), acquaintance, ledger());
    case.prop_map(|(wish, existing, level, status, tagged, acquaintance, ledger)| {
        let mut cluster = ObservedCluster { status: status.to_owned(), ..cluster(level) };
        if tagged {
            cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        }
        (wished(wish, existing), cluster, acquaintance, ledger)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

    #[test]
    fn only_an_exact_wish_lowers_and_what_is_set_is_as_wished((wished, cluster, acquaintance, ledger) in any_case()) {
        let decision = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
        prop_assert!(!decision.reason.is_empty());
        if let Action::Set(to) = decision.action {
            prop_assert!(to > cluster.level || matches!(wished.wish, Wish::Exactly(_)));
            prop_assert!(to != cluster.level && wished.wish.is_met_by(to));
        }
    }

    #[test]
    fn deciding_twice_changes_nothing((wished, mut cluster, acquaintance, mut ledger) in any_case()) {
        let decision = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
        if let Action::Set(to) = decision.action {
            ledger.changes.push(change(99, (cluster.level, to), wished.wish, ChangeState::Done));
            cluster.level = to;
            let again = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
            prop_assert_eq!(again.action, Action::Right);
        } else {
            let again = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
            prop_assert_eq!(again, decision);
        }
    }

    #[test]
    fn after_two_changes_for_a_wish_there_is_no_third((wished, cluster, acquaintance, mut ledger) in any_case()) {
        let made = |n: i64| change(100 + n, (Disabled, Enabled), wished.wish, ChangeState::Done);
        ledger.changes.extend([made(1), made(2)]);
        let decision = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
        prop_assert!(!matches!(decision.action, Action::Set(_)));
    }

    #[test]
    fn what_was_restored_is_not_set_for_the_same_wish((mut wished, mut cluster, acquaintance, mut ledger) in any_case()) {
        let made = |change: &&Change| change.state == ChangeState::Done;
        let Some(newest) = ledger.changes.iter().rev().find(made).cloned() else { return Ok(()) };
        // The newest of all, or there is a later restore, which is about its own wish.
        if ledger.newest() != Some(&newest) {
            return Ok(());
        }
        wished.wish = newest.wish.parse().unwrap();
        if let RestoreStep::PutBack { to } = restore_step(cluster.level, &ledger, None) {
            cluster.level = to;
            ledger.mark_restored(None);
            let decision = decide(&wished, &cluster, &History { acquaintance, ledger: &ledger });
            prop_assert!(!matches!(decision.action, Action::Set(_)), "{:?}", decision);
        }
    }
}
