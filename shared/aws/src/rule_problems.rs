//! Rules with a problem, in the stack's table: partition `RULES`, one item per rule.

use std::collections::HashMap;

use fargaze::alarms::{RuleChange, RuleRecord};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::tracing;

use super::memory::{Item, Memory, get, number, text, unreadable_item};
use super::sdk_error::fault;

/// How long a problem is stored without a change: it must not be notified again while it lasts.
const KEEP_OPEN: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How long the item of a rule without a problem stays: DynamoDB removes it by its time to live.
const KEEP: SignedDuration = SignedDuration::from_hours(24);

impl Memory {
    /// Rules that had no data or matched nothing at the last evaluation (`Query`). If an item is
    /// unreadable and its rule still has the problem, it is notified again; nothing else is lost.
    pub async fn rule_problems(&self) -> Result<Vec<RuleRecord>, Fault> {
        let items = self.query("RULES").await?;
        let open = items.iter().filter(|item| get(item, "state").is_ok_and(|state| state != "ok"));
        let read = |item: &Item| -> Result<RuleRecord, String> {
            serde_json::from_str(&get(item, "problem")?)
                .map_err(|error| format!("attribute `problem`: {error}"))
        };
        let readable = |item: &Item| {
            let record = read(item).map_err(|why| unreadable_item(item, why));
            record
                .inspect_err(|fault| tracing::warn!(%fault, "the stored problem of a rule cannot be read"))
                .ok()
        };
        Ok(open.filter_map(readable).collect())
    }

    /// Stores how the problem of a rule changed (`PutItem`). The last writer wins: the next run
    /// compares again.
    pub async fn put_rule_problem(&self, change: &RuleChange, now: Timestamp) -> Result<(), Fault> {
        const OPERATION: Operation = Operation::DynamodbPutItem;
        let (rule, record) = match change {
            RuleChange::Noticed(record) | RuleChange::Due(record) => (&record.rule, Some(record)),
            RuleChange::Over(rule) => (rule, None),
        };
        let mut item = HashMap::from([
            ("pk".to_owned(), text("RULES")),
            ("sk".to_owned(), text(rule)),
            ("state".to_owned(), text(if record.is_some() { "problem" } else { "ok" })),
            (
                "expires".to_owned(),
                number((now + if record.is_some() { KEEP_OPEN } else { KEEP }).as_second()),
            ),
        ]);
        if let Some(record) = record {
            let json = serde_json::to_string(record)
                .map_err(|error| Fault::malformed(OPERATION, rule, error.to_string()))?;
            item.insert("since".to_owned(), text(record.since.to_string()));
            item.insert("notified".to_owned(), text(if record.notified { "yes" } else { "no" }));
            item.insert("problem".to_owned(), text(json));
        }
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault(OPERATION, rule, &error))
    }
}
