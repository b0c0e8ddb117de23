//! Values of the plugin protocol: msgpack from and to Terraform, JSON from state files. Owns both encodings, directed by the
//! attributes of a kind. Never trusts what comes in: length, depth and types are all checked.
//!
//! "Wire format" of Terraform's object encoding: an object is a map with every attribute of the schema in it, null is nil, a
//! number is an integer, a float or a text, and an unknown value is an extension (type 0, or 12 when it is refined).

use std::collections::BTreeMap;

use serde_json::Number;
use terrace_domain::value::Value;

use super::message::DynamicValue;
use crate::kind::{Attribute, Type};

/// How deep a value may nest: an object, a map or list in it, a text in that, each counted twice or thrice by the decoder.
const DEPTH_MAX: usize = 16;
/// The longest text in bytes: the largest secret that a real cloud keeps.
pub(crate) const TEXT_LENGTH_MAX: usize = 64 * 1024;
/// The most entries in a list or map.
pub(crate) const ENTRIES_MAX: usize = 1000;

/// A resource's attributes by name; one that is not there is null.
pub(crate) type Object = BTreeMap<&'static str, Value>;

/// Why bytes are not a value of the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ObjectError {
    /// Not msgpack at all.
    #[error("the value is not valid msgpack: {0}")]
    Msgpack(String),
    /// Not JSON at all.
    #[error("the value is not valid JSON: {0}")]
    Json(String),
    /// There are bytes after the value.
    #[error("there are {0} bytes after the value")]
    Trailing(usize),
    /// Msgpack or JSON, but not an object.
    #[error("the value is not an object")]
    NotAnObject,
    /// An attribute has a value of another type.
    #[error("`{attribute}` must be {expected}")]
    WrongType {
        /// The attribute.
        attribute: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A text or a collection is too long.
    #[error(
        "`{0}` is too long: a text has at most {TEXT_LENGTH_MAX} bytes, a list or map at most {ENTRIES_MAX} entries"
    )]
    TooLong(&'static str),
}

/// The value of an attribute; null when it is not there.
pub(crate) fn get<'o>(object: &'o Object, name: &str) -> &'o Value {
    object.get(name).unwrap_or(&Value::Null)
}

/// The text of an attribute, when it is a known text.
pub(crate) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    match get(object, name) {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Reads an object. `None` is null: there is no such resource.
pub(crate) fn decode(
    value: Option<&DynamicValue>,
    attributes: impl Iterator<Item = &'static Attribute>,
) -> Result<Option<Object>, ObjectError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => from_msgpack(&value.msgpack, attributes),
        Some(value) if !value.json.is_empty() => from_json(&value.json, attributes),
        _ => Ok(None),
    }
}

fn from_msgpack(
    mut bytes: &[u8],
    attributes: impl Iterator<Item = &'static Attribute>,
) -> Result<Option<Object>, ObjectError> {
    let value = rmpv::decode::read_value_with_max_depth(&mut bytes, DEPTH_MAX)
        .map_err(|error| ObjectError::Msgpack(error.to_string()))?;
    if !bytes.is_empty() {
        return Err(ObjectError::Trailing(bytes.len()));
    }
    let entries = match value {
        rmpv::Value::Nil => return Ok(None),
        rmpv::Value::Map(entries) => entries,
        _ => return Err(ObjectError::NotAnObject),
    };
    let mut by_name: BTreeMap<String, rmpv::Value> =
        entries.into_iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value))).collect();
    let mut object = Object::new();
    for attribute in attributes {
        if let Some(value) = by_name.remove(attribute.name) {
            object.insert(attribute.name, typed(attribute, plain(value))?);
        }
    }
    Ok(Some(object))
}

/// Reads an object as it stands in a state file. Attributes that the schema does not have are passed over.
pub(crate) fn from_json(
    bytes: &[u8],
    attributes: impl Iterator<Item = &'static Attribute>,
) -> Result<Option<Object>, ObjectError> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| ObjectError::Json(error.to_string()))?;
    match value {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::Object(entries) => from_json_entries(entries, attributes).map(Some),
        _ => Err(ObjectError::NotAnObject),
    }
}

/// Reads the attributes out of a JSON object.
pub(crate) fn from_json_entries(
    mut entries: serde_json::Map<String, serde_json::Value>,
    attributes: impl Iterator<Item = &'static Attribute>,
) -> Result<Object, ObjectError> {
    let mut object = Object::new();
    for attribute in attributes {
        if let Some(value) = entries.remove(attribute.name) {
            object.insert(attribute.name, typed(attribute, plain_json(value))?);
        }
    }
    Ok(object)
}

/// The known attributes as a JSON object; null and unknown ones are left out.
pub(crate) fn to_json(object: &Object) -> serde_json::Map<String, serde_json::Value> {
    object
        .iter()
        .filter(|(_, value)| **value != Value::Null)
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.to_json()?)))
        .collect()
}

/// Writes an object with every attribute in it; `None` is null.
pub(crate) fn encode(object: Option<&Object>, attributes: impl Iterator<Item = &'static Attribute>) -> DynamicValue {
    let value = match object {
        None => rmpv::Value::Nil,
        Some(object) => rmpv::Value::Map(
            attributes.map(|attribute| (attribute.name.into(), to_msgpack(get(object, attribute.name)))).collect(),
        ),
    };
    let mut msgpack = Vec::new();
    // Writing into memory fails only when memory is out, and then the process is gone.
    rmpv::encode::write_value(&mut msgpack, &value).expect("a Vec takes every write");
    DynamicValue { msgpack, json: Vec::new() }
}

fn to_msgpack(value: &Value) -> rmpv::Value {
    match value {
        Value::Unknown => rmpv::Value::Ext(0, vec![0]),
        Value::Null => rmpv::Value::Nil,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(whole)) => whole.into(),
            (None, None) => number.as_f64().map_or(rmpv::Value::Nil, Into::into),
        },
        Value::String(text) => text.as_str().into(),
        Value::List(items) => rmpv::Value::Array(items.iter().map(to_msgpack).collect()),
        Value::Object(entries) => {
            rmpv::Value::Map(entries.iter().map(|(key, value)| (key.as_str().into(), to_msgpack(value))).collect())
        }
    }
}

/// A msgpack value without regard to the schema. What msgpack has and Terraform does not is null, and refused by its type later.
fn plain(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(truth) => Value::Bool(truth),
        rmpv::Value::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Number(whole.into()),
            (None, whole) => Value::Number(whole.unwrap_or(u64::MAX).into()),
        },
        rmpv::Value::F32(number) => float(f64::from(number)),
        rmpv::Value::F64(number) => float(number),
        rmpv::Value::String(text) => Value::String(text.into_str().unwrap_or_default()),
        rmpv::Value::Array(items) => Value::List(items.into_iter().map(plain).collect()),
        rmpv::Value::Map(entries) => Value::Object(
            entries.into_iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), plain(value)))).collect(),
        ),
        rmpv::Value::Ext(..) => Value::Unknown,
        rmpv::Value::Binary(bytes) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn plain_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => Value::Number(number),
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(plain_json).collect()),
        serde_json::Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, plain_json(value))).collect())
        }
    }
}

/// The value, when it is one of the attribute's type (or null or unknown).
fn typed(attribute: &Attribute, value: Value) -> Result<Value, ObjectError> {
    let wrong = || ObjectError::WrongType { attribute: attribute.name, expected: attribute.r#type.words() };
    let is_part = |part: &Value| matches!(part, Value::String(_) | Value::Unknown | Value::Null);
    let value = match (attribute.r#type, value) {
        // A number that has no exact float comes as its decimal text.
        (Type::Number, Value::String(text)) => text.parse().map(Value::Number).map_err(|_| wrong())?,
        (_, value @ (Value::Null | Value::Unknown))
        | (Type::Text, value @ Value::String(_))
        | (Type::Number, value @ Value::Number(_))
        | (Type::Bool, value @ Value::Bool(_)) => value,
        (Type::Texts, Value::List(items)) if items.iter().all(is_part) => Value::List(items),
        (Type::TextMap, Value::Object(entries)) if entries.values().all(is_part) => Value::Object(entries),
        _ => return Err(wrong()),
    };
    if is_too_long(&value) { Err(ObjectError::TooLong(attribute.name)) } else { Ok(value) }
}

fn is_too_long(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() > TEXT_LENGTH_MAX,
        Value::List(items) => items.len() > ENTRIES_MAX || items.iter().any(is_too_long),
        Value::Object(entries) => {
            entries.len() > ENTRIES_MAX
                || entries.iter().any(|(key, value)| key.len() > TEXT_LENGTH_MAX || is_too_long(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::Kind;

    fn attributes() -> impl Iterator<Item = &'static Attribute> {
        Kind::named("cluster").expect("a kind").attributes().chain(Kind::named("database").expect("a kind").own)
    }

    fn value_of(attribute: &'static Attribute) -> BoxedStrategy<Value> {
        let part = || prop_oneof![9 => ".{0,20}".prop_map(Value::String), 1 => Just(Value::Unknown)];
        let known = match attribute.r#type {
            Type::Text => ".{0,20}".prop_map(Value::String).boxed(),
            Type::Number => any::<i64>().prop_map(|number| Value::Number(number.into())).boxed(),
            Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
            Type::Texts => prop::collection::vec(part(), 0..5).prop_map(Value::List).boxed(),
            Type::TextMap => prop::collection::btree_map(".{0,9}", part(), 0..5).prop_map(Value::Object).boxed(),
        };
        prop_oneof![1 => Just(Value::Null), 1 => Just(Value::Unknown), 8 => known].boxed()
    }

    fn object() -> impl Strategy<Value = Object> {
        let entries: Vec<_> =
            attributes().map(|attribute| value_of(attribute).prop_map(move |value| (attribute.name, value))).collect();
        entries.prop_map(Object::from_iter)
    }

    proptest! {
        #[test]
        fn objects_come_back_as_they_went(object in object()) {
            let decoded = decode(Some(&encode(Some(&object), attributes())), attributes());
            prop_assert_eq!(decoded, Ok(Some(object)));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _msgpack = decode(Some(&DynamicValue { msgpack: bytes.clone(), json: Vec::new() }), attributes());
            let _json = from_json(&bytes, attributes());
        }

        /// Bytes that begin well go deeper than random ones.
        #[test]
        fn no_cut_or_changed_bytes_cause_a_panic(object in object(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut msgpack = encode(Some(&object), attributes()).msgpack;
            let at = at.index(msgpack.len());
            let cut = decode(Some(&DynamicValue { msgpack: msgpack[..at].to_vec(), json: Vec::new() }), attributes());
            prop_assert!(at == 0 || cut.is_err());
            msgpack[at] = byte;
            let _changed = decode(Some(&DynamicValue { msgpack, json: Vec::new() }), attributes());
        }
    }

    #[test]
    fn terraforms_own_ways_with_numbers_and_unknowns_are_read() {
        let encoded = |value: rmpv::Value| {
            let mut msgpack = Vec::new();
            rmpv::encode::write_value(&mut msgpack, &rmpv::Value::Map(vec![("size_gb".into(), value)]))
                .expect("written");
            decode(Some(&DynamicValue { msgpack, json: Vec::new() }), attributes())
                .map(|object| get(&object.expect("an object"), "size_gb").clone())
        };
        assert_eq!(encoded(5.into()), Ok(Value::Number(5.into())));
        assert_eq!(encoded("5".into()), Ok(Value::Number(5.into())));
        assert_eq!(encoded(rmpv::Value::Ext(12, vec![0x81, 1, 0xc2])), Ok(Value::Unknown), "a refined unknown value");
        assert_eq!(encoded(rmpv::Value::Ext(0, vec![0])), Ok(Value::Unknown));
        for wrong in ["0.1.2".into(), rmpv::Value::Boolean(true), rmpv::Value::Array(vec![])] {
            let expected = ObjectError::WrongType { attribute: "size_gb", expected: "a whole number" };
            assert_eq!(encoded(wrong), Err(expected));
        }
    }
}
