//! Values of expressions: JSON's, and *unknown* for what only an apply can tell.

use std::collections::BTreeMap;

/// A value of an expression. `Unknown` stands for a value that exists only after something is applied; it is never made up.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known before something is applied.
    Unknown,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    String(String),
    /// A list (Terraform's lists, sets and tuples).
    List(Vec<Value>),
    /// An object (Terraform's objects and maps).
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// Whether no part of the value is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Object(entries) => entries.values().all(Self::is_wholly_known),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The value as JSON; `None` when a part of it is unknown.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        Some(match self {
            Self::Unknown => return None,
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Number(n) => serde_json::Value::Number(n.clone()),
            Self::String(s) => s.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect::<Option<Vec<_>>>()?.into(),
            Self::Object(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, value)| Some((key.clone(), value.to_json()?))).collect::<Option<_>>()?,
            ),
        })
    }

    /// The type's name as Terraform says it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => Self::Number(n),
            serde_json::Value::String(s) => Self::String(s),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::Object(entries.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
