//! What a rule gave, read as conftest reads it: a message, a set of messages, or objects with a `msg`. Owns what counts as a finding; a value
//! that says nothing certain is a problem, for a gate must not pass over it.

use regorus::Value;
use terrace_domain::policy::PolicyFinding;

use crate::rules::RuleName;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It speaks against the plan.
    Deny,
    /// It is only told.
    Warn,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The rule.
    pub rule: RuleName,
    /// The file of the rule.
    pub file: String,
    /// The line where the rule begins.
    pub line: u32,
    /// What it says.
    pub message: String,
    /// What else its object holds, beside `msg`; null where it holds nothing.
    pub details: serde_json::Value,
}

/// A rule that was not asked, because an `exception` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The rule.
    pub rule: RuleName,
    /// The file of the rule.
    pub file: String,
    /// The line where the rule begins.
    pub line: u32,
}

/// What a rule says: the message, and the rest of the object where it is one.
pub(crate) type Said = (String, serde_json::Value);

/// The key of an object that holds its message.
const MESSAGE_KEY: &str = "msg";

impl Severity {
    /// The word in JSON: `deny` or `warn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
        }
    }
}

impl Finding {
    /// As the domain has it.
    pub(crate) fn to_domain(&self) -> PolicyFinding {
        PolicyFinding {
            is_warning: self.severity == Severity::Warn,
            file: self.file.clone(),
            rule: self.rule.to_string(),
            message: self.message.clone(),
        }
    }
}

/// What a rule's value says, each with the element that says it. The error is what is wrong with the value.
pub(crate) fn said(value: &Value, rule: &RuleName) -> Result<Vec<(Value, Said)>, String> {
    match value {
        Value::Undefined | Value::Bool(false) => Ok(Vec::new()),
        Value::Bool(true) => Ok(vec![(value.clone(), (format!("`{}` holds", rule.name), serde_json::Value::Null))]),
        Value::Set(set) => set.iter().map(|item| Ok((item.clone(), one(item)?))).collect(),
        Value::Array(items) => items.iter().map(|item| Ok((item.clone(), one(item)?))).collect(),
        Value::Object(entries) if entries.is_empty() => Ok(Vec::new()),
        Value::String(_) | Value::Object(_) => Ok(vec![(value.clone(), one(value)?)]),
        Value::Number(_) | Value::Null => Err(format!("it gives {}, and not messages", kind_of(value))),
    }
}

fn one(item: &Value) -> Result<Said, String> {
    match item {
        Value::String(message) => Ok((message.to_string(), serde_json::Value::Null)),
        Value::Object(_) => {
            let serde_json::Value::Object(mut entries) = serde_json::to_value(item).unwrap_or_default() else {
                return Err("it gives an object that cannot be read".to_owned());
            };
            let Some(serde_json::Value::String(message)) = entries.remove(MESSAGE_KEY) else {
                return Err(format!("it gives an object without a text `{MESSAGE_KEY}`"));
            };
            let details = if entries.is_empty() { serde_json::Value::Null } else { entries.into() };
            Ok((message, details))
        }
        other => Err(format!("it gives {} where a message belongs", kind_of(other))),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "nothing",
    }
}

/// The texts in a value, at any depth of arrays and sets: how `exception` names rules.
pub(crate) fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Set(items) => items.iter().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Said>, String> {
        let rule = RuleName { package: vec!["main".to_owned()], name: "deny".to_owned() };
        let found = said(&Value::from_json_str(json).unwrap(), &rule)?;
        Ok(found.into_iter().map(|(_, said)| said).collect())
    }

    #[test]
    fn values_that_say_something() {
        let null = serde_json::Value::Null;
        assert_eq!(read("false"), Ok(vec![]));
        assert_eq!(read("[]"), Ok(vec![]));
        assert_eq!(read("{}"), Ok(vec![]));
        assert_eq!(read("true"), Ok(vec![("`deny` holds".to_owned(), null.clone())]));
        assert_eq!(read("\"no\""), Ok(vec![("no".to_owned(), null.clone())]));
        assert_eq!(
            read(r#"["a", { "msg": "b", "id": 7 }]"#),
            Ok(vec![("a".to_owned(), null), ("b".to_owned(), serde_json::json!({ "id": 7 }))])
        );
    }

    #[test]
    fn values_that_say_nothing_certain_are_refused() {
        for (json, what) in [
            ("3", "it gives a number, and not messages"),
            ("null", "it gives null, and not messages"),
            ("[3]", "it gives a number where a message belongs"),
            (r#"[{ "message": "x" }]"#, "it gives an object without a text `msg`"),
            (r#"[{ "msg": 3 }]"#, "it gives an object without a text `msg`"),
            ("[[\"a\"]]", "it gives an array where a message belongs"),
        ] {
            assert_eq!(read(json), Err(what.to_owned()), "{json}");
        }
    }
}
