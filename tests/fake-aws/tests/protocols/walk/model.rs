//! The published API models in `model/`, parsed independently: the fake's own parser is under test.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// All services by their names.
pub(crate) fn all() -> BTreeMap<&'static str, Value> {
    [
        ("cloudwatch", include_str!("../../../model/cloudwatch.json")),
        ("dynamodb", include_str!("../../../model/dynamodb.json")),
        ("ecs", include_str!("../../../model/ecs.json")),
        ("eks", include_str!("../../../model/eks.json")),
        ("logs", include_str!("../../../model/logs.json")),
        ("s3", include_str!("../../../model/s3.json")),
        ("sns", include_str!("../../../model/sns.json")),
        ("sqs", include_str!("../../../model/sqs.json")),
        ("sts", include_str!("../../../model/sts.json")),
    ]
    .into_iter()
    .map(|(name, text)| (name, serde_json::from_str(text).unwrap()))
    .collect()
}

/// One operation and the model of its service.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    pub(super) service: &'a str,
    pub(super) name: &'a str,
    pub(super) model: &'a Value,
}

/// A shape: its name, and what the model says about it.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) name: &'a str,
    pub(super) says: &'a Value,
}

/// The operations of all services.
pub(super) fn operations<'a>(models: &'a BTreeMap<&'static str, Value>) -> Vec<Operation<'a>> {
    let of = |(service, model): (&&'static str, &'a Value)| {
        let service: &'static str = service;
        model["operations"].as_object().unwrap().keys().map(move |name| Operation { service, name, model })
    };
    models.iter().flat_map(of).collect()
}

impl<'a> Operation<'a> {
    /// Its input shape; `None` without an input.
    pub(super) fn input(self) -> Option<Shape<'a>> {
        self.direction("input")
    }

    pub(super) fn output(self) -> Option<Shape<'a>> {
        self.direction("output")
    }

    fn direction(self, direction: &str) -> Option<Shape<'a>> {
        Some(self.shape(self.model["operations"][self.name][direction].as_str()?))
    }

    pub(super) fn shape(self, name: &'a str) -> Shape<'a> {
        let says = &self.model["shapes"][name];
        assert!(says.is_object(), "{} has no shape {name}", self.service);
        Shape { name, says }
    }

    /// The shape that `member`, `key` or `value` of a list or map refers to, or a member of a
    /// structure.
    pub(super) fn target(self, reference: &'a Value) -> Shape<'a> {
        self.shape(reference["shape"].as_str().unwrap())
    }

    /// The wire codes of the errors that the model lists.
    pub(super) fn errors(self) -> Vec<&'a str> {
        let errors = self.model["operations"][self.name]["errors"].as_object().unwrap();
        errors.values().filter_map(Value::as_str).collect()
    }

    /// `ecs:ListClusters`
    pub(super) fn full_name(self) -> String {
        format!("{}:{}", self.service, self.name)
    }
}

impl<'a> Shape<'a> {
    pub(super) fn kind(self) -> &'a str {
        self.says["type"].as_str().unwrap()
    }

    pub(super) fn members(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.says["members"].as_object().unwrap_or(&NONE).iter()
    }

    pub(super) fn required(self) -> Vec<&'a str> {
        self.words("required")
    }

    /// The allowed texts, if they are limited.
    pub(super) fn words(self, list: &str) -> Vec<&'a str> {
        self.says[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn min(self) -> Option<i64> {
        self.says["min"].as_i64()
    }

    pub(super) fn max(self) -> Option<i64> {
        self.says["max"].as_i64()
    }
}

/// The name of a member on the wire.
pub(super) fn wire_name<'a>(name: &'a str, reference: &'a Value) -> &'a str {
    reference["locationName"].as_str().unwrap_or(name)
}
