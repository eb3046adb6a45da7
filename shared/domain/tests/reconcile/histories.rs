//! Random histories: whatever was lost, repeated, late, refused or killed, the next sweeps correct
//! it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fargaze::model::cluster::ClusterName;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::run::Platform;
use fargaze::reconcile::{Aspect, Change, Desired, Finding, FindingResult, Policies, Policy, SubjectKind};
use fargaze::rules::pattern::{Match, NamePattern};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::common::{Draw, PEOPLE, most};
use super::model::{Hit, Id, Shape, World};
use super::steps::{Beginning, Cast, EKS_NAMES, Step, play, undo};

/// Events that the histories must contain repeatedly.
const EXPECTED: [&str; 34] = [
    "account at the end: complies",
    "account at the end: conflict",
    "account at the end: left",
    "account at the end: rolled back",
    "ECS at the end: complies",
    "ECS at the end: existed before",
    "ECS at the end: conflict",
    "ECS at the end: rolled back",
    "ECS at the end: left",
    "EKS at the end: complies",
    "EKS at the end: existed before",
    "EKS at the end: EKS failed",
    "EKS at the end: reported",
    "EKS at the end: blocked",
    "EKS at the end: conflict",
    "EKS at the end: rolled back",
    "EKS at the end: left",
    "new by its event",
    "new by a sweep",
    "without an event",
    "of an earlier cluster",
    "set",
    "dry run",
    "waits for a later run",
    "in progress",
    "not yet",
    "overdue",
    "not known",
    "failed",
    "made so by others",
    "rolled back",
    "rolled back before",
    "rollback continues",
    "rollback leaves it",
];

/// One history: its beginning and its steps.
#[derive(Debug, Clone)]
struct History {
    beginning: Beginning,
    steps: Vec<Step>,
}

fn history() -> impl Strategy<Value = History> {
    let numbers = prop::collection::vec(any::<u64>(), 1..40);
    (any::<u64>(), numbers).prop_map(|(first, numbers)| {
        let mut draw = Draw(first);
        let cast = draw.one(&[Cast::Ecs, Cast::Ecs, Cast::Eks, Cast::Eks, Cast::Both]);
        let beginning = draw.beginning(cast);
        let steps = numbers.into_iter().map(|number| Draw(number).step(cast)).collect();
        History { beginning, steps }
    })
}

/// Sweeps until nothing is in progress; returns the findings of the last sweeps.
fn settle(world: &mut World) -> BTreeMap<Platform, Vec<Finding>> {
    // Two changes and two failures of each aspect, one cluster after the other.
    for _ in 0..20 {
        world.tick();
        let before = world.table.clone();
        let found = Platform::ALL.map(|platform| (platform, world.sweep(platform, Hit::NONE).unwrap()));
        world.wait(10);
        let is_news = |(_, found): &(Platform, Vec<Finding>)| found.iter().any(|finding| finding.news);
        if world.table == before && !found.iter().any(is_news) {
            return found.into();
        }
    }
    panic!("it does not come to rest: {world:#?}");
}

/// Plays one history to its end; returns its events and its end.
fn judge(History { beginning, steps }: History) -> Vec<String> {
    let Beginning { config, there, first } = beginning;
    let there: Vec<ClusterName> = there.iter().map(|name| name.parse().unwrap()).collect();
    let mut world = World::new(config, &there);
    first.into_iter().chain(steps).for_each(|step| play(&mut world, step));
    world.calm();
    world.judge_both_paths();
    let found = settle(&mut world);
    found.iter().for_each(|(platform, found)| world.judge_end(*platform, found));
    assert_eq!(
        world.not_written(),
        Vec::<&super::model::Key>::new(),
        "the table does not have all that was done"
    );
    assert_eq!(world.open(), Vec::<&Change>::new());

    // A rollback removes what belongs to fargaze, and nothing sets it again.
    world.give_up_rollbacks();
    let untouched = world.untouched();
    for platform in Platform::ALL {
        world.rollback(platform, None, Hit::NONE);
    }
    world.wait(10);
    let left: Vec<_> = world.untouched().into_iter().filter(|part| untouched.contains(part)).collect();
    assert_eq!(left, [], "nothing changed it, and it was not rolled back: {world:#?}");
    let ends = found.iter().flat_map(|(platform, found)| found.iter().map(|finding| end(*platform, finding)));
    ends.chain(world.judge.seen().map(str::to_owned)).collect()
}

fn end(platform: Platform, finding: &Finding) -> String {
    let says = |words: &str| finding.reason.contains(words);
    let of = match SubjectKind::of(platform, &finding.subject).unwrap() {
        SubjectKind::Account => "account",
        SubjectKind::EcsCluster => "ECS",
        SubjectKind::EksCluster => "EKS",
        SubjectKind::LogGroup => panic!("the model has no log groups"),
    };
    let end = match finding.result {
        FindingResult::Compliant => "complies",
        FindingResult::Reported if says("existed before") => "existed before",
        FindingResult::Reported if says("EKS failed") => "EKS failed",
        FindingResult::Reported => "reported",
        FindingResult::Blocked => "blocked",
        FindingResult::Conflict(_) => "conflict",
        FindingResult::Left if says("rolled back") => "rolled back",
        _ => "left",
    };
    format!("{of} at the end: {end}")
}

#[test]
fn after_ten_thousand_histories_the_next_sweeps_make_every_subject_comply() {
    let seen = RefCell::new(BTreeMap::<String, usize>::new());
    let cases = ProptestConfig::default().cases.max(10_000);
    let config_of_runner = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let played = TestRunner::new(config_of_runner).run(&history(), |history| {
        for what in judge(history) {
            *seen.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
    // The histories are only useful if all of this occurs in them.
    let seen = seen.into_inner();
    let rare: Vec<_> =
        EXPECTED.into_iter().filter(|what| seen.get(*what).is_none_or(|times| *times < 20)).collect();
    assert!(rare.is_empty(), "hardly any history had {rare:?}: {seen:?}");
}

/// The strictest policies for all clusters and the account.
fn all() -> Policies {
    let desired = Aspect::ALL.into_iter().map(|aspect| (aspect, most(aspect))).collect();
    let entry = Policy { desired, source: "fargaze.yaml:9".to_owned(), ..Policy::default() };
    Policies { entries: vec![entry], ..Policies::default() }
}

/// A cluster that EKS is creating, with the strictest policies.
fn created() -> (World, Id) {
    let id = Id::cluster(Platform::Eks, &EKS_NAMES[0].parse().unwrap());
    let mut world = World::new(all(), &[]);
    let shape = Shape { profile: Some("*"), has_nodes: true, is_slow: false, is_failed: false };
    world.create_eks(&id, shape, PEOPLE[0]);
    let event = world.messages[0].clone();
    world.deliver(&event, Hit::NONE);
    (world, id)
}

/// Through its event alone, whatever happens to the first calls.
#[test]
fn a_new_cluster_without_interference_is_set_up_completely() {
    let hits = prop::collection::vec(any::<u64>().prop_map(|number| Draw(number).hit()), 0..5);
    proptest!(|(hits in hits)| {
        let (mut world, id) = created();
        let event = world.messages[0].clone();
        world.wait(10);
        for hit in hits {
            world.deliver(&event, hit);
            world.tick();
        }
        world.wait(40);
        for aspect in id.aspects() {
            prop_assert!(world.complies(&id, aspect), "{}: {:#?}", aspect, world);
        }
    });
}

#[test]
fn who_reverts_it_each_time_is_reported_and_wins() {
    let (mut world, id) = created();
    for _ in 0..4 {
        world.wait(30);
        id.aspects().for_each(|aspect| undo(&mut world, &id, aspect, "alice"));
        world.change_level(&Id::ACCOUNT, InsightsLevel::Disabled, "alice", "");
        world.wait(5);
        Platform::ALL.into_iter().for_each(|platform| drop(world.sweep(platform, Hit::NONE)));
    }
    let found = Platform::ALL.map(|platform| world.sweep(platform, Hit::NONE).unwrap()).concat();
    let conflicts = found.iter().filter(|finding| matches!(finding.result, FindingResult::Conflict(_)));
    assert_eq!(conflicts.count(), 5, "{found:#?}");
}

/// A policy for clusters with these names only.
pub(crate) fn policy_of(pattern: &str, desired: BTreeMap<Aspect, Desired>) -> Policy {
    let clusters = Some(vec![NamePattern::new(pattern)]);
    let matches = Match { clusters, ..Match::default() };
    Policy { matches, desired, source: "fargaze.yaml:9".to_owned(), ..Policy::default() }
}
