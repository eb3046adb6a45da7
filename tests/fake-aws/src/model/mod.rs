//! The published API models of the faked operations, trimmed by `model/trim.py`: which operation a
//! request belongs to, and whether the service accepts it at all.
//!
//! What a model does not express (that a cluster must exist, that an expression must parse) is
//! checked by the operation itself.

mod check;
mod class;
mod input;
mod refusal;
mod route;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::Refusal;

/// One service.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    /// The part of `X-Amz-Target` before the operation.
    pub(crate) prefix: String,
    /// `Version` of the Query protocol.
    pub(crate) version: String,
    operations: HashMap<String, Operation>,
    routes: BTreeMap<String, route::Route>,
    shapes: HashMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    input: Option<String>,
    /// Its possible errors, each with its code on the wire.
    errors: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shape {
    #[serde(rename = "type")]
    kind: Kind,
    required: Vec<String>,
    members: BTreeMap<String, Member>,
    member: Option<Member>,
    key: Option<Member>,
    value: Option<Member>,
    #[serde(rename = "enum")]
    words: Vec<String>,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    payload: Option<String>,
    flattened: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    shape: String,
    location: Option<Location>,
    location_name: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Location {
    Uri,
    Querystring,
    Header,
    Headers,
    StatusCode,
}

impl Model {
    /// The service's model.
    pub(crate) fn of(service: Service) -> &'static Self {
        static MODELS: OnceLock<[Model; 9]> = OnceLock::new();
        let models = MODELS.get_or_init(|| {
            [
                include_str!("../../model/ecs.json"),
                include_str!("../../model/eks.json"),
                include_str!("../../model/cloudwatch.json"),
                include_str!("../../model/sns.json"),
                include_str!("../../model/sqs.json"),
                include_str!("../../model/sts.json"),
                include_str!("../../model/s3.json"),
                include_str!("../../model/dynamodb.json"),
                include_str!("../../model/logs.json"),
            ]
            .map(|text| serde_json::from_str(text).expect("a model that model/trim.py wrote"))
        });
        &models[service as usize]
    }

    fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).expect("a shape that model/trim.py kept")
    }

    /// The input shape of an operation.
    fn input(&self, operation: &str) -> Option<&str> {
        self.operations.get(operation)?.input.as_deref()
    }

    /// Whether the operation may return the error of this code.
    fn may_refuse(&self, operation: &str, code: &str) -> bool {
        let operation = self.operations.get(operation);
        operation.is_some_and(|operation| operation.errors.values().any(|known| known == code))
    }
}

/// Refuses a request for an unknown operation, or one that violates its operation's model.
pub(crate) fn check(request: &Request, target: &Target) -> Result<(), Refusal> {
    let model = Model::of(target.service);
    if !model.operations.contains_key(&target.operation) {
        return Err(target.unknown());
    }
    let Some(shape) = model.input(&target.operation) else { return Ok(()) };
    let input = input::of(model, shape, request, target)?;
    model.check(shape, &input).map_err(|violation| refusal::of(target, &violation))
}

impl Member {
    /// Its name on the wire.
    fn wire_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}
