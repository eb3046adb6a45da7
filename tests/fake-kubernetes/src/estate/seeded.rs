//! Estates of any size, the same for the same seed.

use jiff::{SignedDuration, Timestamp};

use super::{Container, Counters, Estate, Kind, Pod, Workload};

/// Namespaces of a seeded estate.
const NAMESPACES: [&str; 4] = ["default", "payments", "shop", "web"];

/// Pods of one Deployment, `StatefulSet` or Job.
const REPLICAS: usize = 5;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn seconds_below(&mut self, end: u64) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.below(end)).unwrap())
    }
}

impl Estate {
    /// A cluster with this many running Fargate pods at the given time, and metrics-server, which
    /// has no metrics for its own pod. Every fifth workload is a `StatefulSet`, every seventh a
    /// Job.
    pub fn seeded(seed: u64, pods: usize, now: Timestamp) -> Self {
        let mut random = Random(seed);
        let mut estate = Self { now: Some(now), ..Self::default() };
        for first in (0..pods).step_by(REPLICAS) {
            let index = first / REPLICAS;
            estate.place_group(&mut random, index, REPLICAS.min(pods - first), now);
        }
        estate.place_metrics_server(now);
        estate
    }

    fn place_group(&mut self, random: &mut Random, index: usize, replicas: usize, now: Timestamp) {
        let namespace = NAMESPACES[index % NAMESPACES.len()];
        let app = format!("app-{index:04}");
        let created_at = now - SignedDuration::from_hours(24) - random.seconds_below(1 << 20);
        let desired = u32::try_from(replicas).unwrap();
        let kind = match index {
            index if index % 7 == 6 => Kind::Job,
            index if index % 5 == 4 => Kind::StatefulSet,
            _ => Kind::Deployment,
        };
        let mut workload = Workload::new(kind, namespace, &app, desired, created_at);
        if kind == Kind::Job {
            workload.ready = 0;
        }
        let (mut owner, mut template_hash) = ((kind, app.clone()), None);
        if kind == Kind::Deployment {
            let hash = format!("{:010x}", random.next() >> 24);
            let set = format!("{app}-{hash}");
            let mut replica_set = Workload::new(Kind::ReplicaSet, namespace, &set, desired, created_at);
            replica_set.app.clone_from(&app);
            replica_set.owner = Some((kind, app.clone()));
            self.place_workload(replica_set);
            owner = (Kind::ReplicaSet, set);
            template_hash = Some(hash);
        }
        self.place_workload(workload);
        for replica in 0..replicas {
            let suffix = match kind {
                Kind::StatefulSet => replica.to_string(),
                _ => format!("{:05x}", random.next() >> 44),
            };
            let name = format!("{}-{suffix}", owner.1);
            let since = created_at + random.seconds_below(600);
            let mut pod = Pod::running(namespace, &name, containers(random, since, now), since)
                .labelled("app", &app)
                .owned_by(owner.0.name(), &owner.1)
                .transferring(40_000_000, 9_000_000);
            if let Some(hash) = &template_hash {
                // The Deployment's controller names its ReplicaSets after it.
                pod = pod.labelled("pod-template-hash", hash);
            }
            self.place(pod);
        }
    }

    fn place_metrics_server(&mut self, now: Timestamp) {
        let since = now - SignedDuration::from_hours(24 * 30);
        let container = Container::running("metrics-server", "100m", "200Mi", since);
        let pod = Pod::running("kube-system", "metrics-server-6c8b54d8b7-x2k4p", vec![container], since)
            .labelled("app.kubernetes.io/name", "metrics-server")
            .labelled("pod-template-hash", "6c8b54d8b7")
            .owned_by("ReplicaSet", "metrics-server-6c8b54d8b7")
            .not_scraped();
        self.place(pod);
        let deployment = Workload::new(Kind::Deployment, "kube-system", "metrics-server", 1, since);
        let mut set = Workload::new(Kind::ReplicaSet, "kube-system", "metrics-server-6c8b54d8b7", 1, since);
        "metrics-server".clone_into(&mut set.app);
        set.owner = Some((Kind::Deployment, "metrics-server".to_owned()));
        self.place_workload(deployment);
        self.place_workload(set);
    }
}

/// The two containers of the recorded pods: 0.3 cores and 512 MiB requested.
fn containers(random: &mut Random, since: Timestamp, now: Timestamp) -> Vec<Container> {
    let mut app = Container::running("app", "500m", "512Mi", since)
        .using(1_000_000 + random.below(400_000_000), 20_000 + random.below(400_000));
    app.requests = vec![("cpu".to_owned(), "200m".to_owned()), ("memory".to_owned(), "256Mi".to_owned())];
    let agent = Container::running("agent", "100m", "256Mi", since)
        .using(random.below(50_000_000), 60_000 + random.below(100_000));
    let seconds = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
    [app, agent]
        .map(|one| {
            let counters = counted(&one, seconds);
            one.counting(counters)
        })
        .into()
}

/// The counters of a container with constant CPU usage: it is throttled in a tenth of its periods.
fn counted(container: &Container, seconds: u64) -> Counters {
    let nanocores = container.usage.map_or(0, |usage| usage.cpu_nanocores);
    Counters {
        cpu_milliseconds: nanocores * seconds / 1_000_000,
        cfs_periods: seconds * 10,
        cfs_throttled_periods: seconds,
        disk_read: seconds * 700,
        disk_written: seconds * 1_900,
        second_disk: None,
    }
}
