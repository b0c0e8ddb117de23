//! Reads JSON as Terraform does where a key stands twice in an object: both count, as if they were a list (HCL JSON syntax
//! specification, "Blocks"). A reader that takes the last alone would overlook a block.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value without lost keys.
pub(super) struct Whole(pub Value);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor).map(Self)
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Whole(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Whole(value))) = entries.next_entry::<String, Whole>()? {
            match object.get_mut(&key) {
                Some(first) => append(first, value),
                None => {
                    object.insert(key, value);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// Makes a list of both, in place: a hostile file may have millions of the same key.
fn append(first: &mut Value, more: Value) {
    if !first.is_array() {
        *first = Value::Array(vec![first.take()]);
    }
    if let Value::Array(items) = first {
        match more {
            Value::Array(more) => items.extend(more),
            single => items.push(single),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Whole;

    #[test]
    fn a_key_that_stands_twice_counts_twice() {
        let text = r#"{"a": [{"b": {}}], "a": {"b": {"c": 1, "c": -1.5}}, "d": [null, true, "x"]}"#;
        let Whole(read) = serde_json::from_str(text).unwrap();
        assert_eq!(read, json!({"a": [{"b": {}}, {"b": {"c": [1, -1.5]}}], "d": [null, true, "x"]}));
        let plain = r#"{"a": {"b": [1, {"c": 18446744073709551615}]}}"#;
        let Whole(read) = serde_json::from_str(plain).unwrap();
        assert_eq!(read, serde_json::from_str::<Value>(plain).unwrap());
    }
}
