//! The ledger of EKS clusters in the stack's table, in a partition of its own: an ECS cluster may have the same name.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::ledger::{KEEP, ledger_key, unreadable};
use super::memory::{Item, Memory, get, number, text};
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::insights::ChangeState;
use crate::insights::eks::{BadEksChange, EksChange, EksLedger, EksRevert, EksSubject};
use crate::run::Target;

/// What was read of the ledgers of the EKS clusters of a target.
#[derive(Debug, Clone, Default)]
pub struct EksLedgers {
    /// The clusters that could be read.
    pub ledgers: BTreeMap<ClusterName, EksLedger>,
    /// Those of which an item could not, as their keys spell them, and why.
    pub unreadable: BTreeMap<String, Fault>,
}

impl Memory {
    /// The whole ledger of a target's account and Region (`Query`, every page). For the restore of that id: what it
    /// marked itself, before it was called again, is still to be told by it, and counts as done. An item that cannot
    /// be read costs its cluster only.
    pub async fn eks_ledgers(&self, target: &Target, restore: Option<&str>) -> Result<EksLedgers, Fault> {
        let partition = ledger_key(target);
        Ok(read(&partition, &self.query(&partition).await?, restore))
    }

    /// What the ledger has about one cluster (`Query`, every page).
    pub async fn eks_ledger_of(&self, target: &Target, cluster: &ClusterName) -> Result<EksLedger, Fault> {
        let partition = ledger_key(target);
        let items = self.query_prefix(&partition, &format!("{cluster}/")).await?;
        let EksLedgers { mut ledgers, unreadable } = read(&partition, &items, None);
        match unreadable.into_values().next() {
            Some(fault) => Err(fault),
            None => Ok(ledgers.remove(cluster).unwrap_or_default()),
        }
    }

    /// Writes a change, or how far it has come by now (`PutItem`). The same change has the same key.
    pub async fn put_eks_change(&self, target: &Target, change: &EksChange) -> Result<(), Fault> {
        let EksChange { subject, time, cause, .. } = change;
        let item = item(target, subject, (*time, cause), change.to_attributes());
        self.put(item, &subject.to_string()).await
    }

    /// Writes that somebody else took away what we had set up (`PutItem`). The same event has the same key, which is
    /// not that of the change that it may bring.
    pub async fn put_eks_revert(&self, target: &Target, revert: &EksRevert) -> Result<(), Fault> {
        let EksRevert { subject, time, event_id, .. } = revert;
        let item = item(target, subject, (*time, &format!("{event_id}#by")), revert.to_attributes());
        self.put(item, &subject.to_string()).await
    }
}

fn item(
    target: &Target,
    subject: &EksSubject,
    (time, what): (Timestamp, &str),
    attributes: BTreeMap<&'static str, String>,
) -> Item {
    let mut item = HashMap::from([
        ("pk".to_owned(), text(ledger_key(target))),
        ("sk".to_owned(), text(format!("{subject}#{time}#{what}"))),
        ("expires".to_owned(), number((time + KEEP).as_second())),
    ]);
    item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), text(value))));
    item
}

fn read(partition: &str, items: &[Item], restore: Option<&str>) -> EksLedgers {
    let mut read = EksLedgers::default();
    for item in items {
        if let Err(error) = read_item(&mut read.ledgers, item, restore) {
            let (subject, fault) = unreadable(partition, item, error.to_string());
            let cluster = subject.split('/').next().unwrap_or_default().to_owned();
            read.unreadable.insert(cluster, fault);
        }
    }
    read.ledgers.retain(|cluster, _| !read.unreadable.contains_key(cluster.as_str()));
    read
}

fn read_item(
    ledgers: &mut BTreeMap<ClusterName, EksLedger>,
    item: &Item,
    restore: Option<&str>,
) -> Result<(), BadEksChange> {
    let attribute = |name| get(item, name).ok();
    if item.contains_key(EksRevert::MARK) {
        let revert = EksRevert::from_attributes(&attribute)?;
        ledgers.entry(revert.subject.cluster.clone()).or_default().put_revert(revert);
        return Ok(());
    }
    let mut change = EksChange::from_attributes(&attribute)?;
    if restore.is_some() && change.restored_by.as_deref() == restore {
        change.state = ChangeState::Done;
    }
    ledgers.entry(change.subject.cluster.clone()).or_default().put(change);
    Ok(())
}
