//! The ledger of EKS clusters in the stack's table, in a partition of its own: an ECS cluster may have the same name.

use std::collections::{BTreeMap, HashMap};

use super::ledger::{KEEP, ledger_key};
use super::memory::{Item, Memory, get, number, text};
use crate::cluster::ClusterName;
use crate::fault::Fault;
use crate::insights::ChangeState;
use crate::insights::eks::{EksChange, EksLedger};
use crate::run::Target;

/// Ledgers of the EKS clusters of a target.
pub type EksLedgers = BTreeMap<ClusterName, EksLedger>;

impl Memory {
    /// The whole ledger of a target's account and Region (`Query`, every page). For the restore of that id: what it marked
    /// itself, before it was called again, is still to be told by it, and counts as done.
    pub async fn eks_ledgers(&self, target: &Target, restore: Option<&str>) -> Result<EksLedgers, Fault> {
        let partition = ledger_key(target);
        read(&partition, &self.query(&partition).await?, restore)
    }

    /// What the ledger has about one cluster (`Query`, every page).
    pub async fn eks_ledger_of(&self, target: &Target, cluster: &ClusterName) -> Result<EksLedger, Fault> {
        let partition = ledger_key(target);
        let items = self.query_prefix(&partition, &format!("{cluster}/")).await?;
        Ok(read(&partition, &items, None)?.remove(cluster).unwrap_or_default())
    }

    /// Writes a change, or how far it has come by now (`PutItem`). The same change has the same key.
    pub async fn put_eks_change(&self, target: &Target, change: &EksChange) -> Result<(), Fault> {
        self.put(item(target, change), &change.subject.to_string()).await
    }
}

fn item(target: &Target, change: &EksChange) -> Item {
    let EksChange { subject, time, cause, .. } = change;
    let mut item = HashMap::from([
        ("pk".to_owned(), text(ledger_key(target))),
        ("sk".to_owned(), text(format!("{subject}#{time}#{cause}"))),
        ("expires".to_owned(), number((*time + KEEP).as_second())),
    ]);
    let attributes = change.to_attributes().into_iter();
    item.extend(attributes.map(|(name, value)| (name.to_owned(), text(value))));
    item
}

fn read(partition: &str, items: &[Item], restore: Option<&str>) -> Result<EksLedgers, Fault> {
    let mut ledgers = EksLedgers::new();
    for item in items {
        let change = EksChange::from_attributes(&|name| get(item, name).ok());
        let mut change =
            change.map_err(|error| Fault::malformed("dynamodb:Query", partition, error.to_string()))?;
        if restore.is_some() && change.restored_by.as_deref() == restore {
            change.state = ChangeState::Done;
        }
        ledgers.entry(change.subject.cluster.clone()).or_default().put(change);
    }
    Ok(ledgers)
}
