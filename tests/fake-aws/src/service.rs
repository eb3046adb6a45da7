//! Finds the service and operation of a request, and words the service's errors.

use crate::model::Model;
use crate::request::Request;
use crate::wire::{Answer, Refusal, cbor, cbor_as_json, form, json, rest_xml, xml};

/// The services that are faked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ecs,
    Eks,
    CloudWatch,
    Sns,
    Sqs,
    Sts,
    S3,
    DynamoDb,
    Logs,
}

/// A request's service and operation.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) service: Service,
    /// Without the service's name.
    pub(crate) operation: String,
    /// The parameters of a Query request, which include its operation.
    pub(crate) form: Vec<(String, String)>,
    /// `service:Operation`, as in IAM policies. Services that are not faked keep their signing
    /// name.
    pub(crate) name: String,
}

impl Service {
    /// The prefix of the service's actions in IAM policies.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Eks => "eks",
            Self::CloudWatch => "cloudwatch",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
            Self::S3 => "s3",
            Self::DynamoDb => "dynamodb",
            Self::Logs => "logs",
        }
    }

    /// The operation that a request names in the service's own way; `None` if it names none.
    fn operation(self, request: &Request, form: &[(String, String)]) -> Option<String> {
        let model = Model::of(self);
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let is_post = request.method == "POST";
        let name = match self {
            Self::Eks | Self::S3 => model.routed(request)?,
            Self::Sns | Self::Sts => {
                value("Action").filter(|_| is_post && value("Version") == Some(&model.version))?
            }
            Self::CloudWatch if request.header("x-amz-target").is_empty() => {
                let path = request.path.strip_prefix("/service/").filter(|_| is_post)?;
                path.strip_prefix(model.prefix.as_str())?.strip_prefix("/operation/")?
            }
            Self::Ecs | Self::CloudWatch | Self::DynamoDb | Self::Sqs | Self::Logs => {
                let target = request.header("x-amz-target");
                let rest =
                    target.strip_prefix(model.prefix.as_str()).filter(|_| is_post && request.path == "/");
                rest?.strip_prefix('.')?
            }
        };
        Some(name.to_owned())
    }

    /// XML namespace of the services that have one.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            _ => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    /// Throttling, in the service's own words.
    pub(crate) fn throttle(self) -> Refusal {
        match self {
            Self::Ecs | Self::CloudWatch | Self::Logs => Refusal::bad("ThrottlingException", "Rate exceeded"),
            Self::Eks => Refusal::new(429, "ThrottlingException", "Rate exceeded"),
            Self::Sns => Refusal::new(429, "Throttled", "Rate exceeded"),
            Self::Sqs => Refusal::new(403, "RequestThrottled", "Request is throttled."),
            Self::Sts => Refusal::bad("Throttling", "Rate exceeded"),
            Self::S3 => Refusal::new(503, "SlowDown", "Please reduce your request rate."),
            Self::DynamoDb => Refusal::bad(
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
        }
    }

    /// A missing permission, in the service's own words.
    pub(crate) fn denied(self, action: &str, account: &str) -> Refusal {
        let message = format!(
            "User: arn:aws:sts::{account}:assumed-role/fake/fake is not authorized to perform: {action}"
        );
        match self {
            Self::Ecs | Self::DynamoDb | Self::Sqs | Self::Logs => {
                Refusal::bad("AccessDeniedException", message)
            }
            Self::Eks => Refusal::new(403, "AccessDeniedException", message),
            Self::Sns => Refusal::new(403, "AuthorizationError", message),
            Self::CloudWatch | Self::Sts | Self::S3 => Refusal::new(403, "AccessDenied", message),
        }
    }

    /// Writes an error in the service's wire format.
    pub(crate) fn error(self, refusal: &Refusal, request: &Request, request_id: &str) -> Answer {
        match self {
            Self::Ecs | Self::Logs => json::error(json::Version::V1_1, refusal),
            Self::Eks => crate::eks::error(refusal),
            Self::Sqs => crate::sqs::error(refusal),
            Self::DynamoDb => json::error(json::Version::V1_0, refusal),
            Self::CloudWatch if request.header("x-amz-target").is_empty() => cbor::error(refusal),
            Self::CloudWatch => cbor_as_json::answer(cbor::error(refusal)),
            Self::Sns | Self::Sts => xml::error(self.namespace(), refusal, request_id),
            Self::S3 => rest_xml::error(refusal, &request.path, request_id, request.method == "HEAD"),
        }
    }
}

impl Target {
    /// By the service in the credential scope; unsigned requests by their format.
    pub(crate) fn of(request: &Request) -> Self {
        let rpc = request.header("x-amz-target");
        let form = if request.header("content-type").starts_with("application/x-www-form") {
            form::parse(&String::from_utf8_lossy(&request.body))
        } else {
            Vec::new()
        };
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let service = match request.signing_name.as_str() {
            "ecs" => Some(Service::Ecs),
            "eks" => Some(Service::Eks),
            "monitoring" => Some(Service::CloudWatch),
            "sns" => Some(Service::Sns),
            "sqs" => Some(Service::Sqs),
            "sts" => Some(Service::Sts),
            "s3" => Some(Service::S3),
            "dynamodb" => Some(Service::DynamoDb),
            "logs" => Some(Service::Logs),
            _ => None,
        };
        let by_form = || {
            if rpc.starts_with("AmazonEC2ContainerService") {
                Service::Ecs
            } else if rpc.starts_with("DynamoDB_") {
                Service::DynamoDb
            } else if rpc.starts_with("Logs_") {
                Service::Logs
            } else if rpc.starts_with("AmazonSQS.") {
                Service::Sqs
            } else if request.path.starts_with("/service/") || rpc.starts_with("GraniteService") {
                Service::CloudWatch
            } else if value("Version").is_some_and(|version| version == "2011-06-15") {
                Service::Sts
            } else if value("Action").is_some() {
                Service::Sns
            } else if rpc.is_empty() {
                Service::S3
            } else {
                // Another JSON service: the refusal is in the format of ECS.
                Service::Ecs
            }
        };
        let known = service.is_some() || request.signing_name.is_empty();
        let service = service.unwrap_or_else(by_form);
        let prefix = if known { service.prefix() } else { &request.signing_name };
        let operation = service.operation(request, &form);
        // For an unknown operation the call log keeps the raw name.
        let asked = operation.clone().unwrap_or_else(|| match (rpc.rsplit_once('.'), value("Action")) {
            (Some((_, operation)), _) => operation.to_owned(),
            (None, Some(action)) => action.clone(),
            (None, None) => format!("{} {}", request.method, request.path),
        });
        let name = format!("{prefix}:{asked}");
        Self { service, operation: operation.unwrap_or_default(), form, name }
    }

    /// The value of a Query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The response to an operation that is not faked: not retried by SDKs, and with a clear
    /// message.
    pub(crate) fn unknown(&self) -> Refusal {
        let message = format!("fake-aws does not know {}", self.name);
        match self.service {
            Service::Sns | Service::Sts => Refusal::bad("InvalidAction", message),
            Service::S3 => Refusal::new(501, "NotImplemented", message),
            Service::Eks => Refusal::new(404, "UnknownOperationException", message),
            _ => Refusal::bad("UnknownOperationException", message),
        }
    }
}
