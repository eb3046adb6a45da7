//! Drops most service events before the response of `DescribeServices` is parsed: ECS returns up to
//! 100 per service, which are nine tenths of the response, and parsing them would take most of a
//! run's time.

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

/// How many of a service's newest events are kept.
pub(super) const EVENTS: usize = 3;
/// Text of a failed deployment's event, which is kept however old it is.
pub(super) const FAILED: &str = "deployment failed";
/// Text of a rollback's event, which is also kept.
pub(super) const ROLLING_BACK: &str = "rolling back";

/// Nesting depth of a service's members.
const SERVICE: usize = 3;

/// Makes the SDK parse the response without the events that fargaze does not use.
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

/// The SDK's own configuration of the operation, whose deserializer is given the shortened
/// response.
#[derive(Debug)]
struct WithFewEvents(FrozenLayer);

impl DeserializeResponse for WithFewEvents {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let sdk = self.0.load::<SharedResponseDeserializer>();
        let sdk =
            sdk.ok_or_else(|| OrchestratorError::other("the SDK has no deserializer for DescribeServices"))?;
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

/// The response without most events, or unchanged if it does not have the expected form.
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
                // The list's closing bracket, whose opening bracket was not counted.
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

/// Copies the events to keep from the list whose first byte after the bracket is at `place`.
/// Returns the position of the closing bracket.
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

/// The position after the string that begins at `begin`.
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

/// The position after the object that begins at `begin`.
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

/// The position after the opening bracket of the list that is the value of the member whose name
/// ends at `name_end`.
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
        /// Everything but events is unchanged; of those, the newest and those about failures are
        /// kept.
        #[test]
        fn only_events_are_dropped(
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

        /// Text that is not a `DescribeServices` response is never an error and never gets longer.
        #[test]
        fn unexpected_text_is_no_error(text in "[\\[\\]{}\":,a\\\\]{0,40}") {
            let short = few_events(text.as_bytes());
            prop_assert!(short.len() <= text.len());
        }
    }
}
