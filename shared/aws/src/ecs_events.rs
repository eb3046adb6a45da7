//! Leaves out most events of services while the answer of `DescribeServices` is read: ECS tells of up to 100 of each service,
//! which are nine tenths of the answer, and parsing them would take most of the time of a run.

use std::borrow::Cow;

use aws_sdk_ecs::config::interceptors::BeforeSerializationInterceptorContextMut;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_sdk_ecs::operation::describe_services::DescribeServices;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::FrozenLayer;

/// Newest events of a service that are kept.
pub(super) const EVENTS: usize = 3;
/// What the event of a failed deployment says; it is kept, however old it is.
pub(super) const FAILED: &str = "deployment failed";
/// What the event of a rollback says; it is kept, too.
pub(super) const ROLLING_BACK: &str = "rolling back";

/// Depth of braces and brackets at which a service has its members.
const SERVICE: usize = 3;

/// Has the answer parsed without the events that nobody needs.
#[derive(Debug)]
pub(super) struct FewEvents;

impl Intercept for FewEvents {
    fn name(&self) -> &'static str {
        "FewEvents"
    }

    fn modify_before_serialization(
        &self,
        _context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(sdk) = DescribeServices::new().config() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(WithFewEvents(sdk)));
        }
        Ok(())
    }
}

/// The SDK's own configuration of the operation, with its parser, which is given a shorter answer.
#[derive(Debug)]
struct WithFewEvents(FrozenLayer);

impl DeserializeResponse for WithFewEvents {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let sdk = self.0.load::<SharedResponseDeserializer>();
        let sdk = sdk.ok_or_else(|| OrchestratorError::other("the SDK has no parser of DescribeServices"))?;
        let Some(Cow::Owned(body)) = response.body().bytes().map(few_events) else {
            return sdk.deserialize_nonstreaming_with_config(response, config);
        };
        let mut shorter = HttpResponse::new(response.status(), SdkBody::from(body));
        for (name, value) in response.headers() {
            shorter.headers_mut().append(name.to_owned(), value.to_owned());
        }
        sdk.deserialize_nonstreaming_with_config(&shorter, config)
    }
}

/// The answer without most events; as it is if it is not what was expected.
fn few_events(json: &[u8]) -> Cow<'_, [u8]> {
    shortened(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

fn shortened(json: &[u8]) -> Option<Vec<u8>> {
    let mut short = Vec::with_capacity(json.len() / 4);
    let (mut place, mut copied, mut depth) = (0, 0, 0_usize);
    while let Some(byte) = json.get(place) {
        match byte {
            b'"' => {
                let end = end_of_text(json, place)?;
                let begin = begin_of_list(json, end).filter(|_| depth == SERVICE);
                let Some(begin) = begin.filter(|_| &json[place..end] == b"\"events\"") else {
                    place = end;
                    continue;
                };
                short.extend_from_slice(json.get(copied..begin)?);
                copied = keep_events(json, begin, &mut short)?;
                // The bracket that ends the list, of which the one that begins it was not counted.
                place = copied + 1;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        place += 1;
    }
    short.extend_from_slice(json.get(copied..)?);
    (copied > 0).then_some(short)
}

/// Copies the events that are kept, of the list whose first byte after the bracket stands there. Gives the place of the
/// closing bracket.
fn keep_events(json: &[u8], mut place: usize, kept: &mut Vec<u8>) -> Option<usize> {
    let (mut number, mut is_first) = (0, true);
    loop {
        match json.get(place)? {
            b']' => return Some(place),
            b'{' => {
                let end = end_of_object(json, place)?;
                let event = &json[place..end];
                let says = |text| std::str::from_utf8(event).is_ok_and(|event| event.contains(text));
                if number < EVENTS || says(FAILED) || says(ROLLING_BACK) {
                    if !std::mem::replace(&mut is_first, false) {
                        kept.push(b',');
                    }
                    kept.extend_from_slice(event);
                }
                (number, place) = (number + 1, end);
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' => place += 1,
            _ => return None,
        }
    }
}

/// The place behind the text that begins there.
fn end_of_text(json: &[u8], begin: usize) -> Option<usize> {
    let mut place = begin + 1;
    loop {
        match json.get(place)? {
            b'"' => return Some(place + 1),
            b'\\' => place += 2,
            _ => place += 1,
        }
    }
}

/// The place behind the object that begins there.
fn end_of_object(json: &[u8], begin: usize) -> Option<usize> {
    let (mut place, mut depth) = (begin, 0_usize);
    loop {
        match json.get(place)? {
            b'"' => {
                place = end_of_text(json, place)?;
                continue;
            }
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(place + 1),
            b'}' => depth -= 1,
            _ => {}
        }
        place += 1;
    }
}

/// The place behind the bracket of the list that is the value of the member whose name ends there.
fn begin_of_list(json: &[u8], name_end: usize) -> Option<usize> {
    let mut rest = json.get(name_end..)?.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace());
    let (Some((_, b':')), Some((at, b'['))) = (rest.next(), rest.next()) else { return None };
    Some(name_end + at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn service(events: &[String]) -> Value {
        let event = |message: &String| json!({ "id": "1", "createdAt": 1.5, "message": message });
        json!({
            "serviceName": "events",
            "tags": [{ "key": "events", "value": "[" }],
            "deployments": [{ "events": [1, 2, 3, 4, 5] }],
            "events": events.iter().map(event).collect::<Vec<_>>(),
        })
    }

    fn kept(events: &[String]) -> Vec<String> {
        let matters = |message: &str| message.contains(FAILED) || message.contains(ROLLING_BACK);
        let kept = events.iter().enumerate().filter(|(place, message)| *place < EVENTS || matters(message));
        kept.map(|(_, message)| message.clone()).collect()
    }

    proptest! {
        /// All but events is as it was, and of those the newest are left, and those of failures.
        #[test]
        fn only_events_are_left_out(
            services in prop::collection::vec(prop::collection::vec(
                prop_oneof![
                    "[\\[\\]{}\"\\\\a, é\n]{0,12}",
                    Just("(service a) deployment failed: tasks failed.".to_owned()),
                    Just("rolling back to deployment 1".to_owned()),
                ],
                0..9,
            ), 0..4),
            is_pretty: bool,
        ) {
            let answer = |of: fn(&[String]) -> Vec<String>| {
                let services: Vec<Value> = services.iter().map(|events| service(&of(events))).collect();
                json!({ "failures": [{ "events": "x" }], "services": services })
            };
            let whole = answer(<[String]>::to_vec);
            let text = if is_pretty { serde_json::to_vec_pretty(&whole) } else { serde_json::to_vec(&whole) }.unwrap();
            let short: Value = serde_json::from_slice(&few_events(&text)).unwrap();
            prop_assert_eq!(short, answer(kept));
        }

        /// What is no such answer stays as it is, and nothing is too strange.
        #[test]
        fn nonsense_stays_as_it_is(text in "[\\[\\]{}\":,a\\\\]{0,40}") {
            let short = few_events(text.as_bytes());
            prop_assert!(short.len() <= text.len());
        }
    }
}
