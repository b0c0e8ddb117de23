//! Functions on numbers.

use super::{Outcome, Refusal, number_of, number_value};
use crate::expression::number::Number;
use crate::value::Value;

/// The most numbers that `range` makes: Terraform's own limit.
const RANGE_MAX: usize = 1024;

pub(super) fn abs(arguments: &[Value]) -> Outcome {
    let number = number_of(&arguments[0])?;
    number_value(if number.compare(Number::Integer(0)).is_lt() { number.negate() } else { number })
}

pub(super) fn ceil(arguments: &[Value]) -> Outcome {
    number_value(number_of(&arguments[0])?.round(f64::ceil))
}

pub(super) fn floor(arguments: &[Value]) -> Outcome {
    number_value(number_of(&arguments[0])?.round(f64::floor))
}

pub(super) fn max(arguments: &[Value]) -> Outcome {
    extreme(arguments, std::cmp::Ordering::is_gt)
}

pub(super) fn min(arguments: &[Value]) -> Outcome {
    extreme(arguments, std::cmp::Ordering::is_lt)
}

fn extreme(arguments: &[Value], better: fn(std::cmp::Ordering) -> bool) -> Outcome {
    let mut best = number_of(&arguments[0])?;
    for argument in &arguments[1..] {
        let number = number_of(argument)?;
        if better(number.compare(best)) {
            best = number;
        }
    }
    number_value(best)
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`.
pub(super) fn range(arguments: &[Value]) -> Outcome {
    let numbers = arguments.iter().map(number_of).collect::<Result<Vec<_>, _>>()?;
    let (start, limit) = if let [limit] = numbers[..] { (Number::Integer(0), limit) } else { (numbers[0], numbers[1]) };
    let falling = start.compare(limit).is_gt();
    let step = numbers.get(2).copied().unwrap_or(Number::Integer(if falling { -1 } else { 1 }));
    if step.is_zero() || step.compare(Number::Integer(0)).is_lt() != falling && start.compare(limit).is_ne() {
        return Err("the step leads away from the limit".into());
    }
    let mut made = Vec::new();
    let mut next = start;
    while if falling { next.compare(limit).is_gt() } else { next.compare(limit).is_lt() } {
        if made.len() == RANGE_MAX {
            return Err(Refusal(format!("more than {RANGE_MAX} numbers")));
        }
        made.push(number_value(next)?);
        next = next.add(step);
    }
    Ok(Value::List(made))
}
