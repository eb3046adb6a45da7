//! The owner of a pod, under one stable name.

use fargaze::kubernetes::owner::{JobOwners, Owner};
use fargaze::kubernetes::pod::PodFacts;
use jiff::Timestamp;
use serde_json::{Value, json};

const MADE: &str = "2026-11-22T10:00:30Z";

fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.to_owned(), name: name.to_owned() }
}

/// The owner of a pod with this controller and these labels, from the pod alone.
fn of_pod(kind: &str, name: &str, labels: &Value) -> Option<Owner> {
    made(
        &json!([{"kind": "Other", "name": "other"}, {"kind": kind, "name": name, "controller": true}]),
        labels,
        None,
    )
}

/// The owner of a pod with these owner references and labels, created at this time.
fn made(owners: &Value, labels: &Value, created: Option<&str>) -> Option<Owner> {
    let metadata =
        json!({"name": "p", "ownerReferences": owners, "labels": labels, "creationTimestamp": created});
    PodFacts::read(serde_json::from_value(json!({"metadata": metadata})).unwrap()).owner
}

/// Issue 13, point 12: whatever suffix a release or a run adds to the name of a pod's owner, the
/// subject stays the same.
#[test]
fn a_release_or_a_run_changes_no_subject() {
    let hash = |key: &str, hash: &str| json!({key: hash, "app": "web"});
    let cases = [
        ("ReplicaSet", "web-app-abc12", hash("pod-template-hash", "abc12"), "Deployment", "web-app"),
        (
            "ReplicaSet",
            "web-app-6b7f5d8c9",
            hash("rollouts-pod-template-hash", "6b7f5d8c9"),
            "Rollout",
            "web-app",
        ),
        (
            "ReplicaSet",
            "web-app-7c9d4f5b6",
            hash("rollouts-pod-template-hash", "7c9d4f5b6"),
            "Rollout",
            "web-app",
        ),
        // A Rollout that took over the template of a Deployment has both labels.
        (
            "ReplicaSet",
            "web-77",
            json!({"rollouts-pod-template-hash": "77", "pod-template-hash": "55"}),
            "Rollout",
            "web",
        ),
        // It has no owner.
        ("ReplicaSet", "web-app-abc12", json!({}), "ReplicaSet", "web-app-abc12"),
        ("ReplicaSet", "alone", hash("pod-template-hash", "abc12"), "ReplicaSet", "alone"),
        ("ReplicaSet", "-abc12", hash("pod-template-hash", "abc12"), "ReplicaSet", "-abc12"),
        ("StatefulSet", "db-abc12", hash("pod-template-hash", "abc12"), "StatefulSet", "db-abc12"),
        ("StatefulSet", "db-x7k2p", json!({"tekton.dev/task": "t"}), "StatefulSet", "db-x7k2p"),
        ("DaemonSet", "agent-x7k2p", json!({}), "DaemonSet", "agent-x7k2p"),
        ("Node", "ip-10-0-0-1.ec2.internal", json!({}), "Node", "ip-10-0-0-1.ec2.internal"),
        // Controllers of third parties.
        ("Workflow", "import-x7k2p", json!({}), "Workflow", "import"),
        ("Workflow", "nightly-1796000000", json!({}), "Workflow", "nightly"),
        ("Workflow", "import-of-words", json!({}), "Workflow", "import-of-words"),
        (
            "TaskRun",
            "build-x7k2p-test-pod",
            json!({"tekton.dev/pipeline": "build", "tekton.dev/task": "test"}),
            "Pipeline",
            "build",
        ),
        ("TaskRun", "test-x7k2p", json!({"tekton.dev/task": "test"}), "Task", "test"),
        (
            "EphemeralRunner",
            "ci-x7k2p-runner-9w4z5",
            json!({"actions.github.com/scale-set-name": "ci"}),
            "AutoscalingRunnerSet",
            "ci",
        ),
        ("Pod", "etl-42-driver", json!({"sparkoperator.k8s.io/app-name": "etl"}), "SparkApplication", "etl"),
        ("Pod", "etl-42-driver", json!({}), "Pod", "etl-42-driver"),
        ("CloneSet", "web", json!({}), "CloneSet", "web"),
    ];
    for (kind, name, labels, right, right_name) in cases {
        assert_eq!(of_pod(kind, name, &labels), Some(owner(right, right_name)), "{kind}/{name} {labels}");
    }
}

/// Issue 13, point 12: nothing shows that these names were generated, and two of them would merge.
#[test]
fn a_name_that_a_user_chose_is_not_shortened() {
    for (kind, name) in [
        ("Cluster", "db-pgsql"),
        ("CloneSet", "svc-grpc2"),
        ("CloneSet", "web-x7k2p"),
        ("Kafka", "bus-1796000000"),
        ("RayCluster", "train-gpt42"),
        ("JobSet", "train-x7k2p"),
    ] {
        assert_eq!(of_pod(kind, name, &json!({})), Some(owner(kind, name)));
        let controlled =
            json!({"name": "j", "ownerReferences": [{"kind": kind, "name": name, "controller": true}]});
        assert_eq!(Owner::of_job(&serde_json::from_value(controlled).unwrap()), owner(kind, name));
    }
    // One suffix was added to the name, not two.
    assert_eq!(of_pod("Workflow", "db-pgsql-1796000000", &json!({})), Some(owner("Workflow", "db-pgsql")));
}

/// A controller (kind and name; `None` if both are empty), labels of its pod, and the owner.
type Behind = (&'static str, &'static str, Value, &'static str);

/// Each pod was created at 10:20:30.
fn stand_behind(cases: impl IntoIterator<Item = Behind>) {
    for (kind, name, labels, right) in cases {
        let owners = match kind {
            "" => json!([]),
            _ => json!([{"kind": kind, "name": name, "controller": true}]),
        };
        let found = made(&owners, &labels, Some("2026-11-22T10:20:30Z"));
        assert_eq!(found.map(|owner| owner.to_string()).unwrap_or_default(), right, "{kind}/{name} {labels}");
    }
}

/// Issue 13, point 12: two runs, or two releases, of each owner have one subject.
#[test]
fn two_runs_and_two_releases_have_one_subject() {
    // A pipeline embedded in its run has the name of the run.
    let tekton = |run: &str| json!({"tekton.dev/pipeline": run, "tekton.dev/pipelineRun": run, "tekton.dev/pipelineTask": "test"});
    let knative = |key: &str, revision: &str| {
        json!({"pod-template-hash": "6b7f5d8c9", format!("serving.knative.dev/{key}"): "hello",
            "serving.knative.dev/revision": revision})
    };
    let ray =
        || json!({"ray.io/originated-from-crd": "RayService", "ray.io/originated-from-cr-name": "chat"});
    let runner = || json!({"runner-deployment-name": "ci"});
    let airflow =
        |run: &str, mark: &str| json!({"dag_id": "nightly", "task_id": "load", "run_id": run, mark: "True"});
    let (one, two) = ("hello-00001-deployment-6b7f5d8c9", "hello-00002-deployment-6b7f5d8c9");
    stand_behind([
        ("TaskRun", "build-x7k2p-test", tekton("build-x7k2p"), "PipelineRun/build"),
        ("TaskRun", "build-9w4z5-test", tekton("build-9w4z5"), "PipelineRun/build"),
        ("ReplicaSet", one, knative("service", "hello-00001"), "Service/hello"),
        ("ReplicaSet", two, knative("service", "hello-00002"), "Service/hello"),
        ("ReplicaSet", one, knative("configuration", "hello-00001"), "Configuration/hello"),
        ("ReplicaSet", two, knative("configuration", "hello-00002"), "Configuration/hello"),
        ("RayCluster", "chat-raycluster-x7k2p", ray(), "RayService/chat"),
        ("RayCluster", "chat-9w4z5", ray(), "RayService/chat"),
        ("RayCluster", "chat-raycluster-x7k2p", json!({}), "RayCluster/chat-raycluster"),
        ("RayCluster", "chat-raycluster-9w4z5", json!({}), "RayCluster/chat-raycluster"),
        ("Runner", "ci-x7k2p-9w4z5", runner(), "RunnerDeployment/ci"),
        ("Runner", "ci-9w4z5-x7k2p", runner(), "RunnerDeployment/ci"),
        ("", "", airflow("manual__1", "kubernetes_pod_operator"), "DAG/nightly"),
        ("", "", airflow("scheduled__2", "kubernetes_executor"), "DAG/nightly"),
        // A user's own label.
        ("", "", json!({"dag_id": "nightly"}), ""),
    ]);
}

/// Issue 13, point 12: two runs of Spark with its operator, standalone, and on EMR.
#[test]
fn two_runs_of_spark_have_one_subject() {
    let operator = |name: &str| json!({"sparkoperator.k8s.io/app-name": name, "spark-role": "driver"});
    let cluster = "emr-containers.amazonaws.com/virtual-cluster-id";
    let emr =
        |id: &str| json!({cluster: "jk518skp01ys9ka8b0npx9nt0", "emr-containers.amazonaws.com/job.id": id});
    let named = |id: &str| {
        let mut labels = emr(id);
        labels["spark-app-name"] = "import".into();
        labels["spark-app-selector"] = format!("spark-{id}").into();
        labels
    };
    let alone = || json!({"spark-app-name": "import"});
    let nightly = "ScheduledSparkApplication/nightly";
    let virtual_cluster = "VirtualCluster/jk518skp01ys9ka8b0npx9nt0";
    stand_behind([
        // The time in each precision that the operator uses; executors are controlled by their
        // driver.
        ("SparkApplication", "n", operator("nightly-1795342800000000000"), nightly),
        ("Pod", "nightly-1795342800000000000-driver", operator("nightly-1795342800000000000"), nightly),
        ("", "", operator("nightly-1795342800000000001"), nightly),
        ("SparkApplication", "n", operator("nightly-1795342800000000"), nightly),
        ("SparkApplication", "n", operator("nightly-1795342800000"), nightly),
        ("SparkApplication", "n", operator("nightly-1795342800"), nightly),
        ("SparkApplication", "n", operator("nightly-29922380"), nightly),
        // No time, or one unrelated to the pod.
        ("SparkApplication", "n", operator("etl-20261122"), "SparkApplication/etl-20261122"),
        ("SparkApplication", "n", operator("etl-1595342800"), "SparkApplication/etl-1595342800"),
        // The submitter of the job, its driver, and its executors.
        ("Job", "0000000337okspsc913", emr("0000000337okspsc913"), virtual_cluster),
        ("Pod", "spark-0000000337okspsc914-driver", emr("0000000337okspsc914"), virtual_cluster),
        ("Job", "0000000337okspsc913", named("0000000337okspsc913"), "Spark/import"),
        ("Pod", "spark-0000000337okspsc914-driver", named("0000000337okspsc914"), "Spark/import"),
        ("", "", alone(), "Spark/import"),
        ("Pod", "import-3c07aa766251ce43-driver", alone(), "Spark/import"),
    ]);
}

/// Issue 13, point 12: a pod without a controller is its own subject, or that of its
/// `generateName`.
#[test]
fn a_pod_that_nothing_controls_stands_for_itself() {
    let of = |metadata: Value| {
        PodFacts::read(serde_json::from_value(json!({"metadata": metadata})).unwrap()).owner
    };
    let other = json!([{"kind": "ReplicaSet", "name": "web-abc12", "controller": false}]);
    assert_eq!(
        of(
            json!({"name": "web-abc12-1", "ownerReferences": other, "labels": {"pod-template-hash": "abc12"}})
        ),
        None
    );
    assert_eq!(of(json!({"name": "debug", "generateName": null})), None);
    assert_eq!(of(json!({"name": "load-x7k2p", "generateName": "load-"})), Some(owner("Pod", "load")));
    assert_eq!(of(json!({"name": "other", "generateName": "load-"})), None);
}

/// Issue 13, point 12: the owner of a Job is its `CronJob`, even where the Job is not listed.
#[test]
fn behind_a_job_stands_what_makes_one_each_time() {
    let of_job = |metadata: Value| Owner::of_job(&serde_json::from_value(metadata).unwrap());
    let controlled = |kind: &str, name: &str| json!({"name": "j", "ownerReferences": [{"kind": kind, "name": name, "controller": true}]});
    assert_eq!(of_job(controlled("CronJob", "backup")), owner("CronJob", "backup"));
    assert_eq!(of_job(controlled("ScaledJob", "worker")), owner("ScaledJob", "worker"));
    assert_eq!(of_job(controlled("Workflow", "import-x7k2p")), owner("Workflow", "import"));
    assert_eq!(of_job(json!({"name": "migrate-x7k2p", "generateName": "migrate-"})), owner("Job", "migrate"));
    assert_eq!(of_job(json!({"name": "migrate-x7k2p"})), owner("Job", "migrate-x7k2p"), "a user chose it");

    let jobs = JobOwners::from([
        (("shop".to_owned(), "j".to_owned()), owner("CronJob", "listed")),
        (("shop".to_owned(), "import-29933400".to_owned()), owner("Job", "import-29933400")),
    ]);
    let made: Timestamp = MADE.parse().unwrap();
    let minutes = made.as_second() / 60;
    let behind = |name: &str, made| owner("Job", name).behind("shop", &jobs, made);
    assert_eq!(behind("j", Some(made)), owner("CronJob", "listed"));
    assert_eq!(
        behind("import-29933400", Some(made)),
        owner("Job", "import-29933400"),
        "it is listed, and nothing made it"
    );
    // Not listed.
    for late in [0, 1, 60, 24 * 60] {
        let name = format!("nightly-dump-{}", minutes - late);
        assert_eq!(behind(&name, Some(made)), owner("CronJob", "nightly-dump"), "{late} minutes late");
        assert_eq!(behind(&name, None), owner("Job", &name), "its creation time is unknown");
    }
    for other in ["dump-20261122", "dump-29", "dump", "-29933400", "dump-x29933400"] {
        assert_eq!(behind(other, Some(made)), owner("Job", other));
    }
    assert_eq!(behind("migrate-x7k2p", Some(made)), owner("Job", "migrate"));
    assert_eq!(owner("Deployment", "j").behind("shop", &jobs, Some(made)), owner("Deployment", "j"));
}
