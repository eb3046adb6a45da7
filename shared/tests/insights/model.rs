//! A small world: clusters whose owners change them, events that come when they like, and fargaze with its ledger.

mod judge;
mod owners;

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::{AccountId, ClusterName, Region};
use fargaze::event::{ClusterChange, Heard};
use fargaze::insights::{
    Action, Change, ChangeState, ClusterLedger, Decision, EcsFollow, EcsWait, History, InsightsConfig,
    InsightsLevel, Ledger, LedgerSubject, Life, Looker, ObservedCluster, PutBack, RestoreStep, Sighting,
    Wish, Wished, decide, restore_step,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use judge::Deliveries;

/// Role of fargaze in this world: events of its own calls are not acted on.
const OURS: &str = "arn:aws:sts::123456789012:assumed-role/fargaze/enable-insights";

/// Where a call of fargaze is killed. What was begun is taken up by whoever comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    Never,
    BeforeCall,
    AfterCall,
}

/// What does not concern fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    FailedCall,
    OtherService,
    OtherCall,
    OtherAccount,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub level: InsightsLevel,
    pub tags: BTreeMap<String, String>,
    /// ECS is still making it.
    pub provisioning: bool,
    /// It runs a service.
    pub occupied: bool,
    /// Which cluster of its name it is, and when it was made. Only the judge of a history reads it.
    serial: usize,
    born: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub config: InsightsConfig,
    pub clusters: BTreeMap<ClusterName, Cluster>,
    pub ledger: Ledger,
    /// What events and sweeps reported of clusters.
    pub lives: BTreeMap<ClusterName, Life>,
    /// Clusters that sweeps know, since when.
    pub known: Option<BTreeMap<ClusterName, Timestamp>>,
    /// Wishes under which a cluster was put back by a restore.
    pub restored: BTreeMap<ClusterName, BTreeSet<String>>,
    /// What people did to the levels of clusters: when, from what and to what. Only the judge of a history reads it.
    moves: BTreeMap<ClusterName, Vec<(Timestamp, Option<InsightsLevel>, InsightsLevel)>>,
    /// Calls that were made and written down, which the ledger must have. Only the judge of a history reads it.
    made: Vec<(ClusterName, InsightsLevel, InsightsLevel)>,
    /// Events that were delivered. Only the judge of a history reads it.
    delivered: Deliveries,
    /// Clusters that a sweep saw when they were made, by their serial. Only the judge of a history reads it.
    seen_active: BTreeSet<usize>,
    /// How often fargaze set a cluster in a row for one wish, and knows it, by its serial. Only the judge of a
    /// history reads it.
    rows: BTreeMap<usize, (String, usize)>,
    /// Every event of every call, in the order of the calls.
    pub events: Vec<String>,
    minute: i64,
    serial: usize,
}

impl World {
    pub(crate) fn new(config: InsightsConfig) -> Self {
        Self {
            config,
            clusters: BTreeMap::new(),
            ledger: Ledger::new(),
            lives: BTreeMap::new(),
            known: None,
            restored: BTreeMap::new(),
            moves: BTreeMap::new(),
            made: Vec::new(),
            delivered: Deliveries::default(),
            seen_active: BTreeSet::new(),
            rows: BTreeMap::new(),
            events: Vec::new(),
            minute: 0,
            serial: 0,
        }
    }

    pub(crate) fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    fn region() -> Region {
        "eu-west-1".parse().unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(self.minute)
    }

    pub(crate) fn tick(&mut self) {
        self.minute += 1;
    }

    pub(crate) fn wished(&self, name: &ClusterName) -> Wished {
        self.config.wished(&Self::account(), &Self::region(), name)
    }

    // What fargaze does.

    /// The event path: one message, perhaps not for the first time.
    pub(crate) fn hear(&mut self, body: &str, kill: Kill) {
        self.delivered.add(body);
        let event = match fargaze::event::read(body) {
            Ok(Heard::Cluster(event)) if event.by != OURS => event,
            Ok(Heard::EcsFollow(follow)) => {
                let EcsFollow { cluster, since, cause, .. } = follow;
                return self.look(&cluster, since, &cause, true, kill);
            }
            _ => return,
        };
        let name = event.cluster.name.clone();
        let mut is_creation = false;
        match event.change {
            ClusterChange::Created { occupied, by_batch } => {
                is_creation = true;
                let life = self.lives.entry(name.clone()).or_default();
                if occupied { life.add_sighting(event.time) } else { life.add_creation(event.time, by_batch) }
            }
            ClusterChange::Deleted => {
                let life = self.lives.entry(name.clone()).or_default();
                life.add_deletion(event.time);
                let Some(created) = life.created else { return };
                return self.look(&name, created.last, &event.id, true, kill);
            }
            ClusterChange::SettingsUpdated(Some(level)) => {
                self.lives.entry(name.clone()).or_default().add_sighting(event.time);
                let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
                if entry.put_back.iter().all(|put_back| put_back.event_id != event.id) {
                    entry.put_back.push(PutBack {
                        time: event.time,
                        event_id: event.id.clone(),
                        by: event.by,
                        level,
                    });
                    entry.put_back.sort_by_key(|put_back| put_back.time);
                }
            }
            ClusterChange::SettingsUpdated(None) => {}
        }
        self.look(&name, event.time, &event.id, is_creation, kill);
    }

    /// Looks at one cluster, or sends it back to the queue if ECS has not made it yet.
    fn look(&mut self, name: &ClusterName, since: Timestamp, cause: &str, may_be_unknown: bool, kill: Kill) {
        let wait = match self.clusters.get(name) {
            Some(cluster) if cluster.provisioning => Some(EcsWait::Provisioning),
            None if may_be_unknown => Some(EcsWait::Missing),
            _ => None,
        };
        let follow = EcsFollow::new((Self::account(), Self::region(), name.clone()), since, cause.to_owned());
        let delay = wait.and_then(|wait| follow.delay_seconds(wait, self.now()));
        if delay.is_some() {
            self.events.push(json!(follow).to_string());
        } else {
            self.act(name, since, cause, kill);
        }
    }

    /// The sweep: all clusters, so many changes at most, ending early if it is killed. Gives what it decided of each, with
    /// `None` for those that wait.
    pub(crate) fn sweep(&mut self, kill: Option<(usize, Kill)>) -> BTreeMap<ClusterName, Option<Decision>> {
        let (time, id) = (self.now(), format!("sweep-{}", self.minute));
        self.miss(time);
        let allowed = self.config.limits.allows(self.clusters.len());
        let mut decisions = BTreeMap::new();
        let mut made = 0;
        for name in self.clusters.keys().cloned().collect::<Vec<_>>() {
            let level = self.clusters[&name].level;
            self.ledger
                .entry(LedgerSubject::Cluster(name.clone()))
                .or_default()
                .settle(level, Looker { cause: &id, now: time });
            let decision = self.decision(&name).unwrap();
            self.judge_sweep(&name, &decision);
            if !matches!(decision.action, Action::Set(_)) {
                decisions.insert(name, Some(decision));
                continue;
            }
            if made == allowed {
                decisions.insert(name, None);
                continue;
            }
            let here = kill.filter(|(at, _)| *at == made).map(|(_, kill)| kill);
            self.act(&name, time, &id, here.unwrap_or(Kill::Never));
            if here.is_some() {
                // Its state machine tries again later; the next sweep stands for that.
                return decisions;
            }
            made += 1;
            decisions.insert(name, Some(decision));
        }
        let since = |name: &ClusterName| match self.sighting(name) {
            Sighting::Since(at) => Some(at),
            _ if matches!(&decisions[name], Some(decision) if decision.action == Action::NotYet) => None,
            Sighting::NoSweep => Some(time),
            Sighting::Unseen => decisions[name].as_ref().map(|_| time),
        };
        let known = self.clusters.keys().filter_map(|name| Some((name.clone(), since(name)?))).collect();
        self.known = Some(known);
        let active = self.clusters.values().filter(|cluster| !cluster.provisioning);
        self.seen_active.extend(active.map(|cluster| cluster.serial));
        decisions
    }

    /// Of clusters that are not there any more a sweep notes that they are gone.
    fn miss(&mut self, time: Timestamp) {
        let of_ledger = self.ledger.keys().filter_map(LedgerSubject::cluster);
        let names: BTreeSet<ClusterName> = of_ledger.chain(self.lives.keys()).cloned().collect();
        for name in names.into_iter().filter(|name| !self.clusters.contains_key(name)) {
            let ledger = self.ledger.get(&LedgerSubject::Cluster(name.clone()));
            let gone = self.life(&name).missed_by(time, ledger);
            if let Some(gone) = gone {
                self.lives.entry(name).or_default().add_deletion(gone);
            }
        }
    }

    /// A restore; one that is killed is tried again at once, as the state machine does.
    pub(crate) fn restore(&mut self, kill: Kill) {
        for name in self.clusters.keys().cloned().collect::<Vec<_>>() {
            self.restore_one(&name, kill);
            self.restore_one(&name, Kill::Never);
        }
    }

    fn restore_one(&mut self, name: &ClusterName, kill: Kill) {
        let Some(before) = self.clusters.get(name).map(|cluster| cluster.level) else { return };
        let known = self.entry(name, before);
        let step = restore_step(before, &known, None);
        let was_set = self.rows.contains_key(&self.clusters[name].serial);
        assert!(!was_set || step != RestoreStep::Nothing, "the restore does not find what was set of {name}");
        let RestoreStep::PutBack { to } = step else { return };
        if kill == Kill::BeforeCall {
            return;
        }
        assert!(
            known.changes.iter().any(|change| change.from == to),
            "{name} was never {to} before a change of ours"
        );
        self.clusters.entry(name.clone()).and_modify(|cluster| cluster.level = to);
        if kill != Kill::AfterCall {
            self.rows.remove(&self.clusters[name].serial);
            let (since, now) = (self.life(name).deleted, self.now());
            let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
            entry.settle(before, Looker { cause: "restore", now });
            let wishes = entry.mark_restored(since).into_iter().map(|change| change.wish);
            self.restored.entry(name.clone()).or_default().extend(wishes);
        }
        if before != to {
            self.emit("UpdateClusterSettings", name, to, OURS);
        }
    }

    pub(crate) fn life(&self, name: &ClusterName) -> Life {
        self.lives.get(name).copied().unwrap_or_default()
    }

    fn sighting(&self, name: &ClusterName) -> Sighting {
        match &self.known {
            None => Sighting::NoSweep,
            Some(known) => known.get(name).map_or(Sighting::Unseen, |at| Sighting::Since(*at)),
        }
    }

    /// What is known of a cluster, whoever asks: the deletion of an older one, as far as heard, cuts off its history.
    fn entry(&self, name: &ClusterName, observed: InsightsLevel) -> ClusterLedger {
        let mut entry = self.ledger.get(&LedgerSubject::Cluster(name.clone())).cloned().unwrap_or_default();
        if let Some(deleted) = self.life(name).deleted {
            entry.forget_before(deleted);
        }
        entry.settle(observed, Looker { cause: "", now: self.now() });
        entry
    }

    pub(crate) fn decision(&self, name: &ClusterName) -> Option<Decision> {
        let cluster = self.clusters.get(name)?;
        let observed = ObservedCluster {
            name: name.clone(),
            status: if cluster.provisioning { "PROVISIONING" } else { "ACTIVE" }.to_owned(),
            level: cluster.level,
            tags: cluster.tags.clone(),
            running_tasks: 0,
            active_services: u32::from(cluster.occupied),
        };
        let ledger = self.entry(name, cluster.level);
        let acquaintance = self.life(name).acquaintance(self.sighting(name), &ledger);
        Some(decide(&self.wished(name), &observed, &History { acquaintance, ledger: &ledger }))
    }

    /// What event path and sweep do with one cluster: settle, decide, write, change, read back, write.
    pub(crate) fn act(&mut self, name: &ClusterName, time: Timestamp, id: &str, kill: Kill) {
        let Some(Decision { action, reason }) = self.decision(name) else { return };
        let wish = self.wished(name).wish;
        self.judge_novelty(name, &reason);
        let made = self.now();
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
        entry.settle(cluster.level, Looker { cause: id, now: made });
        let Action::Set(to) = action else { return };
        let cause = entry.cause_for(id);
        let number = entry.number_for(&cause);
        entry.put(Change {
            subject: LedgerSubject::Cluster(name.clone()),
            number,
            time,
            made,
            cause,
            from: cluster.level,
            to,
            wish: wish.to_string(),
            reason,
            request_id: None,
            state: ChangeState::Planned,
        });
        if kill == Kill::BeforeCall {
            return;
        }
        assert!(to != cluster.level, "a wasted call to set {name} to {to}");
        assert!(
            to > cluster.level || matches!(wish, Wish::Exactly(_)),
            "{name} was lowered to {to} for {wish}"
        );
        // The row ends with a change for another wish, also with one of which nobody heard whether it was made.
        if let Some(row) = self.rows.get_mut(&cluster.serial).filter(|row| row.0 != wish.to_string()) {
            *row = (wish.to_string(), 0);
        }
        if kill == Kill::Never {
            let row = self.rows.entry(cluster.serial).or_insert_with(|| (wish.to_string(), 0));
            row.1 += 1;
            assert!(row.1 <= 2, "{name} is set again and again for {wish}");
            self.made.push((name.clone(), cluster.level, to));
            entry.settle(to, Looker { cause: id, now: made });
        }
        cluster.level = to;
        self.emit("UpdateClusterSettings", name, to, OURS);
    }
}
