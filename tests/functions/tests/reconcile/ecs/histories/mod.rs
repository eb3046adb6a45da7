//! Random histories: owners create, change and delete clusters, events arrive late, twice or never,
//! calls are refused and the function is killed. After the next sweep every cluster complies with
//! its policy, or the sweep says why not.
//!
//! `fargaze` plays ten thousand histories with the pure functions alone; here are fewer, with the
//! real handlers.

mod world;

use std::collections::BTreeMap;

use fargaze::reconcile::{Change, ChangeState};
use function_tests::{Function, minute};
use serde_json::{Value, json};

use self::world::{History, PEOPLE};
use super::{UPDATE, change_log, finding, items, levels, receipt, result, results, sweep, text};

/// Histories in each of the tests that share them.
const HISTORIES: u64 = 120;
const STEPS: usize = 18;

/// The reported author of a revert without an event.
const UNNAMED: &str = "an unknown caller (no event arrived)";

impl History {
    /// Sweeps until no call is refused and nothing is left to do; returns the findings of the last
    /// one.
    async fn settle(&mut self) -> Value {
        let reads = ["ecs:DescribeClusters", "dynamodb:Query"];
        for _ in 0..20 {
            self.at += 60;
            self.stack.aws.pass_until(minute(self.at));
            let item = self.stack.items("sweep", minute(self.at)).await.remove(0);
            let answer = self.stack.invoke(Function::EnableInsights, item).await;
            let faults = format!("{:?}", self.stack.aws.faults_left());
            if let Ok(done) = answer
                && !reads.iter().any(|read| faults.contains(read))
            {
                let found = self.stack.json(done["outcome"]["key"].as_str().unwrap());
                let is_open = |result: &Value| {
                    ["set", "waiting", "failed"].iter().any(|word| result.get(word).is_some())
                };
                if !results(&found).values().any(is_open) && found["coverage"]["faults"] == json!([]) {
                    return found;
                }
            }
        }
        panic!("it does not settle");
    }

    /// Every cluster complies, or there is a true reason why not. Counts how they ended.
    fn judge(&self, found: &Value, ends: &mut BTreeMap<&'static str, usize>) {
        let lives: BTreeMap<String, (String, String)> = items(&self.stack, "LIVES#")
            .iter()
            .map(|item| (text(item, "sk"), (text(item, "time"), text(item, "deleted"))))
            .collect();
        let clusters = self.stack.aws.edit(|world| world.home().clusters().clone());
        assert_eq!(results(found).len(), clusters.len());
        for (name, cluster) in clusters {
            let finding = finding(found, &name);
            let reason = finding["reason"].as_str().unwrap();
            let complies = self.file.complies(&name, &cluster.insights);
            let end = match &result(found, &name) {
                _ if cluster.tags.get("fargaze").is_some_and(|tag| tag == "hands-off") => {
                    assert!(finding["result"] == "left" && reason.contains("tagged"), "{finding}");
                    "tagged"
                }
                _ if self.file.levels(&name).is_none() => {
                    assert!(
                        finding["result"] == "left" && reason.contains("its policy is leave"),
                        "{finding}"
                    );
                    "no policy"
                }
                Value::String(word) if word == "compliant" => {
                    assert!(complies, "{finding}");
                    "compliant"
                }
                Value::String(word) if word == "reported" => {
                    assert!(!complies && self.file.existing == "report", "{finding}");
                    // Its creation was reported, and the deletion of an earlier one, if there was
                    // one.
                    let is_born = lives.get(&name).is_some_and(|(created, deleted)| {
                        let born = self.born.get(&name).filter(|at| **at < i64::MAX);
                        let born = born.map(|at| minute(*at).to_string());
                        !deleted.is_empty() || born.as_ref() == Some(created)
                    });
                    assert!(!is_born, "it is new: {finding}, {lives:?}");
                    "reported"
                }
                Value::String(word) if word == "left" => {
                    assert!(
                        !complies && self.rolled_back && reason.starts_with("it was rolled back"),
                        "{finding}"
                    );
                    "rolled-back"
                }
                other => {
                    let by: Vec<String> = serde_json::from_value(other["conflict"].clone()).unwrap();
                    let is_known = |by: &String| by == UNNAMED || PEOPLE.iter().any(|who| by.contains(who));
                    assert!(!complies && !by.is_empty() && by.iter().all(is_known), "{finding}");
                    // Since the deletion of an earlier one, as far as it was reported.
                    let is_now = |at: &&i64| {
                        lives.get(&name).is_none_or(|(_, deleted)| *deleted <= minute(**at).to_string())
                    };
                    let undone =
                        self.undone.get(&name).map_or(0, |undone| undone.iter().filter(is_now).count());
                    assert!(undone >= 2, "nothing reverted it: {finding}");
                    "conflict"
                }
            };
            *ends.entry(end).or_default() += 1;
        }
        // All changes made are recorded, and changes begun are settled.
        let mut entries = change_log(&self.stack);
        let levels = levels(&self.stack);
        let is_open = |entry: &&Change| {
            let is_there = entry.subject.cluster().is_some_and(|name| levels.contains_key(name.as_str()));
            is_there && (entry.state == ChangeState::Planned || entry.in_progress().is_some())
        };
        assert_eq!(entries.iter().find(is_open), None);
        entries.retain(|entry| [ChangeState::Done, ChangeState::RolledBack].contains(&entry.state));
        let words = |entry: Change| (entry.subject.to_string(), entry.from.to_string(), entry.to.to_string());
        let mut entries: Vec<_> = entries.into_iter().map(words).collect();
        for made in &self.made {
            let place = entries.iter().position(|entry| entry == made);
            entries.swap_remove(place.unwrap_or_else(|| panic!("the change log lacks {made:?}")));
        }
    }
}

async fn play(seeds: std::ops::Range<u64>) {
    let mut ends = BTreeMap::new();
    for seed in seeds {
        let mut history = History::new(seed);
        for _ in 0..STEPS {
            history.step().await;
        }
        // Events that have not arrived by now never will.
        history.queue.clear();
        history.finish();
        let found = history.settle().await;
        history.judge(&found, &mut ends);
        history.at += 60;
        let (before, calls) = (levels(&history.stack), history.stack.aws.meter().count(UPDATE));
        let (published, why) = receipt(&sweep(&history.stack, history.at).await);
        assert!(!published, "notified before: {why}");
        assert_eq!((levels(&history.stack), history.stack.aws.meter().count(UPDATE)), (before, calls));
    }
    // The histories are only useful if they reach all ends.
    for end in ["compliant", "reported", "conflict", "rolled-back", "tagged", "no policy"] {
        assert!(ends.contains_key(end), "no history ended as {end}: {ends:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_any_history_the_next_sweep_makes_every_cluster_comply() {
    play(0..HISTORIES).await;
}

#[tokio::test(start_paused = true)]
async fn after_any_other_history_too() {
    play(HISTORIES..2 * HISTORIES).await;
}
