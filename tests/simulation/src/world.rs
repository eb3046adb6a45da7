//! One world: an estate, its rules and its runs with all disruptions, made from one seed.

use std::time::Duration;

use fake_aws::{Endless, Estate, FakeAws, Fault};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::check::{BUCKET, Checker};
use crate::clock::{LOOKBACK, Minute, at};
use crate::eks::{self, Eks};
use crate::fate::Fate;
use crate::player::{ACCOUNT, Execution, Function, Player, Step};
use crate::rule::{Rule, rules, yaml};
use crate::truth::Truth;
use crate::wire::{Death, Disruption, Outage, lock};

/// Operations that fail for a while.
const OF_ECS: [&str; 14] = [
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricData",
    "ecs:DescribeServices",
    "ecs:ListServices",
    "ecs:ListServices",
    "ecs:ListClusters",
    "ecs:ListClusters",
    "ecs:DescribeClusters",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:GetItem",
    "s3:PutObject",
    "s3:GetObject",
    "sns:Publish",
];

/// The same in worlds with clusters of EKS.
const OF_EKS: [&str; 12] = [
    "eks:ListClusters",
    "eks:ListClusters",
    "eks:DescribeCluster",
    "eks:DescribeCluster",
    "eks:DescribeCluster",
    "ecs:ListClusters",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:GetItem",
    "s3:PutObject",
    "s3:GetObject",
    "sns:Publish",
];

/// A world in progress.
pub(crate) struct World {
    fate: Fate,
    chance: Chance,
    truth: Truth,
    region: String,
    pub(crate) player: Player,
    pub(crate) rules: Vec<Vec<Rule>>,
    /// Executions that wait, and the run after which they continue.
    waiting: Vec<(Minute, Execution)>,
    /// The run at which the outage ends.
    outage_until: Minute,
    clock: Minute,
    /// Executions that ran.
    pub(crate) executions: usize,
    /// The time of AWS at minute 0.
    started: Instant,
}

impl World {
    /// `region` is unique to the world: the SDK shares retry tokens by Region.
    pub(crate) fn new(fate: Fate, region: String, story: bool) -> Self {
        let mut chance = fate.chance();
        let truth = Truth::new(&fate.life, &mut chance);
        let mut all = if fate.life.clusters > 0 { rules(&mut chance) } else { Vec::new() };
        let mut checker = Checker::default();
        if let Some(life) = fate.eks {
            all.extend(eks::rule::rules(life.cadvisor, &mut chance));
            checker.eks = Eks::new(life, chance.fork());
        }
        (checker.truth, checker.alone, checker.story) = (truth.clone(), true, story.then(Vec::new));
        let aws = FakeAws::builder(Estate::new(ACCOUNT, &region)).clock(at(0)).in_process();
        let player = Player::new(aws, &region, fate.every, checker, chance.fork());
        Self {
            fate,
            chance,
            truth,
            region,
            player,
            rules: vec![all],
            waiting: Vec::new(),
            outage_until: 0,
            clock: 0,
            executions: 0,
            started: Instant::now(),
        }
    }

    /// Runs the world to its end. Nothing fails in the last runs, so that all notifications are
    /// sent.
    pub(crate) async fn live(&mut self) {
        self.put_rules();
        let change = self.fate.changing.then(|| self.chance.between(2, self.fate.runs));
        for run in 1..=self.fate.runs {
            if change == Some(run) {
                self.change_rules();
            }
            self.begin(run);
            let disruption = self.disruption(run);
            self.set(disruption);
            self.run(run).await;
            self.resume(run).await;
            if self.player.failed() {
                return;
            }
        }
        self.set(Disruption::default());
        self.fate.odd = 0;
        self.resume(Minute::MAX).await;
        lock(&self.player.wire.checker).eks.calm();
        for run in self.fate.runs + 1..=self.fate.runs + 2 {
            self.begin(run);
            self.play(Execution::new(run * self.fate.every, None), Step::Over).await;
        }
    }

    /// How many minutes late a point may arrive and still be evaluated.
    pub(crate) fn lookback(&self) -> Minute {
        LOOKBACK.max(2 * self.fate.every)
    }

    /// The time of a run has come.
    fn begin(&mut self, run: Minute) {
        self.clock = run * self.fate.every;
        let estate = self.truth.estate(ACCOUNT, &self.region, self.clock);
        let mut estate = self.truth.odd(estate, &mut self.chance, self.fate.odd);
        self.show_eks(&mut estate);
        let aws = &self.player.wire.aws;
        aws.edit(|world| world.add(estate));
        aws.reset_meter();
        let mut checker = lock(&self.player.wire.checker);
        (checker.clock, checker.leaving) = (self.clock, None);
    }

    /// Advances time in EKS clusters, too.
    fn show_eks(&self, estate: &mut Estate) {
        let mut checker = lock(&self.player.wire.checker);
        checker.eks.advance(self.clock);
        let now = at(0) + SignedDuration::try_from(self.started.elapsed()).unwrap();
        checker.eks.show(now, estate, &mut lock(&self.player.servers));
    }

    /// From now on calls fail this way.
    fn set(&self, disruption: Disruption) {
        let wire = &self.player.wire;
        wire.aws.clear_faults();
        let endless = match disruption.outage {
            Some((operation, Outage::Endless(endless))) => {
                wire.aws.add_fault(Fault::on(operation).times(1_000_000).endless(endless));
                Some(operation)
            }
            _ => None,
        };
        let describing = disruption.outage.is_some_and(|(operation, _)| operation == "eks:DescribeCluster");
        let mut checker = lock(&wire.checker);
        (checker.endless, checker.eks.aws_is_disrupted) = (endless, describing || disruption.percent > 0);
        drop(checker);
        lock(&wire.disruption).0 = disruption;
    }

    fn disruption(&mut self, run: Minute) -> Disruption {
        let percent = self.fate.failing;
        let old = lock(&self.player.wire.disruption).0.outage.filter(|_| run < self.outage_until);
        if old.is_some() || !self.chance.percent(self.fate.outages) {
            return Disruption { percent, outage: old };
        }
        let operation = self.chance.one_of(if self.fate.eks.is_some() { &OF_EKS } else { &OF_ECS });
        let mut how = self.chance.one_of(&[Outage::Throttled, Outage::Broken, Outage::Denied]);
        let endless = self.chance.one_of(&[Endless::Circle(1), Endless::Circle(2), Endless::EmptyPages]);
        if ["ecs:ListServices", "ecs:ListClusters", "eks:ListClusters"].contains(&operation)
            && self.chance.percent(60)
        {
            how = Outage::Endless(endless);
        }
        self.outage_until = run + self.chance.between(1, 6);
        let until = self.outage_until;
        lock(&self.player.wire.checker).log(|| format!("{operation} is {how:?} until run {until}"));
        Disruption { percent, outage: Some((operation, how)) }
    }

    /// A cluster that will be deleted by the next run may be deleted during this one.
    fn leave(&mut self) {
        let calls =
            ["ecs:DescribeClusters", "ecs:DescribeClusters", "ecs:ListServices", "ecs:DescribeServices"];
        let (call, cluster) = (self.chance.one_of(&calls), self.truth.leaving(self.clock));
        lock(&self.player.wire.checker).leaving = cluster.map(|cluster| (call, cluster.to_owned()));
    }

    /// A scheduled run with its disruptions.
    async fn run(&mut self, run: Minute) {
        self.leave();
        let (time, fate) = (run * self.fate.every, self.fate.clone());
        if self.chance.percent(fate.lost) {
            return lock(&self.player.wire.checker).log(|| format!("the run of minute {time} is lost"));
        }
        let death = if self.chance.percent(fate.dying) { Some(self.death()) } else { None };
        let execution = Execution::new(time, death);
        if self.chance.percent(fate.twice) {
            let later = run + self.chance.between(0, 6);
            self.waiting.push((later, execution.clone()));
        }
        if self.chance.percent(fate.waiting) {
            let before = self.chance.one_of(&[Step::Collect, Step::Evaluate, Step::Evaluate, Step::Forward]);
            let waits = self.play(execution, before).await;
            self.waiting.push((run + self.chance.between(0, 5), waits));
        } else if self.chance.percent(fate.concurrent) {
            let other = self.waiting.pop().map_or_else(|| execution.clone(), |(_, other)| other);
            self.play_both(execution, other).await;
        } else {
            self.play(execution, Step::Over).await;
        }
    }

    fn death(&mut self) -> (Function, Death) {
        let function = self.chance.one_of(&[
            Function::PlanRun,
            Function::CollectMetrics,
            Function::EvaluateAlarms,
            Function::EvaluateAlarms,
            Function::ForwardSummary,
            Function::ForwardSummary,
            Function::ForwardSummary,
        ]);
        let of_pods = function == Function::CollectMetrics && self.fate.life.clusters == 0;
        let function = if of_pods { Function::CollectPods } else { function };
        (function, Death { call: self.chance.count(1, 12), carried_out: self.chance.percent(50) })
    }

    /// Executions that waited for this run.
    async fn resume(&mut self, run: Minute) {
        let (due, rest) = std::mem::take(&mut self.waiting).into_iter().partition(|(after, _)| *after <= run);
        self.waiting = rest;
        let due: Vec<(Minute, Execution)> = due;
        for (_, execution) in due {
            self.play(execution, Step::Over).await;
        }
    }

    /// Plays an execution up to a step.
    async fn play(&mut self, mut execution: Execution, until: Step) -> Execution {
        let time = execution.time;
        lock(&self.player.wire.checker).log(|| format!("  the run of minute {time} up to {until:?}"));
        while execution.step() != until && execution.step() != Step::Over {
            self.player.play(&mut execution).await;
        }
        self.executions += usize::from(execution.step() == Step::Over);
        tokio::time::advance(Duration::from_secs(60)).await;
        execution
    }

    /// Plays two concurrent executions.
    async fn play_both(&mut self, mut one: Execution, mut two: Execution) {
        let (checker, player) = (&self.player.wire.checker, &self.player);
        let times = (one.time, two.time);
        lock(checker).log(|| format!("  the runs of minutes {times:?} at once"));
        lock(checker).alone = false;
        let play = async |execution: &mut Execution| {
            while execution.step() != Step::Over {
                player.play(execution).await;
            }
        };
        tokio::join!(play(&mut one), play(&mut two));
        lock(checker).alone = true;
        self.executions += 2;
    }

    fn put_rules(&mut self) {
        let newest = &self.rules[self.rules.len() - 1];
        let platforms = match (self.fate.life.clusters, self.fate.eks) {
            (_, None) => "ecs",
            (0, _) => "eks",
            _ => "ecs, eks",
        };
        let cadvisor = self.fate.eks.is_some_and(|life| life.cadvisor);
        let yaml = yaml(ACCOUNT, &self.region, (platforms, cadvisor), self.fate.parts, newest);
        let version = self.player.wire.aws.put_object(BUCKET, "fargaze.yaml", yaml.as_str());
        let mut checker = lock(&self.player.wire.checker);
        checker.log(|| yaml);
        checker.rules.insert(version, newest.clone());
    }

    /// Removes a rule, or restores one.
    fn change_rules(&mut self) {
        let mut rules = self.rules[0].clone();
        let silencer = |rule: &Rule| rules.iter().any(|other| other.unless.contains(&rule.name));
        let free: Vec<usize> = (0..rules.len()).filter(|&at| !silencer(&rules[at])).collect();
        if rules.len() > 1 && !free.is_empty() {
            rules.remove(self.chance.one_of(&free));
        }
        self.rules.push(rules);
        self.put_rules();
    }
}
