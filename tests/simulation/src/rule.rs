//! Rules as the model knows them, and the equivalent `fargaze.yaml` for the functions.

use std::fmt::Write;

use crate::chance::Chance;
use crate::clock::{EVERY, Minute};
use crate::eks::figures::{Measure, Statistic};
use crate::verdict::Condition;

/// The measure of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// `AWS/ECS MemoryUtilization` of a service.
    Memory,
    /// `AWS/ECS CPUUtilization` of a service.
    Cpu,
    /// A metric of the user's own, of a service.
    Latency,
    /// A metric of the user's own, of a cluster.
    Load,
    /// Whether tasks run, according to ECS.
    NothingRunning,
    /// A sampled measure of pods and clusters on EKS.
    Sampled(Measure, Statistic),
}

/// Exceptions from plain evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treat {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) what: What,
    pub(crate) condition: Condition,
    /// Length of a period in minutes.
    pub(crate) period: Minute,
    pub(crate) hold: Minute,
    pub(crate) remind: Option<Minute>,
    /// Daily maintenance: its first minute of the day, and its length.
    pub(crate) maintenance: Option<(Minute, Minute)>,
    pub(crate) quiet: bool,
    pub(crate) unless: Vec<&'static str>,
    /// The text in the file, if it is a built-in rule.
    pub(crate) text: Option<&'static str>,
}

impl What {
    /// Namespace, name, and names of dimensions with their values.
    pub(crate) fn metric(
        self,
        cluster: &str,
        service: &str,
    ) -> Option<(&'static str, &'static str, Dimensions)> {
        let ecs = || vec![("ClusterName", cluster.to_owned()), ("ServiceName", service.to_owned())];
        match self {
            Self::Memory => Some(("AWS/ECS", "MemoryUtilization", ecs())),
            Self::Cpu => Some(("AWS/ECS", "CPUUtilization", ecs())),
            Self::Latency => Some(("Shop", "Latency", vec![("Of", format!("{cluster}.{service}"))])),
            Self::Load => Some(("Shop", "Load", vec![("Of", cluster.to_owned())])),
            Self::NothingRunning | Self::Sampled(..) => None,
        }
    }

    pub(crate) fn is_of_cluster(self) -> bool {
        match self {
            Self::Sampled(measure, _) => measure.is_of_cluster(),
            what => what == Self::Load,
        }
    }

    /// Whether it is on EKS, where one run is one sample.
    pub(crate) fn is_sampled(self) -> bool {
        matches!(self, Self::Sampled(..))
    }

    /// Periods that a run evaluates: ECS only reports the newest.
    pub(crate) fn periods(self, rule: &Rule, window: Minute) -> Minute {
        if self == Self::NothingRunning { rule.range().min(window) } else { window }
    }

    /// How many of them are too old to get a point: the first evaluation range, and a third of the
    /// rest.
    pub(crate) fn aged(self, rule: &Rule, periods: Minute) -> Minute {
        let rest = (periods - rule.range()).max(0);
        if self == Self::NothingRunning { periods } else { rule.range() + rest / 3 }
    }
}

type Dimensions = Vec<(&'static str, String)>;

impl Rule {
    pub(crate) fn new(name: &'static str, what: What, condition: Condition, chance: &mut Chance) -> Self {
        let five_minutes = what != What::NothingRunning && chance.percent(20);
        Self {
            name,
            what,
            condition,
            period: if five_minutes { 5 } else { 1 },
            hold: chance.one_of(&[0, 0, 0, 4, 11]),
            remind: chance.percent(60).then(|| chance.between(1, 12) * EVERY),
            maintenance: chance.percent(15).then(|| (chance.between(8 * 60, 12 * 60), chance.between(5, 60))),
            quiet: false,
            unless: Vec::new(),
            text: None,
        }
    }

    /// Periods of one verdict.
    pub(crate) fn range(&self) -> Minute {
        i64::try_from(self.condition.n + 2).unwrap()
    }

    fn yaml(&self) -> String {
        if let Some(text) = self.text {
            return format!("{}\n", text.trim_end());
        }
        let Self { name, condition, .. } = self;
        let what = match self.what {
            What::Memory => "memory-percent",
            What::Cpu => "cpu-percent",
            What::Latency => "{namespace: Shop, metric: Latency, dimensions: {Of: '{cluster}.{service}'}}",
            What::Load => "{namespace: Shop, metric: Load, dimensions: {Of: '{cluster}'}}",
            What::NothingRunning => "nothing-running",
            What::Sampled(measure, _) => measure.names().0,
        };
        let scope = match self.what {
            what if what.is_of_cluster() => "cluster",
            What::Sampled(..) => "workload",
            _ => "service",
        };
        let mut text = format!("  - name: {name}\n    what: {what}\n    scope: {scope}\n");
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            writeln!(text, "    {key}: {value}").unwrap();
        };
        line("period", &(self.period * 60));
        if let What::Sampled(_, Statistic::Average) = self.what {
            line("statistic", &"Average");
        }
        line("threshold", &condition.threshold);
        if let Some(clear) = condition.clear {
            line("clear-threshold", &clear);
        }
        line(
            "comparison",
            &if condition.over { "GreaterThanThreshold" } else { "LessThanOrEqualToThreshold" },
        );
        line("evaluation-periods", &condition.n);
        line("datapoints-to-alarm", &condition.m);
        let treat = match condition.treat {
            Treat::Missing => "missing",
            Treat::Ignore => "ignore",
            Treat::Breaching => "breaching",
            Treat::NotBreaching => "notBreaching",
        };
        line("treat-missing-data", &treat);
        if self.hold > 0 {
            line("minimum-hold", &format!("{}m", self.hold));
        }
        line("remind-every", &self.remind.map_or_else(|| "never".to_owned(), |every| format!("{every}m")));
        if let Some((first, length)) = self.maintenance {
            let (minute, hour) = (first % 60, first / 60);
            line("maintenance", &format!("[{{cron: '{minute} {hour} * * *', duration: {length}m}}]"));
        }
        line("quiet-during-deployment", &self.quiet);
        match self.unless[..] {
            [] => {}
            [other] => line("unless", &other),
            _ => line("unless", &format!("[{}]", self.unless.join(", "))),
        }
        text
    }
}

/// The rules of a world. `memory` and `nothing-running` represent the built-in ones.
pub(crate) fn rules(chance: &mut Chance) -> Vec<Rule> {
    let mut rules = Vec::new();
    let condition = Condition::any(chance);
    let mut memory = Rule::new("memory", What::Memory, condition, chance);
    if chance.percent(40) {
        let condition = Condition::any(chance);
        rules.push(Rule::new("load", What::Load, condition, chance));
        memory.unless.extend(chance.percent(50).then_some("load"));
    }
    if chance.percent(40) {
        let condition = Condition::any(chance);
        rules.push(Rule { quiet: chance.percent(70), ..Rule::new("cpu", What::Cpu, condition, chance) });
    }
    if chance.percent(40) {
        let condition = Condition::any(chance);
        let latency = Rule::new("latency", What::Latency, condition, chance);
        let unless = chance.percent(30).then_some("memory").into_iter().collect();
        rules.push(Rule { unless, ..latency });
    }
    if chance.percent(60) {
        let condition = Condition::nothing_running(chance);
        let nothing = Rule::new("nothing-running", What::NothingRunning, condition, chance);
        rules.push(Rule { quiet: chance.percent(60), ..nothing });
    }
    rules.insert(chance.count(0, rules.len()), memory);
    rules
}

/// The user's file with these rules on clusters of these platforms, with or without cAdvisor.
pub(crate) fn yaml(
    account: &str,
    region: &str,
    (platforms, cadvisor): (&str, bool),
    parts: u32,
    rules: &[Rule],
) -> String {
    let rules: String = rules.iter().map(Rule::yaml).collect();
    let eks = if cadvisor { "eks:\n  - cadvisor: proxy\n" } else { "" };
    format!(
        "targets:\n  - account: '{account}'\n    regions: [{region}]\n    platforms: [{platforms}]\n    parts: {parts}\n{eks}built-in-rules: none\nrules:\n{rules}"
    )
}
