//! Amazon DynamoDB: the stack's table, which stores alarms, broken targets, and the settings that
//! fargaze changed.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `ALARMS#ACCOUNT#REGION`, for EKS with suffix `#EKS` | `RULE#SUBJECT` | an alarm that is not plainly OK, with its pending notifications |
//! | `RULES` | `RULE` | a rule that has no data anywhere or matches nothing, or did until recently |
//! | `TARGETS`, for sweeps and rollbacks `TARGETS#SETTINGS` | `ACCOUNT#REGION#PART` | a target that could not be read, or could not until recently |
//! | `CHANGES#ACCOUNT#REGION`, for EKS with suffix `#EKS` | `CLUSTER/ASPECT#NUMBER` or `@account/ASPECT#NUMBER` | a change by fargaze |
//! | the same | `CLUSTER/ASPECT#by#TIME#EVENT` | a change that someone else reverted |
//! | `EVENTS#ACCOUNT#REGION` | `TIME#HASH`, `due#TIME#HASH`, `first` | a batch of incidents by when it was received; an announced retirement by its date; since when events arrive |
//! | `SPENT` | `2026-12` | what queries of logs cost in that month, in millionths of a dollar |
//! | `LIVES#ACCOUNT#REGION`, for EKS with suffix `#EKS` | `CLUSTER` | when clusters of this name were created and deleted, as reported |

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use fargaze::alarms::{AlarmKey, AlarmRecord, BrokenTarget, Remembered};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::tracing;
use serde::de::DeserializeOwned;

use super::pages::Pages;
use super::sdk_error::fault;

/// How long an alarm that is OK again is stored: much longer than any window, so that no window
/// evaluates again what was notified.
const KEEP: SignedDuration = SignedDuration::from_hours(24);
/// How long an alarm that is not OK is stored without a change.
const KEEP_OPEN: SignedDuration = SignedDuration::from_hours(24 * 400);

pub(super) type Item = HashMap<String, AttributeValue>;

/// Sweeps and rollbacks use other permissions than alarms runs and reports, so targets that they
/// cannot read are stored separately.
fn targets_of(kind: RunKind) -> &'static str {
    if kind.is_of_settings() { "TARGETS#SETTINGS" } else { "TARGETS" }
}

/// The stack's table.
#[derive(Debug)]
pub struct Memory {
    pub(super) client: Client,
    pub(super) table: String,
}

/// The stored alarms of an account and Region.
pub type AlarmPage = BTreeMap<AlarmKey, AlarmRecord>;

/// Result of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The item was written.
    Yes,
    /// Another writer was first.
    Conflict,
}

impl Memory {
    /// Opens the table of that name with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig, table: &str) -> Self {
        Self { client: Client::new(config), table: table.to_owned() }
    }

    /// Reads all stored alarms of a target's account and Region (`Query`, every page), and why some
    /// could not be read: an unreadable item affects only its alarm.
    pub async fn alarms(&self, target: &Target) -> Result<(AlarmPage, Vec<Fault>), Fault> {
        let partition = alarms_key(target);
        let (mut records, mut faults) = (AlarmPage::new(), Vec::new());
        for item in self.query(&partition).await? {
            match read_alarm(&item) {
                Ok(record) => drop(records.insert(record.key.clone(), record)),
                Err(why) => faults.push(unreadable_item(&item, why)),
            }
        }
        Ok((records, faults))
    }

    /// Reads one stored alarm (`GetItem`, consistent).
    pub async fn alarm(&self, target: &Target, key: &AlarmKey) -> Result<Option<AlarmRecord>, Fault> {
        const OPERATION: Operation = Operation::DynamodbGetItem;
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", text(alarms_key(target))).key("sk", text(key.to_string()));
        let answer = request.send().await.map_err(|error| fault(OPERATION, key.to_string(), &error))?;
        let record = answer.item.map(|item| read_alarm(&item)).transpose();
        record.map_err(|why| Fault::unreadable(OPERATION, key.to_string(), why))
    }

    /// Stores an alarm if no other writer changed it since `record` was read: the stored version
    /// must be the one read, 0 for a new alarm (`PutItem` with a condition).
    pub async fn put_alarm(&self, target: &Target, record: &AlarmRecord) -> Result<Written, Fault> {
        let item = alarm_item(target, record).map_err(|error| {
            Fault::malformed(Operation::DynamodbPutItem, record.key.to_string(), error.to_string())
        })?;
        let condition = if record.version == 0 { "attribute_not_exists(pk)" } else { "version = :version" };
        let version = (record.version > 0).then(|| (":version", number(record.version)));
        self.put_if(item, condition, version, &record.key.to_string()).await
    }

    /// Targets that could not be read at the last check (`Query`). If an item is unreadable and its
    /// target still cannot be read, the target is notified again; nothing else is lost.
    pub async fn broken_targets(&self, kind: RunKind) -> Result<Vec<BrokenTarget>, Fault> {
        let items = self.query(targets_of(kind)).await?;
        let targets = items.iter().filter(|item| get(item, "state").is_ok_and(|state| state == "broken"));
        let read = |item: &Item| -> Result<BrokenTarget, String> {
            let notified = get(item, "notified")? == "yes";
            Ok(BrokenTarget { name: get(item, "sk")?, since: time(item, "since")?, notified })
        };
        let readable = |item: &Item| {
            let target = read(item).map_err(|why| unreadable_item(item, why));
            target
                .inspect_err(|fault| tracing::warn!(%fault, "the stored state of a target cannot be read"))
                .ok()
        };
        Ok(targets.filter_map(readable).collect())
    }

    /// Stores whether a target can be read (`PutItem`). The last writer wins: the next run checks
    /// again.
    pub async fn put_target(&self, run: &Run, target: &BrokenTarget, broken: bool) -> Result<(), Fault> {
        let now = run.time;
        let item = HashMap::from([
            ("pk".to_owned(), text(targets_of(run.kind))),
            ("sk".to_owned(), text(&target.name)),
            ("state".to_owned(), text(if broken { "broken" } else { "seen" })),
            ("since".to_owned(), text(target.since.to_string())),
            ("notified".to_owned(), text(if target.notified { "yes" } else { "no" })),
            ("expires".to_owned(), number((now + if broken { KEEP_OPEN } else { KEEP }).as_second())),
        ]);
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| fault(Operation::DynamodbPutItem, &target.name, &error))
    }

    /// Writes an item if the condition, which may use one value, holds (`PutItem`).
    pub(super) async fn put_if(
        &self,
        item: Item,
        condition: &str,
        value: Option<(&str, AttributeValue)>,
        subject: &str,
    ) -> Result<Written, Fault> {
        let mut request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request = request.condition_expression(condition);
        if let Some((name, value)) = value {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error)
                if error.as_service_error().is_some_and(aws_sdk_dynamodb::operation::put_item::PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(Written::Conflict)
            }
            Err(error) => Err(fault(Operation::DynamodbPutItem, subject, &error)),
        }
    }

    /// Reads all items of a partition.
    pub(super) async fn query(&self, partition: &str) -> Result<Vec<Item>, Fault> {
        self.query_prefix(partition, "").await
    }

    /// Reads the items of a partition whose sort key begins with `prefix`.
    pub(super) async fn query_prefix(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, Fault> {
        const OPERATION: Operation = Operation::DynamodbQuery;
        let (mut items, mut from) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, partition);
        loop {
            let request = self.client.query().table_name(&self.table).consistent_read(true);
            let mut request = request.expression_attribute_values(":pk", text(partition));
            request = if prefix.is_empty() {
                request.key_condition_expression("pk = :pk")
            } else {
                let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
                request.expression_attribute_values(":prefix", text(prefix))
            };
            let page = request.set_exclusive_start_key(from.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, partition, &error))?;
            let last = page.last_evaluated_key().map(place);
            if pages.next(page.items().iter().map(place), last.as_deref())?.is_none() {
                items.extend(page.items.unwrap_or_default());
                return Ok(items);
            }
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
        }
    }
}

/// The fault of an unreadable item, with its key as subject.
pub(super) fn unreadable_item(item: &Item, why: String) -> Fault {
    Fault::unreadable(Operation::DynamodbQuery, place(item).replace('\0', " "), why)
}

/// The unique key of an item.
fn place(item: &Item) -> String {
    let part = |name: &str| get(item, name).unwrap_or_default();
    format!("{}\0{}", part("pk"), part("sk"))
}

fn alarms_key(target: &Target) -> String {
    // ECS and EKS clusters may have the same names, and an ECS run must not end EKS alarms, or the
    // reverse.
    let platform = match target.platform {
        Platform::Ecs => "",
        Platform::Eks => "#EKS",
    };
    format!("ALARMS#{}#{}{platform}", target.account, target.region)
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{value}"))
}

pub(super) fn get(item: &Item, name: &str) -> Result<String, String> {
    match item.get(name) {
        Some(AttributeValue::S(value) | AttributeValue::N(value)) => Ok(value.clone()),
        _ => Err(format!("attribute `{name}` is missing")),
    }
}

pub(super) fn time(item: &Item, name: &str) -> Result<Timestamp, String> {
    get(item, name)?.parse().map_err(|error| format!("attribute `{name}`: {error}"))
}

/// An alarm as an item: subject and state as attributes that a person can read, the rest as JSON.
fn alarm_item(target: &Target, record: &AlarmRecord) -> Result<Item, serde_json::Error> {
    let AlarmRecord { key, memory, pending, version } = record;
    let Remembered { state, since, judged_until, .. } = memory;
    let expires = *judged_until + if record.is_over() { KEEP } else { KEEP_OPEN };
    Ok(HashMap::from([
        ("pk".to_owned(), text(alarms_key(target))),
        ("sk".to_owned(), text(key.to_string())),
        ("rule".to_owned(), text(&key.rule)),
        ("subject".to_owned(), text(serde_json::to_string(&key.subject)?)),
        ("state".to_owned(), text(state.as_str())),
        ("since".to_owned(), text(since.to_string())),
        ("judged_until".to_owned(), text(judged_until.to_string())),
        ("memory".to_owned(), text(serde_json::to_string(memory)?)),
        ("pending".to_owned(), text(serde_json::to_string(pending)?)),
        ("version".to_owned(), number(version + 1)),
        ("expires".to_owned(), number(expires.as_second())),
    ]))
}

fn read_alarm(item: &Item) -> Result<AlarmRecord, String> {
    fn json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, String> {
        serde_json::from_str(&get(item, name)?).map_err(|error| format!("attribute `{name}`: {error}"))
    }
    Ok(AlarmRecord {
        key: AlarmKey { rule: get(item, "rule")?, subject: json(item, "subject")? },
        memory: json(item, "memory")?,
        pending: json(item, "pending")?,
        version: get(item, "version")?.parse().map_err(|error| format!("attribute `version`: {error}"))?,
    })
}
