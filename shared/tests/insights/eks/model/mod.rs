//! A small world of EKS: clusters whose owners change them, EKS that takes its time, messages that come when they
//! like, and fargaze with its table, which is killed now and then.

mod cloud;
mod ends;
mod judge;
mod observe;
mod owners;
mod past;
mod restore;
mod setup;
mod sweep;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::ClusterName;
use fargaze::event::{EksChanged, EksEvent, Heard};
use fargaze::insights::Life;
use fargaze::insights::eks::{
    EksAspect, EksChange, EksConfig, EksFinding, EksFollow, EksLedger, EksRevert, EksSubject, EksWished,
    FollowedUpdate,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::common::{OUR_ROLE, account, at, region};

pub(crate) use cloud::{Cluster, Data, Mood, Owner, Shape};
use judge::Judge;

/// What happens to a call of fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// fargaze is killed before it.
    BeforeCall,
    /// fargaze is killed after it.
    AfterCall,
    /// It does not reach EKS.
    Unsent,
    /// It reaches EKS, and the answer is lost.
    Lost,
    /// It is denied.
    Denied,
    /// Somebody begins an update of the cluster just before.
    Busy,
    /// Somebody makes it so just before.
    Overtaken,
}

/// Why a message is not at its end.
#[derive(Debug)]
enum Stop {
    Killed,
    /// It failed, and the queue delivers it again.
    Again,
}

/// A message that the queue delivers.
#[derive(Debug, Clone)]
struct Queued {
    due: i64,
    body: String,
    /// How often it was delivered.
    receives: usize,
}

/// Deliveries after which a message ends in the dead-letter queue (`maxReceiveCount` in template.yaml).
const RECEIVES: usize = 5;
/// Minutes until a message that failed is delivered again, as long as it is not visible.
const INVISIBLE: i64 = 2;

/// What sweeps wrote down.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    clusters: BTreeMap<ClusterName, Timestamp>,
    findings: Vec<EksFinding>,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) config: EksConfig,
    pub(crate) clusters: BTreeMap<ClusterName, Cluster>,
    /// Changes by the key of their item.
    pub(crate) table: BTreeMap<String, EksChange>,
    /// Who took away what they made, by the same.
    reverts: BTreeMap<String, EksRevert>,
    lives: BTreeMap<ClusterName, Life>,
    known: Option<Known>,
    /// Every message that there was: events of calls, and messages of fargaze to itself.
    pub(crate) messages: Vec<String>,
    queue: Vec<Queued>,
    /// A restore that was killed: its id and since when it restores.
    begun: Option<(String, Option<Timestamp>)>,
    /// What is to happen to which call from now on.
    trouble: (usize, Trouble),
    pub(crate) judge: Judge,
    minute: i64,
    serial: usize,
}

impl World {
    /// With clusters that were there before fargaze.
    pub(crate) fn new(config: EksConfig, there: &[ClusterName]) -> Self {
        let mut world = Self {
            config,
            clusters: BTreeMap::new(),
            table: BTreeMap::new(),
            reverts: BTreeMap::new(),
            lives: BTreeMap::new(),
            known: None,
            messages: Vec::new(),
            queue: Vec::new(),
            begun: None,
            trouble: (0, Trouble::None),
            judge: Judge::default(),
            minute: 0,
            serial: 0,
        };
        for name in there {
            let shape = Shape { profile: Some("*"), has_nodes: true, is_slow: false, is_failed: false };
            let mut cluster = Cluster::new(at(-600), -600, shape);
            cluster.past.was_seen_made = true;
            world.clusters.insert(name.clone(), cluster);
        }
        world
    }

    fn now(&self) -> Timestamp {
        at(self.minute)
    }

    /// A minute passes, and nothing of it is delivered.
    pub(crate) fn tick(&mut self) {
        self.minute += 1;
        let minute = self.minute;
        self.clusters.retain(|_, cluster| cluster.pass(minute));
    }

    /// So many minutes pass, and the queue delivers what is due.
    pub(crate) fn wait(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.tick();
            let (due, later) = self.queue.drain(..).partition(|message| message.due <= self.minute);
            self.queue = later;
            let due: Vec<Queued> = due;
            due.into_iter().for_each(|message| self.receive(message, (0, Trouble::None)));
        }
    }

    /// All that is under way is lost, and whatever was amiss with EKS passes.
    pub(crate) fn calm(&mut self) {
        self.messages.clear();
        self.queue.clear();
        self.config.dry_run = false;
        self.clusters.values_mut().for_each(|cluster| cluster.mood = Mood::default());
        self.wait(100);
    }

    pub(super) fn configured(&self, name: &ClusterName) -> EksWished {
        self.config.wished(&account(), &region(), name)
    }

    /// Delivers a message, perhaps not for the first time.
    pub(crate) fn deliver(&mut self, body: &str, trouble: (usize, Trouble)) {
        let message = Queued { due: self.minute, body: body.to_owned(), receives: 0 };
        self.receive(message, trouble);
    }

    fn receive(&mut self, mut message: Queued, trouble: (usize, Trouble)) {
        self.trouble = trouble;
        message.receives += 1;
        let written = serde_json::from_str(&message.body).unwrap();
        self.note_delivery(&written);
        let looks = self.looks();
        let ended = self.act_on(&message.body, &written);
        self.trouble = (0, Trouble::None);
        self.judge_delivery(&written, ended.is_ok(), looks);
        if ended.is_err() && message.receives < RECEIVES {
            message.due = self.minute + INVISIBLE;
            self.queue.push(message);
        }
    }

    /// What the function does with a message. What is `written` in it is for the judge.
    fn act_on(&mut self, body: &str, written: &Value) -> Result<(), Stop> {
        match fargaze::event::read(body) {
            Ok(Heard::Eks(event)) => {
                Self::judge_reading(written, &event);
                if event.account != account() || event.role.as_deref() == Some(OUR_ROLE) {
                    return Ok(());
                }
                let is_foreign = event.change != EksChanged::Created;
                match event.change {
                    EksChanged::Created => {
                        self.lives.entry(event.cluster.clone()).or_default().add_creation(event.time, false);
                    }
                    EksChanged::Changed { call, undoes: Some(aspect) } => {
                        self.note_revert(&event, call, aspect);
                    }
                    EksChanged::Changed { undoes: None, .. } => {}
                }
                self.look_for_message(&event.cluster, (&event.id, event.time), false, is_foreign)
            }
            Ok(Heard::Follow(follow)) => {
                let EksFollow { cluster, cause, since, restore, .. } = follow;
                self.look_for_message(&cluster, (&cause, since), restore, false)
            }
            _ => Ok(()),
        }
    }

    /// Writes who took away what fargaze had changed, if it had.
    fn note_revert(&mut self, event: &EksEvent, call: &str, aspect: EksAspect) {
        let Some(cluster) = self.clusters.get(&event.cluster) else { return };
        let mut log = self.log_of(&event.cluster, None);
        log.forget_before(cluster.born);
        if log.of(aspect).is_empty() {
            return;
        }
        let revert = EksRevert {
            subject: EksSubject { cluster: event.cluster.clone(), aspect },
            time: event.time,
            event_id: event.id.clone(),
            by: event.by.clone(),
            call: call.to_owned(),
        };
        let attributes = revert.to_attributes();
        let read = EksRevert::from_attributes(&|name| attributes.get(name).cloned());
        assert_eq!(read.as_ref(), Ok(&revert), "it is not read as it was written");
        self.reverts.insert(format!("{}#{}#{}", revert.subject, revert.time, revert.event_id), revert);
    }

    /// Sends a cluster back to the queue; false if it was followed for long enough.
    fn follow(
        &mut self,
        cluster: &ClusterName,
        updates: Vec<FollowedUpdate>,
        (cause, since): (&str, Timestamp),
        restore: bool,
    ) -> bool {
        let whose = (account(), region(), cluster.clone());
        let follow = EksFollow::new(whose, updates, since, cause.to_owned(), restore);
        let Some(delay) = follow.delay_seconds(self.now()) else { return false };
        let body = json!(follow).to_string();
        self.messages.push(body.clone());
        self.queue.push(Queued { due: self.minute + i64::from(delay) / 60, body, receives: 0 });
        true
    }

    /// What the table has about a cluster, for the restore of that id, if it is one.
    fn log_of(&self, name: &ClusterName, restore: Option<&str>) -> EksLedger {
        let prefix = format!("{name}/");
        let items = self.table.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        let mut log = EksLedger::default();
        for (_, change) in items {
            let mut change = change.clone();
            if restore.is_some() && change.restored_by.as_deref() == restore {
                change.state = fargaze::insights::ChangeState::Done;
            }
            log.put(change);
        }
        let reverts = self.reverts.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        reverts.for_each(|(_, revert)| log.put_revert(revert.clone()));
        log
    }

    /// Writes a change into the table, in which it must stay what it is.
    fn write(&mut self, change: &EksChange) {
        let attributes = change.to_attributes();
        let read = EksChange::from_attributes(&|name| attributes.get(name).cloned());
        assert_eq!(read.as_ref(), Ok(change), "it is not read as it was written");
        self.table.insert(key(change), change.clone());
    }

    /// Clusters of which the table has changes.
    fn changed(&self) -> BTreeSet<ClusterName> {
        self.table.values().map(|change| change.subject.cluster.clone()).collect()
    }
}

/// The key of an item of the table.
fn key(change: &EksChange) -> String {
    format!("{}#{}#{}", change.subject, change.time, change.cause)
}

/// What EKS works on for fargaze.
fn followed(log: &EksLedger) -> Vec<FollowedUpdate> {
    let changes = log.aspects.iter().flat_map(|(aspect, of)| of.changes.iter().map(|one| (*aspect, one)));
    let open = changes.filter_map(|(aspect, change)| Some((aspect, change.in_progress()?)));
    open.map(|(aspect, work)| FollowedUpdate { aspect, id: work.update_id.map(str::to_owned) }).collect()
}
