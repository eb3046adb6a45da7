//! When clusters of a name were created and deleted, as far as it was reported, and whether one is
//! new.
//!
//! ECS does not report a creation time, and `CreateCluster` for an existing cluster succeeds and
//! changes nothing (ECS API, `CreateCluster`). So an event of that call counts as a creation only
//! if nothing contradicts it; after a deletion, every cluster with the name is new. Reports may
//! arrive twice, late or never. The result does not depend on their order, except for the exact
//! time of a creation if the deletion of the previous cluster was reported late.

use jiff::{SignedDuration, Timestamp};

use super::SubjectLog;

/// How long a new cluster may be missing from ECS's responses, which are eventually consistent (ECS
/// API, `DescribeClusters`, failure `MISSING`). AWS gives no figure; usually it is seconds.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How long a log group is new.
const NEW_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How far EKS's creation time may differ from CloudTrail's, which has whole seconds. Two clusters
/// with the same name are never created within a minute.
const CLOCKS_AGREE_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The reports about clusters of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Life {
    /// `CreateCluster` calls since the last deletion, each of which may have created the present
    /// cluster.
    pub created: Option<Created>,
    /// The last deletion, from its event or from a sweep that did not find the cluster.
    pub deleted: Option<Timestamp>,
    /// The first event that shows that a cluster existed: a change of its settings, or a
    /// `CreateCluster` call whose response had services or tasks.
    pub there: Option<Timestamp>,
}

/// `CreateCluster` calls whose response was an empty cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Whether AWS Batch made one of them.
    pub by_batch: bool,
}

/// Whether a cluster is new to fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is new: an event reported its creation and nothing shows that it existed before, or the
    /// last sweep did not see it.
    New,
    /// It existed before.
    Existing,
}

/// What the sweeps recorded about a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepRecord {
    /// There was no sweep yet.
    NoSweep,
    /// The last sweep did not see it, or kept it as new.
    Unseen,
    /// Sweeps have known it since the one at this time.
    Since(Timestamp),
}

impl SweepRecord {
    /// What sweeps know about a log group that was created at `created_at`, if they have checked
    /// log groups since `since`: a group that is older than a week has events that somebody may
    /// miss, even if no sweep has seen it.
    pub fn of_log_group(created_at: Option<Timestamp>, since: Option<Timestamp>, now: Timestamp) -> Self {
        let is_new = |created: Timestamp| {
            since.is_some_and(|since| created > since) && now.duration_since(created) <= NEW_FOR
        };
        if created_at.is_some_and(is_new) { Self::Unseen } else { Self::Since(now) }
    }

    /// Since when sweeps know the cluster after another sweep at this time; `None` if the next
    /// sweep must still treat it as new, because its result is not final (`is_open`). At the first
    /// sweep all clusters count as existing, except those still being created.
    pub fn after(self, sweep: Timestamp, is_open: bool, is_being_made: bool) -> Option<Timestamp> {
        match self {
            Self::Since(at) => Some(at),
            Self::Unseen if is_open => None,
            Self::NoSweep if is_being_made => None,
            Self::Unseen | Self::NoSweep => Some(sweep),
        }
    }
}

impl Life {
    /// Adds a `CreateCluster` call whose response was an empty cluster.
    pub fn add_creation(&mut self, at: Timestamp, by_batch: bool) {
        if !self.is_present(at) {
            return;
        }
        let known = self.created.get_or_insert(Created { first: at, last: at, by_batch });
        known.first = known.first.min(at);
        known.last = known.last.max(at);
        known.by_batch |= by_batch;
    }

    /// Adds a time at which a cluster existed.
    pub fn add_sweep(&mut self, at: Timestamp) {
        self.there = Some(self.there.map_or(at, |known| known.min(at)));
    }

    /// Adds a deletion.
    pub fn add_deletion(&mut self, at: Timestamp) {
        self.deleted = Some(self.deleted.map_or(at, |known| known.max(at)));
        if let Some(known) = self.created {
            let first = if self.is_present(known.first) { known.first } else { known.last };
            self.created = Some(Created { first, ..known }).filter(|_| self.is_present(known.last));
        }
    }

    /// Whether something at that time belongs to the present cluster. If a cluster is deleted and
    /// created within the same second, the present one is the new one.
    fn is_present(&self, at: Timestamp) -> bool {
        self.deleted.is_none_or(|deleted| at >= deleted)
    }

    /// When the present cluster was created, or a time before its creation, if fargaze could
    /// observe it: an earlier cluster with its name was deleted, or an event reported the creation
    /// and nothing shows that the cluster existed before.
    pub fn born(&self, sweep_record: SweepRecord, log: &SubjectLog) -> Option<Timestamp> {
        let created = self.created.map(|created| created.first);
        if self.deleted.is_some() {
            return created.or(self.deleted);
        }
        let created = created?;
        let was_seen = matches!(sweep_record, SweepRecord::Since(seen) if seen < created)
            || self.there.is_some_and(|there| there < created);
        let was_changed = log.all_changes().any(|change| change.made < created);
        (!was_seen && !was_changed).then_some(created)
    }

    /// Whether the present cluster is new or existing. `created_at` is its creation time, which EKS
    /// reports and ECS does not.
    pub fn origin(
        &self,
        sweep_record: SweepRecord,
        log: &SubjectLog,
        created_at: Option<Timestamp>,
    ) -> Origin {
        let is_reported = match created_at {
            Some(_) => self.created.is_some(),
            None => self.born(sweep_record, log).is_some(),
        };
        let is_new = is_reported || self.seen(sweep_record, created_at) == Some(false);
        if is_new { Origin::New } else { Origin::Existing }
    }

    /// Whether the last sweep saw the present cluster, not an earlier one with its name; `None` if
    /// there was no sweep yet.
    pub fn seen(&self, sweep_record: SweepRecord, created_at: Option<Timestamp>) -> Option<bool> {
        match sweep_record {
            SweepRecord::NoSweep => None,
            SweepRecord::Unseen => Some(false),
            SweepRecord::Since(seen) => {
                Some(created_at.map_or_else(|| self.is_present(seen), |created| created <= seen))
            }
        }
    }

    /// Whether the creation of this cluster was reported, not only that of an earlier one with its
    /// name.
    pub fn reports_creation(&self, created_at: Option<Timestamp>) -> bool {
        self.created.is_some_and(|created| {
            created_at.is_none_or(|created_at| created.last + CLOCKS_AGREE_WITHIN >= created_at)
        })
    }

    /// When the cluster no longer existed, given that a sweep at that time does not find it in a
    /// complete listing and no later creation or deletion is known; `None` for a cluster that was
    /// reported or changed just before, which may not be listed yet.
    pub fn missed_by(&self, sweep: Timestamp, log: Option<&SubjectLog>) -> Option<Timestamp> {
        let changes = log.into_iter().flat_map(SubjectLog::all_changes).map(|change| change.made);
        let newest = self.created.map(|created| created.last).into_iter().chain(changes).max()?;
        let missing = sweep - SETTLES_WITHIN;
        (newest < missing && self.is_present(newest)).then_some(missing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ChangeState;
    use super::super::samples::{at, leveled, log_of};
    use super::*;
    use crate::model::insights::InsightsLevel::{Disabled, Enabled};

    #[derive(Debug, Clone, Copy)]
    enum Report {
        Created(i64),
        Deleted(i64),
        There(i64),
    }

    impl Report {
        fn minute(self) -> i64 {
            let (Self::Created(minute) | Self::Deleted(minute) | Self::There(minute)) = self;
            minute
        }
    }

    fn life(reports: &[Report]) -> Life {
        let mut life = Life::default();
        for report in reports {
            match *report {
                Report::Created(minute) => life.add_creation(at(minute), false),
                Report::Deleted(minute) => life.add_deletion(at(minute)),
                Report::There(minute) => life.add_sweep(at(minute)),
            }
        }
        life
    }

    fn changed_at(minute: i64) -> SubjectLog {
        log_of([leveled(minute, Disabled, Enabled, ChangeState::Done)])
    }

    /// Issue 13, point 1.
    #[test]
    fn a_creation_counts_only_if_nothing_contradicts_it() {
        use Report::{Created, Deleted, There};
        let never = SubjectLog::default();
        for (reports, sweep_record, log, born) in [
            (&[][..], SweepRecord::NoSweep, never.clone(), None),
            (&[Created(10)], SweepRecord::NoSweep, never.clone(), Some(10)),
            (&[Created(10)], SweepRecord::Unseen, never.clone(), Some(10)),
            // A later call is no creation; an earlier sweep or change shows that the cluster
            // existed.
            (&[Created(10), Created(20)], SweepRecord::NoSweep, never.clone(), Some(10)),
            (&[Created(10)], SweepRecord::Since(at(9)), never.clone(), None),
            (&[Created(10)], SweepRecord::Since(at(11)), never.clone(), Some(10)),
            (&[Created(10)], SweepRecord::NoSweep, changed_at(9), None),
            (&[There(9), Created(10)], SweepRecord::NoSweep, never.clone(), None),
            (&[There(11), Created(10)], SweepRecord::NoSweep, never.clone(), Some(10)),
            (&[There(8), Deleted(9), Created(10)], SweepRecord::NoSweep, never.clone(), Some(10)),
            (&[Created(10)], SweepRecord::NoSweep, changed_at(10), Some(10)),
            // Unless it was deleted since: then it is a different cluster, whatever was reported
            // about its creation.
            (&[Created(10), Deleted(9)], SweepRecord::Since(at(8)), changed_at(8), Some(10)),
            (&[Created(10), Deleted(5)], SweepRecord::Since(at(8)), never.clone(), Some(10)),
            (&[Created(10), Deleted(20)], SweepRecord::NoSweep, never.clone(), Some(20)),
            (&[Created(10), Deleted(10)], SweepRecord::NoSweep, never.clone(), Some(10)),
            (&[Created(0), Deleted(5), Created(10)], SweepRecord::Since(at(1)), changed_at(1), Some(10)),
        ] {
            let found = life(reports).born(sweep_record, &log);
            assert_eq!(found, born.map(at), "{reports:?}, {sweep_record:?}, {log:?}");
        }
    }

    /// Issue 13, point 3.
    #[test]
    fn a_sweep_records_clusters_that_exist_and_comply() {
        use SweepRecord::{NoSweep, Since, Unseen};
        for (sweep_record, is_open, is_being_made, known) in [
            (NoSweep, false, false, Some(30)),
            (NoSweep, true, false, Some(30)),
            (NoSweep, true, true, None),
            (Unseen, false, false, Some(30)),
            (Unseen, true, true, None),
            (Since(at(10)), true, true, Some(10)),
        ] {
            assert_eq!(sweep_record.after(at(30), is_open, is_being_made), known.map(at), "{sweep_record:?}");
        }
    }

    #[test]
    fn a_cluster_is_new_if_reported_or_not_seen_by_the_last_sweep() {
        use Origin::{Existing, New};
        use SweepRecord::{NoSweep, Since, Unseen};
        let (reported, never) = (life(&[Report::Created(10)]), Life::default());
        let log = SubjectLog::default();
        for (life, sweep_record, created_at, origin) in [
            (reported, NoSweep, Some(at(10)), New),
            (reported, Since(at(20)), Some(at(10)), New),
            (never, Unseen, Some(at(10)), New),
            (never, Since(at(20)), Some(at(10)), Existing),
            (never, Since(at(5)), Some(at(10)), New),
            (never, NoSweep, Some(at(10)), Existing),
            (reported, NoSweep, None, New),
            (reported, Since(at(9)), None, Existing),
            (never, Unseen, None, New),
            (never, Since(at(20)), None, Existing),
            (never, NoSweep, None, Existing),
        ] {
            assert_eq!(
                life.origin(sweep_record, &log, created_at),
                origin,
                "{sweep_record:?}, {created_at:?}"
            );
        }
        let deleted = life(&[Report::Deleted(10)]);
        assert_eq!(deleted.seen(Since(at(5)), None), Some(false), "that was an earlier cluster");
    }

    #[test]
    fn a_reported_creation_is_matched_by_time() {
        let life = life(&[Report::Created(10)]);
        let half_a_second = SignedDuration::from_millis(500);
        for (created, is_reported) in [(at(10) + half_a_second, true), (at(9), true), (at(20), false)] {
            assert_eq!(life.reports_creation(Some(created)), is_reported, "{created}");
        }
        assert!(life.reports_creation(None), "its creation time is unknown");
        assert!(!Life::default().reports_creation(Some(at(10))) && !Life::default().reports_creation(None));
    }

    #[test]
    fn a_cluster_counts_as_deleted_once_a_sweep_misses_it_unless_it_is_too_young() {
        let missed = |life: Life, log: Option<&SubjectLog>| life.missed_by(at(30), log);
        let (lately, before) = (changed_at(25), changed_at(10));
        assert_eq!(missed(Life::default(), None), None, "nothing is known about it");
        assert_eq!(missed(life(&[Report::Created(25)]), None), None);
        assert_eq!(missed(life(&[Report::Created(10)]), None), Some(at(20)));
        assert_eq!(missed(life(&[Report::Created(10)]), Some(&lately)), None);
        assert_eq!(missed(Life::default(), Some(&before)), Some(at(20)));
        assert_eq!(missed(life(&[Report::Deleted(11)]), Some(&before)), None, "the deletion is known");
    }

    proptest! {
        /// Issue 13, point 1.
        #[test]
        fn duplicates_and_order_of_reports_do_not_matter(
            reports in prop::collection::vec((0..3, 0_i64..12), 0..8),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            seed in any::<u64>(),
        ) {
            let reports: Vec<Report> = reports
                .into_iter()
                .map(|(kind, minute)| match kind {
                    0 => Report::Created(minute),
                    1 => Report::Deleted(minute),
                    _ => Report::There(minute),
                })
                .collect();
            let mut shuffled = reports.clone();
            if !reports.is_empty() {
                shuffled.extend(again.iter().map(|index| reports[index.index(reports.len())]));
            }
            shuffled.sort_by_key(|report| (u64::try_from(report.minute()).unwrap() + 1).wrapping_mul(seed | 1));
            let (one, other) = (life(&reports), life(&shuffled));
            prop_assert_eq!(one.deleted, other.deleted);
            prop_assert_eq!(one.created.map(|created| created.last), other.created.map(|created| created.last));
            let never = SubjectLog::default();
            let born = |life: &Life| life.born(SweepRecord::NoSweep, &never).is_some();
            prop_assert_eq!(born(&one), born(&other));
        }
    }
}
