//! Functions on texts.

use super::{Outcome, Refusal, integer_of, list_of, text_of};
use crate::value::Value;

/// The longest text that a function makes, in bytes: a configuration file's own limit.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// A text in the making that refuses to grow past [`TEXT_MAX`].
#[derive(Default)]
pub(super) struct Builder(String);

impl Builder {
    pub(super) fn push(&mut self, piece: &str) -> Result<(), Refusal> {
        if self.0.len() + piece.len() > TEXT_MAX {
            return Err(Refusal(format!("the text would be longer than {TEXT_MAX} bytes")));
        }
        self.0.push_str(piece);
        Ok(())
    }

    pub(super) fn finish(self) -> Value {
        Value::String(self.0)
    }
}

pub(super) fn join(arguments: &[Value]) -> Outcome {
    let separator = text_of(&arguments[0])?;
    let mut joined = Builder::default();
    let mut first = true;
    for list in &arguments[1..] {
        for item in list_of(list)? {
            if !std::mem::replace(&mut first, false) {
                joined.push(&separator)?;
            }
            joined.push(&text_of(item)?)?;
        }
    }
    Ok(joined.finish())
}

pub(super) fn split(arguments: &[Value]) -> Outcome {
    let (separator, text) = (text_of(&arguments[0])?, text_of(&arguments[1])?);
    let pieces = if separator.is_empty() {
        text.chars().map(|c| Value::String(c.to_string())).collect()
    } else {
        text.split(&*separator).map(Value::from).collect()
    };
    Ok(Value::List(pieces))
}

pub(super) fn lower(arguments: &[Value]) -> Outcome {
    Ok(Value::String(text_of(&arguments[0])?.chars().map(|c| only(c.to_lowercase(), c)).collect()))
}

pub(super) fn upper(arguments: &[Value]) -> Outcome {
    Ok(Value::String(text_of(&arguments[0])?.chars().map(|c| only(c.to_uppercase(), c)).collect()))
}

/// Terraform changes character by character: what would become several, such as `ß`, stays as it is.
fn only(mut changed: impl Iterator<Item = char>, original: char) -> char {
    match (changed.next(), changed.next()) {
        (Some(one), None) => one,
        _ => original,
    }
}

pub(super) fn trimspace(arguments: &[Value]) -> Outcome {
    Ok(text_of(&arguments[0])?.trim().into())
}

pub(super) fn trimprefix(arguments: &[Value]) -> Outcome {
    let (text, prefix) = (text_of(&arguments[0])?, text_of(&arguments[1])?);
    Ok(text.strip_prefix(&*prefix).unwrap_or(&text).into())
}

pub(super) fn startswith(arguments: &[Value]) -> Outcome {
    Ok(Value::Bool(text_of(&arguments[0])?.starts_with(&*text_of(&arguments[1])?)))
}

pub(super) fn endswith(arguments: &[Value]) -> Outcome {
    Ok(Value::Bool(text_of(&arguments[0])?.ends_with(&*text_of(&arguments[1])?)))
}

/// Plain texts only: Terraform would take `/.../` for a regular expression, so such a text is refused and not misread.
pub(super) fn replace(arguments: &[Value]) -> Outcome {
    let (text, from, to) = (text_of(&arguments[0])?, text_of(&arguments[1])?, text_of(&arguments[2])?);
    if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
        return Err("regular expressions (`/.../`) are not supported here".into());
    }
    let mut replaced = Builder::default();
    for (at, piece) in text.split(&*from).enumerate() {
        if at > 0 {
            replaced.push(&to)?;
        }
        replaced.push(piece)?;
    }
    Ok(replaced.finish())
}

/// `substr(text, offset, length)`, in characters; a negative offset counts from the end, the length -1 means all the rest.
pub(super) fn substr(arguments: &[Value]) -> Outcome {
    let text = text_of(&arguments[0])?;
    let (offset, length) = (integer_of(&arguments[1])?, integer_of(&arguments[2])?);
    let count = i128::try_from(text.chars().count()).unwrap_or(i128::MAX);
    let start = if offset < 0 { (count.saturating_add(offset)).max(0) } else { offset.min(count) };
    let rest = count - start;
    let length = if length < 0 { rest } else { length.min(rest) };
    let within = |number: i128| usize::try_from(number).unwrap_or(0);
    Ok(Value::String(text.chars().skip(within(start)).take(within(length)).collect()))
}
