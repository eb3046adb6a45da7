//! When clusters were created and deleted, as reported by events and sweeps, in the stack's table.

use std::collections::{BTreeMap, HashMap};

use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use fargaze::reconcile::{Created, Life};
use jiff::Timestamp;

use super::change_log::{KEEP, platform};
use super::memory::{Item, Memory, Written, get, number, text, time};
use super::sdk_error::fault;

/// Attempts to write an item that another writer changes at the same time.
const ATTEMPTS: usize = 5;

/// Creations and deletions of many clusters.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    /// Clusters whose items could be read.
    pub lives: BTreeMap<ClusterName, Life>,
    /// Why the other items could not be read, by key.
    pub unreadable: BTreeMap<String, Fault>,
}

impl Memory {
    /// Reads what was reported about all clusters (`Query`, every page). An unreadable item affects
    /// only its cluster.
    pub async fn lives(&self, target: &Target) -> Result<Lives, Fault> {
        let partition = lives_key(target);
        let mut lives = Lives::default();
        for item in self.query(&partition).await? {
            let key = get(&item, "sk").unwrap_or_default();
            let cluster = key.parse::<ClusterName>().map_err(|error| error.to_string());
            match cluster.and_then(|cluster| Ok((cluster, read(&item)?))) {
                Ok((cluster, life)) => drop(lives.lives.insert(cluster, life)),
                Err(why) => {
                    let subject = format!("{partition} {key}");
                    lives.unreadable.insert(key, Fault::unreadable(Operation::DynamodbQuery, subject, why));
                }
            }
        }
        Ok(lives)
    }

    /// Reads what was reported about a cluster (`GetItem`, consistent).
    pub async fn life_of(&self, target: &Target, cluster: &ClusterName) -> Result<Life, Fault> {
        Ok(self.life_and_version(target, cluster).await?.0)
    }

    /// Adds a report about a cluster, and returns all that is known then (`GetItem`, and `PutItem`
    /// with a condition if the report is new).
    pub async fn note_life(
        &self,
        target: &Target,
        cluster: &ClusterName,
        note: impl Fn(&mut Life),
    ) -> Result<Life, Fault> {
        for _ in 0..ATTEMPTS {
            let (known, version) = self.life_and_version(target, cluster).await?;
            let mut life = known;
            note(&mut life);
            if life == known {
                return Ok(life);
            }
            let condition = if version == 0 { "attribute_not_exists(pk)" } else { "version = :version" };
            let value = (version > 0).then(|| (":version", number(version)));
            let item = item(target, cluster, &life, version + 1);
            if self.put_if(item, condition, value, cluster.as_str()).await? == Written::Yes {
                return Ok(life);
            }
        }
        Err(Fault {
            operation: Operation::DynamodbPutItem,
            subject: cluster.to_string(),
            kind: FaultKind::Transient,
            code: "written at the same time".to_owned(),
            message: format!("others wrote it first, {ATTEMPTS} times"),
        })
    }

    async fn life_and_version(&self, target: &Target, cluster: &ClusterName) -> Result<(Life, u64), Fault> {
        const OPERATION: Operation = Operation::DynamodbGetItem;
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", text(lives_key(target))).key("sk", text(cluster.as_str()));
        let answer = request.send().await.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
        let Some(item) = answer.item else { return Ok((Life::default(), 0)) };
        let version = || {
            let version = get(&item, "version")?;
            version.parse().map_err(|error| format!("attribute `version`: {error}"))
        };
        let read = read(&item).and_then(|life| Ok((life, version()?)));
        read.map_err(|why| Fault::malformed(OPERATION, cluster.as_str(), why))
    }
}

fn lives_key(target: &Target) -> String {
    format!("LIVES#{}#{}{}", target.account, target.region, platform(target))
}

fn item(target: &Target, cluster: &ClusterName, life: &Life, version: u64) -> Item {
    let Life { created, deleted, there } = life;
    let newest = created.map(|created| created.last).into_iter().chain(*deleted).chain(*there).max();
    let mut item = HashMap::from([
        ("pk".to_owned(), text(lives_key(target))),
        ("sk".to_owned(), text(cluster.as_str())),
        ("version".to_owned(), number(version)),
    ]);
    let expires = newest.map(|newest| ("expires".to_owned(), number((newest + KEEP).as_second())));
    item.extend(expires);
    if let Some(Created { first, last, by_batch }) = created {
        item.insert("time".to_owned(), text(first.to_string()));
        item.insert("last".to_owned(), text(last.to_string()));
        item.extend(by_batch.then(|| ("by_batch".to_owned(), text("yes"))));
    }
    item.extend(deleted.map(|deleted| ("deleted".to_owned(), text(deleted.to_string()))));
    item.extend(there.map(|there| ("there".to_owned(), text(there.to_string()))));
    item
}

fn read(item: &Item) -> Result<Life, String> {
    let at = |name: &str| -> Result<Option<Timestamp>, String> {
        if item.contains_key(name) { time(item, name).map(Some) } else { Ok(None) }
    };
    let by_batch = item.contains_key("by_batch");
    let created =
        at("time")?.map(|first| Ok::<_, String>((first, at("last")?.unwrap_or(first)))).transpose()?;
    let created = created.map(|(first, last)| Created { first, last, by_batch });
    Ok(Life { created, deleted: at("deleted")?, there: at("there")? })
}
