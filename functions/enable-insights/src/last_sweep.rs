//! What the last sweep of a target saw and found, and the sweep before it.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::invocation::states::TargetTask;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::run::Target;
use fargaze::model::subject::Subject;
use fargaze::outcome::Reconciled;
use fargaze::reconcile::{Announced, Aspect, Finding, SweepRecord};
use fargaze_aws::Store;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the last sweep of a target saw and found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastSweep {
    /// Clusters that are no longer new, each with the time of the first sweep that saw it.
    clusters: BTreeMap<ClusterName, Timestamp>,
    /// Findings worth reporting.
    findings: Vec<Finding>,
    /// Since which sweep log groups are checked; `None` if no policy of the last sweep covered any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_groups_since: Option<Timestamp>,
}

/// The stored form. If a sweep is repeated after it was written, because its response was lost, it
/// must find the same state as before: otherwise it would treat its own unsent findings as already
/// notified.
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
    /// The target had no sweep yet.
    None,
    /// The stored state.
    Known(LastSweep),
    /// The stored state is unreadable. Then all clusters count as existing before, so none is
    /// changed.
    Lost(Fault),
}

impl Last {
    /// What sweeps recorded about a cluster.
    pub(crate) fn sweep_record(&self, cluster: &ClusterName) -> SweepRecord {
        match self {
            Self::None | Self::Lost(_) => SweepRecord::NoSweep,
            Self::Known(known) => {
                known.clusters.get(cluster).map_or(SweepRecord::Unseen, |at| SweepRecord::Since(*at))
            }
        }
    }

    /// Since which sweep log groups are checked, if they are.
    pub(crate) fn log_groups_since(&self) -> Option<Timestamp> {
        match self {
            Self::Known(known) => known.log_groups_since,
            Self::None | Self::Lost(_) => None,
        }
    }

    /// The change of an aspect of a subject that a sweep announced and has not made yet.
    pub(crate) fn announced(&self, subject: &Subject, aspect: Aspect) -> Option<Announced> {
        let Self::Known(known) = self else { return None };
        let is_same = |found: &&Finding| (&found.subject, found.aspect) == (subject, Some(aspect));
        known.findings.iter().find(is_same).and_then(Finding::announced)
    }

    /// The last sweep's finding about the same aspect of the same subject, if it was worth
    /// reporting.
    pub(crate) fn finding(&self, like: &Finding) -> Option<&Finding> {
        let Self::Known(known) = self else { return None };
        let is_same = |found: &&Finding| (&found.subject, found.aspect) == (&like.subject, like.aspect);
        known.findings.iter().find(is_same)
    }

    /// Why the stored state is lost, if it is.
    pub(crate) fn lost(&self) -> Option<Fault> {
        match self {
            Self::Lost(fault) => Some(fault.clone()),
            Self::None | Self::Known(_) => None,
        }
    }
}

impl LastSweep {
    /// Reads the stored state of a target.
    pub(crate) async fn read(store: &Store, target: &Target) -> Result<Last, Fault> {
        last(store, target, |stored| Some(stored.last)).await
    }

    /// Reads the state of a target before this run.
    pub(crate) async fn before(store: &Store, task: &TargetTask) -> Result<Last, Fault> {
        let before =
            |stored: Stored| if stored.run == task.run.id { stored.before } else { Some(stored.last) };
        last(store, &task.target, before).await
    }

    /// The state of a target after a sweep. A new cluster that does not comply yet stays new, so
    /// that the next sweep still treats it as new; a deleted cluster is dropped, so that it is new
    /// if it is created again. At the first sweep of a target, all clusters count as existing
    /// before, except those still being created.
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
            // If a cluster could not be read, its state is open.
            let is_open = found.is_empty() || found.iter().any(|finding| finding.result.is_open());
            let is_being_made = found.iter().any(|finding| finding.is_being_made());
            last.sweep_record(name).after(task.run.time, is_open, is_being_made)
        };
        Self {
            clusters: listed.iter().filter_map(|name| Some((name.clone(), known_since(name)?))).collect(),
            findings: outcome.findings.iter().filter(|finding| finding.is_remarkable()).cloned().collect(),
            log_groups_since: None,
        }
    }

    /// The same state with the time since which sweeps check log groups. If they stop checking
    /// them, the next time begins anew: groups that were created meanwhile are not new.
    pub(crate) fn checking_log_groups(self, last: &Last, checks: bool, time: Timestamp) -> Self {
        let since = checks.then(|| last.log_groups_since().unwrap_or(time));
        Self { log_groups_since: since, ..self }
    }

    /// Writes the state after this run, if it changed.
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
        "{}; the state of the last sweep is lost: every cluster counts as existing before, so a new one whose event did not \
         arrive is only reported",
        fault.message
    );
    Fault::unreadable(fault.operation.clone(), fault.subject.clone(), why)
}
