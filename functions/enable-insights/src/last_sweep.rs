//! What the last sweep of a target saw and found, and the one before it.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::invocation::states::TargetTask;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::run::Target;
use fargaze::outcome::Reconciled;
use fargaze::reconcile::{Finding, SweepRecord};
use fargaze_aws::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the last sweep of a target saw and found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastSweep {
    /// Clusters that are not new any more, each with the time of the first sweep that knew it.
    clusters: BTreeMap<ClusterName, Timestamp>,
    /// What there was to say.
    findings: Vec<Finding>,
}

/// How it is stored. A sweep that is called again after it was written, because its answer was lost, must find what it
/// found: else it would take what it was to notify of for notified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// Id of the run that wrote it.
    run: String,
    last: LastSweep,
    /// What was known before that run.
    before: Option<LastSweep>,
}

/// What is known of the last sweep of a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Last {
    /// Nothing: it had no sweep yet.
    None,
    /// What it wrote.
    Known(LastSweep),
    /// What it wrote cannot be read. It is as good as nothing: then all clusters were there before, which changes none.
    Lost(Fault),
}

impl Last {
    /// What sweeps saw of a cluster.
    pub(crate) fn sweep_record(&self, cluster: &ClusterName) -> SweepRecord {
        match self {
            Self::None | Self::Lost(_) => SweepRecord::NoSweep,
            Self::Known(known) => {
                known.clusters.get(cluster).map_or(SweepRecord::Unseen, |at| SweepRecord::Since(*at))
            }
        }
    }

    /// What the last sweep found about the same aspect of the same subject, if there was something to say.
    pub(crate) fn finding(&self, like: &Finding) -> Option<&Finding> {
        let Self::Known(known) = self else { return None };
        let is_same = |found: &&Finding| (&found.subject, found.aspect) == (&like.subject, like.aspect);
        known.findings.iter().find(is_same)
    }

    /// Why what the last sweep wrote is lost, if it is.
    pub(crate) fn lost(&self) -> Option<Fault> {
        match self {
            Self::Lost(fault) => Some(fault.clone()),
            Self::None | Self::Known(_) => None,
        }
    }
}

impl LastSweep {
    /// What is known of a target.
    pub(crate) async fn read(store: &Store, target: &Target) -> Result<Last, Fault> {
        last(store, target, |stored| Some(stored.last)).await
    }

    /// What was known of a target before this run of it.
    pub(crate) async fn before(store: &Store, task: &TargetTask) -> Result<Last, Fault> {
        let before =
            |stored: Stored| if stored.run == task.run.id { stored.before } else { Some(stored.last) };
        last(store, &task.target, before).await
    }

    /// What is known of a target after a sweep. A new cluster that does not comply yet stays new, so that the next sweep
    /// still finds it so; one that is gone is forgotten, so that it is new when it comes back. At the first sweep of a
    /// target all clusters were there before, but for those that are still being made.
    pub(crate) fn after(
        last: &Last,
        listed: &BTreeSet<ClusterName>,
        task: &TargetTask,
        outcome: &Reconciled,
    ) -> Self {
        let mut of = BTreeMap::<&ClusterName, Vec<&Finding>>::new();
        for finding in &outcome.findings {
            finding.cluster().into_iter().for_each(|name| of.entry(name).or_default().push(finding));
        }
        let known_since = |name: &ClusterName| {
            let found = of.get(name).map_or(&[][..], Vec::as_slice);
            // Of one that could not be seen nothing is at its end.
            let is_open = found.is_empty() || found.iter().any(|finding| finding.result.is_open());
            let is_being_made = found.iter().any(|finding| finding.is_being_made());
            last.sweep_record(name).after(task.run.time, is_open, is_being_made)
        };
        Self {
            clusters: listed.iter().filter_map(|name| Some((name.clone(), known_since(name)?))).collect(),
            findings: outcome.findings.iter().filter(|finding| finding.is_remarkable()).cloned().collect(),
        }
    }

    /// Writes what is known after this run, if it is not what was known before.
    pub(crate) async fn write(self, before: Last, store: &Store, task: &TargetTask) -> Result<(), Fault> {
        let before = match before {
            Last::Known(known) => Some(known),
            Last::None | Last::Lost(_) => None,
        };
        if before.as_ref() == Some(&self) {
            return Ok(());
        }
        let stored = Stored { run: task.run.id.clone(), last: self, before };
        store.put_json(&task.target.known_clusters_key(), &stored).await
    }
}

async fn last(
    store: &Store,
    target: &Target,
    of: impl FnOnce(Stored) -> Option<LastSweep>,
) -> Result<Last, Fault> {
    match store.get_json::<Stored>(&target.known_clusters_key()).await {
        Err(fault) if fault.kind == FaultKind::Malformed => Ok(Last::Lost(lost(&fault))),
        stored => Ok(stored?.and_then(of).map_or(Last::None, Last::Known)),
    }
}

fn lost(fault: &Fault) -> Fault {
    let why = format!(
        "{}; what the last sweep knew is lost: every cluster counts as there before, so a new one whose event did not \
         arrive is only reported",
        fault.message
    );
    Fault::unreadable(fault.operation.clone(), fault.subject.clone(), why)
}
