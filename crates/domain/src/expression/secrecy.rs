//! Properties of errors: they never tell a value that came from a reference. It may be a secret, and errors are printed and kept.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::property::{Named, any_expression};
use super::{
    Expression, ExpressionKind as Kind, ReferenceTarget, ResolveError, Scope, Span, UnaryOperator, evaluate, function,
};
use crate::value::Value;

/// The text that no error may tell, in part or in whole. All its characters occur nowhere in messages, so that a single one that is
/// told is found.
const SECRET: &str = "ħџņŧėŗ²";

/// The number that no error may tell.
const SECRET_NUMBER: i64 = 8_675_309;

fn number() -> Value {
    Value::Number(SECRET_NUMBER.into())
}

fn keyed(key: &str, value: Value) -> Value {
    Value::Object(BTreeMap::from([(key.to_owned(), value)]))
}

/// The secret in all forms that outputs have, and in some that functions get far with before they refuse.
fn outputs() -> Vec<Value> {
    let text = || Value::from(SECRET);
    let list = Value::List(vec![text(), number(), Value::Null, text()]);
    vec![
        text(),
        number(),
        Value::List(vec![text(), text()]),
        keyed(SECRET, keyed(SECRET, text())),
        list.clone(),
        keyed("a", list),
        Value::from(format!("%{SECRET}").as_str()),
        Value::from(format!("10.0.0.0/{SECRET}").as_str()),
        Value::from(format!("/{SECRET}/").as_str()),
        Value::from(format!("-{SECRET_NUMBER}").as_str()),
    ]
}

/// What the outputs are used with.
fn others() -> Vec<Value> {
    let texts = ["%d", "%s", "%t %f", "10.0.0.0/8", "a"].map(Value::from);
    [Value::Null, Value::Bool(true), Value::Number(3.into()), Value::List(Vec::new()), keyed("a", Value::Null)]
        .into_iter()
        .chain(texts)
        .collect()
}

/// Fails when an error tells of the secret.
fn keeps(error: &impl std::error::Error, help: Option<String>) -> Result<(), TestCaseError> {
    let said = format!("{error} {error:?} {}", help.unwrap_or_default());
    prop_assert!(!said.contains(|c| SECRET.contains(c)), "{said}");
    prop_assert!(!said.contains(&SECRET_NUMBER.to_string()), "{said}");
    Ok(())
}

/// All ways to take so many values from a pool.
fn taken(pool: &[Value], count: usize) -> Vec<Vec<Value>> {
    (0..count).fold(vec![Vec::new()], |ways, _| {
        let longer = |way: Vec<Value>| pool.iter().map(move |value| [way.clone(), vec![value.clone()]].concat());
        ways.into_iter().flat_map(longer).collect()
    })
}

#[test]
fn no_function_tells_its_arguments() {
    let pool: Vec<Value> = outputs().into_iter().chain(others()).collect();
    let mut refused = 0;
    for count in 0..=3 {
        for arguments in taken(&pool, count) {
            for function in function::names().filter_map(|name| function::find(name).ok()) {
                if let Err(error) = function.call(&arguments) {
                    refused += 1;
                    keeps(&error, None).unwrap();
                }
            }
        }
    }
    assert!(refused > 10_000, "{refused} refusals are too few to learn from");
}

/// Every output has the same value.
struct Always(Value);

impl Scope for Always {
    fn resolve(&self, _: &ReferenceTarget) -> Result<Value, ResolveError> {
        Ok(self.0.clone())
    }
}

fn expression(kind: Kind) -> Expression {
    Expression { kind, span: Span::default() }
}

#[test]
fn no_step_tells_its_key() {
    let output = || Box::new(expression(Kind::Variable("output".to_owned())));
    for (value, base) in taken(&[outputs(), others()].concat(), 2).iter().map(|pair| (&pair[0], &pair[1])) {
        let base = Box::new(expression(Kind::Literal(base.clone())));
        let steps = [
            Kind::Index(base, output()),
            Kind::Index(output(), output()),
            Kind::Attribute(output(), "other".to_owned()),
            Kind::Unary(UnaryOperator::Negate, output()),
            Kind::Unary(UnaryOperator::Not, output()),
            Kind::Template(vec![*output(), *output()]),
            Kind::Object(vec![(*output(), *output())]),
        ];
        for step in steps {
            if let Err(error) = evaluate(&expression(step), &Always(value.clone())) {
                keeps(&error, error.help()).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_error_tells_an_output(
        expression in any_expression(),
        values in proptest::collection::vec(proptest::sample::select(outputs()), 4),
    ) {
        if let Err(error) = evaluate(&expression, &Named(values)) {
            keeps(&error, error.help())?;
        }
    }
}
