//! Operators and the types that they need.

use super::Evaluated;
use super::error::{EvaluateError, EvaluateErrorKind, fail};
use crate::expression::convert;
use crate::expression::number::Number;
use crate::expression::{BinaryOperator, Span};
use crate::value::Value;

pub(super) fn boolean_of(value: &Value, what: &'static str, span: Span) -> Result<Option<bool>, EvaluateError> {
    match value {
        Value::Null => fail(span, EvaluateErrorKind::Null { what }),
        Value::List(_) | Value::Object(_) | Value::Number(_) => {
            fail(span, EvaluateErrorKind::Type { what, expected: "a bool", found: value.type_name() })
        }
        _ => convert::to_bool(value).or_else(|kind| fail(span, kind)),
    }
}

pub(super) fn number_of(value: &Value, what: &'static str, span: Span) -> Result<Option<Number>, EvaluateError> {
    match value {
        Value::Null => fail(span, EvaluateErrorKind::Null { what }),
        Value::List(_) | Value::Object(_) | Value::Bool(_) => {
            fail(span, EvaluateErrorKind::Type { what, expected: "a number", found: value.type_name() })
        }
        _ => convert::to_number(value).or_else(|kind| fail(span, kind)),
    }
}

pub(super) fn number_value(number: Number, span: Span) -> Evaluated {
    number.json().map(Value::Number).map_or_else(|| fail(span, EvaluateErrorKind::NumberTooLarge), Ok)
}

pub(super) fn arithmetic(operator: BinaryOperator, left: Number, right: Number, span: Span) -> Evaluated {
    let order = left.compare(right);
    let number = match operator {
        BinaryOperator::Less => return Ok(Value::Bool(order.is_lt())),
        BinaryOperator::LessOrEqual => return Ok(Value::Bool(order.is_le())),
        BinaryOperator::Greater => return Ok(Value::Bool(order.is_gt())),
        BinaryOperator::GreaterOrEqual => return Ok(Value::Bool(order.is_ge())),
        BinaryOperator::Divide | BinaryOperator::Modulo if right.is_zero() => {
            return fail(span, EvaluateErrorKind::DivisionByZero);
        }
        BinaryOperator::Divide => left.divide(right),
        BinaryOperator::Modulo => left.remainder(right),
        BinaryOperator::Subtract => left.subtract(right),
        BinaryOperator::Multiply => left.multiply(right),
        _ => left.add(right),
    };
    number_value(number, span)
}
