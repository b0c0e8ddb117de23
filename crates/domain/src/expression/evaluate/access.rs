//! Attributes and items of values.

use super::Evaluated;
use super::error::{EvaluateError, EvaluateErrorKind, fail};
use super::operator::number_of;
use crate::expression::Span;
use crate::expression::convert;
use crate::expression::number::Number;
use crate::value::Value;

pub(super) fn attribute(base: Value, name: &str, span: Span) -> Evaluated {
    match base {
        Value::Unknown => Ok(Value::Unknown),
        Value::Object(mut entries) => entries
            .remove(name)
            .map_or_else(|| fail(span, EvaluateErrorKind::NoAttribute { name: name.to_owned() }), Ok),
        Value::Null => fail(span, EvaluateErrorKind::Null { what: "an attribute" }),
        other => fail(
            span,
            EvaluateErrorKind::Type { what: "an attribute", expected: "an object", found: other.type_name() },
        ),
    }
}

pub(super) fn index(base: Value, key: &Value, span: Span) -> Evaluated {
    match (base, key) {
        (Value::Null, _) | (_, Value::Null) => fail(span, EvaluateErrorKind::Null { what: "`[...]`" }),
        (Value::Unknown, _) | (Value::List(_) | Value::Object(_), Value::Unknown) => Ok(Value::Unknown),
        (Value::List(items), key) => {
            let number = number_of(key, "a position", span)?.and_then(Number::as_integer);
            let position = number.and_then(|integer| usize::try_from(integer).ok());
            let length = items.len();
            let item = position.and_then(|at| items.into_iter().nth(at));
            item.map_or_else(|| fail(span, EvaluateErrorKind::Position { length }), Ok)
        }
        (Value::Object(mut entries), key) => {
            let name = convert::to_text(key).map_err(|kind| EvaluateError { kind: kind.into(), span })?;
            let value = name.and_then(|name| entries.remove(&*name));
            value.map_or_else(|| fail(span, EvaluateErrorKind::NoKey), Ok)
        }
        (other, _) => {
            let (what, found) = ("`[...]`", other.type_name());
            fail(span, EvaluateErrorKind::Type { what, expected: "a list or an object", found })
        }
    }
}
