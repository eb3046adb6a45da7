//! Snapshots of EKS, and the explanations of its alarms.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use fake_aws::FakeAws;

use super::{BUCKET, Checker};
use crate::clock::Minute;
use crate::eks::agree::{Taken, is_near};
use crate::eks::{rule, why};
use crate::model::{Kind, News};
use crate::rule::{Rule, What};
use crate::snapshot::Snapshot;

/// A snapshot of EKS that was written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Hash of its bytes.
    hash: u64,
    now: Minute,
    part: (u64, u64),
    /// The true state at that time.
    pub(super) taken: Taken,
}

/// Whether the alarm with this key belongs to a rule on EKS.
pub(crate) fn is_of_eks(key: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(rule::names);
    NAMES.contains(key.split('#').next().unwrap_or_default())
}

impl Checker {
    /// A snapshot of EKS may have been written.
    pub(super) fn pods_written(&mut self, aws: &FakeAws, id: usize, key: &str) {
        let Some(bytes) = aws.object(BUCKET, key) else { return };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        if self.taken.get(key).is_some_and(|written| written.hash == hash) {
            return;
        }
        let Some(snapshot) = Snapshot::read(&bytes) else {
            return self.fail(format!("{key} cannot be read"));
        };
        let view = &self.views[&id];
        let before = view.snapshot.as_ref().zip(view.taken.as_ref());
        let (now, part) = (snapshot.now, snapshot.part);
        let known = self.taken.values().filter(|known| known.part == part && is_near(known.now, now));
        let newest = known.map(|known| known.now).max();
        let continued_from = before.map(|(before, _)| before.now);
        if self.alone && continued_from != newest {
            return self.fail(format!("{key} continues from {continued_from:?} and not from {newest:?}"));
        }
        match self.eks.agrees(&snapshot, before) {
            Ok(taken) => {
                if self.clock > now {
                    self.histories.late.insert(now);
                }
                self.taken.insert(key.to_owned(), Written { hash, now, part, taken });
            }
            Err(why) => self.fail(format!("{key} says what is not so: {why}")),
        }
    }

    /// The pods that a notice names are those that its figure counts.
    pub(super) fn explained(
        &self,
        id: usize,
        rule: &Rule,
        key: &str,
        news: News,
        why: Option<&str>,
    ) -> Result<(), String> {
        let What::Sampled(measure, _) = rule.what else { return Ok(()) };
        let taken = self.views[&id].taken.as_ref().ok_or("its snapshot is not known")?;
        let subject = key.split_once('#').map_or("", |(_, subject)| subject);
        match news.kind {
            Kind::Began | Kind::Reminder => why::is_right(why, measure, subject, taken),
            _ => Ok(()),
        }
    }
}
