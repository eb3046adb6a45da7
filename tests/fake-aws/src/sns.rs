//! Amazon SNS. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use std::collections::BTreeMap;

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::xml::{element, output};
use crate::wire::{Outcome, Refusal};
use crate::world::{Published, World};

/// Message and attributes together, in bytes.
const MESSAGE: usize = 262_144;

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
    let bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if message.len() + bytes > MESSAGE {
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
        attributes,
    });
    Ok(element("MessageId", &format!("10000000-0000-4000-8000-{:012x}", world.next_serial())))
}

/// The topic must be there, in the Region that is asked, and the caller's own.
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

fn check_subject(subject: &str) -> Result<(), Refusal> {
    let legal = subject.chars().count() <= 100
        && subject.starts_with(|first: char| first.is_ascii_graphic())
        && !subject.chars().any(char::is_control);
    if legal { Ok(()) } else { Err(invalid("Subject")) }
}

/// With the structure `json` the message is an object of texts, one of them the default.
fn check_structure(message: &str) -> Result<(), Refusal> {
    let parsed: serde_json::Value = serde_json::from_str(message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    if parsed.get("default").is_some_and(serde_json::Value::is_string) {
        Ok(())
    } else {
        Err(invalid("Message Structure - No default entry in JSON message body"))
    }
}

fn attributes(target: &Target) -> Result<BTreeMap<String, String>, Refusal> {
    let mut attributes = BTreeMap::new();
    for number in 1.. {
        let part = |part| target.parameter(&format!("MessageAttributes.entry.{number}.{part}"));
        let Some(name) = part("Name") else { break };
        let value = part("Value.StringValue").or(part("Value.BinaryValue")).unwrap_or_default();
        if value.is_empty() || part("Value.DataType").is_none() {
            let message = format!("The message attribute '{name}' must contain a value and a type.");
            return Err(Refusal::bad("ParameterValueInvalid", message));
        }
        attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(attributes)
}

/// As far as anybody here asks for them.
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
