//! Hints for what could be better or cheaper, counted over all pods of a cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pod::PodReport;
use crate::text::Text;

/// Most pods that a hint names.
const NAMED: usize = 3;
/// Most hints of a cluster: Fargate gives few different reasons.
const MOST: usize = 12;

/// Something that one or more pods have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hint {
    /// The kind of hint.
    pub kind: HintKind,
    /// Number of pods.
    pub pods: usize,
    /// The first pods: `shop/web-7d4b9`.
    pub named: Vec<Text>,
    /// The reason, in Fargate's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// Kinds of hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HintKind {
    /// Their log router is off.
    LoggingDisabled,
    /// They completed, but are billed until they are deleted.
    PaidThoughCompleted,
    /// A smaller size would do, even for their peak usage, were it not for the 256 MB that Fargate
    /// adds.
    MissesStep,
    /// They belong to `DaemonSet`s and target Fargate nodes, where they never run.
    DaemonSetOnFargate,
    /// Some of their fields could not be read.
    Unreadable,
}

/// The hints of one cluster so far.
#[derive(Debug, Default)]
pub(crate) struct Hints(BTreeMap<(HintKind, Option<Text>), (usize, Vec<Text>)>);

impl Hints {
    pub(crate) fn take(&mut self, pod: &PodReport) {
        let is_active = !matches!(pod.phase.as_str(), "Succeeded" | "Failed");
        let hints = [
            (
                is_active && pod.logging_disabled.is_some(),
                HintKind::LoggingDisabled,
                pod.logging_disabled.as_ref(),
            ),
            (pod.paid_though_completed, HintKind::PaidThoughCompleted, None),
            (pod.misses_step, HintKind::MissesStep, None),
            (pod.never_placed, HintKind::DaemonSetOnFargate, None),
            (!pod.unreadable.is_empty(), HintKind::Unreadable, None),
        ];
        for (_, kind, reason) in hints.into_iter().filter(|(applies, ..)| *applies) {
            let (count, named) = self.0.entry((kind, reason.cloned())).or_default();
            *count += 1;
            if named.len() < NAMED {
                named.push(Text::new(&format!("{}/{}", pod.namespace, pod.pod)));
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<Hint> {
        let hint = |((kind, reason), (pods, named))| Hint { kind, pods, named, reason };
        self.0.into_iter().take(MOST).map(hint).collect()
    }
}
