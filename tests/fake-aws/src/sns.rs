//! Amazon SNS. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::xml::{element, output};
use crate::wire::{Outcome, Refusal};
use crate::world::{Published, World};

/// Message and attributes together, in bytes.
const MESSAGE: usize = 262_144;
/// A subject is shorter than this.
const SUBJECT: usize = 100;

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let inner = match target.operation.as_str() {
        "Publish" => publish(request, target, world)?,
        "ListSubscriptionsByTopic" => subscriptions(request, target, world)?,
        "GetTopicAttributes" => topic_attributes(request, target, world)?,
        _ => return Err(target.unknown()),
    };
    let id = format!("00000000-0000-4000-8000-{:012x}", world.next_serial());
    Ok(output(Service::Sns.namespace(), &target.operation, &inner, &id))
}

fn invalid(message: &str) -> Refusal {
    Refusal::bad("InvalidParameter", format!("Invalid parameter: {message}"))
}

fn publish(request: &Request, target: &Target, world: &mut World) -> Result<String, Refusal> {
    if ["TargetArn", "PhoneNumber"].iter().any(|other| target.parameter(other).is_some()) {
        return Err(invalid("fake-aws publishes to topics alone"));
    }
    if target.parameter("MessageDeduplicationId").is_some() {
        let message =
            "The request includes MessageDeduplicationId parameter that is not valid for this topic type";
        return Err(invalid(message));
    }
    let topic_arn = topic(request, target, world)?;
    let subject = target.parameter("Subject");
    if let Some(subject) = subject {
        check_subject(subject)?;
    }
    let message = target.parameter("Message").unwrap_or_default();
    if message.is_empty() {
        return Err(invalid("Empty message"));
    }
    let attributes = attributes(target)?;
    if message.len() + attributes.iter().map(Attribute::bytes).sum::<usize>() > MESSAGE {
        return Err(invalid("Message too long"));
    }
    let structure = target.parameter("MessageStructure");
    match structure {
        None => {}
        Some("json") => check_structure(message)?,
        Some(_) => return Err(invalid("MessageStructure")),
    }
    world.published.push(Published {
        topic_arn,
        subject: subject.map(str::to_owned),
        message: message.to_owned(),
        structure: structure.map(str::to_owned),
        attributes: attributes.into_iter().map(|attribute| (attribute.name, attribute.value)).collect(),
    });
    Ok(element("MessageId", &format!("10000000-0000-4000-8000-{:012x}", world.next_serial())))
}

/// The topic must exist, in the requested Region, and belong to the caller.
fn topic(request: &Request, target: &Target, world: &World) -> Result<String, Refusal> {
    let arn = target.parameter("TopicArn").unwrap_or_default();
    let parts: Vec<&str> = arn.split(':').collect();
    if parts.len() != 6 || parts[2] != "sns" || parts[3] != request.region {
        return Err(invalid("TopicArn"));
    }
    if parts[4] != request.account {
        return Err(Service::Sns.denied(&target.name, &request.account));
    }
    if !world.topics.contains_key(arn) {
        return Err(Refusal::new(404, "NotFound", "Topic does not exist"));
    }
    Ok(arn.to_owned())
}

/// The API reference says "UTF-8 text with no line breaks or control characters, and less than 100
/// characters long"; earlier versions said ASCII that begins with a letter, a number or a
/// punctuation mark. This accepts only what both allow.
fn check_subject(subject: &str) -> Result<(), Refusal> {
    let printable = |character: char| character.is_ascii_graphic() || character == ' ';
    let legal = subject.len() < SUBJECT
        && subject.starts_with(|first: char| first.is_ascii_graphic())
        && subject.chars().all(printable);
    if legal { Ok(()) } else { Err(invalid("Subject")) }
}

/// With the structure `json` the message is an object of texts, including the default.
fn check_structure(message: &str) -> Result<(), Refusal> {
    let parsed: serde_json::Value = serde_json::from_str(message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    if parsed.get("default").is_some_and(serde_json::Value::is_string) {
        Ok(())
    } else {
        Err(invalid("Message Structure - No default entry in JSON message body"))
    }
}

/// An attribute of a message.
struct Attribute {
    name: String,
    kind: String,
    value: String,
}

impl Attribute {
    /// Its share of the message size.
    fn bytes(&self) -> usize {
        self.name.len() + self.kind.len() + self.value.len()
    }

    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
    fn check(&self) -> Result<(), Refusal> {
        let Self { name, kind, value } = self;
        let refuse = |why: String| Err(Refusal::bad("ParameterValueInvalid", why));
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let reserved = ["aws.", "amazon."].iter().any(|start| name.to_ascii_lowercase().starts_with(start));
        let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
        if name.is_empty() || name.len() > 256 || !name.bytes().all(legal) || reserved || dots {
            return refuse(format!("The message attribute name '{name}' is invalid."));
        }
        match kind.as_str() {
            "String.Array" if !is_array_of_scalars(value) => {
                refuse(format!("The message attribute '{name}' must be a JSON array of scalars."))
            }
            "Number" if value.parse::<f64>().is_err() => {
                refuse(format!("Could not cast message attribute '{name}' value to number."))
            }
            // A type may have a custom name after a dot.
            kind if ["String", "Number", "Binary"].contains(&kind.split('.').next().unwrap_or_default()) => {
                Ok(())
            }
            kind => refuse(format!(
                "The message attribute '{name}' has an invalid message attribute type: {kind}."
            )),
        }
    }
}

/// Strings, numbers, true, false and null can be used in subscription filters.
fn is_array_of_scalars(text: &str) -> bool {
    let parsed: Option<Vec<serde_json::Value>> = serde_json::from_str(text).ok();
    parsed.is_some_and(|items| items.iter().all(|item| !item.is_array() && !item.is_object()))
}

fn attributes(target: &Target) -> Result<Vec<Attribute>, Refusal> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for number in 1.. {
        let part = |part| target.parameter(&format!("MessageAttributes.entry.{number}.{part}"));
        let Some(name) = part("Name") else { break };
        let value = part("Value.StringValue").or(part("Value.BinaryValue")).unwrap_or_default();
        let kind = part("Value.DataType").unwrap_or_default();
        if value.is_empty() || kind.is_empty() {
            let message = format!("The message attribute '{name}' must contain a value and a type.");
            return Err(Refusal::bad("ParameterValueInvalid", message));
        }
        let attribute = Attribute { name: name.to_owned(), kind: kind.to_owned(), value: value.to_owned() };
        attribute.check()?;
        if attributes.iter().any(|other| other.name == attribute.name) {
            return Err(Refusal::bad(
                "ParameterValueInvalid",
                format!("Duplicate message attribute: {name}."),
            ));
        }
        attributes.push(attribute);
    }
    Ok(attributes)
}

/// Only the parameters that the tests need.
fn topic_attributes(request: &Request, target: &Target, world: &World) -> Result<String, Refusal> {
    let arn = topic(request, target, world)?;
    let confirmed = world.topics[&arn].len().to_string();
    let entry = |(key, value): (&str, &str)| {
        format!("<entry>{}{}</entry>", element("key", key), element("value", value))
    };
    let entries = [
        ("TopicArn", arn.as_str()),
        ("Owner", request.account.as_str()),
        ("SubscriptionsConfirmed", confirmed.as_str()),
        ("SubscriptionsPending", "0"),
        ("SubscriptionsDeleted", "0"),
    ];
    Ok(format!("<Attributes>{}</Attributes>", entries.map(entry).concat()))
}

fn subscriptions(request: &Request, target: &Target, world: &World) -> Result<String, Refusal> {
    let arn = topic(request, target, world)?;
    let members: String = world.topics[&arn]
        .iter()
        .enumerate()
        .map(|(number, (protocol, endpoint))| {
            [
                "<member>".to_owned(),
                element("SubscriptionArn", &format!("{arn}:{number:08}")),
                element("Owner", &request.account),
                element("Protocol", protocol),
                element("Endpoint", endpoint),
                element("TopicArn", &arn),
                "</member>".to_owned(),
            ]
            .concat()
        })
        .collect();
    Ok(format!("<Subscriptions>{members}</Subscriptions>"))
}
