//! `evaluate-alarms`: snapshot -> verdicts -> transitions, remembered -> outcome.

mod config;
mod remember;

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use fargaze::aws::{AlarmPage, Memory, Store, gone};
use fargaze::failure::Failure;
use fargaze::outcome::{Collected, ObjectRef, Outcome, TargetDone};
use fargaze::plan::subjects;
use fargaze::rule::AlarmRule;
use fargaze::snapshot::Snapshot;
use fargaze::transition::{AlarmKey, Transition};
use serde_json::Value;

pub use config::Config;
use remember::Remember;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    store: Store,
    memory: Memory,
}

impl Handler {
    /// The function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket, table } = config;
        Self { store: Store::new(sdk, &bucket), memory: Memory::new(sdk, &table) }
    }

    /// Judges the snapshot that `event` points to.
    pub async fn handle(&self, event: Value) -> Result<TargetDone, Failure> {
        let Collected { run, target, snapshot, outcome: _ } = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("this is no answer of collect-metrics: {error}")))?;
        let (rules, remembered, found) = tokio::join!(
            self.store.rules(&run),
            self.memory.alarms(&target),
            self.store.get_snapshot(&snapshot.key)
        );
        let (rules, remembered) = (rules?, remembered?);
        let found = found?.ok_or_else(|| gone(&snapshot.key))?;
        let transitions = self.judge(&rules, &found, remembered).await?;
        let key = target.outcome_key(&run);
        let outcome = Outcome {
            target: target.clone(),
            coverage: found.coverage,
            transitions,
            insights: Vec::new(),
            account_default: None,
            dry_run: false,
            snapshot: Some(snapshot.key),
        };
        self.store.put_json(&key, &outcome).await?;
        Ok(TargetDone { target, outcome: ObjectRef { key }, cursor: None })
    }

    /// Judges every rule on every subject, remembers what changed, and returns all changes that nobody was told yet.
    async fn judge(
        &self,
        rules: &[AlarmRule],
        snapshot: &Snapshot,
        mut remembered: AlarmPage,
    ) -> Result<Vec<Transition>, Failure> {
        let remember = Remember { memory: &self.memory, snapshot };
        let (mut changed, mut judged) = (Vec::new(), BTreeSet::new());
        for rule in rules {
            for subject in subjects(rule, &snapshot.inventory) {
                let key = AlarmKey { rule: rule.name.clone(), subject };
                let reading = snapshot.reading(rule, &key.subject);
                judged.insert(key.clone());
                changed.extend(
                    remember
                        .advance(rule, &reading, &key, remembered.get(&key))
                        .map(|record| remember::Change { rule, reading, record }),
                );
            }
        }
        for record in remember.write_all(changed).await? {
            remembered.insert(record.key.clone(), record);
        }
        let here = |key: &AlarmKey| snapshot.target.part.holds(&key.subject.cluster);
        // What is gone for sure, and not only unseen in this run, ends.
        let gone = remembered.values().filter(|record| here(&record.key) && !judged.contains(&record.key));
        let gone = gone.filter(|record| snapshot.knows_services_of(&record.key.subject.cluster));
        for record in remember.end_all(gone).await? {
            remembered.insert(record.key.clone(), record);
        }
        let records = remembered.into_values().filter(|record| here(&record.key));
        Ok(records.flat_map(|record| record.untold).collect())
    }
}
