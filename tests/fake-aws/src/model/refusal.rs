//! How each service words that a request does not keep to its model.

use super::Model;
use super::check::{Fault, Violation};
use crate::service::{Service, Target};
use crate::wire::Refusal;

pub(super) fn of(target: &Target, violation: &Violation) -> Refusal {
    let Violation { path, fault, value } = violation;
    match (target.service, fault) {
        // What cannot be read at all never reaches the service.
        (
            Service::Ecs | Service::Eks | Service::DynamoDb | Service::Sqs | Service::CloudWatch,
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

/// The code of a constraint that does not hold.
fn code(service: Service, target: &Target) -> &'static str {
    let listed = |code: &&str| Model::of(service).may_refuse(&target.operation, code);
    match service {
        Service::DynamoDb => "ValidationException",
        Service::Ecs => "InvalidParameterException",
        // Not every operation of EKS lists the same errors.
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

/// As the framework behind most services says it.
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
