//! How each service words a violation of the model.

use super::Model;
use super::check::{Fault, Violation};
use crate::service::{Service, Target};
use crate::wire::Refusal;

pub(super) fn of(target: &Target, violation: &Violation) -> Refusal {
    let Violation { path, fault, value } = violation;
    match (target.service, fault) {
        // An unreadable request never reaches the service.
        (
            Service::Ecs
            | Service::Eks
            | Service::DynamoDb
            | Service::Sqs
            | Service::CloudWatch
            | Service::Logs,
            Fault::Type,
        ) => Refusal::bad("SerializationException", format!("The value of {path} is of another type.")),
        (Service::Sns, Fault::Missing) if path.starts_with("MessageAttributes.") => {
            let message = format!("The message attribute '{path}' must contain a value and a type.");
            Refusal::bad("ParameterValueInvalid", message)
        }
        (Service::Sns, Fault::Missing) => {
            let message = format!("Invalid parameter: {path} Reason: no value for required parameter");
            Refusal::bad("InvalidParameter", message)
        }
        (Service::Sns, _) => Refusal::bad("InvalidParameter", format!("Invalid parameter: {path}")),
        (Service::Sqs, Fault::Missing) => {
            Refusal::bad("MissingParameter", format!("The request must contain the parameter {path}."))
        }
        (Service::CloudWatch, Fault::Missing) => {
            Refusal::bad("MissingParameter", format!("The parameter {path} is required."))
        }
        (service, _) => Refusal::bad(code(service, target), sentence(path, fault, value)),
    }
}

/// The error code for a violated constraint.
fn code(service: Service, target: &Target) -> &'static str {
    let listed = |code: &&str| Model::of(service).may_refuse(&target.operation, code);
    match service {
        Service::DynamoDb => "ValidationException",
        Service::Ecs | Service::Logs => "InvalidParameterException",
        // EKS operations differ in the errors that they list.
        Service::Eks => ["InvalidParameterException", "InvalidRequestException"]
            .into_iter()
            .find(listed)
            .unwrap_or("ClientException"),
        Service::CloudWatch => Some("InvalidParameterValue").filter(listed).unwrap_or("ValidationError"),
        Service::Sqs => "InvalidParameterValue",
        Service::Sns => "InvalidParameter",
        Service::Sts => "ValidationError",
        Service::S3 => "InvalidArgument",
    }
}

/// As worded by the framework behind most services.
fn sentence(path: &str, fault: &Fault, value: &str) -> String {
    let constraint = match fault {
        Fault::Missing => "Member must not be null",
        Fault::Type => "Member must be of the model's type",
        Fault::Constraint(constraint) => constraint,
    };
    let value = if *fault == Fault::Missing { "null".to_owned() } else { format!("'{value}'") };
    format!(
        "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"
    )
}
