//! Takes the values of sensitive outputs out of what programs and servers say.

use std::collections::BTreeSet;

use terrace_domain::value::Value;

use crate::instance::outputs::OwnOutputs;

/// What stands in the place of a value.
const MASK: &str = "(sensitive)";
/// Texts of fewer characters are no secrets, and would be found everywhere.
const CHARS_MIN: usize = 4;

/// The values that are not shown, the longest first.
#[derive(Debug, Default)]
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Hides all that is in sensitive outputs: each text, each line of it, and each number.
    pub(super) fn of(outputs: &OwnOutputs) -> Self {
        let mut secrets = BTreeSet::new();
        for (_, value) in outputs.sensitive() {
            collect(value, &mut secrets);
        }
        let mut secrets: Vec<_> = secrets.into_iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// The text without them.
    pub(super) fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }
}

fn collect(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let parts = std::iter::once(text.as_str()).chain(text.lines()).map(str::trim);
            for part in parts.filter(|part| part.chars().count() >= CHARS_MIN) {
                secrets.insert(part.to_owned());
                // As it stands in JSON.
                let quoted = serde_json::Value::from(part).to_string();
                secrets.insert(quoted[1..quoted.len() - 1].to_owned());
            }
        }
        Value::Number(number) => {
            let text = number.to_string();
            if text.len() >= CHARS_MIN {
                secrets.insert(text);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(entries) => entries.values().for_each(|entry| collect(entry, secrets)),
        Value::Unknown | Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sensitive_values_are_hidden_wherever_they_stand() {
        let outputs = OwnOutputs::from_json(json!({
            "token": { "value": { "a": ["s3cret", "s3cret-long"], "pin": 12345, "no": "abc" }, "sensitive": true },
            "key": { "value": "-----BEGIN-----\nMIIE\"x\n-----END-----\n", "sensitive": true },
            "url": { "value": "https://example.com", "sensitive": false },
        }));
        let mask = Mask::of(&outputs);
        let cases = [
            ("login s3cret-long, then s3cret", "login (sensitive), then (sensitive)"),
            ("pin=12345 abc https://example.com", "pin=(sensitive) abc https://example.com"),
            ("> MIIE\"x\n> -----END-----", "> (sensitive)\n> (sensitive)"),
            (r#"{"key":"MIIE\"x"}"#, r#"{"key":"(sensitive)"}"#),
        ];
        for (text, expected) in cases {
            assert_eq!(mask.apply(text), expected);
        }
    }
}
