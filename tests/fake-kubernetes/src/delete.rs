//! Deleting `ConfigMaps`, with the preconditions of `DeleteOptions`.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::objects::{Resource, qualified};
use crate::state::Inner;
use crate::target::Target;

/// DELETE of deletable objects.
pub(crate) fn answer(target: &Target, request: &Request<Bytes>, inner: &mut Inner) -> Answer {
    if Resource::of(target) != Some(Resource::ConfigMaps) || target.name.is_empty() {
        return Answer::failure(405, "MethodNotAllowed", "this stand-in deletes single configmaps only");
    }
    let Some(options) = options(request.body()) else {
        return Answer::failure(400, "BadRequest", "the object provided is unrecognized");
    };
    let estate = Arc::clone(&inner.estate);
    let Some(stored) = estate.stored("configmaps", &target.namespace, &target.name) else {
        return Answer::not_found(&qualified(target), &target.name);
    };
    let metadata = &stored["metadata"];
    if let Some(why) = broken(&options["preconditions"], metadata) {
        // Here the server names the kind, not the resource (k8s.io/apiserver,
        // registry/rest/delete.go, BeforeDelete).
        let message = format!("Operation cannot be fulfilled on ConfigMap {:?}: {why}", target.name);
        return Answer::failure(409, "Conflict", &message);
    }
    let key = ("configmaps", (target.namespace.clone(), target.name.clone()));
    inner.change(|estate| estate.stored.remove(&key));
    let details = json!({"name": target.name, "kind": qualified(target), "uid": metadata["uid"]});
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    Answer::json(200, &status)
}

/// The options are optional.
fn options(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Value::Null);
    }
    let options: Value = serde_json::from_slice(body).ok()?;
    options["kind"].as_str().is_none_or(|kind| kind == "DeleteOptions").then_some(options)
}

/// The violated precondition, in the words of the server.
fn broken(asked: &Value, metadata: &Value) -> Option<String> {
    let differs = |field: &str| {
        let (asked, record) = (asked[field].as_str()?, metadata[field].as_str().unwrap_or_default());
        (asked != record).then(|| (asked.to_owned(), record.to_owned()))
    };
    if let Some((asked, record)) = differs("uid") {
        return Some(format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({record}). The object might have been deleted and then recreated"
        ));
    }
    differs("resourceVersion").map(|(asked, record)| {
        format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({record}). The object might have been modified"
        )
    })
}
