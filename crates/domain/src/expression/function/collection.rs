//! Functions on lists and objects.

use std::collections::BTreeMap;

use super::{Outcome, Refusal, integer_of, list_of, object_of, text_of};
use crate::expression::convert;
use crate::value::Value;

pub(super) fn length(arguments: &[Value]) -> Outcome {
    let length = match &arguments[0] {
        Value::List(items) => items.len(),
        Value::Object(entries) => entries.len(),
        Value::String(text) => text.chars().count(),
        other => return Err(Refusal(format!("expected a list, an object or a string, found {}", other.type_name()))),
    };
    Ok(Value::Number(length.into()))
}

pub(super) fn concat(arguments: &[Value]) -> Outcome {
    let mut all = Vec::new();
    for list in arguments {
        all.extend_from_slice(list_of(list)?);
    }
    Ok(Value::List(all))
}

pub(super) fn merge(arguments: &[Value]) -> Outcome {
    let mut all = BTreeMap::new();
    for object in arguments.iter().filter(|argument| **argument != Value::Null) {
        all.extend(object_of(object)?.clone());
    }
    Ok(Value::Object(all))
}

pub(super) fn lookup(arguments: &[Value]) -> Outcome {
    if arguments[..2].contains(&Value::Unknown) {
        return Ok(Value::Unknown);
    }
    let key = text_of(&arguments[1])?;
    let found = object_of(&arguments[0])?.get(&*key).or_else(|| arguments.get(2));
    found.cloned().ok_or_else(|| "the object has no such key, and there is no default".into())
}

pub(super) fn keys(arguments: &[Value]) -> Outcome {
    Ok(Value::List(object_of(&arguments[0])?.keys().map(|key| key.as_str().into()).collect()))
}

pub(super) fn values(arguments: &[Value]) -> Outcome {
    Ok(Value::List(object_of(&arguments[0])?.values().cloned().collect()))
}

pub(super) fn contains(arguments: &[Value]) -> Outcome {
    if arguments[0] == Value::Unknown {
        return Ok(Value::Unknown);
    }
    let mut unsure = false;
    for item in list_of(&arguments[0])? {
        match convert::equal(item, &arguments[1]) {
            Some(true) => return Ok(Value::Bool(true)),
            Some(false) => {}
            None => unsure = true,
        }
    }
    Ok(if unsure { Value::Unknown } else { Value::Bool(false) })
}

/// `element(list, index)`: the index wraps around.
pub(super) fn element(arguments: &[Value]) -> Outcome {
    let (items, index) = (list_of(&arguments[0])?, integer_of(&arguments[1])?);
    if items.is_empty() {
        return Err("the list is empty".into());
    }
    let index = u128::try_from(index).map_err(|_| Refusal("the index is negative".to_owned()))?;
    let at = usize::try_from(index % items.len() as u128).unwrap_or(0);
    Ok(items[at].clone())
}

pub(super) fn flatten(arguments: &[Value]) -> Outcome {
    let mut flat = Vec::new();
    if arguments[0] == Value::Unknown {
        return Ok(Value::Unknown);
    }
    let known = flatten_into(list_of(&arguments[0])?, &mut flat);
    Ok(if known { Value::List(flat) } else { Value::Unknown })
}

/// Whether all items are known: an unknown one may be a list of any length.
fn flatten_into(items: &[Value], flat: &mut Vec<Value>) -> bool {
    items.iter().all(|item| match item {
        Value::Unknown => false,
        Value::List(inner) => flatten_into(inner, flat),
        other => {
            flat.push(other.clone());
            true
        }
    })
}

pub(super) fn distinct(arguments: &[Value]) -> Outcome {
    let mut seen = std::collections::HashSet::new();
    let mut kept = Vec::new();
    let list = super::conversion::tolist(arguments)?;
    for item in list_of(&list)? {
        // The JSON text has one form for each value, so this is comparing values without comparing all with all.
        if seen.insert(super::conversion::json_text(item)?) {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(kept))
}

pub(super) fn sort(arguments: &[Value]) -> Outcome {
    let mut texts = Vec::new();
    for item in list_of(&arguments[0])? {
        texts.push(text_of(item)?.into_owned());
    }
    texts.sort_unstable();
    Ok(Value::List(texts.into_iter().map(Value::String).collect()))
}

pub(super) fn reverse(arguments: &[Value]) -> Outcome {
    Ok(Value::List(list_of(&arguments[0])?.iter().rev().cloned().collect()))
}

pub(super) fn compact(arguments: &[Value]) -> Outcome {
    let keep = |item: &&Value| !matches!(item, Value::Null) && **item != Value::String(String::new());
    Ok(Value::List(list_of(&arguments[0])?.iter().filter(keep).cloned().collect()))
}

pub(super) fn coalesce(arguments: &[Value]) -> Outcome {
    let empty = |value: &&Value| matches!(value, Value::Null) || **value == Value::String(String::new());
    arguments.iter().find(|value| !empty(value)).cloned().ok_or_else(|| "all arguments are null or empty".into())
}

pub(super) fn zipmap(arguments: &[Value]) -> Outcome {
    if arguments[1] == Value::Unknown || !arguments[0].is_wholly_known() {
        return Ok(Value::Unknown);
    }
    let (keys, values) = (list_of(&arguments[0])?, list_of(&arguments[1])?);
    if keys.len() != values.len() {
        return Err(Refusal(format!("{} keys, but {} values", keys.len(), values.len())));
    }
    let pairs = keys.iter().zip(values).map(|(key, value)| Ok((text_of(key)?.into_owned(), value.clone())));
    pairs.collect::<Result<_, Refusal>>().map(Value::Object)
}

pub(super) fn one(arguments: &[Value]) -> Outcome {
    match list_of(&arguments[0])? {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone()),
        more => Err(Refusal(format!("expected a list with one item or none, found {} items", more.len()))),
    }
}
