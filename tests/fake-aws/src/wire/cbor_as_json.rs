//! awsJson1.0 of CloudWatch, which boto3 prefers: the CBOR response with the same members, as JSON.

use std::borrow::Cow;

use ciborium::Value as Cbor;
use serde_json::Value as Json;

use super::Answer;

/// The same response for a JSON client; headers that name the error stay.
pub(crate) fn answer(cbor: Answer) -> Answer {
    let body: Cbor = ciborium::from_reader(cbor.body.as_slice()).expect("own CBOR");
    let body = json(body).to_string().into_bytes();
    let kept = |(name, _): &(Cow<'static, str>, String)| name.starts_with("x-amzn");
    let mut answer = Answer::ok("application/x-amz-json-1.0", body);
    answer.headers.extend(cbor.headers.into_iter().filter(kept));
    Answer { status: cbor.status, ..answer }
}

/// Timestamps become plain epoch seconds.
fn json(value: Cbor) -> Json {
    match value {
        Cbor::Integer(number) => i64::try_from(number).map_or(Json::Null, Json::from),
        Cbor::Float(number) => Json::from(number),
        Cbor::Text(text) => Json::from(text),
        Cbor::Bool(truth) => Json::from(truth),
        Cbor::Tag(_, inner) => json(*inner),
        Cbor::Array(items) => items.into_iter().map(json).collect(),
        Cbor::Map(members) => members
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_text().ok()?, json(value))))
            .collect(),
        _ => Json::Null,
    }
}
