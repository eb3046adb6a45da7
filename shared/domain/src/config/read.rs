//! Reads a tree into types without stopping at the first problem: a bad value, an unknown key or a
//! duplicate key is reported, and reading continues.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use jiff::SignedDuration;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::CONFIG_KEY;
use super::tree::{Key, Node, Value};
use crate::text::nearest::{hint, nearest};

/// The problems found, with their lines.
#[derive(Default)]
pub(super) struct Problems(RefCell<Vec<(u64, String)>>);

impl Problems {
    /// Adds a problem. `label` names the key and its owner, such as "rule `busy`: threshold".
    pub(super) fn add(&self, line: u64, label: &str, why: impl fmt::Display) {
        let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
        self.0.borrow_mut().push((line, format!("{CONFIG_KEY}:{line}: {label}{why}")));
    }

    /// One sentence per problem, in the order of the file.
    pub(super) fn into_sentences(self) -> Vec<String> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|(line, _)| *line);
        problems.into_iter().map(|(_, sentence)| sentence).collect()
    }
}

/// Reads a node and adds what is wrong to the problems; `None` if it cannot be read.
pub(super) fn read<'de, T: Deserialize<'de>>(node: &Node, label: &str, problems: &Problems) -> Option<T> {
    At::deserialize(Reader { node, label: label.to_owned(), problems }).ok().and_then(|at: At<T>| at.value)
}

/// A value with its line; `None` if it could not be read, which has then been reported.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub line: u64,
    pub value: Option<T>,
}

/// A word, text, number or boolean, as text.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct ScalarText(pub String);

/// A value of one of two shapes, with its line: a plain value, or a list or map. `None` if it could
/// not be read.
#[derive(Debug, Clone)]
pub(super) struct Either<P, C> {
    pub line: u64,
    pub value: Option<OneOf<P, C>>,
}

/// A plain value, or a list or map.
#[derive(Debug, Clone)]
pub(super) enum OneOf<P, C> {
    Plain(P),
    Compound(C),
}

/// Type name by which [`At`] and [`Either`] request line, shape and value in turn from the
/// [`Reader`].
const IN_PLACE: &str = "fargaze in place";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InPlace<T> {
            type Value = At<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of the file")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
                let line = parts.next_element()?.unwrap_or_default();
                let _shape: Option<bool> = parts.next_element()?;
                Ok(At { line, value: parts.next_element()? })
            }
        }
        deserializer.deserialize_newtype_struct(IN_PLACE, InPlace(PhantomData))
    }
}

impl<'de, P: Deserialize<'de>, C: Deserialize<'de>> Deserialize<'de> for Either<P, C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace<P, C>(PhantomData<(P, C)>);
        impl<'de, P: Deserialize<'de>, C: Deserialize<'de>> Visitor<'de> for InPlace<P, C> {
            type Value = Either<P, C>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of the file")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Either<P, C>, A::Error> {
                let line = parts.next_element()?.unwrap_or_default();
                let is_compound = parts.next_element()?.unwrap_or_default();
                let value = if is_compound {
                    parts.next_element()?.map(OneOf::Compound)
                } else {
                    parts.next_element()?.map(OneOf::Plain)
                };
                Ok(Either { line, value })
            }
        }
        deserializer.deserialize_newtype_struct(IN_PLACE, InPlace(PhantomData))
    }
}

/// Why a value cannot be read; line and key are added where it is reported.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

/// Serde's view of a node.
struct Reader<'a> {
    node: &'a Node,
    label: String,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    fn of(&self, node: &'a Node, label: String) -> Self {
        Reader { node, label, problems: self.problems }
    }

    /// Label of one of the keys. An entry named after its main key does not repeat it.
    fn label_of(&self, key: &str) -> String {
        match self.label.as_str() {
            "" => key.to_owned(),
            label if label == key => key.to_owned(),
            label => format!("{label}: {key}"),
        }
    }

    fn scalar(&self, expected: &str) -> Result<&'a str, Unreadable> {
        match &self.node.value {
            Value::Scalar(text) => Ok(text),
            Value::Nothing => Err(Unreadable(format!("has no value: write {expected}"))),
            Value::List(_) => Err(Unreadable(format!("is a list: write {expected}"))),
            Value::Map(_) => Err(Unreadable(format!("has keys of its own: write {expected}"))),
        }
    }

    fn number<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Unreadable> {
        let text = self.scalar(expected)?;
        text.parse().map_err(|_| {
            let seconds = text.parse::<SignedDuration>().ok().map(|duration| duration.as_secs());
            let seconds = seconds.map(|seconds| format!("; for a duration in seconds, `{seconds}`"));
            let seconds = seconds.unwrap_or_default();
            Unreadable(format!("`{text}` cannot be read: write {expected}{seconds}"))
        })
    }

    fn list(self) -> Result<Entries<'a>, Unreadable> {
        let entries = match &self.node.value {
            Value::List(entries) => entries.iter(),
            Value::Scalar(text) => {
                return Err(Unreadable(format!("`{text}` is not a list: write `[{text}]`")));
            }
            Value::Nothing | Value::Map(_) => {
                return Err(Unreadable("is not a list: begin each entry with `- `".to_owned()));
            }
        };
        Ok(Entries { entries, of: self })
    }

    fn entries(&self) -> Result<&'a [(Key, Node)], Unreadable> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            Value::Scalar(text) => Err(Unreadable(format!("`{text}` has no keys: write `key: value` lines"))),
            Value::Nothing => Ok(&[]),
            Value::List(_) => Err(Unreadable("is a list: write `key: value` lines".to_owned())),
        }
    }

    /// The entries of a map, each key once. Reports duplicate keys and, if `known` is given,
    /// unknown ones; the value of an unknown key is read as that of the key most likely meant.
    fn known_entries(
        &self,
        known: Option<&[&'static str]>,
    ) -> Result<std::vec::IntoIter<Entry<'a>>, Unreadable> {
        let mut good: Vec<Entry<'a>> = Vec::new();
        for (Key { line, text }, node) in self.entries()? {
            let unknown = known.filter(|known| !known.contains(&text.as_str()));
            let meant = match unknown {
                None => Some(text.as_str()),
                Some(known) => {
                    let why = format_args!("unknown key `{text}`: {}", hint(text, known)).to_string();
                    self.problems.add(*line, &self.label, why);
                    let given = self.entries()?;
                    let is_given = |key: &str| given.iter().any(|(given, _)| given.text == key);
                    nearest(text, known.iter().copied()).filter(|near| !is_given(near))
                }
            };
            let Some(key) = meant else { continue };
            if let Some(first) = good.iter().find(|entry| entry.key == key) {
                let why = format!("appears twice, first on line {}", first.line);
                self.problems.add(*line, &self.label_of(key), why);
            } else {
                good.push(Entry { key, line: *line, node });
            }
        }
        Ok(good.into_iter())
    }
}

/// A key of the map that is being read, with its value.
#[derive(Clone, Copy)]
struct Entry<'a> {
    key: &'a str,
    line: u64,
    node: &'a Node,
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.node.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Scalar(text) => visitor.visit_str(text),
            Value::List(_) => visitor.visit_seq(self.list()?),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if matches!(self.node.value, Value::Nothing) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.scalar("true or false")? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => Err(Unreadable(format!("`{text}` is neither true nor false"))),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i64(self.number("a whole number")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u32(self.number("a whole number, 0 or more")?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(self.scalar("one value")?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.list()?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let entries = self.known_entries(None)?;
        visitor.visit_map(Keys { entries, value: None, of: self })
    }

    /// A type whose name is a word of the file, such as `rule`, starts its own label.
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let given = self.node.get("name").and_then(Node::text);
            self.label = given.map_or_else(|| name.to_owned(), |given| format!("{name} `{given}`"));
        }
        let entries = self.known_entries(Some(fields))?;
        visitor.visit_map(Keys { entries, value: None, of: self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let text = self.scalar("one word")?;
        if variants.contains(&text) {
            let variant: StrDeserializer<'_, Unreadable> = text.into_deserializer();
            visitor.visit_enum(variant)
        } else {
            let all = variants.join(", ");
            let hint = hint(text, variants);
            let known = if hint.starts_with("did") { format!("{all}; {hint}") } else { all };
            Err(Unreadable(format!("`{text}` is not one of {known}")))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if name == IN_PLACE {
            visitor.visit_seq(InPlaceParts { of: self, visited: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 u8 u16 u64 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// Line, shape and value of a node in turn. A value that cannot be read is reported and ends the
/// sequence.
struct InPlaceParts<'a> {
    of: Reader<'a>,
    visited: u8,
}

impl<'de> de::SeqAccess<'de> for InPlaceParts<'_> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        let Reader { node, label, problems } = &self.of;
        self.visited += 1;
        match self.visited {
            1 => seed.deserialize(node.line.into_deserializer()).map(Some),
            2 => {
                let is_compound = matches!(node.value, Value::List(_) | Value::Map(_));
                seed.deserialize(is_compound.into_deserializer()).map(Some)
            }
            _ => match seed.deserialize(self.of.of(node, label.clone())) {
                Ok(value) => Ok(Some(value)),
                Err(why) => {
                    problems.add(node.line, label, why);
                    Ok(None)
                }
            },
        }
    }
}

/// The entries of a list.
struct Entries<'a> {
    entries: std::slice::Iter<'a, Node>,
    of: Reader<'a>,
}

impl<'de> de::SeqAccess<'de> for Entries<'_> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        let next = self.entries.next();
        next.map(|node| seed.deserialize(self.of.of(node, self.of.label.clone()))).transpose()
    }
}

/// The entries of a map.
struct Keys<'a> {
    entries: std::vec::IntoIter<Entry<'a>>,
    value: Option<Entry<'a>>,
    of: Reader<'a>,
}

impl<'de> de::MapAccess<'de> for Keys<'_> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unreadable> {
        self.value = self.entries.next();
        self.value.map(|entry| seed.deserialize(entry.key.into_deserializer())).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unreadable> {
        let Entry { key, node, .. } =
            self.value.ok_or_else(|| Unreadable("a value without a key".to_owned()))?;
        seed.deserialize(self.of.of(node, self.of.label_of(key)))
    }
}
