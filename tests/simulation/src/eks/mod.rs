//! EKS in a world: clusters, pods and their disruptions, what a run must see of them, and what it
//! has seen.
//!
//! Everything here is drawn from its own random stream.

pub(crate) mod agree;
mod cadvisor;
mod cluster;
pub(crate) mod figures;
pub(crate) mod history;
pub(crate) mod network;
mod pod;
pub(crate) mod rule;
pub(crate) mod why;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use fake_aws::Estate;
use fake_kubernetes::{FakeKubernetes, Handle};
use jiff::Timestamp;

use crate::chance::Chance;
use crate::clock::{Minute, at};
use cluster::{Cluster, Stage};
use workload::LONG_AGO;

/// How eventful the clusters are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EksLife {
    /// Names of clusters.
    pub(crate) clusters: usize,
    pub(crate) minutes: Minute,
    pub(crate) every: Minute,
    /// How often a cluster becomes unreadable, in percent of the changes.
    pub(crate) disrupted: i64,
    /// How often a request fails and succeeds on retry, in percent.
    pub(crate) disturbed: i64,
    /// Percent of the clusters that are created later, and that are deleted.
    pub(crate) coming: i64,
    /// Whether cAdvisor is read.
    pub(crate) cadvisor: bool,
}

/// The clusters of a world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Eks {
    life: Option<EksLife>,
    clusters: Vec<Cluster>,
    chance: Option<Chance>,
    clock: Minute,
    /// Whether each possible subject exists, and since when.
    there: BTreeMap<String, (bool, Minute)>,
    /// The cluster that is deleted as soon as a request reaches its API server.
    leaving: Option<&'static str>,
    /// Whether AWS calls may remain unanswered at the moment.
    pub(crate) aws_is_disrupted: bool,
}

/// What a connection to an API server finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Refused,
    Silent,
    /// There is no such host.
    Nowhere,
    /// The cluster of this name has just been deleted.
    Leaves(&'static str),
}

impl Eks {
    pub(crate) fn new(life: EksLife, mut chance: Chance) -> Self {
        let (mut clusters, every) = (Vec::new(), life.every);
        for name in ["shop", "payments"].into_iter().take(life.clusters) {
            let instant = |chance: &mut Chance| chance.between(2 * every, life.minutes);
            let from = if chance.percent(life.coming) { instant(&mut chance) } else { LONG_AGO };
            let goes = chance.percent(life.coming);
            let until = if goes { instant(&mut chance).max(from + 1) } else { Minute::MAX };
            clusters.push(Cluster::new(name, 1, from, until, every, &mut chance));
            if goes && chance.percent(50) {
                // Recreated under its name.
                let from = until + chance.between(0, 3 * every);
                clusters.push(Cluster::new(name, 2, from, Minute::MAX, every, &mut chance));
            }
        }
        Self { life: Some(life), clusters, chance: Some(chance), ..Self::default() }
    }

    /// Advances time to a minute, and draws the faults of its run.
    pub(crate) fn advance(&mut self, clock: Minute) {
        let Some((life, mut chance)) = self.life.zip(self.chance.take()) else { return };
        for minute in self.clock + 1..=clock {
            for cluster in self.clusters.iter_mut().filter(|cluster| cluster.until > minute) {
                cluster.step(minute, life.every, life.disrupted, &mut chance);
            }
            self.remember(minute);
        }
        for cluster in &mut self.clusters {
            cluster.disturb(life.disturbed, &mut chance);
        }
        let next = clock + life.every;
        let leaves = |cluster: &&Cluster| cluster.answers(clock) && cluster.stage(next).is_none();
        self.leaving = self.clusters.iter().find(leaves).map(|cluster| cluster.name);
        self.leaving = self.leaving.filter(|_| chance.percent(50));
        (self.clock, self.chance) = (clock, Some(chance));
    }

    /// From now on everything can be read, and nothing changes.
    pub(crate) fn calm(&mut self) {
        self.clusters.iter_mut().for_each(Cluster::clear_up);
        if let Some(life) = &mut self.life {
            (life.disrupted, life.disturbed) = (0, 0);
        }
    }

    /// Records the current state.
    fn remember(&mut self, minute: Minute) {
        let mut there = BTreeSet::new();
        for cluster in self.clusters.iter().filter(|cluster| {
            matches!(cluster.stage(minute), Some(Stage::Creating | Stage::Active)) || cluster.answers(minute)
        }) {
            there.insert(cluster.name.to_owned());
            // A cluster without an endpoint cannot be read.
            if cluster.answers(minute) {
                there.extend(cluster.subjects().map(|subject| format!("{} {subject}", cluster.name)));
            }
        }
        for name in &there {
            self.there.entry(name.clone()).or_insert((false, minute));
        }
        for (name, since) in &mut self.there {
            if there.contains(name) != since.0 {
                *since = (there.contains(name), minute);
            }
        }
    }

    /// Names of all present and past subjects; whether each exists, and since when.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, bool, Minute)> {
        self.there.iter().map(|(name, (there, since))| (name.as_str(), *there, *since))
    }

    /// Writes the true state to AWS and the API servers. `now` is the time of AWS.
    pub(crate) fn show(&self, now: Timestamp, estate: &mut Estate, servers: &mut BTreeMap<String, Handle>) {
        for cluster in self.clusters.iter().filter(|cluster| cluster.stage(self.clock).is_some()) {
            let server = servers.entry(cluster.host.clone());
            let server = server.or_insert_with(|| FakeKubernetes::in_process(cluster.empty(now)));
            server.change(|estate| {
                cluster.fill(estate);
                estate.cadvisor_at = Some(at(self.clock));
            });
            server.heal();
            cluster.faults().into_iter().for_each(|fault| server.inject(fault));
            estate.put_eks(cluster.spec(self.clock, server.ca_base64()));
        }
    }

    /// What a connection to an API server finds.
    fn way(&mut self, host: &str) -> Way {
        let (clock, leaving) = (self.clock, self.leaving);
        let Some(cluster) = self.clusters.iter_mut().find(|cluster| cluster.host == host) else {
            return Way::Nowhere;
        };
        if !cluster.answers(clock) {
            return if cluster.stage(clock).is_some() { Way::Refused } else { Way::Nowhere };
        }
        if leaving == Some(cluster.name) {
            cluster.leave(clock);
            self.leaving = None;
            let name = cluster.name;
            self.remember(clock);
            return Way::Leaves(name);
        }
        match cluster.observation {
            cluster::Observation::Refused => Way::Refused,
            cluster::Observation::Silent => Way::Silent,
            _ => Way::Open,
        }
    }

    /// The existing cluster of this name.
    fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.name == name && cluster.stage(self.clock).is_some())
    }
}
