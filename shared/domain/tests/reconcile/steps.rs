//! What can happen in a random history, and how often.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::{CLOUDWATCH_OBSERVABILITY, LogType, METRICS_SERVER};
use fargaze::model::insights::InsightsLevel::{self, Disabled, Enabled, Enhanced};
use fargaze::model::run::Platform;
use fargaze::reconcile::{Aspect, Desired, Existing, LoggingNamespace, Policies, Policy, SubjectKind};
use jiff::Timestamp;

use super::common::{Draw, Noise, PEOPLE, at, built_in, data, most};
use super::histories::policy_of;
use super::model::{Data, Disruption, Hit, Id, Mood, Shape, World};

/// Few clusters, so that much happens to each.
const ECS_NAMES: [&str; 5] = ["shop", "shop", "cart", "cart", "AWSBatch-nightly"];
pub(crate) const EKS_NAMES: [&str; 4] = ["shop", "shop", "shop", "cart"];
const ADDONS: [&str; 2] = [METRICS_SERVER, CLOUDWATCH_OBSERVABILITY];

/// Whose clusters a history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    Ecs,
    Eks,
    Both,
}

/// The beginning of a history: the user's file, existing EKS clusters, and the first events.
#[derive(Debug, Clone)]
pub(crate) struct Beginning {
    pub(crate) config: Policies,
    pub(crate) there: &'static [&'static str],
    pub(crate) first: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// For an existing cluster, as a deploy script does each time; otherwise a new one, which ECS
    /// may take a while to create.
    CreateEcs(Id, InsightsLevel, &'static str, bool),
    /// ECS completes its pending creations.
    Finish,
    Occupy(Id, bool),
    Level(Id, InsightsLevel, &'static str, &'static str),
    /// For an existing cluster as well: EKS refuses that.
    CreateEks(Id, Shape, &'static str),
    Delete(Id, &'static str),
    /// Removes the value of an aspect.
    Undo(Id, Aspect, &'static str),
    Logs(Id, BTreeSet<LogType>, &'static str),
    Install(Id, &'static str, &'static str),
    Update(Id, &'static str, &'static str),
    Map(Id, Data),
    Namespace(Id, LoggingNamespace),
    Profile(Id, Option<&'static str>, &'static str),
    Nodes(Id, bool, &'static str),
    OptOut(Id, bool),
    Mood(Id, Mood),
    ForgetUpdates(Id),
    Noise(Noise, Id),
    Configure(Policies),
    Wait(i64),
    /// One of all past messages, counted from the newest: for the first time, again, or late. Some
    /// minutes pass after it.
    Deliver(usize, Hit, i64),
    Sweep(Platform, Hit, i64),
    /// If it is killed, it may be called again after some minutes.
    Rollback(Platform, Option<Timestamp>, Hit, Option<i64>),
}

impl Draw {
    fn ecs_cluster(&mut self) -> Id {
        Id::cluster(Platform::Ecs, &self.one(&ECS_NAMES).parse().unwrap())
    }

    fn eks_cluster(&mut self) -> Id {
        Id::cluster(Platform::Eks, &self.one(&EKS_NAMES).parse().unwrap())
    }

    fn person(&mut self) -> &'static str {
        self.one(&PEOPLE)
    }

    fn level(&mut self) -> InsightsLevel {
        self.one(&[Disabled, Disabled, Disabled, Disabled, Enabled, Enhanced])
    }

    /// What happens to the first, second or third call of fargaze.
    pub(crate) fn hit(&mut self) -> Hit {
        use Disruption::{AfterCall, BeforeCall, Busy, Denied, Lost, None, Overtaken, Unsent};
        let disruptions = [
            None, None, None, None, None, None, None, BeforeCall, AfterCall, Unsent, Lost, Denied, Busy,
            Overtaken,
        ];
        let disruption = self.one(&disruptions);
        Hit { after: self.one(&[0, 0, 1, 2]), disruption }
    }

    fn log_types(&mut self) -> BTreeSet<LogType> {
        let drawn = self.below(32);
        let is_on = |log: &LogType| drawn & (1 << *log as u32) != 0;
        LogType::ALL.into_iter().filter(is_on).collect()
    }

    /// The desired state of EKS clusters.
    fn of_eks(&mut self) -> BTreeMap<Aspect, Desired> {
        let other = |aspect| match aspect {
            Aspect::ControlPlaneLogs => Desired::Logs(BTreeSet::from([LogType::Scheduler])),
            Aspect::AwsLogging => Desired::ConfigMap(data("[OUTPUT]\n    Name es\n    Match kube.*\n")),
            aspect => most(aspect),
        };
        let quiet = |aspect| match aspect {
            Aspect::MetricsServer => Desired::Report,
            _ => Desired::Leave,
        };
        let choices: [fn(Aspect) -> Desired; 7] = [most, most, most, most, other, quiet, built_in];
        let desired = self.one(&choices);
        Aspect::of(SubjectKind::EksCluster).map(|aspect| (aspect, desired(aspect))).collect()
    }

    /// The built-in policy, mostly after policies of the user, with low limits.
    fn config(&mut self) -> Policies {
        let at_least = Desired::AtLeast;
        let levels = [
            at_least(Enabled),
            at_least(Enhanced),
            Desired::Exactly(Enabled),
            Desired::Exactly(Disabled),
            Desired::Any,
            Desired::Leave,
        ];
        let mut desired = self.of_eks();
        desired.insert(Aspect::ContainerInsights, self.one(&levels));
        let pattern = self.one(&["*", "*", "s*", "cart", "none"]);
        let hands_off = self.below(16) == 0;
        let of_clusters = Policy { hands_off, ..policy_of(pattern, desired) };
        let default = self.one(&[at_least(Enabled), at_least(Enabled), at_least(Enhanced), Desired::Leave]);
        let desired = BTreeMap::from([(Aspect::AccountDefault, default)]);
        let of_account = Policy { desired, source: "fargaze.yaml:20".to_owned(), ..Policy::default() };
        let mut config = Policies { entries: vec![of_clusters, of_account], ..Policies::default() };
        config.limits.existing = self.one(&[Existing::Report, Existing::Report, Existing::Change]);
        (config.limits.max_changes, config.limits.max_percent) = (self.one(&[1, 2]), 100);
        config.limits.dry_run = self.below(12) == 0;
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

    pub(crate) fn beginning(&mut self, cast: Cast) -> Beginning {
        let config = self.config();
        if cast == Cast::Ecs {
            return Beginning { config, there: &[], first: Vec::new() };
        }
        let id = Id::cluster(Platform::Eks, &EKS_NAMES[0].parse().unwrap());
        let create = Step::CreateEks(id, self.shape(), PEOPLE[0]);
        let sweep = Step::Sweep(Platform::Eks, Hit::NONE, 0);
        let (there, first): (&[&str], _) = match self.below(6) {
            0 => (&[], vec![]),
            1 => (&["cart"], vec![sweep, create, Step::Wait(12)]),
            2..4 => (&[], vec![create, Step::Deliver(0, Hit::NONE, 0)]),
            _ => (&["shop"], vec![sweep]),
        };
        Beginning { config, there, first }
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

    pub(crate) fn step(&mut self, cast: Cast) -> Step {
        match cast {
            Cast::Ecs => self.ecs_step(),
            Cast::Both if self.below(2) == 0 => self.ecs_step(),
            Cast::Eks | Cast::Both => self.eks_step(),
        }
    }

    fn ecs_step(&mut self) -> Step {
        let id = self.ecs_cluster();
        match self.below(36) {
            0..4 => {
                let is_provisioning = self.one(&[false, false, true]);
                Step::CreateEcs(id, self.level(), self.person(), is_provisioning)
            }
            4..11 => {
                let call = self.one(&["UpdateClusterSettings", "UpdateCluster"]);
                Step::Level(id, self.level(), self.person(), call)
            }
            11 if self.below(3) > 0 => Step::Finish,
            11 => Step::Occupy(id, self.one(&[true, true, false])),
            12 => Step::Delete(id, self.person()),
            13 => Step::OptOut(id, self.one(&[true, false, false])),
            14 => Step::Noise(self.one(&Noise::ALL), id),
            15 => Step::Mood(self.one(&[id, Id::ACCOUNT]), self.mood()),
            16 => Step::Configure(self.config()),
            17..19 => Step::Wait(self.one(&[1, 2, 12, 65])),
            19..30 => Step::Deliver(self.one(&[0, 0, 0, 1, 2, 4]), self.hit(), self.pause()),
            30..33 => Step::Sweep(Platform::Ecs, self.hit(), self.pause()),
            33..35 => Step::Level(Id::ACCOUNT, self.level(), self.person(), ""),
            _ => self.rollback(Platform::Ecs),
        }
    }

    fn eks_step(&mut self) -> Step {
        let id = self.eks_cluster();
        let aspects: Vec<Aspect> = id.aspects().collect();
        match self.below(48) {
            0..4 => Step::CreateEks(id, self.shape(), self.person()),
            4 => Step::Delete(id, self.person()),
            5..11 => Step::Undo(id, self.one(&aspects), self.person()),
            11 => Step::Logs(id, self.log_types(), self.person()),
            12 if self.below(2) == 0 => Step::Install(id, self.one(&ADDONS), self.person()),
            12 => Step::Update(id, self.one(&ADDONS), self.person()),
            13 if self.below(2) == 0 => Step::Map(id, self.one(&[data("theirs"), data("bad")])),
            13 => {
                use LoggingNamespace::{Enabled, Missing, NotEnabled};
                Step::Namespace(id, self.one(&[Missing, Enabled, NotEnabled(None)]))
            }
            14 if self.below(2) == 0 => {
                let namespace = self.one(&[None, Some("default"), Some("kube-*"), Some("*")]);
                Step::Profile(id, namespace, self.person())
            }
            14 => Step::Nodes(id, self.one(&[true, true, false]), self.person()),
            15 => Step::OptOut(id, self.one(&[true, false, false])),
            16..18 => Step::Mood(id, self.mood()),
            18 if self.below(2) == 0 => Step::ForgetUpdates(id),
            18 => Step::Noise(self.one(&Noise::ALL), id),
            19 => Step::Configure(self.config()),
            20..24 => Step::Wait(self.one(&[1, 2, 12, 65])),
            24..37 => Step::Deliver(self.one(&[0, 0, 0, 1, 2, 4]), self.hit(), self.pause()),
            37..46 => Step::Sweep(Platform::Eks, self.hit(), self.pause()),
            _ => self.rollback(Platform::Eks),
        }
    }

    fn rollback(&mut self, platform: Platform) -> Step {
        let since = self.one(&[None, None, Some(20)]).map(at);
        let disruption = self.one(&[
            None,
            Some(Disruption::BeforeCall),
            Some(Disruption::AfterCall),
            Some(Disruption::AfterCall),
        ]);
        let hit = match disruption {
            Some(disruption) => Hit { after: self.below(4), disruption },
            None => self.hit(),
        };
        Step::Rollback(platform, since, hit, self.one(&[None, Some(0), Some(1), Some(1)]))
    }

    fn pause(&mut self) -> i64 {
        self.one(&[0, 0, 1, 4, 12])
    }
}

pub(crate) fn play(world: &mut World, step: Step) {
    world.tick();
    match step {
        Step::CreateEcs(id, level, by, is_provisioning) => world.create_ecs(&id, level, by, is_provisioning),
        Step::Finish => world.finish(),
        Step::Occupy(id, is_occupied) => world.occupy(&id, is_occupied),
        Step::Level(id, level, by, call) => world.change_level(&id, level, by, call),
        Step::CreateEks(id, shape, by) => world.create_eks(&id, shape, by),
        Step::Delete(id, by) => world.delete(&id, by),
        Step::Undo(id, aspect, by) => undo(world, &id, aspect, by),
        Step::Logs(id, types, by) => world.set_logs(&id, &types, by),
        Step::Install(id, addon, by) => world.install(&id, addon, by),
        Step::Update(id, addon, by) => world.update_addon(&id, addon, by),
        Step::Map(id, data) => world.set_map(&id, Some(data)),
        Step::Namespace(id, namespace) => world.set_namespace(&id, &namespace),
        Step::Profile(id, namespace, by) => world.set_profile(&id, namespace, by),
        Step::Nodes(id, has_nodes, by) => world.set_nodes(&id, has_nodes, by),
        Step::OptOut(id, out) => world.opt_out(&id, out),
        Step::Mood(id, mood) => world.set_mood(&id, mood),
        Step::ForgetUpdates(id) => world.forget_updates(&id),
        Step::Noise(noise, id) => world.noise(noise, &id),
        Step::Configure(config) => world.config = config,
        Step::Wait(minutes) => world.wait(minutes),
        Step::Deliver(back, hit, pause) => {
            if let Some(message) = world.messages.iter().rev().nth(back).cloned() {
                world.deliver(&message, hit);
            }
            world.wait(pause);
        }
        Step::Sweep(platform, hit, pause) => {
            world.sweep(platform, hit);
            world.wait(pause);
        }
        Step::Rollback(platform, since, hit, again) => {
            world.rollback(platform, since, hit);
            if let Some(pause) = again {
                world.wait(pause);
                world.rollback_again(platform);
            }
        }
    }
}

/// Removes the value of an aspect of an EKS cluster.
pub(crate) fn undo(world: &mut World, id: &Id, aspect: Aspect, by: &str) {
    match aspect.addon() {
        Some(addon) => world.uninstall(id, addon, by),
        None if aspect == Aspect::AwsLogging => world.set_map(id, None),
        None => world.set_logs(id, &BTreeSet::new(), by),
    }
}
