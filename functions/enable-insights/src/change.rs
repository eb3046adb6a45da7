//! One change of one cluster: made, read back, written down.

use fargaze::aws::{Described, Ecs, LedgerEntry, LedgerState, Memory};
use fargaze::cluster::{AccountId, ClusterName, Region};
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::{InsightsLevel, ObservedCluster};
use jiff::Timestamp;

/// Why and where settings are changed: what the ledger says beside the change itself.
#[derive(Debug)]
pub(crate) struct Occasion<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
    /// Time of the event or of the run.
    pub(crate) time: Timestamp,
    /// Id of the event or of the run.
    pub(crate) cause: &'a str,
}

/// Raises Container Insights of a cluster and reads it back. The ledger has the change before it is made and again when it
/// is done. Asked twice, it changes nothing the second time.
pub(crate) async fn raise(
    ecs: &Ecs,
    memory: &Memory,
    occasion: &Occasion<'_>,
    cluster: &ObservedCluster,
    to: InsightsLevel,
) -> Result<InsightsLevel, Fault> {
    let mut entry = LedgerEntry {
        account: occasion.account.clone(),
        region: occasion.region.clone(),
        cluster: cluster.name.clone(),
        time: occasion.time,
        cause: occasion.cause.to_owned(),
        from: cluster.level,
        to,
    };
    memory.write_ledger(&entry, LedgerState::Planned).await?;
    ecs.update_insights(&cluster.name, to).await?;
    entry.to = read_back(ecs, &cluster.name).await?;
    if entry.to < to {
        return Err(Fault {
            operation: "ecs:UpdateClusterSettings".to_owned(),
            subject: cluster.name.to_string(),
            kind: FaultKind::Transient,
            code: "not applied".to_owned(),
            message: format!("ECS accepted `{to}`, but reads back `{}`", entry.to),
        });
    }
    memory.write_ledger(&entry, LedgerState::Done).await?;
    Ok(entry.to)
}

async fn read_back(ecs: &Ecs, name: &ClusterName) -> Result<InsightsLevel, Fault> {
    let Described { found, faults } = ecs.describe_clusters(std::slice::from_ref(name)).await;
    match (found.first(), faults.into_iter().next()) {
        (Some(cluster), _) => Ok(cluster.level),
        (None, Some(fault)) => Err(fault),
        (None, None) => Err(Fault::malformed("ecs:DescribeClusters", name.as_str(), "the answer is empty")),
    }
}
