//! What a `for` makes.

use std::collections::BTreeMap;

use super::error::EvaluateErrorKind;
use crate::value::Value;

/// What a `for` has made so far.
#[derive(Default)]
pub(super) struct Gathered {
    pub list: Vec<Value>,
    pub object: BTreeMap<String, Value>,
    pub unknown: bool,
}

impl Gathered {
    /// Adds an entry of an object.
    pub(super) fn insert(&mut self, key: String, value: Value, grouping: bool) -> Result<(), EvaluateErrorKind> {
        if grouping {
            match self.object.entry(key).or_insert_with(|| Value::List(Vec::new())) {
                Value::List(items) => items.push(value),
                _ => unreachable!("groups are lists"),
            }
            return Ok(());
        }
        if self.object.contains_key(&key) {
            return Err(EvaluateErrorKind::DuplicateKey);
        }
        self.object.insert(key, value);
        Ok(())
    }
}
