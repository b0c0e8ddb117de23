//! Functions that convert values from one type to another.

use super::{Outcome, Refusal, list_of, number_value, object_of};
use crate::expression::convert;
use crate::expression::number::Number;
use crate::value::Value;

pub(super) fn tostring(arguments: &[Value]) -> Outcome {
    match &arguments[0] {
        Value::Null => Ok(Value::Null),
        value => Ok(super::text_of(value)?.as_ref().into()),
    }
}

pub(super) fn tonumber(arguments: &[Value]) -> Outcome {
    match &arguments[0] {
        Value::Null => Ok(Value::Null),
        value => number_value(super::number_of(value)?),
    }
}

pub(super) fn tobool(arguments: &[Value]) -> Outcome {
    match &arguments[0] {
        Value::Null => Ok(Value::Null),
        value => Ok(convert::to_bool(value)?.map_or(Value::Unknown, Value::Bool)),
    }
}

pub(super) fn tomap(arguments: &[Value]) -> Outcome {
    object_of(&arguments[0]).cloned().map(Value::Object)
}

/// A list has items of one type: where texts meet numbers or booleans, all become texts.
pub(super) fn tolist(arguments: &[Value]) -> Outcome {
    let items = list_of(&arguments[0])?;
    let mut types: Vec<_> = items.iter().filter(|item| **item != Value::Null).map(Value::type_name).collect();
    types.dedup();
    types.sort_unstable();
    types.dedup();
    if types.len() < 2 || types.iter().any(|name| matches!(*name, "list" | "object")) {
        return Ok(Value::List(items.to_vec()));
    }
    let as_text = |item: &Value| tostring(std::slice::from_ref(item));
    items.iter().map(as_text).collect::<Result<_, _>>().map(Value::List)
}

/// A set is kept as a list without duplicates, in Terraform's order: texts by their bytes, numbers by value.
pub(super) fn toset(arguments: &[Value]) -> Outcome {
    let Value::List(mut items) = tolist(arguments)? else { return Err("expected a list".into()) };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let order = match &item {
            Value::Number(number) => Number::of(number).as_f64(),
            _ => 0.0,
        };
        keyed.push((order, json_text(&item)?, item));
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| compare_texts(&a.2, &b.2)).then_with(|| a.1.cmp(&b.1)));
    keyed.dedup_by(|a, b| convert::equal_known(&a.2, &b.2));
    Ok(Value::List(keyed.into_iter().map(|(_, _, item)| item).collect()))
}

fn compare_texts(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    }
}

pub(super) fn jsonencode(arguments: &[Value]) -> Outcome {
    Ok(Value::String(json_text(&arguments[0])?))
}

/// JSON as Terraform writes it: no spaces, sorted keys, numbers without exponents, and `<`, `>`, `&` escaped so that it can stand in
/// HTML.
pub(super) fn json_text(value: &Value) -> Result<String, Refusal> {
    let mut text = String::new();
    write_json(value, &mut text)?;
    Ok(text)
}

fn write_json(value: &Value, text: &mut String) -> Result<(), Refusal> {
    match value {
        Value::Unknown => return Err("the value is not known yet".into()),
        Value::Null => text.push_str("null"),
        Value::Bool(known) => text.push_str(if *known { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&Number::of(number).to_string()),
        Value::String(string) => write_string(string, text),
        Value::List(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_json(item, text)?;
            }
            text.push(']');
        }
        Value::Object(entries) => {
            text.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write_json(value, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    for c in serde_json::Value::from(string).to_string().chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
}
