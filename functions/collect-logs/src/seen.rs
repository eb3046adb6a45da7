//! What a target has, from a snapshot that its collector has taken.

use std::collections::BTreeMap;

use fargaze::evidence::inventory::ServiceState;
use fargaze::evidence::snapshot::{SnapshotLine, SnapshotReader};
use fargaze::logs::Running;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze_aws::{Store, missing_object};

/// What a target has.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The clusters, with the number of tasks of their services.
    pub(crate) clusters: BTreeMap<ClusterName, u64>,
    /// The revisions that services run.
    pub(crate) running: Vec<Running>,
    /// The pods: cluster, namespace, name and workload.
    pub(crate) pods: Vec<Pod>,
}

/// A pod of EKS.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) cluster: ClusterName,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) workload: Subject,
}

impl Seen {
    /// Reads the snapshot with that key.
    pub(crate) async fn read(store: &Store, key: &str) -> Result<Self, Fault> {
        let object = store.get(key, None).await?.ok_or_else(|| missing_object(key))?;
        let mut seen = Self::default();
        for line in SnapshotReader::new(&object.bytes[..]) {
            let line =
                line.map_err(|error| Fault::malformed(Operation::S3GetObject, key, error.to_string()))?;
            match line {
                SnapshotLine::Cluster(cluster, _) => {
                    seen.clusters.entry(cluster).or_default();
                }
                SnapshotLine::Service(state) => seen.service(&state),
                SnapshotLine::Pod(pod) => seen.pods.push(Pod {
                    workload: pod.subject(),
                    namespace: pod.workload.namespace.clone(),
                    name: pod.pod,
                    cluster: pod.cluster,
                }),
                _ => {}
            }
        }
        Ok(seen)
    }

    fn service(&mut self, state: &ServiceState) {
        *self.clusters.entry(state.cluster.clone()).or_default() +=
            u64::from(state.running) + u64::from(state.pending);
        self.running.extend(Running::of_service(state));
    }
}
