//! A small world: clusters whose owners change them, events that come when they like, and fargaze with its ledger.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::{AccountId, ClusterName, Region};
use fargaze::event::{ClusterChange, Heard};
use fargaze::insights::{
    Acquaintance, Action, Change, ChangeState, ClusterLedger, Decision, History, InsightsConfig,
    InsightsLevel, Ledger, LedgerSubject, ObservedCluster, PutBack, RestoreStep, Wish, Wished, decide,
    restore_step,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

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
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub config: InsightsConfig,
    pub clusters: BTreeMap<ClusterName, Cluster>,
    pub ledger: Ledger,
    /// Clusters of whose creation an event came, with the newest such time.
    pub heard: BTreeMap<ClusterName, Timestamp>,
    /// Clusters that the last sweep saw.
    pub known: Option<BTreeSet<ClusterName>>,
    /// Wishes under which a cluster was put back by a restore.
    pub restored: BTreeMap<ClusterName, BTreeSet<String>>,
    /// What people did to the levels of clusters: when, from what and to what. Only the judge of a history reads it.
    moves: BTreeMap<ClusterName, Vec<(Timestamp, Option<InsightsLevel>, InsightsLevel)>>,
    /// Calls that were made and written down, which the ledger must have. Only the judge of a history reads it.
    made: Vec<(ClusterName, InsightsLevel, InsightsLevel)>,
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
            heard: BTreeMap::new(),
            known: None,
            restored: BTreeMap::new(),
            moves: BTreeMap::new(),
            made: Vec::new(),
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

    // What owners do.

    pub(crate) fn create(&mut self, name: &ClusterName, level: InsightsLevel, by: &str) {
        if self.clusters.contains_key(name) {
            return;
        }
        // One of the same name may have been deleted with any level.
        let now = self.now();
        self.moves.entry(name.clone()).or_default().push((now, None, level));
        self.clusters.insert(name.clone(), Cluster { level, tags: BTreeMap::new() });
        self.emit("CreateCluster", name, level, by);
    }

    pub(crate) fn delete(&mut self, name: &ClusterName) {
        self.clusters.remove(name);
    }

    pub(crate) fn change(&mut self, name: &ClusterName, level: InsightsLevel, by: &str) {
        let now = self.now();
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        self.moves.entry(name.clone()).or_default().push((now, Some(cluster.level), level));
        cluster.level = level;
        self.emit("UpdateClusterSettings", name, level, by);
    }

    pub(crate) fn opt_out(&mut self, name: &ClusterName, out: bool) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        if out {
            cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        } else {
            cluster.tags.clear();
        }
    }

    /// How often people brought the cluster from what is wished now to what is not, since its creation as far as that was
    /// heard of.
    pub(crate) fn undone(&self, name: &ClusterName) -> usize {
        let (wish, created) = (self.wished(name).wish, self.heard.get(name));
        let counts = |&&(time, from, to): &&(Timestamp, Option<InsightsLevel>, InsightsLevel)| {
            from.is_none_or(|from| wish.is_met_by(from))
                && !wish.is_met_by(to)
                && created.is_none_or(|created| time > *created)
        };
        self.moves.get(name).map_or(0, |moves| moves.iter().filter(counts).count())
    }

    /// Calls that were made and are not in the ledger as done or restored.
    pub(crate) fn missing(&self) -> Vec<(ClusterName, InsightsLevel, InsightsLevel)> {
        let written = |change: &&Change| matches!(change.state, ChangeState::Done | ChangeState::Restored);
        let written = self.ledger.iter().flat_map(|(subject, entry)| {
            entry
                .changes
                .iter()
                .filter(written)
                .map(move |change| (subject.to_string(), change.from, change.to))
        });
        let mut written: Vec<_> = written.collect();
        let mut missing = self.made.clone();
        missing.retain(|(name, from, to)| {
            let place = written.iter().position(|entry| *entry == (name.to_string(), *from, *to));
            place.map(|place| written.swap_remove(place)).is_none()
        });
        missing
    }

    pub(crate) fn noise(&mut self, noise: Noise, name: &ClusterName) {
        self.emit("UpdateClusterSettings", name, InsightsLevel::Disabled, "somebody");
        let mut event: serde_json::Value = serde_json::from_str(&self.events.pop().unwrap()).unwrap();
        match noise {
            Noise::FailedCall => {
                event["detail"]["errorCode"] = json!("AccessDenied");
                event["detail"]["responseElements"] = json!(null);
            }
            Noise::OtherService => event["detail"]["eventSource"] = json!("redshift.amazonaws.com"),
            Noise::OtherCall => event["detail"]["eventName"] = json!("DeleteCluster"),
            Noise::OtherAccount => event["account"] = json!("999999999999"),
        }
        self.events.push(event.to_string());
    }

    /// The event of a call, as EventBridge delivers it.
    fn emit(&mut self, call: &str, name: &ClusterName, level: InsightsLevel, by: &str) {
        self.serial += 1;
        let arn = format!("arn:aws:ecs:eu-west-1:{}:cluster/{name}", Self::account());
        let request =
            json!({"clusterName": name, "settings": [{"name": "containerInsights", "value": level}]});
        let event = json!({
            "id": self.serial.to_string(), "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs",
            "account": Self::account(), "region": Self::region(),
            "detail": {
                "eventSource": "ecs.amazonaws.com", "eventName": call, "awsRegion": Self::region(),
                "eventTime": self.now(), "eventID": format!("event-{}", self.serial),
                "userIdentity": {"type": "AssumedRole", "arn": by},
                "requestParameters": request, "responseElements": {"cluster": {"clusterArn": arn}},
            },
        });
        self.events.push(event.to_string());
    }

    // What fargaze does.

    /// The event path: one event, perhaps not for the first time.
    pub(crate) fn hear(&mut self, body: &str, kill: Kill) {
        let Ok(Heard::Cluster(event)) = fargaze::event::read(body) else { return };
        if event.by == OURS {
            return;
        }
        let name = event.cluster.name.clone();
        let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
        match event.change {
            ClusterChange::Created => {
                let time = self.heard.entry(name.clone()).or_insert(event.time);
                *time = event.time.max(*time);
            }
            ClusterChange::SettingsUpdated(Some(level)) => {
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
        self.act(&name, event.time, &event.id, kill);
    }

    /// The sweep: all clusters, so many changes at most, ending early if it is killed. Gives what it decided of each, with
    /// `None` for those that wait.
    pub(crate) fn sweep(&mut self, kill: Option<(usize, Kill)>) -> BTreeMap<ClusterName, Option<Decision>> {
        let (time, id) = (self.now(), format!("sweep-{}", self.minute));
        let allowed = self.config.limits.allows(self.clusters.len());
        let mut decisions = BTreeMap::new();
        let mut made = 0;
        for name in self.clusters.keys().cloned().collect::<Vec<_>>() {
            let level = self.clusters[&name].level;
            self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default().settle(level);
            let decision = self.decision(&name).unwrap();
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
        let was_known = |name: &&ClusterName| self.known.as_ref().is_none_or(|known| known.contains(*name));
        let done = |name: &&ClusterName| decisions.get(*name).is_some_and(Option::is_some);
        let known = self.clusters.keys().filter(|name| was_known(name) || done(name)).cloned().collect();
        self.known = Some(known);
        decisions
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
        let RestoreStep::PutBack { to } = restore_step(before, &known, None) else { return };
        if kill == Kill::BeforeCall {
            return;
        }
        assert!(
            known.changes.iter().any(|change| change.from == to),
            "{name} was never {to} before a change of ours"
        );
        self.clusters.entry(name.clone()).and_modify(|cluster| cluster.level = to);
        if kill != Kill::AfterCall {
            let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
            entry.settle(before);
            let wishes =
                entry.mark_restored(self.heard.get(name).copied()).into_iter().map(|change| change.wish);
            self.restored.entry(name.clone()).or_default().extend(wishes);
        }
        if before != to {
            self.emit("UpdateClusterSettings", name, to, OURS);
        }
    }

    /// What is known of a cluster, whoever asks: its creation, as far as heard, cuts off the history of an older one.
    fn entry(&self, name: &ClusterName, observed: InsightsLevel) -> ClusterLedger {
        let mut entry = self.ledger.get(&LedgerSubject::Cluster(name.clone())).cloned().unwrap_or_default();
        if let Some(created) = self.heard.get(name) {
            entry.forget_before(*created);
        }
        entry.settle(observed);
        entry
    }

    pub(crate) fn decision(&self, name: &ClusterName) -> Option<Decision> {
        let cluster = self.clusters.get(name)?;
        let observed = ObservedCluster {
            name: name.clone(),
            status: "ACTIVE".to_owned(),
            level: cluster.level,
            tags: cluster.tags.clone(),
            running_tasks: 0,
            active_services: 0,
        };
        let seen = self.known.as_ref().map(|known| known.contains(name));
        let acquaintance = Acquaintance::of(self.heard.contains_key(name), seen);
        let ledger = self.entry(name, cluster.level);
        Some(decide(&self.wished(name), &observed, &History { acquaintance, ledger: &ledger }))
    }

    /// What event path and sweep do with one cluster: settle, decide, write, change, read back, write.
    pub(crate) fn act(&mut self, name: &ClusterName, time: Timestamp, id: &str, kill: Kill) {
        let Some(Decision { action, reason }) = self.decision(name) else { return };
        let wish = self.wished(name).wish;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let entry = self.ledger.entry(LedgerSubject::Cluster(name.clone())).or_default();
        entry.settle(cluster.level);
        let Action::Set(to) = action else { return };
        let cause = entry.cause_for(id);
        // As in the table: one entry for each time and cause, in this order.
        entry.changes.retain(|change| (change.time, &change.cause) != (time, &cause));
        entry.changes.push(Change {
            subject: LedgerSubject::Cluster(name.clone()),
            time,
            cause,
            from: cluster.level,
            to,
            wish: wish.to_string(),
            reason,
            request_id: None,
            state: ChangeState::Planned,
        });
        entry.changes.sort_by(|a, b| (a.time, &a.cause).cmp(&(b.time, &b.cause)));
        if kill == Kill::BeforeCall {
            return;
        }
        assert!(to != cluster.level, "a wasted call to set {name} to {to}");
        assert!(
            to > cluster.level || matches!(wish, Wish::Exactly(_)),
            "{name} was lowered to {to} for {wish}"
        );
        if kill == Kill::Never {
            self.made.push((name.clone(), cluster.level, to));
            entry.settle(to);
        }
        cluster.level = to;
        self.emit("UpdateClusterSettings", name, to, OURS);
    }
}
