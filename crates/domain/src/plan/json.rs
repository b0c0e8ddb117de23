//! JSON values whose objects have no key twice: of two values under one key, two readers may believe different ones. Otherwise the same as
//! `serde_json::Value`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use super::error::TWICE;

/// What stands for a value that is not there.
pub(super) static NULL: Json = Json::Null;

/// Reads any value.
#[derive(Clone, Copy)]
pub(super) struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut all = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if all.insert(name, entries.next_value_seed(self)?).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Json::Object(all))
    }
}

/// Whether anything in a mask (`after_unknown`, `before_sensitive`) is marked.
pub(super) fn has_mark(mask: &Json) -> bool {
    marks(mask) > 0
}

/// How many places of a mask are marked.
pub(super) fn marks(mask: &Json) -> usize {
    match mask {
        Json::Bool(is_marked) => usize::from(*is_marked),
        Json::Array(items) => items.iter().map(marks).sum(),
        Json::Object(entries) => entries.values().map(marks).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Json, serde_json::Error> {
        Unique.deserialize(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn values_are_the_same_as_serde_reads_them() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5e300,0.1,"é\n",{"b":{}}],"c":[]}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Json>(text).unwrap());
    }

    #[test]
    fn a_key_that_is_there_twice_is_an_error_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#] {
            assert!(read(text).unwrap_err().to_string().starts_with(TWICE));
        }
        assert!(read(r#"{"a":{"b":1},"c":{"b":1}}"#).is_ok());
    }
}
