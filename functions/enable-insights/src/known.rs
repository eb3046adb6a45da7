//! What the last sweep of a target saw and told, and the one before it.

use std::collections::BTreeSet;

use fargaze::aws::Store;
use fargaze::cluster::ClusterName;
use fargaze::fault::Fault;
use fargaze::insights::eks::{EksAspect, EksFinding, EksResult};
use fargaze::insights::{AccountDefaultFinding, InsightsFinding, InsightsResult};
use fargaze::outcome::{Outcome, TargetTask};
use fargaze::run::{Platform, Target};
use serde::{Deserialize, Serialize};

/// What the last sweep of a target saw and told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Clusters that are not new any more.
    clusters: BTreeSet<ClusterName>,
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

impl Known {
    /// What is known of a target; none before its first sweep.
    pub(crate) async fn read(store: &Store, target: &Target) -> Result<Option<Self>, Fault> {
        let stored: Option<Stored> = store.get_json(&target.known_clusters_key()).await?;
        Ok(stored.map(|stored| stored.known))
    }

    /// What was known of a target before this run of it.
    pub(crate) async fn before(store: &Store, task: &TargetTask) -> Result<Option<Self>, Fault> {
        let stored: Option<Stored> = store.get_json(&task.target.known_clusters_key()).await?;
        Ok(stored
            .and_then(|stored| if stored.run == task.run.id { stored.before } else { Some(stored.known) }))
    }

    /// Whether the cluster is not new any more.
    pub(crate) fn has(&self, cluster: &ClusterName) -> bool {
        self.clusters.contains(cluster)
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
    /// clusters were there before.
    pub(crate) fn after(last: Option<&Self>, listed: &BTreeSet<ClusterName>, outcome: &Outcome) -> Self {
        let open = |name: &ClusterName| match outcome.target.platform {
            Platform::Ecs => is_open(outcome, name),
            Platform::Eks => is_open_of_eks(outcome, name),
        };
        let is_known = |name: &&ClusterName| last.is_none_or(|last| last.has(name)) || !open(name);
        let worth_a_word = |finding: &&InsightsFinding| {
            let silent = matches!(finding.result, InsightsResult::Right | InsightsResult::Left);
            !silent || finding.silent || finding.unannounced
        };
        Self {
            clusters: listed.iter().filter(is_known).cloned().collect(),
            findings: outcome.insights.iter().filter(worth_a_word).cloned().collect(),
            account_default: outcome.account_default.clone(),
            eks: outcome.eks.iter().filter(|finding| is_worth_a_word(finding)).cloned().collect(),
        }
    }

    /// Writes what is known after this run, if it is not what was known before.
    pub(crate) async fn write(
        self,
        before: Option<Self>,
        store: &Store,
        task: &TargetTask,
    ) -> Result<(), Fault> {
        if before.as_ref() == Some(&self) {
            return Ok(());
        }
        let stored = Stored { run: task.run.id.clone(), known: self, before };
        store.put_json(&task.target.known_clusters_key(), &stored).await
    }
}

/// Whether a cluster was not brought to its wish, or could not be seen.
fn is_open(outcome: &Outcome, name: &ClusterName) -> bool {
    let finding = outcome.insights.iter().find(|finding| finding.cluster == *name);
    matches!(
        finding.map(|finding| &finding.result),
        None | Some(InsightsResult::Waiting(_) | InsightsResult::WouldSet(_) | InsightsResult::Failed(_))
    )
}

fn is_open_of_eks(outcome: &Outcome, name: &ClusterName) -> bool {
    let mut findings = outcome.eks.iter().filter(|finding| finding.cluster == *name).peekable();
    findings.peek().is_none() || findings.any(|finding| finding.result.is_open())
}

fn is_worth_a_word(finding: &EksFinding) -> bool {
    !matches!(finding.result, EksResult::Right | EksResult::Left) || finding.unannounced
}
