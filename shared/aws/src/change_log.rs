//! The change log in the stack's table: what fargaze changed, and who reverted it.

use std::collections::{BTreeMap, HashMap};

use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, Target};
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Change, ChangeLog, ChangeState, Revert, SubjectLog};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::memory::{Item, Memory, Written, get, number, text};
use super::sdk_error::fault;

/// How long change log entries and reported creations of clusters are kept. Changes of an earlier
/// cluster of the same name must not outlive the creation.
pub(super) const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Attribute that holds a change as JSON.
const CHANGE: &str = "change";
/// Attribute that holds a revert as JSON.
const REVERT: &str = "revert";

/// A change log as far as it could be read. A subject with an unreadable item is left out: nothing
/// may be decided on half a history.
#[derive(Debug, Clone, Default)]
pub struct ReadLog {
    /// The subjects that could be read.
    pub log: ChangeLog,
    /// Why the others could not be read, by the subject as spelled in their keys.
    pub unreadable: BTreeMap<String, Fault>,
}

impl Memory {
    /// Reads the whole change log of a target's account and Region (`Query`, every page).
    /// `rollback` is the id of the current rollback: changes that an earlier attempt of it marked
    /// as rolled back count as done, because it still has to report them. An unreadable item
    /// affects only its subject.
    pub async fn change_log(&self, target: &Target, rollback: Option<&str>) -> Result<ReadLog, Fault> {
        let partition = partition(target);
        Ok(read_log(&partition, &self.query(&partition).await?, rollback))
    }

    /// Reads the change log of one subject (`Query`, every page).
    pub async fn change_log_of(&self, target: &Target, subject: &Subject) -> Result<SubjectLog, Fault> {
        let partition = partition(target);
        let items = self.query_prefix(&partition, &format!("{}/", key_of(subject))).await?;
        let ReadLog { mut log, unreadable } = read_log(&partition, &items, None);
        match unreadable.into_values().next() {
            Some(fault) => Err(fault),
            None => Ok(log.remove(subject).unwrap_or_default()),
        }
    }

    /// Records a planned change, unless another invocation has taken its number (`PutItem` with a
    /// condition).
    pub async fn plan_change(&self, target: &Target, change: &Change) -> Result<Written, Fault> {
        let condition = "attribute_not_exists(pk) OR cause = :cause";
        let cause = Some((":cause", text(&change.cause)));
        self.put_if(change_item(target, change)?, condition, cause, &change.subject.to_string()).await
    }

    /// Abandons a change if the change log still holds it as planned (`PutItem` with a condition):
    /// a duplicate message may have made it meanwhile, and that must not be forgotten.
    pub async fn abandon_change(
        &self,
        target: &Target,
        planned: &Change,
        abandoned: &Change,
    ) -> Result<Written, Fault> {
        let condition = format!("{CHANGE} = :planned");
        let planned = Some((":planned", text(json(planned)?)));
        self.put_if(change_item(target, abandoned)?, &condition, planned, &abandoned.subject.to_string())
            .await
    }

    /// Records the current state of a change (`PutItem`). The same change has the same key.
    pub async fn put_change(&self, target: &Target, change: &Change) -> Result<(), Fault> {
        self.put(change_item(target, change)?, &change.subject.to_string()).await
    }

    /// Records that someone else reverted what fargaze had set (`PutItem`). The same event has the
    /// same key.
    pub async fn put_revert(&self, target: &Target, revert: &Revert) -> Result<(), Fault> {
        let Revert { subject, aspect, time, event_id, by, call, .. } = revert;
        let mut item = entry(target, (subject, *aspect), *time, &format!("by#{time}#{event_id}"));
        item.extend([
            ("by".to_owned(), text(by)),
            ("call".to_owned(), text(call)),
            (REVERT.to_owned(), text(json(revert)?)),
        ]);
        self.put(item, &subject.to_string()).await
    }

    pub(super) async fn put(&self, item: Item, subject: &str) -> Result<(), Fault> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault(Operation::DynamodbPutItem, subject, &error))
    }
}

fn partition(target: &Target) -> String {
    format!("CHANGES#{}#{}{}", target.account, target.region, platform(target))
}

/// ECS and EKS clusters may have the same names.
pub(super) fn platform(target: &Target) -> &'static str {
    match target.platform {
        Platform::Ecs => "",
        Platform::Eks => "#EKS",
    }
}

/// The subject as keys spell it. No cluster can be named like the account's key.
fn key_of(subject: &Subject) -> String {
    match subject {
        Subject::Account => "@account".to_owned(),
        _ => subject.to_string(),
    }
}

/// Attributes of every item: the keys, and what a person who reads the table needs.
fn entry(target: &Target, (subject, aspect): (&Subject, Aspect), at: Timestamp, what: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(partition(target))),
        ("sk".to_owned(), text(format!("{}/{aspect}#{what}", key_of(subject)))),
        ("subject".to_owned(), text(subject.to_string())),
        ("aspect".to_owned(), text(aspect.as_str())),
        ("time".to_owned(), text(at.to_string())),
        ("expires".to_owned(), number((at + KEEP).as_second())),
    ])
}

fn change_item(target: &Target, change: &Change) -> Result<Item, Fault> {
    let Change { subject, aspect, number, made, cause, from, to, policy, state, .. } = change;
    let mut item = entry(target, (subject, *aspect), *made, &number.to_string());
    item.extend([
        ("cause".to_owned(), text(cause)),
        ("from".to_owned(), text(from.to_string())),
        ("to".to_owned(), text(to.to_string())),
        ("policy".to_owned(), text(policy)),
        ("state".to_owned(), text(state.as_str())),
        (CHANGE.to_owned(), text(json(change)?)),
    ]);
    Ok(item)
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|error| Fault::bug(Operation::DynamodbPutItem, "", error.to_string()))
}

fn read_log(partition: &str, items: &[Item], rollback: Option<&str>) -> ReadLog {
    let mut read = ReadLog::default();
    for item in items {
        if let Err(why) = read_entry(&mut read.log, item, rollback) {
            let key = get(item, "sk").unwrap_or_default();
            let subject = key.rsplit_once('/').map_or(key.as_str(), |(subject, _)| subject).to_owned();
            let fault = Fault::unreadable(Operation::DynamodbQuery, format!("{partition} {key}"), why);
            read.unreadable.insert(subject, fault);
        }
    }
    read.log.retain(|subject, _| !read.unreadable.contains_key(&key_of(subject)));
    read
}

fn read_entry(log: &mut ChangeLog, item: &Item, rollback: Option<&str>) -> Result<(), String> {
    fn parsed<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, String> {
        serde_json::from_str(&get(item, name)?).map_err(|error| format!("attribute `{name}`: {error}"))
    }
    if item.contains_key(REVERT) {
        let revert: Revert = parsed(item, REVERT)?;
        log.entry(revert.subject.clone()).or_default().put_revert(revert);
        return Ok(());
    }
    let mut change: Change = parsed(item, CHANGE)?;
    if rollback.is_some() && change.rolled_back_by.as_deref() == rollback {
        change.state = ChangeState::Done;
    }
    log.entry(change.subject.clone()).or_default().put(change);
    Ok(())
}

/// The cluster that a key of [`ReadLog::unreadable`] names; `None` for the account or an invalid
/// name.
pub fn cluster_of_key(key: &str) -> Option<ClusterName> {
    key.parse().ok()
}
