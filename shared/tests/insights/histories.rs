//! Random histories: whatever was lost, repeated, late or killed, the next sweep makes it good.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fargaze::cluster::ClusterName;
use fargaze::insights::{
    Action, ChangeState, Decision, ExistingClusters, InsightsConfig, InsightsLevel, LedgerSubject, Wish,
    WishRule,
};
use fargaze::pattern::NamePattern;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::common::{Draw, Noise, PEOPLE};
use super::model::{Kill, World};

/// Few clusters, so that much happens to each.
const NAMES: [&str; 5] = ["shop", "shop", "cart", "cart", "AWSBatch-nightly"];

#[derive(Debug, Clone)]
enum Step {
    /// Of a cluster that is there, as a deploy script does it each time; else a new one, which ECS may take a while
    /// to make.
    Create(ClusterName, InsightsLevel, &'static str, bool),
    Finish,
    Occupy(ClusterName, bool),
    Change(ClusterName, InsightsLevel, &'static str, &'static str),
    Delete(ClusterName, &'static str),
    OptOut(ClusterName, bool),
    Noise(Noise, ClusterName),
    Wish(InsightsConfig),
    /// An event out of all that there were, counted from the newest: the first time, again, or late.
    Deliver(usize, Kill),
    Sweep(Option<(usize, Kill)>),
    Restore(Kill),
}

impl Draw {
    fn name(&mut self) -> ClusterName {
        self.one(&NAMES).parse().unwrap()
    }

    fn level(&mut self) -> InsightsLevel {
        use InsightsLevel::{Disabled, Enabled, Enhanced};
        self.one(&[Disabled, Disabled, Disabled, Disabled, Enabled, Enhanced])
    }

    fn kill(&mut self) -> Kill {
        use Kill::{AfterCall, BeforeCall, Never};
        self.one(&[Never, Never, Never, Never, Never, Never, BeforeCall, AfterCall])
    }

    /// The built-in wishes, mostly behind one of the user's, with limits that bite.
    fn config(&mut self) -> InsightsConfig {
        let wishes = [
            Wish::AtLeastEnabled,
            Wish::AtLeastEnhanced,
            Wish::Exactly(InsightsLevel::Enabled),
            Wish::Exactly(InsightsLevel::Disabled),
            Wish::OffIsFine,
            Wish::HandsOff,
        ];
        let rule = WishRule {
            accounts: None,
            regions: None,
            clusters: Some(vec![NamePattern::new(self.one(&["none", "*", "s*", "cart"]))]),
            wish: self.one(&wishes),
            existing: None,
            source: "fargaze.yaml:9".to_owned(),
        };
        let existing = self.one(&[ExistingClusters::Report, ExistingClusters::Change]);
        let mut config = InsightsConfig::new(existing, vec![rule]);
        (config.limits.max_changes, config.limits.max_percent) = (self.one(&[1, 2]), 100);
        config
    }

    fn step(&mut self) -> Step {
        match self.below(32) {
            0..4 => {
                let provisioning = self.one(&[false, false, true]);
                Step::Create(self.name(), self.level(), self.one(&PEOPLE), provisioning)
            }
            4..11 => {
                let call = self.one(&["UpdateClusterSettings", "UpdateCluster"]);
                Step::Change(self.name(), self.level(), self.one(&PEOPLE), call)
            }
            11 if self.below(3) > 0 => Step::Finish,
            11 => Step::Occupy(self.name(), self.one(&[true, true, false])),
            12 => Step::Delete(self.name(), self.one(&PEOPLE)),
            13 => Step::OptOut(self.name(), self.one(&[true, false, false])),
            14..16 => Step::Noise(self.one(&Noise::ALL), self.name()),
            16 => Step::Wish(self.config()),
            17..28 => Step::Deliver(self.one(&[0, 0, 0, 1, 2, 4]), self.kill()),
            28..31 => {
                let kill = (self.below(3), self.kill());
                Step::Sweep(Some(kill).filter(|(_, kill)| *kill != Kill::Never))
            }
            _ => Step::Restore(self.kill()),
        }
    }
}

fn play(world: &mut World, step: Step) {
    world.tick();
    match step {
        Step::Create(name, level, by, provisioning) => world.create(&name, level, by, provisioning),
        Step::Finish => world.finish(),
        Step::Occupy(name, occupied) => world.occupy(&name, occupied),
        Step::Change(name, level, by, call) => world.change(&name, level, by, call),
        Step::Delete(name, by) => world.delete(&name, by),
        Step::OptOut(name, out) => world.opt_out(&name, out),
        Step::Noise(noise, name) => world.noise(noise, &name),
        Step::Wish(config) => world.config = config,
        Step::Deliver(back, kill) => {
            if let Some(event) = world.events.iter().rev().nth(back).cloned() {
                world.hear(&event, kill);
            }
        }
        Step::Sweep(kill) => drop(world.sweep(kill)),
        Step::Restore(kill) => world.restore(kill),
    }
}

/// Sweeps until nothing waits, and gives what the last one decided.
fn settle(world: &mut World) -> Vec<(ClusterName, Decision)> {
    for _ in 0..=NAMES.len() {
        world.tick();
        let decisions = world.sweep(None);
        if decisions.values().all(Option::is_some) {
            return decisions.into_iter().filter_map(|(name, decision)| Some((name, decision?))).collect();
        }
    }
    panic!("clusters wait for ever: {world:#?}");
}

/// Every cluster is as wished, or there is a true reason why not.
fn check(world: &World) {
    for (name, cluster) in &world.clusters {
        let wished = world.wished(name);
        let Decision { action, reason } = world.decision(name).unwrap();
        let met = wished.wish.is_met_by(cluster.level);
        match action {
            Action::Right => assert!(met, "{name} is {} and called right: {reason}", cluster.level),
            Action::Leave if !cluster.tags.is_empty() => assert!(reason.contains("tag"), "{reason}"),
            Action::Leave if wished.wish == Wish::HandsOff => {
                assert!(reason.contains("hands-off"), "{reason}");
            }
            Action::Leave => {
                let held = &world.restored[name];
                assert!(!met && held.contains(&wished.wish.to_string()), "{name} was not restored: {reason}");
            }
            Action::Report => {
                assert!(!met && wished.existing == ExistingClusters::Report, "{name}: {reason}");
                let is_new = world.heard_of_birth(name) && world.is_known_to_be_another(name);
                assert!(!is_new, "{name} is new: {reason}");
            }
            Action::NotYet => panic!("{name} is made, and still waited for: {reason}"),
            Action::Fight { by } => {
                assert!(!met && world.undone(name) >= 2, "nobody fights over {name}: {reason}");
                let named = |by: &String| {
                    PEOPLE.contains(&by.as_str()) || by == "somebody whose event did not arrive"
                };
                assert!(!by.is_empty() && by.iter().all(named), "{by:?}");
                world.judge_fight(name, &by);
            }
            Action::Set(to) => panic!("{name} is still to be set to {to}: {reason}"),
        }
    }
}

/// What matters of the world after a cluster was dealt with: its level, and the changes without their time and cause.
fn traces(world: &World, name: &ClusterName) -> impl PartialEq + std::fmt::Debug + use<> {
    let ledger = world.ledger.get(&LedgerSubject::Cluster(name.clone())).cloned().unwrap_or_default();
    let mut changes: Vec<_> = ledger
        .changes
        .into_iter()
        .map(|change| (change.from, change.to, change.wish, change.state.as_str()))
        .collect();
    changes.sort();
    (world.clusters[name].level, changes)
}

/// Plays one history to its end, and gives what became of each cluster.
fn judge(mut world: World, steps: Vec<Step>) -> Vec<(ClusterName, Decision)> {
    steps.into_iter().for_each(|step| play(&mut world, step));
    // Events that did not come until now never will, and ECS makes what it is asked for.
    world.events.clear();
    world.finish();
    assert_same_by_both_paths(&world);

    let decisions = settle(&mut world);
    check(&world);

    // Another sweep does nothing more, and nothing is left open in the ledger.
    let before = world.clone();
    settle(&mut world);
    assert_eq!((&world.clusters, &world.ledger), (&before.clusters, &before.ledger));
    let subject = |name: &ClusterName| LedgerSubject::Cluster(name.clone());
    let mut changes = world
        .clusters
        .keys()
        .filter_map(|name| world.ledger.get(&subject(name)))
        .flat_map(|entry| &entry.changes);
    assert!(changes.all(|change| change.state != ChangeState::Planned));
    assert_eq!(world.missing(), [], "the ledger has all that was done");
    decisions
}

/// Event path and sweep do the same in the same world.
fn assert_same_by_both_paths(world: &World) {
    let (mut heard, mut swept) = (world.clone(), world.clone());
    swept.config.limits.max_changes = 1000;
    swept.tick();
    swept.sweep(None);
    for name in world.clusters.keys() {
        heard.act(name, Timestamp::MAX, "an event", Kill::Never);
        assert_eq!(traces(&heard, name), traces(&swept, name), "{name}");
    }
}

#[test]
fn after_ten_thousand_histories_the_next_sweep_makes_every_cluster_as_wished() {
    let config = any::<u32>().prop_map(|number| Draw(number.into()).config());
    let steps = prop::collection::vec(any::<u32>().prop_map(|number| Draw(number.into()).step()), 1..40);
    let ends = RefCell::new(BTreeMap::<&str, usize>::new());
    let cases = ProptestConfig::default().cases.max(10_000);
    let config_of_runner = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let played = TestRunner::new(config_of_runner).run(&(config, steps), |(config, steps)| {
        for (_, decision) in judge(World::new(config), steps) {
            let end = match decision.action {
                Action::Set(_) => "set",
                Action::Right => "right",
                Action::Report => "reported",
                Action::Fight { .. } => "fight",
                Action::Leave if decision.reason.contains("restore") => "restored",
                Action::Leave | Action::NotYet => "left",
            };
            *ends.borrow_mut().entry(end).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
    // The histories are worth something only if they come to all ends.
    let ends = ends.into_inner();
    for end in ["set", "right", "reported", "fight", "restored", "left"] {
        assert!(ends.get(end).is_some_and(|&n| n >= 100), "hardly any history ended as {end}: {ends:?}");
    }
}
