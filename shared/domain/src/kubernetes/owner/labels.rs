//! Labels of pods that name what stands behind their controller.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Owner;
use super::names::{without_random, without_time};

/// Labels with the hash of the template that a controller also puts behind the name of the `ReplicaSet` it makes
/// (Kubernetes, `pkg/controller/deployment`; Argo Rollouts, `DefaultRolloutUniqueLabelKey` in
/// `pkg/apis/rollouts/v1alpha1/types.go`).
const HASHES: [(&str, &str); 2] =
    [("rollouts-pod-template-hash", "Rollout"), ("pod-template-hash", "Deployment")];

/// Labels of Knative Serving on the Deployment of each revision and its pods (`pkg/apis/serving/register.go`). A
/// configuration stands for itself where no service is over it.
const KNATIVE: [(&str, &str); 2] =
    [("serving.knative.dev/service", "Service"), ("serving.knative.dev/configuration", "Configuration")];

/// Labels that name what stands behind a pod whose controller is made for one run: of Tekton, of GitHub's Actions
/// Runner Controller (`LabelKeyGitHubScaleSetName`, and of its first edition), of the Spark operator
/// (`LabelSparkAppName`), of Spark itself (`SPARK_APP_NAME_LABEL`, since 3.3), and of EMR on EKS, whose jobs have
/// nothing but their virtual cluster in common.
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

/// Kinds that stand for what Kubernetes has no object of: an application of Spark, a virtual cluster of EMR, a DAG of
/// Airflow.
pub const NO_OBJECTS: [&str; 3] = [SPARK, "VirtualCluster", "DAG"];

/// The labels of a pod.
pub(super) struct Labels<'a>(pub(super) &'a BTreeMap<String, String>);

impl Labels<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// What makes the `ReplicaSet` of this name anew for each template.
    pub(super) fn behind_replica_set(&self, name: &str) -> Option<Owner> {
        self.knative().or_else(|| {
            HASHES.iter().find_map(|(key, kind)| {
                let name = name.strip_suffix(self.get(key)?)?.strip_suffix('-')?;
                (!name.is_empty()).then(|| owner(kind, name))
            })
        })
    }

    /// The service, or configuration, of Knative, which has a Deployment for each of its revisions.
    pub(super) fn knative(&self) -> Option<Owner> {
        KNATIVE.iter().find_map(|(key, kind)| Some(owner(kind, self.get(key)?)))
    }

    /// What makes a controller for each run. `made` is when the pod was made.
    pub(super) fn behind_run(&self, made: Option<Timestamp>) -> Option<Owner> {
        self.embedded_pipeline().or_else(|| self.named(made)).or_else(|| self.ray()).or_else(|| self.dag())
    }

    /// A pipeline that stands in its run has the name of the run (Tekton, `GetPipelineData` in
    /// `pkg/reconciler/pipelinerun/pipelinespec`).
    fn embedded_pipeline(&self) -> Option<Owner> {
        let run = self.get("tekton.dev/pipelineRun").filter(|run| self.get(PIPELINE) == Some(*run))?;
        Some(owner("PipelineRun", without_random(run)))
    }

    /// The operator of Spark puts a time behind the name of a `ScheduledSparkApplication`
    /// (`internal/controller/scheduledsparkapplication`); other programs that start Spark do the same.
    fn named(&self, made: Option<Timestamp>) -> Option<Owner> {
        let (kind, name) = NAMED.iter().find_map(|(key, kind)| Some((*kind, self.get(key)?)))?;
        Some(match (kind, without_time(name, made)) {
            (SPARK_APPLICATION, Some(name)) => owner("ScheduledSparkApplication", name),
            (SPARK, Some(name)) => owner(SPARK, name),
            _ => owner(kind, name),
        })
    }

    /// What `KubeRay` made the `RayCluster` for (`RayOriginatedFromCRDLabelKey` in its `utils/constant.go`).
    fn ray(&self) -> Option<Owner> {
        Some(owner(self.get("ray.io/originated-from-crd")?, self.get("ray.io/originated-from-cr-name")?))
    }

    /// The DAG of Airflow whose task the pod is, by its executor and by its `KubernetesPodOperator`.
    fn dag(&self) -> Option<Owner> {
        let marks = ["kubernetes_executor", "kubernetes_pod_operator"];
        let dag = self.get("dag_id").filter(|_| marks.iter().any(|mark| self.get(mark).is_some()))?;
        Some(owner("DAG", dag))
    }
}

fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.to_owned(), name: name.to_owned() }
}
