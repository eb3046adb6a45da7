//! Random histories: owners create, change and delete clusters, events come late, twice or never, calls are refused and the
//! function is killed. After the next sweep every cluster is as wished, or it is told why not.
//!
//! `fargaze` plays ten thousand histories with the pure functions alone; here are fewer, with the real handlers.

mod world;

use std::collections::BTreeMap;

use function_tests::{Function, minute};
use serde_json::{Value, json};

use self::world::{History, PEOPLE};
use super::{UPDATE, finding, items, ledger, levels, receipt, results, sweep, text};

/// Histories in each of the tests that share them.
const HISTORIES: u64 = 120;
const STEPS: usize = 18;

/// What a cluster is said to be fought over by, if no event told.
const UNHEARD: &str = "somebody whose event did not arrive";

impl History {
    /// Sweeps until no call of theirs is refused and nothing is left to do; gives what the last one found.
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
        panic!("it comes to no end");
    }

    /// Every cluster is as wished, or there is a true reason why not. Counts how they ended.
    fn judge(&self, found: &Value, ends: &mut BTreeMap<&'static str, usize>) {
        let lives: BTreeMap<String, (String, String)> = items(&self.stack, "HEARD#")
            .iter()
            .map(|item| (text(item, "sk"), (text(item, "time"), text(item, "deleted"))))
            .collect();
        let clusters = self.stack.aws.edit(|world| world.home().clusters().clone());
        assert_eq!(results(found).len(), clusters.len());
        for (name, cluster) in clusters {
            let finding = finding(found, &name);
            let reason = finding["reason"].as_str().unwrap();
            let is_right = self.file.is_right(&name, &cluster.insights);
            let end = match &finding["result"] {
                _ if cluster.tags.get("fargaze").is_some_and(|tag| tag == "hands-off") => {
                    assert!(finding["result"] == "left" && reason.contains("tag"), "{finding}");
                    "tagged"
                }
                _ if self.file.right(&name).is_none() => {
                    assert!(finding["result"] == "left" && reason.contains("hands-off"), "{finding}");
                    "hands-off"
                }
                Value::String(word) if word == "right" => {
                    assert!(is_right, "{finding}");
                    "right"
                }
                Value::String(word) if word == "reported" => {
                    assert!(!is_right && self.file.existing == "report", "{finding}");
                    // Its creation was heard of, and that an earlier one is gone, if one was ever heard of.
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
                        !is_right && self.restored && reason.starts_with("a restore put it back"),
                        "{finding}"
                    );
                    "restored"
                }
                other => {
                    let by: Vec<String> = serde_json::from_value(other["fight"].clone()).unwrap();
                    let is_known = |by: &String| by == UNHEARD || PEOPLE.iter().any(|who| by.contains(who));
                    assert!(!is_right && !by.is_empty() && by.iter().all(is_known), "{finding}");
                    // Since the deletion of an earlier one, as far as that was heard.
                    let is_now = |at: &&i64| {
                        lives.get(&name).is_none_or(|(_, deleted)| *deleted <= minute(**at).to_string())
                    };
                    let undone =
                        self.undone.get(&name).map_or(0, |undone| undone.iter().filter(is_now).count());
                    assert!(undone >= 2, "nobody fights: {finding}");
                    "fight"
                }
            };
            *ends.entry(end).or_default() += 1;
        }
        // All that was made is written down, and what was begun is settled.
        let mut entries = ledger(&self.stack);
        let open = entries
            .iter()
            .find(|entry| entry.state == "planned" && levels(&self.stack).contains_key(&entry.subject));
        assert_eq!(open, None);
        entries.retain(|entry| ["done", "restored"].contains(&entry.state.as_str()));
        for made in &self.made {
            let place =
                entries.iter().position(|e| (&e.subject, &e.from, &e.to) == (&made.0, &made.1, &made.2));
            entries.swap_remove(place.unwrap_or_else(|| panic!("the ledger lacks {made:?}")));
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
        // Events that did not come until now never will.
        history.queue.clear();
        history.finish();
        let found = history.settle().await;
        history.judge(&found, &mut ends);
        history.at += 60;
        let (before, calls) = (levels(&history.stack), history.stack.aws.meter().count(UPDATE));
        let (published, why) = receipt(&sweep(&history.stack, history.at).await);
        assert!(!published, "told before: {why}");
        assert_eq!((levels(&history.stack), history.stack.aws.meter().count(UPDATE)), (before, calls));
    }
    // Histories are worth something only if they come to all ends.
    for end in ["right", "reported", "fight", "restored", "tagged", "hands-off"] {
        assert!(ends.contains_key(end), "no history ended as {end}: {ends:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_any_history_the_next_sweep_makes_every_cluster_as_wished() {
    play(0..HISTORIES).await;
}

#[tokio::test(start_paused = true)]
async fn after_any_other_history_too() {
    play(HISTORIES..2 * HISTORIES).await;
}
