//! A small world: an account, ECS and EKS clusters that their owners change, services that take
//! time, messages that arrive at any time, and fargaze with its table, which is sometimes killed.

mod calls;
mod eks;
mod ends;
mod judge;
mod observe;
mod origin;
mod owners;
mod past;
mod receive;
mod reconcile;
mod resource;
mod rollback;
mod sweep;
mod verdict;

use std::collections::BTreeMap;

use fargaze::model::cluster::ClusterName;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::run::{Part, Platform, Target};
use fargaze::reconcile::{
    Aspect, Change, ChangeState, Desired, Finding, Life, Policies, Revert, SubjectLog, SubjectPolicy, Value,
};
use jiff::Timestamp;

use crate::common::{account, at, region};

pub(crate) use eks::{Data, Mood, Shape};
use eks::{Eks, Owner};
use judge::Judge;
pub(crate) use resource::Id;
use resource::{Ecs, Kind, Resource, Setting};

/// What happens to a call of fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disruption {
    /// Nothing.
    None,
    /// fargaze is killed before it.
    BeforeCall,
    /// fargaze is killed after it.
    AfterCall,
    /// It does not reach the service.
    Unsent,
    /// It reaches the service, and the response is lost.
    Lost,
    /// It is denied.
    Denied,
    /// Someone begins an update of the EKS cluster just before, or sets the ECS level just after.
    Busy,
    /// Someone makes the change just before.
    Overtaken,
}

/// A disruption of one of several calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Number of calls before it.
    pub(crate) after: usize,
    pub(crate) disruption: Disruption,
}

impl Hit {
    pub(crate) const NONE: Self = Self { after: 0, disruption: Disruption::None };
}

/// Why something did not complete.
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
    /// Number of deliveries.
    receives: usize,
}

/// The record that sweeps of a target keep.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    clusters: BTreeMap<ClusterName, Timestamp>,
    findings: Vec<Finding>,
}

/// A killed rollback.
#[derive(Debug, Clone)]
struct Begun {
    id: String,
    since: Option<Timestamp>,
}

/// The key of a change in the table: the subject, the aspect and the number of the change.
pub(crate) type Key = (Id, Aspect, u32);

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) config: Policies,
    resources: BTreeMap<Id, Resource>,
    pub(crate) table: BTreeMap<Key, Change>,
    /// Who reverted them, by aspect, time and event.
    reverts: BTreeMap<(Id, Aspect, Timestamp, String), Revert>,
    lives: BTreeMap<Id, Life>,
    known: BTreeMap<Platform, Known>,
    /// All messages: events of calls, and messages of fargaze to itself.
    pub(crate) messages: Vec<String>,
    queue: Vec<Queued>,
    begun: BTreeMap<Platform, Begun>,
    /// What happens to which call from now on.
    hit: Hit,
    pub(crate) judge: Judge,
    minute: i64,
    serial: usize,
}

impl World {
    /// With EKS clusters that existed before fargaze.
    pub(crate) fn new(config: Policies, there: &[ClusterName]) -> Self {
        let setting = Setting { level: InsightsLevel::Disabled, owner: Owner::Others };
        let mut of_account = Resource::new(at(-600), Kind::Account(setting));
        of_account.past.chosen.insert(Aspect::AccountDefault, Value::Level(setting.level));
        let shape = Shape { profile: Some("*"), has_nodes: true, is_slow: false, is_failed: false };
        let clusters = there.iter().map(|name| {
            let mut cluster = Resource::new(at(-600), Kind::Eks(Box::new(Eks::new(-600, shape))));
            cluster.past.was_seen_made = true;
            (Id::cluster(Platform::Eks, name), cluster)
        });
        Self {
            config,
            resources: clusters.chain([(Id::ACCOUNT, of_account)]).collect(),
            table: BTreeMap::new(),
            reverts: BTreeMap::new(),
            lives: BTreeMap::new(),
            known: BTreeMap::new(),
            messages: Vec::new(),
            queue: Vec::new(),
            begun: BTreeMap::new(),
            hit: Hit::NONE,
            judge: Judge::default(),
            minute: 0,
            serial: 0,
        }
    }

    fn now(&self) -> Timestamp {
        at(self.minute)
    }

    /// A minute passes without a delivery.
    pub(crate) fn tick(&mut self) {
        self.minute += 1;
        let minute = self.minute;
        self.resources.retain(|_, resource| resource.pass(minute));
    }

    /// Minutes pass, and the queue delivers due messages.
    pub(crate) fn wait(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.tick();
            let (due, later) = self.queue.drain(..).partition(|message| message.due <= self.minute);
            self.queue = later;
            let due: Vec<Queued> = due;
            due.into_iter().for_each(|message| self.receive(message, Hit::NONE));
        }
    }

    /// Everything in progress is lost, and all disruptions of the services end.
    pub(crate) fn calm(&mut self) {
        self.messages.clear();
        self.queue.clear();
        self.config.limits.dry_run = false;
        for id in self.ids() {
            self.set_mood(&id, Mood::default());
        }
        self.finish();
        self.wait(100);
    }

    /// All existing subjects.
    pub(crate) fn ids(&self) -> Vec<Id> {
        self.resources.keys().cloned().collect()
    }

    fn life(&self, id: &Id) -> Life {
        self.lives.get(id).copied().unwrap_or_default()
    }

    fn policy(&self, id: &Id) -> SubjectPolicy {
        let target = Target {
            platform: id.platform,
            account: account(),
            region: region(),
            part: Part::WHOLE,
            role: None,
        };
        let by_batch = self.life(id).created.is_some_and(|created| created.by_batch);
        self.config.of(&target, &id.subject, by_batch)
    }

    fn desired(&self, id: &Id, aspect: Aspect) -> Desired {
        self.policy(id).of(aspect).desired
    }

    /// The table's entries about a subject, for the rollback with this id, if given. The reported
    /// deletion of an earlier ECS cluster of the name cuts off its history.
    fn log_of(&self, id: &Id, rollback: Option<&str>) -> SubjectLog {
        let mut log = SubjectLog::default();
        let items = self.table.range((id.clone(), Aspect::ALL[0], 0)..);
        for (_, change) in items.take_while(|((of, ..), _)| of == id) {
            let mut change = change.clone();
            if rollback.is_some() && change.rolled_back_by.as_deref() == rollback {
                change.state = ChangeState::Done;
            }
            log.put(change);
        }
        let reverts = self.reverts.range((id.clone(), Aspect::ALL[0], Timestamp::MIN, String::new())..);
        let reverts = reverts.take_while(|((of, ..), _)| of == id);
        reverts.for_each(|(_, revert)| log.put_revert(revert.clone()));
        if let Some(deleted) = self.life(id).deleted {
            log.forget_before(deleted);
        }
        log
    }

    /// Writes a change to the table, where it must not be altered.
    fn write(&mut self, platform: Platform, change: &Change) {
        let json = serde_json::json!(change);
        let read = serde_json::from_value::<Change>(json).unwrap();
        assert_eq!(read, *change, "it is not read as it was written");
        self.table.insert(key(platform, change), change.clone());
    }
}

/// The key of a change.
fn key(platform: Platform, change: &Change) -> Key {
    (Id { platform, subject: change.subject.clone() }, change.aspect, change.number)
}
