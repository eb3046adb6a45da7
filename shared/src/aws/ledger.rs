//! The ledger in the stack's table: settings that we changed, who changed them back, and clusters that were heard of.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::{SignedDuration, Timestamp};

use super::memory::{Item, Memory, get, number, text, time};
use super::sdk_error::fault;
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::insights::{Change, ChangeState, ClusterLedger, Ledger, LedgerSubject, PutBack};
use crate::run::{Platform, Target};

/// How long the ledger is kept, and that an event told of a cluster's creation: changes of an earlier cluster of the same name
/// must not outlive it.
pub(super) const KEEP: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Memory {
    /// The whole ledger of a target's account and Region (`Query`, every page).
    pub async fn ledger(&self, target: &Target) -> Result<Ledger, Fault> {
        let partition = ledger_key(target);
        read_ledger(&partition, &self.query(&partition).await?, None)
    }

    /// The same for the restore of that id: what it marked itself, before it was called again, is still to be told by it,
    /// and counts as done.
    pub async fn ledger_before(&self, target: &Target, restore: &str) -> Result<Ledger, Fault> {
        let partition = ledger_key(target);
        read_ledger(&partition, &self.query(&partition).await?, Some(restore))
    }

    /// What the ledger has about one subject (`Query`, every page).
    pub async fn ledger_of(&self, target: &Target, subject: &LedgerSubject) -> Result<ClusterLedger, Fault> {
        let partition = ledger_key(target);
        let items = self.query_prefix(&partition, &format!("{subject}#")).await?;
        Ok(read_ledger(&partition, &items, None)?.remove(subject).unwrap_or_default())
    }

    /// Writes a change, or how far it has come by now (`PutItem`). The same change has the same key.
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
        // A key of its own: the event that tells of it may be the cause of our next change.
        let mut item = entry(target, subject, *time, &format!("{event_id}#by"));
        item.extend([
            ("event_id".to_owned(), text(event_id)),
            ("by".to_owned(), text(by)),
            ("to".to_owned(), text(level.as_str())),
        ]);
        self.put(item, &subject.to_string()).await
    }

    /// Clusters of whose creation an event told, with its time (`Query`, every page).
    pub async fn heard(&self, target: &Target) -> Result<BTreeMap<ClusterName, Timestamp>, Fault> {
        let partition = heard_key(target);
        let read = |item: &Item| {
            let cluster = get(item, "sk")?.parse().map_err(|error| format!("{error}"))?;
            Ok((cluster, time(item, "time")?))
        };
        let heard = self.query(&partition).await?.iter().map(read).collect::<Result<_, String>>();
        heard.map_err(|why| Fault::malformed("dynamodb:Query", partition, why))
    }

    /// When a cluster was created, if an event told of it (`GetItem`, consistent).
    pub async fn heard_of(&self, target: &Target, cluster: &ClusterName) -> Result<Option<Timestamp>, Fault> {
        const OPERATION: &str = "dynamodb:GetItem";
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", text(heard_key(target))).key("sk", text(cluster.as_str()));
        let answer = request.send().await.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
        let created = answer.item.map(|item| time(&item, "time")).transpose();
        created.map_err(|why| Fault::malformed(OPERATION, cluster.as_str(), why))
    }

    /// Remembers that an event told of the creation of a cluster. Of several clusters of a name the newest counts, in
    /// whatever order their events come (`PutItem` with a condition).
    pub async fn put_heard(
        &self,
        target: &Target,
        cluster: &ClusterName,
        created: Timestamp,
    ) -> Result<(), Fault> {
        let expires = number((created + KEEP).as_second());
        let item = HashMap::from([
            ("pk".to_owned(), text(heard_key(target))),
            ("sk".to_owned(), text(cluster.as_str())),
            ("time".to_owned(), text(created.to_string())),
            ("expires".to_owned(), expires.clone()),
        ]);
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        // Numbers compare as times do; texts of times may differ in their precision.
        let request = request.condition_expression("attribute_not_exists(pk) OR #expires < :expires");
        // The name is one of DynamoDB's reserved words.
        let request = request.expression_attribute_names("#expires", "expires");
        match request.expression_attribute_values(":expires", expires).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(fault("dynamodb:PutItem", cluster.as_str(), &error)),
        }
    }

    pub(super) async fn put(&self, item: Item, subject: &str) -> Result<(), Fault> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault("dynamodb:PutItem", subject, &error))
    }
}

pub(super) fn ledger_key(target: &Target) -> String {
    format!("LEDGER#{}#{}{}", target.account, target.region, platform(target))
}

fn heard_key(target: &Target) -> String {
    format!("HEARD#{}#{}{}", target.account, target.region, platform(target))
}

/// Clusters of ECS and of EKS may have the same names.
fn platform(target: &Target) -> &'static str {
    match target.platform {
        Platform::Ecs => "",
        Platform::Eks => "#EKS",
    }
}

fn entry(target: &Target, subject: &LedgerSubject, at: Timestamp, what: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(ledger_key(target))),
        ("sk".to_owned(), text(format!("{subject}#{at}#{what}"))),
        ("subject".to_owned(), text(subject.to_string())),
        ("time".to_owned(), text(at.to_string())),
        ("expires".to_owned(), number((at + KEEP).as_second())),
    ])
}

fn change_item(target: &Target, change: &Change) -> Item {
    let Change { subject, time, cause, from, to, wish, reason, request_id, state } = change;
    let mut item = entry(target, subject, *time, cause);
    item.extend([
        ("cause".to_owned(), text(cause)),
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

fn read_ledger(partition: &str, items: &[Item], restore: Option<&str>) -> Result<Ledger, Fault> {
    let mut ledger = Ledger::new();
    for item in items {
        read_entry(&mut ledger, item, restore)
            .map_err(|why| Fault::malformed("dynamodb:Query", partition, why))?;
    }
    // Times of different precision do not sort as text does.
    for of_subject in ledger.values_mut() {
        of_subject.changes.sort_by_key(|change| change.time);
        of_subject.put_back.sort_by_key(|put_back| put_back.time);
    }
    Ok(ledger)
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
        of_subject.changes.push(Change {
            subject,
            time: at,
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
