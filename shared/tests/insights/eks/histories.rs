//! Random histories: whatever was lost, repeated, late, refused or killed, the next sweeps make it good.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::ClusterName;
use fargaze::eks::{CLOUDWATCH_OBSERVABILITY, LogType, METRICS_SERVER};
use fargaze::insights::ExistingClusters;
use fargaze::insights::eks::{
    AddonWish, AwsLoggingWish, EksAspect, EksChange, EksConfig, EksFinding, EksResult, EksWishRule,
    EksWishes, LoggingNamespace, LogsWish,
};
use fargaze::pattern::NamePattern;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::model::{Data, Mood, Shape, Trouble, World};
use super::table::{all, data};
use crate::common::{Draw, Noise, PEOPLE, at};

/// Few clusters, so that much happens to each.
const NAMES: [&str; 4] = ["shop", "shop", "shop", "cart"];
const ADDONS: [&str; 2] = [METRICS_SERVER, CLOUDWATCH_OBSERVABILITY];
const UNDISTURBED: (usize, Trouble) = (0, Trouble::None);

/// What has to happen in the histories time and again.
const EXPECTED: [&str; 25] = [
    "at the end: right",
    "at the end: there before",
    "at the end: EKS failed",
    "at the end: reported",
    "at the end: blocked",
    "at the end: conflict",
    "at the end: restored",
    "at the end: left",
    "new by its event",
    "new by a sweep",
    "without an event",
    "of an earlier cluster",
    "set",
    "dry run",
    "waits for its turn",
    "in progress",
    "not yet",
    "overdue",
    "not known",
    "failed",
    "made so by others",
    "restored",
    "restored before",
    "restore goes on",
    "restore leaves it",
];

#[derive(Debug, Clone)]
enum Step {
    /// Of a cluster that is there as well: EKS refuses that.
    Create(ClusterName, Shape, &'static str),
    Delete(ClusterName, &'static str),
    /// Takes away what there is of a part.
    Undo(ClusterName, EksAspect, &'static str),
    Logs(ClusterName, BTreeSet<LogType>, &'static str),
    Install(ClusterName, &'static str, &'static str),
    Update(ClusterName, &'static str, &'static str),
    Map(ClusterName, Data),
    Namespace(ClusterName, LoggingNamespace),
    Profile(ClusterName, Option<&'static str>, &'static str),
    Nodes(ClusterName, bool, &'static str),
    OptOut(ClusterName, bool),
    Mood(ClusterName, Mood),
    ForgetUpdates(ClusterName),
    Noise(Noise, ClusterName),
    Configure(EksConfig),
    Wait(i64),
    /// A message out of all that there were, counted from the newest: the first time, again, or late. Some minutes pass
    /// after it.
    Deliver(usize, (usize, Trouble), i64),
    Sweep((usize, Trouble), i64),
    /// If it is killed, it may be called again after some minutes.
    Restore(Option<Timestamp>, (usize, Trouble), Option<i64>),
}

impl Draw {
    fn cluster(&mut self) -> ClusterName {
        self.one(&NAMES).parse().unwrap()
    }

    fn person(&mut self) -> &'static str {
        self.one(&PEOPLE)
    }

    /// What happens to the first, second or third call of fargaze.
    fn trouble(&mut self) -> (usize, Trouble) {
        use Trouble::{AfterCall, BeforeCall, Busy, Denied, Lost, None, Overtaken, Unsent};
        let troubles = [
            None, None, None, None, None, None, None, BeforeCall, AfterCall, Unsent, Lost, Denied, Busy,
            Overtaken,
        ];
        let trouble = self.one(&troubles);
        (self.one(&[0, 0, 1, 2]), trouble)
    }

    fn log_types(&mut self) -> BTreeSet<LogType> {
        let drawn = self.below(32);
        let is_on = |log: &LogType| drawn & (1 << *log as u32) != 0;
        LogType::ALL.into_iter().filter(is_on).collect()
    }

    fn policies(&mut self) -> EksWishes {
        let other = EksWishes {
            control_plane_logs: LogsWish::AtLeast(BTreeSet::from([LogType::Scheduler])),
            aws_logging: AwsLoggingWish::Write(data("[OUTPUT] other")),
            ..all()
        };
        let quiet = EksWishes {
            control_plane_logs: LogsWish::Leave,
            metrics_server: AddonWish::Report,
            cloudwatch_observability: AddonWish::Leave,
            aws_logging: AwsLoggingWish::Leave,
        };
        self.one(&[all(), all(), all(), all(), other, quiet, EksWishes::default()])
    }

    /// What is built in, mostly behind policies of the user, with limits that bite.
    fn eks_config(&mut self) -> EksConfig {
        let rule = EksWishRule {
            accounts: None,
            regions: None,
            clusters: Some(vec![NamePattern::new(self.one(&["*", "*", "s*", "none"]))]),
            wishes: self.policies(),
            named: EksAspect::ALL.into(),
            existing: None,
            cadvisor: None,
            source: "fargaze.yaml:9".to_owned(),
        };
        let existing =
            self.one(&[ExistingClusters::Report, ExistingClusters::Report, ExistingClusters::Change]);
        let mut config = EksConfig::new(existing, vec![rule]);
        (config.limits.max_changes, config.limits.max_percent) = (self.one(&[1, 2]), 100);
        config.dry_run = self.below(12) == 0;
        config
    }

    fn shape(&mut self) -> Shape {
        Shape {
            profile: self.one(&[Some("*"), Some("*"), Some("kube-system"), Some("default"), None]),
            has_nodes: self.one(&[true, true, false]),
            is_slow: self.below(16) == 15,
            is_failed: self.below(16) == 15,
        }
    }

    /// What a history begins with: clusters that were there, and what happens first.
    fn beginning(&mut self) -> (EksConfig, &'static [&'static str], Vec<Step>) {
        let name = || NAMES[0].parse().unwrap();
        let create = Step::Create(name(), self.shape(), PEOPLE[0]);
        let (there, steps): (&[&str], _) = match self.below(6) {
            0 => (&[], vec![]),
            1 => (&["cart"], vec![Step::Sweep(UNDISTURBED, 0), create, Step::Wait(12)]),
            2..4 => (&[], vec![create, Step::Deliver(0, UNDISTURBED, 0)]),
            _ => (&["shop"], vec![Step::Sweep(UNDISTURBED, 0)]),
        };
        (self.eks_config(), there, steps)
    }

    fn mood(&mut self) -> Mood {
        let mut mood = Mood::default();
        match self.below(8) {
            0..3 => mood.fails = true,
            3 => mood.is_slow = true,
            4 => mood.throttled[self.below(3)] = true,
            5 => mood.throttled = [true; 3],
            6 => mood.is_locked = true,
            _ => {}
        }
        mood
    }

    fn eks_step(&mut self) -> Step {
        let name = self.cluster();
        match self.below(48) {
            0..4 => Step::Create(name, self.shape(), self.person()),
            4 => Step::Delete(name, self.person()),
            5..11 => Step::Undo(name, self.one(&EksAspect::ALL), self.person()),
            11 => Step::Logs(name, self.log_types(), self.person()),
            12 if self.below(2) == 0 => Step::Install(name, self.one(&ADDONS), self.person()),
            12 => Step::Update(name, self.one(&ADDONS), self.person()),
            13 if self.below(2) == 0 => Step::Map(name, self.one(&[data("theirs"), data("bad")])),
            13 => {
                use LoggingNamespace::{Enabled, Missing, NotEnabled};
                Step::Namespace(name, self.one(&[Missing, Enabled, NotEnabled(None)]))
            }
            14 if self.below(2) == 0 => {
                let namespace = self.one(&[None, Some("default"), Some("kube-*"), Some("*")]);
                Step::Profile(name, namespace, self.person())
            }
            14 => Step::Nodes(name, self.one(&[true, true, false]), self.person()),
            15 => Step::OptOut(name, self.one(&[true, false, false])),
            16..18 => Step::Mood(name, self.mood()),
            18 if self.below(2) == 0 => Step::ForgetUpdates(name),
            18 => Step::Noise(self.one(&Noise::ALL), name),
            19 => Step::Configure(self.eks_config()),
            20..24 => Step::Wait(self.one(&[1, 2, 12, 65])),
            24..37 => Step::Deliver(self.one(&[0, 0, 0, 1, 2, 4]), self.trouble(), self.pause()),
            37..46 => Step::Sweep(self.trouble(), self.pause()),
            _ => {
                let since = self.one(&[None, None, Some(20)]);
                let trouble = self.one(&[
                    None,
                    Some(Trouble::BeforeCall),
                    Some(Trouble::AfterCall),
                    Some(Trouble::AfterCall),
                ]);
                let trouble = match trouble {
                    Some(trouble) => (self.below(4), trouble),
                    None => self.trouble(),
                };
                Step::Restore(since.map(at), trouble, self.one(&[None, Some(0), Some(1), Some(1)]))
            }
        }
    }

    fn pause(&mut self) -> i64 {
        self.one(&[0, 0, 1, 4, 12])
    }
}

fn play(world: &mut World, step: Step) {
    world.tick();
    match step {
        Step::Create(name, shape, by) => world.create(&name, shape, by),
        Step::Delete(name, by) => world.delete(&name, by),
        Step::Undo(name, aspect, by) => undo(world, &name, aspect, by),
        Step::Logs(name, types, by) => world.set_logs(&name, &types, by),
        Step::Install(name, addon, by) => world.install(&name, addon, by),
        Step::Update(name, addon, by) => world.update_addon(&name, addon, by),
        Step::Map(name, data) => world.set_map(&name, Some(data)),
        Step::Namespace(name, namespace) => world.set_namespace(&name, &namespace),
        Step::Profile(name, namespace, by) => world.set_profile(&name, namespace, by),
        Step::Nodes(name, has_nodes, by) => world.set_nodes(&name, has_nodes, by),
        Step::OptOut(name, out) => world.opt_out(&name, out),
        Step::Mood(name, mood) => world.set_mood(&name, mood),
        Step::ForgetUpdates(name) => world.forget_updates(&name),
        Step::Noise(noise, name) => world.noise(noise, &name),
        Step::Configure(config) => world.config = config,
        Step::Wait(minutes) => world.wait(minutes),
        Step::Deliver(back, trouble, pause) => {
            if let Some(message) = world.messages.iter().rev().nth(back).cloned() {
                world.deliver(&message, trouble);
            }
            world.wait(pause);
        }
        Step::Sweep(trouble, pause) => {
            world.sweep(trouble);
            world.wait(pause);
        }
        Step::Restore(since, trouble, again) => {
            world.restore(since, trouble);
            if let Some(pause) = again {
                world.wait(pause);
                world.restore_again();
            }
        }
    }
}

fn undo(world: &mut World, name: &ClusterName, aspect: EksAspect, by: &str) {
    match aspect.addon() {
        Some(addon) => world.uninstall(name, addon, by),
        None if aspect == EksAspect::AwsLogging => world.set_map(name, None),
        None => world.set_logs(name, &BTreeSet::new(), by),
    }
}

/// Sweeps until nothing is under way, and gives what the last one found.
fn settle(world: &mut World) -> Vec<EksFinding> {
    // Two changes and two failures of each part, one cluster after the other.
    for _ in 0..20 {
        world.tick();
        let before = world.table.clone();
        let found = world.sweep(UNDISTURBED).unwrap();
        world.wait(10);
        if world.table == before && !found.iter().any(|finding| finding.news) {
            return found;
        }
    }
    panic!("it does not come to rest: {world:#?}");
}

/// Plays one history to its end, and gives what happened in it and how it ended.
fn judge(mut world: World, steps: impl Iterator<Item = Step>) -> Vec<&'static str> {
    steps.for_each(|step| play(&mut world, step));
    world.calm();
    let found = settle(&mut world);
    world.judge_end(&found);
    assert_eq!(world.missing(), Vec::<&str>::new(), "the table does not have all that was done");
    assert_eq!(world.open(), Vec::<&EksChange>::new());

    // A restore takes away what is of fargaze, and nothing puts it there again.
    world.give_up_restore();
    let untouched = world.untouched();
    world.restore(None, UNDISTURBED);
    world.wait(10);
    let left: Vec<_> = world.untouched().into_iter().filter(|part| untouched.contains(part)).collect();
    assert_eq!(left, [], "nobody touched it, and it was not restored: {world:#?}");
    found.iter().map(end).chain(world.judge.seen()).collect()
}

fn end(finding: &EksFinding) -> &'static str {
    let says = |words: &str| finding.reason.contains(words);
    match finding.result {
        EksResult::Right => "at the end: right",
        EksResult::Reported if says("there before") => "at the end: there before",
        EksResult::Reported if says("EKS failed") => "at the end: EKS failed",
        EksResult::Reported => "at the end: reported",
        EksResult::Blocked => "at the end: blocked",
        EksResult::Fight { .. } => "at the end: conflict",
        EksResult::Left if says("restore") => "at the end: restored",
        _ => "at the end: left",
    }
}

#[test]
fn after_thousands_of_histories_the_next_sweeps_make_every_cluster_as_configured() {
    let first = any::<u64>().prop_map(|number| Draw(number).beginning());
    let steps = prop::collection::vec(any::<u64>().prop_map(|number| Draw(number).eks_step()), 1..40);
    let seen = RefCell::new(BTreeMap::<&str, usize>::new());
    let cases = ProptestConfig::default().cases.max(5_000);
    let config_of_runner = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let played = TestRunner::new(config_of_runner).run(&(first, steps), |((config, there, first), steps)| {
        let there: Vec<ClusterName> = there.iter().map(|name| name.parse().unwrap()).collect();
        for what in judge(World::new(config, &there), first.into_iter().chain(steps)) {
            *seen.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
    // The histories are worth something only if all of this happens in them.
    let seen = seen.into_inner();
    let rare: Vec<_> =
        EXPECTED.into_iter().filter(|what| seen.get(what).is_none_or(|times| *times < 10)).collect();
    assert!(rare.is_empty(), "hardly any history had {rare:?}: {seen:?}");
}

/// A cluster that EKS creates, for which everything is configured.
fn created() -> (World, ClusterName) {
    let rule = EksWishRule {
        accounts: None,
        regions: None,
        clusters: None,
        wishes: all(),
        named: EksAspect::ALL.into(),
        existing: None,
        cadvisor: None,
        source: "fargaze.yaml:9".to_owned(),
    };
    let name: ClusterName = NAMES[0].parse().unwrap();
    let mut world = World::new(EksConfig::new(ExistingClusters::Report, vec![rule]), &[]);
    let shape = Shape { profile: Some("*"), has_nodes: true, is_slow: false, is_failed: false };
    world.create(&name, shape, PEOPLE[0]);
    let event = world.messages[0].clone();
    world.deliver(&event, UNDISTURBED);
    (world, name)
}

/// By its event alone, whatever becomes of the first calls.
#[test]
fn a_new_cluster_that_nobody_works_against_is_set_up_in_whole() {
    let troubles = prop::collection::vec(any::<u64>().prop_map(|number| Draw(number).trouble()), 0..5);
    proptest!(|(troubles in troubles)| {
        let (mut world, name) = created();
        let event = world.messages[0].clone();
        world.wait(10);
        for trouble in troubles {
            world.deliver(&event, trouble);
            world.tick();
        }
        world.wait(40);
        for aspect in EksAspect::ALL {
            prop_assert!(world.fulfils(&name, aspect), "{}: {:#?}", aspect, world);
        }
    });
}

#[test]
fn who_undoes_it_each_time_is_reported_and_wins() {
    let (mut world, name) = created();
    for _ in 0..4 {
        world.wait(30);
        EksAspect::ALL.into_iter().for_each(|aspect| undo(&mut world, &name, aspect, "alice"));
        world.wait(5);
        world.sweep(UNDISTURBED);
    }
    let found = world.sweep(UNDISTURBED).unwrap();
    let conflicts = found.iter().filter(|finding| matches!(finding.result, EksResult::Fight { .. }));
    assert_eq!(conflicts.count(), 4, "{found:#?}");
}
