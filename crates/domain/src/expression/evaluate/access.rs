//! Attributes and items of values.

use super::Evaluated;
use super::error::{EvaluateError, EvaluateErrorKind, fail};
use super::operator::number_of;
use crate::diagnostic::nearest;
use crate::expression::Span;
use crate::expression::convert;
use crate::expression::number::Number;
use crate::value::Value;

pub(super) fn attribute(base: Value, name: &str, span: Span) -> Evaluated {
    match base {
        Value::Unknown => Ok(Value::Unknown),
        Value::Object(mut entries) => entries.remove(name).map_or_else(
            || {
                let nearest = nearest(name, entries.keys().map(String::as_str)).map(str::to_owned);
                fail(span, EvaluateErrorKind::NoAttribute { name: name.to_owned(), nearest })
            },
            Ok,
        ),
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
            position.and_then(|at| items.into_iter().nth(at)).map_or_else(
                || {
                    let index = convert::to_text(key).ok().flatten().unwrap_or_default().into_owned();
                    fail(span, EvaluateErrorKind::Position { index, length })
                },
                Ok,
            )
        }
        (object @ Value::Object(_), key) => {
            let name = convert::to_text(key).map_err(|kind| EvaluateError { kind: kind.into(), span })?;
            attribute(object, &name.unwrap_or_default(), span)
        }
        (other, _) => {
            let (what, found) = ("`[...]`", other.type_name());
            fail(span, EvaluateErrorKind::Type { what, expected: "a list or an object", found })
        }
    }
}
