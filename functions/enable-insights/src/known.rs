//! What the last sweep of a target saw and told, and the one before it.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::aws::Store;
use fargaze::cluster::ClusterName;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{EksAspect, EksFinding, EksResult};
use fargaze::insights::{AccountDefaultFinding, InsightsFinding, InsightsResult, Sighting};
use fargaze::outcome::Reconciled;
use fargaze::run::{Platform, Target};
use fargaze::states::TargetTask;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the last sweep of a target saw and told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Clusters that are not new any more, each with the time of the first sweep that knew it.
    clusters: BTreeMap<ClusterName, Timestamp>,
    /// What it found and what is not as wished.
    findings: Vec<InsightsFinding>,
    account_default: Option<AccountDefaultFinding>,
    /// The same of EKS clusters, aspect by aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    eks: Vec<EksFinding>,
}

/// How it is stored. A sweep that is called again after it was written, because its answer was lost, must find what it
/// found: else it would take what it was to tell for told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// Id of the run that wrote it.
    run: String,
    known: Known,
    /// What was known before that run.
    before: Option<Known>,
}

/// What is known of a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Last {
    /// Nothing: it had no sweep yet.
    None,
    /// What the last sweep wrote.
    Known(Known),
    /// What the last sweep wrote cannot be read. It is as good as nothing: then all clusters were there before, which
    /// changes none.
    Lost(Fault),
}

impl Last {
    /// What sweeps saw of a cluster.
    pub(crate) fn sighting(&self, cluster: &ClusterName) -> Sighting {
        match self {
            Self::None | Self::Lost(_) => Sighting::NoSweep,
            Self::Known(known) => {
                known.clusters.get(cluster).map_or(Sighting::Unseen, |at| Sighting::Since(*at))
            }
        }
    }

    /// What the last sweep found, if there was one.
    pub(crate) fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::None | Self::Lost(_) => None,
        }
    }

    /// Why what the last sweep wrote is lost, if it is.
    pub(crate) fn lost(&self) -> Option<Fault> {
        match self {
            Self::Lost(fault) => Some(fault.clone()),
            Self::None | Self::Known(_) => None,
        }
    }
}

impl Known {
    /// What is known of a target.
    pub(crate) async fn read(store: &Store, target: &Target) -> Result<Last, Fault> {
        last(store, target, |stored| Some(stored.known)).await
    }

    /// What was known of a target before this run of it.
    pub(crate) async fn before(store: &Store, task: &TargetTask) -> Result<Last, Fault> {
        let before =
            |stored: Stored| if stored.run == task.run.id { stored.before } else { Some(stored.known) };
        last(store, &task.target, before).await
    }

    /// What the last sweep found about a cluster, if it was worth a word.
    pub(crate) fn finding(&self, cluster: &ClusterName) -> Option<&InsightsFinding> {
        self.findings.iter().find(|finding| finding.cluster == *cluster)
    }

    /// What the last sweep found about an aspect of an EKS cluster, if it was worth a word.
    pub(crate) fn eks_finding(
        &self,
        cluster: &ClusterName,
        aspect: Option<EksAspect>,
    ) -> Option<&EksFinding> {
        self.eks.iter().find(|finding| finding.cluster == *cluster && finding.aspect == aspect)
    }

    /// What the last sweep found about the account's default.
    pub(crate) fn account_default(&self) -> Option<&AccountDefaultFinding> {
        self.account_default.as_ref()
    }

    /// What is known after a sweep. A new cluster that was not brought to its wish stays new, so that the next sweep still
    /// finds it so; one that is gone is forgotten, so that it is new when it comes back. At the first sweep of a target all
    /// clusters were there before, but for those that ECS or EKS are still making.
    pub(crate) fn after(
        last: &Last,
        listed: &BTreeSet<ClusterName>,
        task: &TargetTask,
        outcome: &Reconciled,
    ) -> Self {
        let is_of_ecs = task.target.platform == Platform::Ecs;
        let open = |name: &ClusterName| {
            if is_of_ecs { is_open(outcome, name) } else { is_open_of_eks(outcome, name) }
        };
        let known_since = |name: &ClusterName| {
            last.sighting(name).after(task.run.time, open(name), is_being_made(outcome, name))
        };
        let worth_a_word = |finding: &&InsightsFinding| {
            let silent = finding.result == InsightsResult::Right || finding.result.is_left();
            !silent || finding.silent || finding.unannounced
        };
        Self {
            clusters: listed.iter().filter_map(|name| Some((name.clone(), known_since(name)?))).collect(),
            findings: outcome.insights.iter().filter(worth_a_word).cloned().collect(),
            account_default: outcome.account_default.clone(),
            eks: outcome.eks.iter().filter(|finding| is_worth_a_word(finding)).cloned().collect(),
        }
    }

    /// Writes what is known after this run, if it is not what was known before.
    pub(crate) async fn write(self, before: Last, store: &Store, task: &TargetTask) -> Result<(), Fault> {
        if before.known() == Some(&self) {
            return Ok(());
        }
        let before = match before {
            Last::Known(known) => Some(known),
            Last::None | Last::Lost(_) => None,
        };
        let stored = Stored { run: task.run.id.clone(), known: self, before };
        store.put_json(&task.target.known_clusters_key(), &stored).await
    }
}

async fn last(
    store: &Store,
    target: &Target,
    of: impl FnOnce(Stored) -> Option<Known>,
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

fn result_of<'a>(outcome: &'a Reconciled, name: &ClusterName) -> Option<&'a InsightsResult> {
    outcome.insights.iter().find(|finding| finding.cluster == *name).map(|finding| &finding.result)
}

/// Whether a cluster was not brought to its wish, or could not be seen.
fn is_open(outcome: &Reconciled, name: &ClusterName) -> bool {
    use InsightsResult::{Failed, NotYet, UnderWay, Waiting, WouldSet};
    matches!(result_of(outcome, name), None | Some(NotYet | UnderWay | Waiting(_) | WouldSet(_) | Failed(_)))
}

fn is_being_made(outcome: &Reconciled, name: &ClusterName) -> bool {
    result_of(outcome, name) == Some(&InsightsResult::NotYet)
        || outcome.eks.iter().any(|finding| finding.cluster == *name && finding.is_being_made())
}

fn is_open_of_eks(outcome: &Reconciled, name: &ClusterName) -> bool {
    let mut findings = outcome.eks.iter().filter(|finding| finding.cluster == *name).peekable();
    findings.peek().is_none() || findings.any(|finding| finding.result.is_open())
}

fn is_worth_a_word(finding: &EksFinding) -> bool {
    !matches!(finding.result, EksResult::Right | EksResult::Left) || finding.unannounced
}
