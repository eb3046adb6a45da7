//! Pod labels that name the owner of the pod's controller.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Owner;
use super::names::{without_random, without_time};

/// Labels with the template hash that a controller also appends to the name of its `ReplicaSet`
/// (Kubernetes, `pkg/controller/deployment`; Argo Rollouts, `DefaultRolloutUniqueLabelKey` in
/// `pkg/apis/rollouts/v1alpha1/types.go`).
const HASHES: [(&str, &str); 2] =
    [("rollouts-pod-template-hash", "Rollout"), ("pod-template-hash", "Deployment")];

/// Labels of Knative Serving on the Deployment of each revision and its pods
/// (`pkg/apis/serving/register.go`). A configuration counts by itself if it does not belong to a
/// service.
const KNATIVE: [(&str, &str); 2] =
    [("serving.knative.dev/service", "Service"), ("serving.knative.dev/configuration", "Configuration")];

/// Labels that name the owner of a pod whose controller is created for one run: Tekton, GitHub's
/// Actions Runner Controller (`LabelKeyGitHubScaleSetName`, and the label of its first edition),
/// the Spark operator (`LabelSparkAppName`), Spark itself (`SPARK_APP_NAME_LABEL`, since 3.3), and
/// EMR on EKS, whose jobs have only their virtual cluster in common.
const NAMED: [(&str, &str); 7] = [
    (PIPELINE, "Pipeline"),
    ("tekton.dev/task", "Task"),
    ("actions.github.com/scale-set-name", "AutoscalingRunnerSet"),
    ("runner-deployment-name", "RunnerDeployment"),
    ("sparkoperator.k8s.io/app-name", SPARK_APPLICATION),
    ("spark-app-name", SPARK),
    ("emr-containers.amazonaws.com/virtual-cluster-id", "VirtualCluster"),
];
const PIPELINE: &str = "tekton.dev/pipeline";
const SPARK_APPLICATION: &str = "SparkApplication";
const SPARK: &str = "Spark";

/// Kinds without a Kubernetes object: a Spark application, an EMR virtual cluster, an Airflow DAG.
pub const NO_OBJECTS: [&str; 3] = [SPARK, "VirtualCluster", "DAG"];

/// The labels of a pod.
pub(super) struct Labels<'a>(pub(super) &'a BTreeMap<String, String>);

impl Labels<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The owner that creates a `ReplicaSet` per template, for the `ReplicaSet` of this name.
    pub(super) fn behind_replica_set(&self, name: &str) -> Option<Owner> {
        self.knative().or_else(|| {
            HASHES.iter().find_map(|(key, kind)| {
                let name = name.strip_suffix(self.get(key)?)?.strip_suffix('-')?;
                (!name.is_empty()).then(|| owner(kind, name))
            })
        })
    }

    /// The Knative service or configuration, which has a Deployment per revision.
    pub(super) fn knative(&self) -> Option<Owner> {
        KNATIVE.iter().find_map(|(key, kind)| Some(owner(kind, self.get(key)?)))
    }

    /// The owner that creates a controller per run. `made` is the creation time of the pod.
    pub(super) fn behind_run(&self, made: Option<Timestamp>) -> Option<Owner> {
        self.embedded_pipeline().or_else(|| self.named(made)).or_else(|| self.ray()).or_else(|| self.dag())
    }

    /// A pipeline that is embedded in its run has the name of the run (Tekton, `GetPipelineData` in
    /// `pkg/reconciler/pipelinerun/pipelinespec`).
    fn embedded_pipeline(&self) -> Option<Owner> {
        let run = self.get("tekton.dev/pipelineRun").filter(|run| self.get(PIPELINE) == Some(*run))?;
        Some(owner("PipelineRun", without_random(run)))
    }

    /// The Spark operator appends a time to the name of a `ScheduledSparkApplication`
    /// (`internal/controller/scheduledsparkapplication`); other programs that start Spark do the
    /// same.
    fn named(&self, made: Option<Timestamp>) -> Option<Owner> {
        let (kind, name) = NAMED.iter().find_map(|(key, kind)| Some((*kind, self.get(key)?)))?;
        Some(match (kind, without_time(name, made)) {
            (SPARK_APPLICATION, Some(name)) => owner("ScheduledSparkApplication", name),
            (SPARK, Some(name)) => owner(SPARK, name),
            _ => owner(kind, name),
        })
    }

    /// The object for which `KubeRay` created the `RayCluster` (`RayOriginatedFromCRDLabelKey` in
    /// its `utils/constant.go`).
    fn ray(&self) -> Option<Owner> {
        Some(owner(self.get("ray.io/originated-from-crd")?, self.get("ray.io/originated-from-cr-name")?))
    }

    /// The Airflow DAG whose task runs in the pod, by the labels of its executor and its
    /// `KubernetesPodOperator`.
    fn dag(&self) -> Option<Owner> {
        let marks = ["kubernetes_executor", "kubernetes_pod_operator"];
        let dag = self.get("dag_id").filter(|_| marks.iter().any(|mark| self.get(mark).is_some()))?;
        Some(owner("DAG", dag))
    }
}

fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.to_owned(), name: name.to_owned() }
}
