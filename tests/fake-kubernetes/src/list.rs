//! Lists: selectors, pages, and continue tokens that expire.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::estate::{Estate, Key};
use crate::objects::{Resource, api_version};
use crate::state::Inner;
use crate::target::Target;

/// Where a list continues, in the format of the real server.
struct Continue {
    /// -1 for the newest state.
    version: i64,
    /// The last object of the previous page.
    after: Key,
}

impl Continue {
    fn write(&self) -> String {
        let (namespace, name) = &self.after;
        let place = if namespace.is_empty() { format!("{name}\0") } else { format!("{namespace}/{name}\0") };
        let token = json!({"v": "meta.k8s.io/v1", "rv": self.version, "start": place});
        BASE64_URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn read(token: &str) -> Option<Self> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let token: Value = serde_json::from_slice(&token).ok()?;
        let place = token["start"].as_str()?.trim_end_matches('\0');
        let (namespace, name) = place.split_once('/').unwrap_or(("", place));
        Some(Self { version: token["rv"].as_i64()?, after: (namespace.to_owned(), name.to_owned()) })
    }
}

/// The state that a page shows, and where it begins.
struct Place {
    estate: Arc<Estate>,
    version: u64,
    after: Option<Key>,
}

/// A page of a list.
pub(crate) fn answer(target: &Target, inner: &mut Inner) -> Answer {
    let Some(resource) = Resource::of(target) else { return Answer::no_page() };
    if target.parameter("watch").is_some_and(|watch| watch != "false" && watch != "0") {
        return Answer::failure(405, "MethodNotAllowed", "this stand-in does not watch");
    }
    let token = target.parameter("continue").filter(|token| !token.is_empty() && !resource.is_metrics());
    let place = match token.map(|token| Continue::read(token).ok_or(())) {
        None => Place { estate: Arc::clone(&inner.estate), version: inner.version, after: None },
        Some(Err(())) => {
            return Answer::failure(400, "BadRequest", "continue key is not valid: illegal base64 data");
        }
        Some(Ok(token)) => match find(token, inner) {
            Some(place) => place,
            None => return expired(target),
        },
    };
    match page(target, resource, &place) {
        Ok((page, has_more)) => {
            if has_more {
                inner.snapshots.insert(place.version, place.estate);
            }
            Answer::json(200, &page)
        }
        Err(refused) => refused,
    }
}

fn find(token: Continue, inner: &Inner) -> Option<Place> {
    let after = Some(token.after);
    let Ok(version) = u64::try_from(token.version) else {
        return Some(Place { estate: Arc::clone(&inner.estate), version: inner.version, after });
    };
    let estate = inner.snapshots.get(&version)?;
    Some(Place { estate: Arc::clone(estate), version, after })
}

/// 410 with a token for the rest at the newest state; the message is the real server's.
pub(crate) fn expired(target: &Target) -> Answer {
    let mut status: Value =
        serde_json::from_slice(crate::recorded::Recorded::named("410_expired_continue").body()).unwrap();
    let token = target.parameter("continue").and_then(Continue::read);
    status["metadata"] = match token {
        Some(token) => json!({"continue": Continue { version: -1, ..token }.write()}),
        None => json!({}),
    };
    Answer::json(410, &status)
}

fn page(target: &Target, resource: Resource, place: &Place) -> Result<(Value, bool), Answer> {
    let labels = read_selector(target.parameter("labelSelector").unwrap_or_default())?;
    let fields = read_selector(target.parameter("fieldSelector").unwrap_or_default())?;
    check_fields(resource, &fields)?;
    let selected = !labels.is_empty() || !fields.is_empty();
    let limit = target.parameter("limit").and_then(|limit| limit.parse().ok()).filter(|&limit| limit > 0);
    let limit = limit.unwrap_or(usize::MAX).min(place.estate.page.unwrap_or(usize::MAX));
    let limit = if resource.is_metrics() { usize::MAX } else { limit };

    let in_place = |key: &Key| target.namespace.is_empty() || key.0 == target.namespace;
    let mut keys = resource.keys(&place.estate);
    keys.retain(|key| in_place(key) && place.after.as_ref().is_none_or(|after| key > after));
    let (mut items, mut last, mut seen) = (Vec::new(), None, 0);
    for key in &keys {
        if items.len() == limit {
            break;
        }
        seen += 1;
        last = Some(key.clone());
        let value = resource.value(&place.estate, key);
        items.extend(
            value
                .filter(|value| fits(value, &labels, &["metadata", "labels"], false))
                .filter(|value| fits(value, &fields, &[], true)),
        );
    }
    let rest = keys.len() - seen;
    let mut metadata = json!({});
    if !resource.is_metrics() {
        metadata["resourceVersion"] = place.version.to_string().into();
    }
    if let Some(after) = last.filter(|_| rest > 0) {
        let version = i64::try_from(place.version).unwrap();
        metadata["continue"] = Continue { version, after }.write().into();
        if !selected {
            metadata["remainingItemCount"] = rest.into();
        }
    }
    let page = json!({
        "kind": format!("{}List", resource.kind()),
        "apiVersion": api_version(&target.group, &target.version),
        "metadata": metadata,
        "items": items,
    });
    Ok((page, rest > 0))
}

/// `a=b,c!=d`: path, whether equal, value. Set and existence selectors are not parsed.
type Selector = Vec<(String, bool, String)>;

fn read_selector(text: &str) -> Result<Selector, Answer> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let not_equal = part.split_once("!=").map(|(name, value)| (name, false, value));
            let equal = || {
                let equal = part.split_once("==").or_else(|| part.split_once('='));
                equal.map(|(name, value)| (name, true, value))
            };
            let (name, equal, value) = not_equal.or_else(equal).ok_or_else(|| {
                Answer::failure(400, "BadRequest", &format!("unable to parse requirement: {part:?}"))
            })?;
            Ok((name.trim().to_owned(), equal, value.trim().to_owned()))
        })
        .collect()
}

/// Only some fields can be selected; others are a 400.
fn check_fields(resource: Resource, fields: &Selector) -> Result<(), Answer> {
    let known: &[&str] = match resource {
        Resource::Pods => &["spec.nodeName", "status.phase", "spec.schedulerName", "spec.restartPolicy"],
        Resource::Nodes => &["spec.unschedulable"],
        Resource::Namespaces => &["status.phase"],
        // Of the real server's, `source` and `reportingComponent` are missing.
        Resource::Events => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "type",
        ],
        _ => &[],
    };
    let always = ["metadata.name", "metadata.namespace"];
    match fields.iter().find(|(name, ..)| !always.contains(&name.as_str()) && !known.contains(&name.as_str()))
    {
        Some((name, ..)) => {
            Err(Answer::failure(400, "BadRequest", &format!("field label not supported: {name}")))
        }
        None => Ok(()),
    }
}

fn fits(value: &Value, selector: &Selector, under: &[&str], dotted: bool) -> bool {
    let base = under.iter().fold(value, |value, &part| &value[part]);
    selector.iter().all(|(name, equal, wanted)| {
        let found = if dotted {
            name.split('.').fold(base, |value, part| &value[part])
        } else {
            &base[name.as_str()]
        };
        (found.as_str().unwrap_or_default() == wanted) == *equal
    })
}
