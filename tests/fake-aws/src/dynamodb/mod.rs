//! Amazon DynamoDB. <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/>

mod condition;
mod lexer;
mod names;
mod query;
mod update;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::condition::Condition;
use self::names::Names;
use crate::request::Request;
use crate::service::Target;
use crate::wire::{Outcome, Refusal, json as wire};
use crate::world::World;

/// Attributes in DynamoDB JSON: `{"pk": {"S": "..."}}`.
type Item = Map<String, Value>;

/// The size limit of an item; this counts its JSON text, which is slightly larger than DynamoDB's
/// count.
const ITEM: usize = 400 * 1024;

/// Legacy parameters from before expressions.
const LEGACY: [&str; 6] = [
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
];

/// A table with string keys.
#[derive(Debug)]
pub(crate) struct Table {
    partition: String,
    sort: Option<String>,
    items: BTreeMap<(String, String), Item>,
}

impl Table {
    pub(crate) fn new(partition: &str, sort: Option<&str>) -> Self {
        let (partition, sort) = (partition.to_owned(), sort.map(str::to_owned));
        Self { partition, sort, items: BTreeMap::new() }
    }

    pub(crate) fn insert(&mut self, item: &Value) {
        let item = item.as_object().cloned().unwrap_or_default();
        let key = self.key(&item).unwrap_or_else(|refusal| panic!("{}", refusal.message));
        self.items.insert(key, item);
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.items.values().cloned().map(Value::Object).collect()
    }

    /// The key attributes' values; without a sort key the second is empty.
    fn key(&self, item: &Item) -> Result<(String, String), Refusal> {
        let text = |name: &String| match item.get(name).and_then(|value| value["S"].as_str()) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(invalid(format!("One of the required keys was not given a value: {name}"))),
        };
        Ok((text(&self.partition)?, self.sort.as_ref().map(text).transpose()?.unwrap_or_default()))
    }

    /// Like [`Table::key`], for a `Key` parameter, which has the key attributes and no others.
    fn exact_key(&self, input: &Value) -> Result<((String, String), Item), Refusal> {
        let item = input["Key"].as_object().cloned().unwrap_or_default();
        let key = self.key(&item)?;
        if item.len() != 1 + usize::from(self.sort.is_some()) {
            return Err(invalid("The provided key element does not match the schema"));
        }
        Ok((key, item))
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("ValidationException", message)
}

pub(crate) fn call(request: &Request, target: &Target, world: &mut World) -> Outcome {
    let operation: fn(&mut Table, &Value) -> Result<Value, Refusal> = match target.operation.as_str() {
        "GetItem" => get,
        "PutItem" => put,
        "UpdateItem" => update_item,
        "DeleteItem" => delete,
        "Query" => query::call,
        _ => return Err(target.unknown()),
    };
    let input = wire::input(&request.body)?;
    if let Some(legacy) = LEGACY.iter().find(|legacy| !input[**legacy].is_null()) {
        return Err(invalid(format!("fake-aws does not fake the legacy parameter {legacy}")));
    }
    let missing = || Refusal::bad("ResourceNotFoundException", "Requested resource not found");
    if !world.is_home(&request.account, &request.region) {
        return Err(missing());
    }
    let name = input["TableName"].as_str().unwrap_or_default();
    // A table may be named by its ARN, too.
    let name = name.rsplit('/').next().unwrap_or_default();
    let table = world.tables.get_mut(name).ok_or_else(missing)?;
    Ok(wire::output(wire::Version::V1_0, &operation(table, &input)?))
}

fn get(table: &mut Table, input: &Value) -> Result<Value, Refusal> {
    let (key, _) = table.exact_key(input)?;
    let mut names = Names::new(input);
    let wanted = names.projection(input["ProjectionExpression"].as_str())?;
    names.all_used()?;
    Ok(match table.items.get(&key) {
        None => json!({}),
        Some(item) => json!({ "Item": names::project(item, wanted.as_deref()) }),
    })
}

fn put(table: &mut Table, input: &Value) -> Result<Value, Refusal> {
    let item = input["Item"].as_object().cloned().unwrap_or_default();
    let key = table.key(&item)?;
    let mut names = Names::new(input);
    let old = table.items.get(&key).cloned();
    check(input, &mut names, old.as_ref())?;
    names.all_used()?;
    check_size(&item)?;
    table.items.insert(key, item);
    returned(input, old, None)
}

fn delete(table: &mut Table, input: &Value) -> Result<Value, Refusal> {
    let (key, _) = table.exact_key(input)?;
    let mut names = Names::new(input);
    check(input, &mut names, table.items.get(&key))?;
    names.all_used()?;
    let old = table.items.remove(&key);
    returned(input, old, None)
}

fn update_item(table: &mut Table, input: &Value) -> Result<Value, Refusal> {
    let (key, key_item) = table.exact_key(input)?;
    let mut names = Names::new(input);
    let old = table.items.get(&key).cloned();
    check(input, &mut names, old.as_ref())?;
    let mut item = old.clone().unwrap_or_else(|| key_item.clone());
    let touched = match input["UpdateExpression"].as_str() {
        None => Vec::new(),
        Some(text) => update::apply(text, &mut names, &mut item)?,
    };
    names.all_used()?;
    if let Some(name) = touched.iter().find(|name| key_item.contains_key(*name)) {
        let message = format!("Cannot update attribute {name}. This attribute is part of the key");
        return Err(invalid(message));
    }
    check_size(&item)?;
    table.items.insert(key, item.clone());
    returned(input, old, Some((item, touched)))
}

/// Refuses the write unless its condition holds for the existing item.
fn check(input: &Value, names: &mut Names, old: Option<&Item>) -> Result<(), Refusal> {
    let Some(text) = input["ConditionExpression"].as_str() else {
        return Ok(());
    };
    if Condition::parse(text, names)?.holds(old.unwrap_or(&Item::new())) {
        return Ok(());
    }
    let mut refusal = Refusal::bad("ConditionalCheckFailedException", "The conditional request failed");
    if input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
        refusal.extra = old.map(|item| ("Item", Value::Object(item.clone())));
    }
    Err(refusal)
}

fn check_size(item: &Item) -> Result<(), Refusal> {
    if serde_json::to_string(item).is_ok_and(|text| text.len() <= ITEM) {
        Ok(())
    } else {
        Err(invalid("Item size has exceeded the maximum allowed size"))
    }
}

/// The response to a write, with the attributes that `ReturnValues` requests.
fn returned(input: &Value, old: Option<Item>, new: Option<(Item, Vec<String>)>) -> Result<Value, Refusal> {
    let attributes = match (input["ReturnValues"].as_str().unwrap_or("NONE"), new) {
        ("NONE", _) => None,
        ("ALL_OLD", _) => old,
        ("ALL_NEW", Some((item, _))) => Some(item),
        ("UPDATED_NEW", Some((item, touched))) => Some(names::project(&item, Some(&touched))),
        ("UPDATED_OLD", Some((_, touched))) => old.map(|item| names::project(&item, Some(&touched))),
        (other, _) => return Err(invalid(format!("ReturnValues {other} is not valid here"))),
    };
    Ok(match attributes {
        Some(attributes) => json!({ "Attributes": attributes }),
        None => json!({}),
    })
}
