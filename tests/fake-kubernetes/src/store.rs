//! Creating and updating Namespaces and `ConfigMaps`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::estate::Estate;
use crate::objects::{Resource, qualified};
use crate::state::Inner;
use crate::target::Target;

/// POST and PUT of writable objects.
pub(crate) fn answer(target: &Target, request: &Request<Bytes>, inner: &mut Inner) -> Answer {
    let resource = match Resource::of(target) {
        Some(Resource::Namespaces) => "namespaces",
        Some(Resource::ConfigMaps) => "configmaps",
        _ => {
            return Answer::failure(
                405,
                "MethodNotAllowed",
                "this stand-in writes namespaces and configmaps only",
            );
        }
    };
    let Ok(object) = serde_json::from_slice::<Value>(request.body()) else {
        return Answer::failure(400, "BadRequest", "the object provided is unrecognized");
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() || (request.method() == Method::PUT && name != target.name) {
        return Answer::failure(
            400,
            "BadRequest",
            "the name of the object does not match the name on the URL",
        );
    }
    let estate = Arc::clone(&inner.estate);
    if let Some(refused) = refused_by_namespace(resource, target, request.method(), &name, &estate) {
        return refused;
    }
    let present = estate.stored(resource, &target.namespace, &name);
    match (request.method() == Method::POST, present) {
        (true, Some(_)) => {
            let message = format!("{} {name:?} already exists", qualified(target));
            Answer::failure(409, "AlreadyExists", &message)
        }
        (false, None) => Answer::not_found(&qualified(target), &name),
        (true, None) => write(resource, target, object, None, inner),
        (false, Some(old)) => {
            let asked = &object["metadata"]["resourceVersion"];
            if asked.is_string() && *asked != old["metadata"]["resourceVersion"] {
                let message = format!(
                    "Operation cannot be fulfilled on {} {name:?}: the object has been modified; please apply your changes to the latest version and try again",
                    qualified(target)
                );
                return Answer::failure(409, "Conflict", &message);
            }
            if old["immutable"] == true && (object["data"] != old["data"] || object["immutable"] != true) {
                return immutable(&name);
            }
            write(resource, target, object, Some(old), inner)
        }
    }
}

/// Nothing can be created in a namespace that is missing or being deleted; existing objects in the
/// latter can be changed (k8s.io/apiserver, `NamespaceLifecycle`).
fn refused_by_namespace(
    resource: &str,
    target: &Target,
    method: &Method,
    name: &str,
    estate: &Estate,
) -> Option<Answer> {
    if resource != "configmaps" {
        return None;
    }
    let Some(namespace) = estate.stored("namespaces", "", &target.namespace) else {
        return Some(Answer::not_found("namespaces", &target.namespace));
    };
    let is_refused = method == Method::POST && namespace["status"]["phase"] == "Terminating";
    let within = &target.namespace;
    let message = format!(
        "configmaps {name:?} is forbidden: unable to create new content in namespace {within} because it is being terminated"
    );
    let why = format!("namespace {within} is being terminated");
    let cause = ("NamespaceTerminating", why.as_str(), "metadata.namespace");
    is_refused.then(|| Answer::failure_because(403, "Forbidden", &message, cause))
}

/// `ValidateConfigMapUpdate` of the real server.
fn immutable(name: &str) -> Answer {
    let why = "Forbidden: field is immutable when `immutable` is set";
    let message = format!("ConfigMap {name:?} is invalid: data: {why}");
    Answer::failure_because(422, "Invalid", &message, ("FieldValueForbidden", why, "data"))
}

fn write(
    resource: &'static str,
    target: &Target,
    mut object: Value,
    old: Option<&Value>,
    inner: &mut Inner,
) -> Answer {
    let kind = if resource == "namespaces" { "Namespace" } else { "ConfigMap" };
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let version = inner.version + 1;
    let now = inner.estate.time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let metadata = &mut object["metadata"];
    let kept = |field: &str, new: Value| old.map_or(new, |old| old["metadata"][field].clone());
    metadata["uid"] = kept("uid", format!("00000000-0000-4000-8000-{version:012}").into());
    metadata["creationTimestamp"] = kept("creationTimestamp", now.into());
    metadata["resourceVersion"] = version.to_string().into();
    if resource == "namespaces" {
        metadata["labels"]["kubernetes.io/metadata.name"] = name.as_str().into();
        object["status"] = json!({"phase": "Active"});
    } else {
        metadata["namespace"] = target.namespace.as_str().into();
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    let key = (resource, (target.namespace.clone(), name));
    inner.change(|estate| estate.stored.insert(key, object.clone()));
    object["kind"] = kind.into();
    object["apiVersion"] = "v1".into();
    Answer::json(if old.is_some() { 200 } else { 201 }, &object)
}
