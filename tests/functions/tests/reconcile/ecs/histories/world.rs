//! One history: what owners, events, faults and fargaze do to a few clusters.

mod owners;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fake_aws::{Crash, FakeAws};
use fargaze::invocation::failure::Failure;
use function_tests::{Function, Stack, minute, sent_back, sqs_batch};
use serde_json::Value;

use super::super::{UPDATE, change_log, levels, set_by, with};

/// Few clusters, so that much happens to each.
const NAMES: [&str; 6] = ["shop", "shop", "shop", "shop", "cart", "AWSBatch-nightly"];
pub(super) const PEOPLE: [&str; 2] = ["terraform", "console"];

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((value ^ (value >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn is_one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// The user's file: one policy for some clusters, and the built-in ones.
#[derive(Clone, Copy)]
pub(super) struct File {
    clusters: &'static str,
    policy: &'static str,
    pub(super) existing: &'static str,
    max_changes: u32,
}

impl File {
    fn throw(dice: &mut Dice) -> Self {
        Self {
            clusters: dice.one(&["nothing", "nothing", "nothing", "*", "s*", "cart"]),
            policy: dice.one(&[
                "at-least-enhanced",
                "{exactly: enabled}",
                "{exactly: disabled}",
                "off-is-fine",
            ]),
            existing: dice.one(&["report", "change"]),
            max_changes: dice.one(&[1, 1000]),
        }
    }

    fn yaml(self) -> String {
        let Self { clusters, policy, existing, max_changes } = self;
        format!(
            "limits: {{existing: {existing}, max-changes: {max_changes}, max-percent: 100}}\npolicies: [{{match: \
             {{clusters: [\"{clusters}\"]}}, container-insights: {policy}}}]"
        )
    }

    /// The compliant levels for a cluster; `None` if it must be left alone.
    pub(super) fn levels(self, name: &str) -> Option<&'static [&'static str]> {
        let fits = match self.clusters {
            "*" => true,
            "s*" => name.starts_with('s'),
            other => name == other,
        };
        match self.policy {
            _ if !fits && name.starts_with("AWSBatch-") => None,
            _ if !fits => Some(&["enabled", "enhanced"]),
            "at-least-enhanced" => Some(&["enhanced"]),
            "{exactly: enabled}" => Some(&["enabled"]),
            "{exactly: disabled}" => Some(&["disabled"]),
            _ => Some(&["disabled", "enabled", "enhanced"]),
        }
    }

    pub(super) fn complies(self, name: &str, level: &str) -> bool {
        self.levels(name).is_some_and(|levels| levels.contains(&level))
    }

    fn may_lower(self, name: &str, to: &str) -> bool {
        self.levels(name) == Some(&[to][..]) && self.policy.starts_with("{exactly")
    }
}

/// What fargaze set: cluster, from, to.
type Set = (String, String, String);

/// One history, and the data for its judge.
pub(super) struct History {
    pub(super) stack: Stack,
    dice: Dice,
    pub(super) file: File,
    pub(super) at: i64,
    /// Events in transit.
    pub(super) queue: Vec<Value>,
    /// The minutes in which people changed a compliant cluster to a non-compliant level.
    pub(super) undone: BTreeMap<String, Vec<i64>>,
    /// Changes made without disruption, which the change log must have.
    pub(super) made: Vec<Set>,
    pub(super) rolled_back: bool,
    /// The minutes in which the first clusters of their names were created.
    pub(super) born: BTreeMap<String, i64>,
    /// How often fargaze certainly set an existing cluster since the last change of the file or
    /// rollback.
    rows: BTreeMap<String, usize>,
    /// What happened, for debugging.
    log: Vec<String>,
}

impl Drop for History {
    #[expect(clippy::print_stderr, reason = "it is read only when a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the history was:\n{}", self.log.join("\n"));
        }
    }
}

impl History {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let file = File::throw(&mut dice);
        let home = FakeAws::builder(with(&[("shop", "disabled"), ("old", "disabled")]));
        let stack = Stack::in_process(home.clock(minute(0)));
        let log = vec![format!("seed {seed}")];
        let mut history = Self {
            stack,
            dice,
            file,
            at: 0,
            queue: Vec::new(),
            undone: BTreeMap::new(),
            made: Vec::new(),
            rolled_back: false,
            born: BTreeMap::new(),
            rows: BTreeMap::new(),
            log,
        };
        history.put_file(file);
        history
    }

    fn note(&mut self, what: impl std::fmt::Display) {
        self.log.push(format!("minute {}: {what}", self.at));
    }

    fn put_file(&mut self, file: File) {
        self.file = file;
        self.rows.clear();
        self.stack.put_config(&file.yaml());
        self.note(file.yaml());
    }

    /// An event is sent, or lost.
    fn emit(&mut self, event: Value) {
        if !self.dice.is_one_in(8) {
            self.queue.push(event);
        }
    }

    pub(super) async fn step(&mut self) {
        self.at += 1;
        tokio::time::advance(Duration::from_secs(60)).await;
        match self.dice.below(64) {
            0..9 => self.create(),
            9..22 => self.change(),
            22..24 => self.delete(),
            24 => self.finish(),
            25 => self.occupy(),
            26 => self.tag(),
            27..30 => self.noise(),
            30 => {
                let file = File::throw(&mut self.dice);
                self.put_file(file);
            }
            31..33 => self.refuse(),
            33..57 => self.deliver().await,
            57..63 => self.sweep().await,
            _ => self.roll_back().await,
        }
    }

    /// One invocation of the function, which may be killed; returns its response, and what it set.
    async fn invoke(&mut self, event: Value) -> (Option<Result<Value, Failure>>, Vec<Set>) {
        let aws = &self.stack.aws;
        let (before, start, faults) = (levels(&self.stack), aws.meter().count_all(), aws.faults_left().len());
        if self.dice.is_one_in(6) {
            let nth = 1 + self.dice.below(14);
            aws.crash(if self.dice.is_one_in(2) { Crash::before(nth) } else { Crash::after(nth) });
        }
        let answer = tokio::select! {
            biased;
            () = aws.crashed() => None,
            answer = self.stack.invoke(Function::EnableInsights, event) => Some(answer),
        };
        aws.revive();
        let undisturbed = answer.is_some() && aws.faults_left().len() == faults;

        let after = levels(&self.stack);
        let changed: Vec<Set> = after
            .into_iter()
            .filter(|(name, level)| before[name] != *level)
            .map(|(name, level)| (name.clone(), before[&name].clone(), level))
            .collect();
        let calls = aws.meter().calls.split_off(start);
        let updates: Vec<String> = calls
            .into_iter()
            .filter(|call| call.operation == UPDATE && call.status == 200)
            .map(|call| call.subject)
            .collect();
        let names: BTreeSet<&String> = changed.iter().map(|(name, ..)| name).collect();
        let distinct: BTreeSet<&String> = updates.iter().collect();
        assert!(
            distinct.len() == updates.len() && distinct.is_subset(&names),
            "wasted: {updates:?}, {changed:?}"
        );
        self.note(format!("{} and has set {changed:?}", if answer.is_some() { "ends" } else { "is killed" }));
        for (name, _, to) in &changed {
            // CloudTrail reports fargaze's own calls as well.
            let role = Stack::ROLE.rsplit('/').next().unwrap();
            self.emit(set_by(role, name, to, self.at));
        }
        (answer, if undisturbed { changed } else { Vec::new() })
    }

    /// The level set since is not lower than before, except for an exact policy.
    fn assert_not_lowered(&self, before: &BTreeMap<String, String>) {
        let rank = |level: &str| ["disabled", "enabled", "enhanced"].iter().position(|known| *known == level);
        for (name, level) in levels(&self.stack) {
            let lowered = rank(&level) < rank(&before[&name]);
            assert!(!lowered || self.file.may_lower(&name, &level), "{name} was lowered to {level}");
        }
    }

    /// One or two events are delivered, in any order; some stay for redelivery.
    async fn deliver(&mut self) {
        let count = (1 + self.dice.below(2)).min(self.queue.len());
        let mut batch: Vec<Value> = Vec::new();
        for _ in 0..count {
            // Mostly the newest; otherwise one that was overtaken.
            let overtaken = if self.dice.is_one_in(3) { self.dice.below(self.queue.len()) } else { 0 };
            batch.push(self.queue.remove(self.queue.len() - 1 - overtaken));
        }
        if batch.is_empty() {
            return;
        }
        let ids: Vec<&str> =
            batch.iter().map(|event| event["detail"]["eventID"].as_str().unwrap_or("follow")).collect();
        self.note(format!("{ids:?} delivered"));
        let bodies: Vec<String> = batch.iter().map(ToString::to_string).collect();
        let before = levels(&self.stack);
        let (answer, set) = self.invoke(sqs_batch(&bodies)).await;
        self.count(&set);
        self.made.extend(set);
        // Messages that the function sends to itself.
        let own = self.stack.aws.take_sent();
        self.queue.extend(own.into_iter().map(|sent| serde_json::from_str::<Value>(&sent.body).unwrap()));
        self.assert_not_lowered(&before);
        let back = answer.map(|answer| answer.unwrap());
        for (index, event) in batch.into_iter().enumerate() {
            let failed =
                back.as_ref().is_none_or(|back| sent_back(back).contains(&&*format!("message-{index}")));
            if failed || self.dice.is_one_in(4) {
                self.queue.push(event);
            }
        }
    }

    async fn sweep(&mut self) {
        self.note("a sweep");
        let item = self.stack.items("sweep", minute(self.at)).await.remove(0);
        let before = levels(&self.stack);
        // It may fail because of a refused call.
        let (_, set) = self.invoke(item).await;
        self.count(&set);
        self.made.extend(set);
        self.assert_not_lowered(&before);
    }

    /// No cluster is set more than twice for the same policy; then it is a conflict, whatever
    /// events say.
    fn count(&mut self, set: &[Set]) {
        for (name, ..) in set {
            let row = self.rows.entry(name.clone()).or_default();
            *row += 1;
            assert!(*row <= 2, "{name} is set again and again");
        }
    }

    async fn roll_back(&mut self) {
        self.note("a rollback");
        self.rolled_back = true;
        self.rows.clear();
        let item = self.stack.items("rollback", minute(self.at)).await.remove(0);
        let before = levels(&self.stack);
        let (answer, rolled_back) = self.invoke(item).await;
        if !matches!(answer, Some(Ok(_))) {
            // Its own change may look like a revert by others until it is called again.
            for (name, level) in levels(&self.stack) {
                if before[&name] != level {
                    self.undone.entry(name).or_default().push(self.at);
                }
            }
        }
        let entries = change_log(&self.stack);
        for (name, _, to) in rolled_back {
            let was_so =
                entries.iter().any(|entry| entry.subject.to_string() == name && entry.from.to_string() == to);
            assert!(was_so, "{name} was rolled back to {to}, which it never had");
        }
    }
}
