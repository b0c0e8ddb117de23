//! Functions of Rego that Terrace brings itself, because the interpreter's own would take all of the memory for one wrong number: no time limit
//! helps against one huge allocation. Owns their limits.

use anyhow::{Result, bail};
use regorus::{Engine, Value};

/// The most elements of a range: a policy counts resources, and no plan has so many.
const RANGE_MAX: i64 = 1_000_000;

/// Puts them in the place of the interpreter's.
pub(crate) fn register(engine: &mut Engine) -> Result<()> {
    engine.add_extension("numbers.range".to_owned(), 2, Box::new(|args: Vec<Value>| range(&args, 1)))?;
    engine.add_extension("numbers.range_step".to_owned(), 3, Box::new(|args: Vec<Value>| range_step(&args)))
}

fn whole(value: &Value) -> Result<i64> {
    match value.as_i64() {
        Ok(number) => Ok(number),
        Err(_) => bail!("a whole number is expected, found {value}"),
    }
}

/// From the first to the second, both included, downwards where the second is the smaller.
fn range(args: &[Value], step: i64) -> Result<Value> {
    let (from, to) = (whole(&args[0])?, whole(&args[1])?);
    let distance = i128::from(to) - i128::from(from);
    if distance.abs() / i128::from(step) >= i128::from(RANGE_MAX) {
        bail!("the range has more than {RANGE_MAX} elements");
    }
    let mut values = Vec::new();
    let mut at = i128::from(from);
    let step = if distance < 0 { -i128::from(step) } else { i128::from(step) };
    while (step > 0 && at <= i128::from(to)) || (step < 0 && at >= i128::from(to)) {
        values.push(Value::from(at));
        at += step;
    }
    Ok(Value::from(values))
}

fn range_step(args: &[Value]) -> Result<Value> {
    let step = whole(&args[2])?;
    if step <= 0 {
        bail!("the step of a range must be greater than 0");
    }
    range(args, step)
}
