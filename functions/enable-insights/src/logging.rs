//! Fargate logging: a `ConfigMap` in the cluster's Kubernetes API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::evidence::eks::EksCluster;
use fargaze::kubernetes::logging::check;
use fargaze::model::cluster::Region;
use fargaze::reconcile::{AwsLogging, CONFIG_MAP, LABEL, LoggingNamespace, NAMESPACE, Value as State};
use fargaze_kubernetes::{Cause, Client, ClientError, Explanation, Limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long one cluster's API may take: a batch of the queue has ten clusters, and some may be
/// unreachable.
const PATIENCE: Duration = Duration::from_secs(8);

/// The fields of an object that this module reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    data: Option<Texts>,
    /// fargaze writes none, so any content is from others.
    #[serde(default)]
    binary_data: Option<Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    labels: Option<Texts>,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

impl Object {
    /// How Fargate and fargaze interpret it as a namespace.
    fn into_namespace(self) -> LoggingNamespace {
        let Metadata { labels, deletion_timestamp, .. } = self.metadata;
        match deletion_timestamp {
            Some(_) => LoggingNamespace::Terminating,
            None => LoggingNamespace::of_labels(Some(&labels.unwrap_or_default())),
        }
    }
}

type Texts = BTreeMap<String, String>;

/// The Kubernetes API of a cluster.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    cluster: String,
}

/// Creates a client for a cluster's Kubernetes API; makes no request yet.
pub(crate) fn api(
    sdk: &SdkConfig,
    region: &Region,
    cluster: &EksCluster,
    deadline: Instant,
) -> Result<Api, ClientError> {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let limits = Limits::until(deadline, Arc::new(Semaphore::new(1)));
    let client = Client::of_cluster(sdk, region, cluster, limits)?;
    Ok(Api { client, cluster: cluster.name.to_string() })
}

/// Reads the current namespace and `ConfigMap`.
pub(crate) async fn read(api: &Api) -> Result<AwsLogging, ClientError> {
    let namespace: Option<Object> = get(api, &namespace_path()).await?;
    let config_map: Option<Object> =
        if namespace.is_some() { get(api, &config_map_path()).await? } else { None };
    let namespace = namespace.map_or(LoggingNamespace::Missing, Object::into_namespace);
    let config_map = config_map.map(|object| object.data.unwrap_or_default());
    let problems = config_map.as_ref().map(problems).unwrap_or_default();
    Ok(AwsLogging::Known { namespace, config_map, problems })
}

/// The problems that Fargate would reject in this data, in a namespace with the label, one sentence
/// each.
pub(crate) fn problems(data: &Texts) -> Vec<String> {
    let labels = Texts::from([(LABEL.to_owned(), "enabled".to_owned())]);
    check(&labels, data).iter().map(ToString::to_string).collect()
}

/// Writes the `ConfigMap` in place of `before`, and reads it back. It never overwrites concurrent
/// changes of others: the API server refuses a new `ConfigMap` as a duplicate, and a changed one by
/// its version.
pub(crate) async fn write(
    api: &Api,
    namespace: &LoggingNamespace,
    before: &State,
    data: &Texts,
) -> Result<(), ClientError> {
    if *namespace == LoggingNamespace::Missing {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": NAMESPACE, "labels": { LABEL: "enabled" } },
        });
        api.client.post("/api/v1/namespaces", &object).await?;
    }
    if let State::ConfigMap(before) = before {
        // The current object, with its version, and with labels and annotations that others added.
        let current: Option<Value> = get(api, &config_map_path()).await?;
        let parsed = current.as_ref().and_then(|current| Object::deserialize(current).ok());
        must_be(api, "PUT", parsed.as_ref(), before)?;
        let mut object = current.unwrap_or_default();
        object["data"] = json!(data);
        api.client.put(&config_map_path(), &object).await?;
    } else {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": CONFIG_MAP, "namespace": NAMESPACE },
            "data": data,
        });
        api.client.post(&format!("/api/v1/namespaces/{NAMESPACE}/configmaps"), &object).await?;
    }
    let current: Option<Object> = get(api, &config_map_path()).await?;
    must_be(api, "PUT", current.as_ref(), data)
}

/// Deletes the `ConfigMap` if its data is still `data`, and checks that it was deleted. The request
/// names its identity and version, so that a concurrent change by others is refused, not lost.
pub(crate) async fn delete(api: &Api, data: &Texts) -> Result<(), ClientError> {
    let Some(current) = get::<Object>(api, &config_map_path()).await? else { return Ok(()) };
    must_be(api, "DELETE", Some(&current), data)?;
    let (Some(uid), Some(version)) = (current.metadata.uid, current.metadata.resource_version) else {
        return Err(error(api, "GET", Cause::Malformed("it has no uid or no resourceVersion".to_owned())));
    };
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "preconditions": { "uid": uid, "resourceVersion": version },
    });
    match api.client.delete(&config_map_path(), &options).await {
        Err(ClientError { cause: Cause::NotFound(Explanation::Status { .. }), .. }) => return Ok(()),
        answer => answer?,
    };
    // A different uid means that someone else created another one meanwhile.
    let held = get::<Object>(api, &config_map_path()).await?.filter(|left| left.metadata.uid == Some(uid));
    held.map_or(Ok(()), |_| {
        let why = "it still exists after its deletion; a finalizer blocks it".to_owned();
        Err(error(api, "DELETE", Cause::Conflict(Explanation::Text(why))))
    })
}

/// Returns an error unless the object has exactly this data.
fn must_be(
    api: &Api,
    method: &'static str,
    current: Option<&Object>,
    data: &Texts,
) -> Result<(), ClientError> {
    let same = current.filter(|current| current.data.as_ref() == Some(data));
    let bytes = same.map(|same| same.binary_data.iter().flatten().map(|(key, _)| key.as_str()));
    let why = match bytes.map(Vec::from_iter) {
        Some(keys) if keys.is_empty() => return Ok(()),
        Some(keys) => {
            format!("someone added binaryData ({}), which fargaze does not overwrite", keys.join(", "))
        }
        None => "someone changed it at the same time".to_owned(),
    };
    Err(error(api, method, Cause::Conflict(Explanation::Text(why))))
}

fn error(api: &Api, method: &'static str, cause: Cause) -> ClientError {
    ClientError { method, path: config_map_path(), cluster: api.cluster.clone(), cause }
}

/// Reads an object; `None` if it does not exist.
async fn get<T: DeserializeOwned>(api: &Api, path: &str) -> Result<Option<T>, ClientError> {
    match api.client.get(path).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| ClientError {
            method: "GET",
            path: path.to_owned(),
            cluster: api.cluster.clone(),
            cause: Cause::Malformed(error.to_string()),
        }),
        Err(ClientError { cause: Cause::NotFound(Explanation::Status { .. }), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn namespace_path() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}")
}

fn config_map_path() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{CONFIG_MAP}")
}
