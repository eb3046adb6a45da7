//! EKS clusters from the schedule to the mail: the real handlers and clients, a fake AWS, and a
//! fake Kubernetes API server over real TLS.

mod cadvisor;
mod deleted;
mod events;
mod metrics;
mod pods;
mod rights;
mod rules;
mod runs;
mod subjects;
mod unread;

use fake_aws::{EksClusterSpec, Estate as AwsEstate};
use fake_kubernetes::{Container, Estate, FakeKubernetes, Handle, Identity, Kind, Pod, Rights, Workload};
use fargaze::evidence::pods::GROUP;
use fargaze::evidence::snapshot::Snapshot;
use function_tests::{ACCOUNT, REGION, Stack, manifests, minute};
use jiff::{SignedDuration, Timestamp};

pub(crate) const CLUSTER: &str = "payments";
pub(crate) const ROLE: &str = Stack::ROLE;
const HASH: &str = "7d9f8b6c5d";
/// What a pod of `web` may use: 0.5 vCPU and 1 GB.
const MIB: u64 = 1024;

/// A stack with one EKS cluster.
pub(crate) struct Watched {
    pub(crate) stack: Stack,
    pub(crate) kubernetes: Handle,
}

/// The keys of `Stack::sdk`, with the permissions that docs/eks.md requires.
pub(crate) fn collector() -> Identity {
    Identity {
        secret_access_key: "secret".to_owned(),
        session_token: None,
        groups: vec!["fargaze-readers".to_owned(), "system:authenticated".to_owned()],
        rights: rights(),
        ..Identity::collector()
    }
}

/// Exactly what the first manifests of docs/eks.md grant.
pub(crate) fn rights() -> Rights {
    Rights::of_manifests(&manifests("eks.md")[0], GROUP)
}

/// A Deployment `shop/web` of two healthy pods.
pub(crate) fn healthy() -> Estate {
    let since = minute(-600);
    // The server's own clock stays the machine's: tokens are signed with it.
    let mut estate = Estate::default().with(|estate| {
        CLUSTER.clone_into(&mut estate.cluster);
        estate.identities = vec![collector()];
    });
    estate.place_workload(Workload::new(Kind::Deployment, "shop", "web", 2, since));
    for name in ["a", "b"] {
        estate.place(web(name, since));
    }
    estate
}

/// A pod of `shop/web`, which uses 30 % of its memory and 20 % of its CPU.
pub(crate) fn web(name: &str, since: Timestamp) -> Pod {
    let container = Container::running("app", "400m", "700Mi", since).using(100_000_000, 300 * MIB);
    Pod::running("shop", &format!("web-{HASH}-{name}"), vec![container], since)
        .labelled("pod-template-hash", HASH)
        .owned_by("ReplicaSet", &format!("web-{HASH}"))
}

/// Its full name.
pub(crate) fn web_name(name: &str) -> String {
    format!("web-{HASH}-{name}")
}

pub(crate) async fn watch(estate: Estate) -> Watched {
    let kubernetes = FakeKubernetes::start(estate).await;
    let spec = EksClusterSpec::new(CLUSTER).at(&kubernetes.endpoint(), kubernetes.ca_base64());
    let aws = AwsEstate::new(ACCOUNT, REGION).now(minute(0)).eks(spec);
    Watched { stack: Stack::start(aws).await, kubernetes }
}

impl Watched {
    /// One alarms run; returns the mails that it sent.
    pub(crate) async fn alarms(&self, offset: i64) -> Vec<String> {
        let before = self.stack.mails().len();
        self.stack.run_line("alarms", minute(offset)).await.receipt.unwrap();
        (before..self.stack.mails().len()).map(|index| self.stack.mail(index)).collect()
    }

    /// Alarms runs five minutes apart until one sends a mail, up to a maximum; returns its offset
    /// and the mail.
    pub(crate) async fn until_mail(&self, from: i64, runs: i64) -> Option<(i64, String)> {
        for run in 0..runs {
            let offset = from + run * 5;
            if let Some(mail) = self.alarms(offset).await.into_iter().next() {
                return Some((offset, mail));
            }
        }
        None
    }

    /// What the collector read in the run of this kind and time.
    pub(crate) fn snapshot(&self, kind: &str, offset: i64) -> Snapshot {
        let run = format!("/{kind}-{}.eks-1-of-1.ndjson", minute(offset).strftime("%Y%m%dT%H%M%SZ"));
        let objects = self.stack.aws.objects();
        self.stack.snapshot(&objects.iter().find(|object| object.key.contains(&run)).unwrap().key)
    }

    pub(crate) fn edit(&self, change: impl FnOnce(&mut Estate)) {
        self.kubernetes.change(change);
    }

    /// Changes one pod of `shop/web`.
    pub(crate) fn edit_web(&self, name: &str, change: impl FnOnce(Pod) -> Pod) {
        self.edit(|estate| {
            let pod = estate.remove("shop", &web_name(name)).unwrap();
            estate.place(change(pod));
        });
    }
}

pub(crate) fn ago(offset: i64, minutes: i64) -> Timestamp {
    minute(offset) - SignedDuration::from_mins(minutes)
}
