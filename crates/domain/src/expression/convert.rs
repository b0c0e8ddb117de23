//! Converts values from one type to another, and compares them, as Terraform does (Terraform language, "Type Conversion").

use std::borrow::Cow;

use super::number::Number;
use crate::value::Value;

/// A value that cannot be converted. Says nothing of the value but its type: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// No value of its type can.
    #[error("expected {expected}, found {found}")]
    Type {
        /// The type wanted, with its article.
        expected: &'static str,
        /// The type there is.
        found: &'static str,
    },
    /// The text does not have the form.
    #[error("the string is not {expected}")]
    Form {
        /// What it should be.
        expected: &'static str,
    },
}

impl ConvertError {
    fn of(value: &Value, expected: &'static str) -> Self {
        Self::Type { expected, found: value.type_name() }
    }
}

/// A value as a text, as `tostring` makes it; `None` when it is unknown or null.
pub fn text_of(value: &Value) -> Result<Option<String>, ConvertError> {
    if *value == Value::Null { Ok(None) } else { Ok(to_text(value)?.map(Cow::into_owned)) }
}

/// A text; `None` when it is unknown.
pub(super) fn to_text(value: &Value) -> Result<Option<Cow<'_, str>>, ConvertError> {
    Ok(Some(match value {
        Value::Unknown => return Ok(None),
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(known) => Cow::Borrowed(if *known { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(Number::of(number).to_string()),
        other => return Err(ConvertError::of(other, "a string")),
    }))
}

/// A number; `None` when it is unknown.
pub(super) fn to_number(value: &Value) -> Result<Option<Number>, ConvertError> {
    match value {
        Value::Unknown => Ok(None),
        Value::Number(number) => Ok(Some(Number::of(number))),
        Value::String(text) => Number::parse(text).map(Some).ok_or(ConvertError::Form { expected: "a number" }),
        other => Err(ConvertError::of(other, "a number")),
    }
}

/// A boolean; `None` when it is unknown.
pub(super) fn to_bool(value: &Value) -> Result<Option<bool>, ConvertError> {
    match value {
        Value::Unknown => Ok(None),
        Value::Bool(known) => Ok(Some(*known)),
        Value::String(text) => match text.as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(ConvertError::Form { expected: "`true` or `false`" }),
        },
        other => Err(ConvertError::of(other, "a bool")),
    }
}

/// Whether two values are equal; `None` when a part of one is unknown. Numbers are compared by value, other types never mix.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    if !(left.is_wholly_known() && right.is_wholly_known()) {
        return None;
    }
    Some(equal_known(left, right))
}

/// [`equal`] for values without an unknown part.
pub(super) fn equal_known(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Number::of(a).compare(Number::of(b)).is_eq(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_known(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && equal_known(a, b))
        }
        _ => left == right,
    }
}
