//! The ledger in the stack's table: settings that we changed, and who changed them back.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::memory::{Item, Memory, Written, get, number, text, time};
use super::sdk_error::fault;
use crate::fault::Fault;
use crate::insights::{Change, ChangeState, ClusterLedger, Ledger, LedgerSubject, PutBack};
use crate::operation::Operation;
use crate::run::{Platform, Target};

/// How long the ledger is kept, and that an event told of a cluster's creation: changes of an earlier cluster of the same name
/// must not outlive it.
pub(super) const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What was read of a ledger. A subject of which an item cannot be read is not in it: half a history decides nothing.
#[derive(Debug, Clone, Default)]
pub struct ReadLedger {
    /// The subjects that could be read.
    pub ledger: Ledger,
    /// Those that could not, as their keys spell them, and why.
    pub unreadable: BTreeMap<String, Fault>,
}

impl Memory {
    /// The whole ledger of a target's account and Region (`Query`, every page). An item that cannot be read costs its
    /// subject only.
    pub async fn ledger(&self, target: &Target) -> Result<ReadLedger, Fault> {
        let partition = ledger_key(target);
        Ok(read_ledger(&partition, &self.query(&partition).await?, None))
    }

    /// The same for the restore of that id: what it marked itself, before it was called again, is still to be told by it,
    /// and counts as done.
    pub async fn ledger_before(&self, target: &Target, restore: &str) -> Result<ReadLedger, Fault> {
        let partition = ledger_key(target);
        Ok(read_ledger(&partition, &self.query(&partition).await?, Some(restore)))
    }

    /// What the ledger has about one subject (`Query`, every page).
    pub async fn ledger_of(&self, target: &Target, subject: &LedgerSubject) -> Result<ClusterLedger, Fault> {
        let partition = ledger_key(target);
        let items = self.query_prefix(&partition, &format!("{subject}#")).await?;
        let ReadLedger { mut ledger, unreadable } = read_ledger(&partition, &items, None);
        match unreadable.into_values().next() {
            Some(fault) => Err(fault),
            None => Ok(ledger.remove(subject).unwrap_or_default()),
        }
    }

    /// Writes that a change is to be made, unless another invocation has taken its number (`PutItem` with a condition).
    pub async fn plan_change(&self, target: &Target, change: &Change) -> Result<Written, Fault> {
        let condition = "attribute_not_exists(pk) OR cause = :cause";
        let cause = Some((":cause", text(&change.cause)));
        self.put_if(change_item(target, change), condition, cause, &change.subject.to_string()).await
    }

    /// Writes how far a change has come by now (`PutItem`). The same change has the same key.
    pub async fn put_change(&self, target: &Target, change: &Change) -> Result<(), Fault> {
        self.put(change_item(target, change), &change.subject.to_string()).await
    }

    /// Writes that the restore of that id put a change back (`PutItem`).
    pub async fn put_restored(&self, target: &Target, change: &Change, restore: &str) -> Result<(), Fault> {
        let mut item = change_item(target, change);
        item.insert("restored_by".to_owned(), text(restore));
        self.put(item, &change.subject.to_string()).await
    }

    /// Writes that somebody else changed a setting that we had changed (`PutItem`).
    pub async fn put_put_back(
        &self,
        target: &Target,
        subject: &LedgerSubject,
        put_back: &PutBack,
    ) -> Result<(), Fault> {
        let PutBack { time, event_id, by, level } = put_back;
        let mut item = entry(target, subject, *time, &format!("by#{time}#{event_id}"));
        item.extend([
            ("event_id".to_owned(), text(event_id)),
            ("by".to_owned(), text(by)),
            ("to".to_owned(), text(level.as_str())),
        ]);
        self.put(item, &subject.to_string()).await
    }

    pub(super) async fn put(&self, item: Item, subject: &str) -> Result<(), Fault> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault(Operation::DynamodbPutItem, subject, &error))
    }
}

pub(super) fn ledger_key(target: &Target) -> String {
    format!("LEDGER#{}#{}{}", target.account, target.region, platform(target))
}

/// Clusters of ECS and of EKS may have the same names.
pub(super) fn platform(target: &Target) -> &'static str {
    match target.platform {
        Platform::Ecs => "",
        Platform::Eks => "#EKS",
    }
}

fn entry(target: &Target, subject: &LedgerSubject, at: Timestamp, what: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(ledger_key(target))),
        ("sk".to_owned(), text(format!("{subject}#{what}"))),
        ("subject".to_owned(), text(subject.to_string())),
        ("time".to_owned(), text(at.to_string())),
        ("expires".to_owned(), number((at + KEEP).as_second())),
    ])
}

fn change_item(target: &Target, change: &Change) -> Item {
    let Change { subject, number, time, made, cause, from, to, wish, reason, request_id, state } = change;
    let mut item = entry(target, subject, *time, &number.to_string());
    item.extend([
        ("cause".to_owned(), text(cause)),
        ("made".to_owned(), text(made.to_string())),
        ("setting".to_owned(), text("containerInsights")),
        ("from".to_owned(), text(from.as_str())),
        ("to".to_owned(), text(to.as_str())),
        ("wish".to_owned(), text(wish)),
        ("reason".to_owned(), text(reason)),
        ("state".to_owned(), text(state.as_str())),
    ]);
    item.extend(request_id.iter().map(|id| ("request_id".to_owned(), text(id))));
    item
}

fn read_ledger(partition: &str, items: &[Item], restore: Option<&str>) -> ReadLedger {
    let mut read = ReadLedger::default();
    for item in items {
        if let Err(why) = read_entry(&mut read.ledger, item, restore) {
            let (subject, fault) = unreadable(partition, item, why);
            read.unreadable.insert(subject, fault);
        }
    }
    read.ledger.retain(|subject, _| !read.unreadable.contains_key(&subject.to_string()));
    // Times of different precision do not sort as text does.
    for of_subject in read.ledger.values_mut() {
        of_subject.put_back.sort_by_key(|put_back| put_back.time);
    }
    read
}

/// The subject of an item that cannot be read, by its key, and what is wrong with it.
pub(super) fn unreadable(partition: &str, item: &Item, why: String) -> (String, Fault) {
    let key = get(item, "sk").unwrap_or_default();
    let subject = key.split('#').next().unwrap_or_default().to_owned();
    (subject, Fault::unreadable(Operation::DynamodbQuery, format!("{partition} {key}"), why))
}

/// The last part of the key: `shop#3`.
fn number_of(item: &Item) -> Result<u32, String> {
    let key = get(item, "sk")?;
    let last = key.rsplit('#').next().unwrap_or_default();
    last.parse().map_err(|error| format!("key `{key}`: {error}"))
}

fn read_entry(ledger: &mut Ledger, item: &Item, restore: Option<&str>) -> Result<(), String> {
    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(item: &Item, name: &str) -> Result<T, String> {
        get(item, name)?.parse().map_err(|error| format!("attribute `{name}`: {error}"))
    }
    let (subject, at): (LedgerSubject, _) = (parsed(item, "subject")?, time(item, "time")?);
    let of_subject = ledger.entry(subject.clone()).or_default();
    if item.contains_key("by") {
        of_subject.put_back.push(PutBack {
            time: at,
            event_id: get(item, "event_id")?,
            by: get(item, "by")?,
            level: parsed(item, "to")?,
        });
    } else {
        let by_this = restore.is_some_and(|id| get(item, "restored_by").is_ok_and(|by| by == id));
        of_subject.put(Change {
            subject,
            number: number_of(item)?,
            time: at,
            made: time(item, "made")?,
            cause: get(item, "cause")?,
            from: parsed(item, "from")?,
            to: parsed(item, "to")?,
            wish: get(item, "wish")?,
            reason: get(item, "reason")?,
            request_id: get(item, "request_id").ok(),
            state: if by_this { ChangeState::Done } else { parsed(item, "state")? },
        });
    }
    Ok(())
}
