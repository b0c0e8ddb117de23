//! Checks of single values against the rules of their attributes. Pure: what else exists in the cloud is checked there.

use std::cmp::Ordering;

use ipnet::Ipv4Net;
use terrace_domain::value::Value;

use super::attribute::{Attribute, NAME_LENGTH_MAX, Rule, Source};

/// What is wrong with a value, as a sentence's end: "must not be empty". Unknown values are never wrong.
pub(crate) fn complaint(attribute: &Attribute, value: &Value) -> Option<String> {
    match value {
        Value::Null => matches!(attribute.source, Source::Required).then(|| "must be given".to_owned()),
        Value::Number(number) if number.as_i64().is_none() => Some("must be a whole number".to_owned()),
        Value::String(text) if text.is_empty() && attribute.refers_to.is_some() => {
            Some("must be an id, and is empty".to_owned())
        }
        Value::String(text) if text.is_empty() && matches!(attribute.source, Source::Required) => {
            (!attribute.sensitive).then(|| "must not be empty".to_owned())
        }
        Value::List(items) if items.contains(&Value::Null) => Some("must not have a null in it".to_owned()),
        Value::Object(entries) if entries.values().any(|value| *value == Value::Null) => {
            Some("must not have a null in it".to_owned())
        }
        value => attribute.rules.iter().find_map(|rule| broken(*rule, value)),
    }
}

fn broken(rule: Rule, value: &Value) -> Option<String> {
    match (rule, value) {
        (Rule::Name, Value::String(name)) => {
            let length = name.chars().count();
            if length == 0 {
                Some("must not be empty".to_owned())
            } else if length > NAME_LENGTH_MAX {
                Some(format!("has at most {NAME_LENGTH_MAX} characters, and this has {length}"))
            } else {
                name.chars().any(char::is_control).then(|| "must not have control characters".to_owned())
            }
        }
        (Rule::Cidr, Value::String(text)) => cidr(text).err(),
        (Rule::Between(least, most), Value::Number(number)) => {
            let inside = number.as_i64().is_some_and(|number| (least..=most).contains(&number));
            (!inside).then(|| format!("must be between {least} and {most}, and is {number}"))
        }
        _ => None,
    }
}

/// Reads an IPv4 network. Bits below the mask must be zero, as clouds ask for.
pub(crate) fn cidr(text: &str) -> Result<Ipv4Net, String> {
    let network: Ipv4Net =
        text.parse().map_err(|_| format!("must be an IPv4 network like 10.0.0.0/16, and is `{text}`"))?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!("has address bits below its mask: `{text}` would be `{}`", network.trunc()))
    }
}

/// What is wrong with changing a value in place.
pub(crate) fn change_complaint(attribute: &Attribute, old: &Value, new: &Value) -> Option<String> {
    attribute.rules.iter().find_map(|rule| match (rule, old, new) {
        (Rule::NeverSmaller, Value::Number(old), Value::Number(new)) => {
            (new.as_i64() < old.as_i64()).then(|| format!("can only grow in place: it is {old} and would become {new}"))
        }
        (Rule::NeverOlder, Value::String(old), Value::String(new)) => (by_version(new, old) == Ordering::Less)
            .then(|| format!("cannot go down in place: it is {old} and would become {new}")),
        _ => None,
    })
}

/// Orders versions part by part, numbers as numbers: `1.9` before `1.10`.
fn by_version(left: &str, right: &str) -> Ordering {
    let parts = |version: &str| -> Vec<String> { version.split(['.', '-', '+']).map(str::to_owned).collect() };
    let (left, right) = (parts(left), parts(right));
    for (left, right) in left.iter().zip(&right) {
        let order = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            _ => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn of(kind: &str, attribute: &str, value: impl Into<Value>) -> Option<String> {
        let attribute = Kind::named(kind).expect("a kind").attribute(attribute).expect("an attribute");
        complaint(attribute, &value.into())
    }

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn values_are_held_to_their_rules() {
        assert_eq!(of("network", "cidr", text("10.0.0.0/16")), None);
        assert_eq!(of("network", "cidr", Value::Unknown), None);
        for wrong in ["10.0.0.1/16", "10.0.0.0/33", "10.0.0.0", "fd00::/8", "", "x"] {
            assert!(of("network", "cidr", text(wrong)).is_some(), "{wrong}");
        }
        assert!(of("network", "name", Value::Null).is_some());
        assert!(of("network", "name", text("")).is_some());
        assert!(of("network", "name", text("a\nb")).is_some());
        assert!(of("network", "name", text(&"n".repeat(256))).is_some());
        assert_eq!(of("network", "name", text(&"n".repeat(255))), None);
        assert!(of("node_group", "nodes", Value::Number(1001.into())).is_some());
        assert!(of("node_group", "nodes", Value::Number((-1).into())).is_some());
        assert!(of("node_group", "nodes", Value::Number(serde_json::Number::from_f64(1.5).expect("finite"))).is_some());
        assert_eq!(of("node_group", "nodes", Value::Number(0.into())), None);
        assert!(of("cluster", "subnet_ids", Value::List(vec![Value::Null])).is_some());
        assert_eq!(of("secret", "value", text("")), None, "an empty secret is a secret");
        assert!(of("service", "database_id", text("")).is_some());
        assert_eq!(of("service", "database_id", Value::Null), None);
    }

    #[test]
    fn some_values_only_go_up() {
        let change = |kind: &str, attribute: &str, old, new| {
            change_complaint(Kind::named(kind).expect("a kind").attribute(attribute).expect("one"), &old, &new)
        };
        assert!(change("database", "size_gb", Value::Number(20.into()), Value::Number(10.into())).is_some());
        assert_eq!(change("database", "size_gb", Value::Number(10.into()), Value::Number(20.into())), None);
        assert!(change("cluster", "version", text("1.10"), text("1.9")).is_some());
        assert_eq!(change("cluster", "version", text("1.9"), text("1.10")), None);
        assert_eq!(change("cluster", "version", text("1.9"), text("1.9.1")), None);
        assert_eq!(change("database", "version", text("16"), text("15")), None);
    }
}
