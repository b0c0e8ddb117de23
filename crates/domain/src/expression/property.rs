//! Properties of evaluation: it always ends with a value or an error, and what is unknown only ever makes more unknown.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    BinaryOperator as Op, Expression, ExpressionKind as Kind, For, ReferenceTarget, ResolveError, Scope, Span,
    SplatStep, UnaryOperator, convert, evaluate, function, references,
};
use crate::value::Value;

/// The names that generated references use.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Values by name.
pub(super) struct Named(pub(super) Vec<Value>);

impl Scope for Named {
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
        match target {
            ReferenceTarget::Environment(Some(key)) => NAMES
                .iter()
                .position(|name| name == key)
                .map(|at| self.0[at].clone())
                .ok_or_else(|| ResolveError::new("no such value")),
            _ => Err(ResolveError::new("no such value")),
        }
    }
}

fn expression(kind: Kind) -> Expression {
    Expression { kind, span: Span::default() }
}

fn literal(value: Value) -> Expression {
    expression(Kind::Literal(value))
}

/// Values from a small store, so that they meet again and fit together; now and then an odd one.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        3 => any::<bool>().prop_map(Value::Bool),
        4 => (-1i64..4).prop_map(|n| Value::Number(n.into())),
        4 => proptest::sample::select(vec!["a", "b", "k", "1", "true", "", "%s", "%d-%v", "10.0.0.0/8"]).prop_map(Value::from),
        1 => any::<i64>().prop_map(|n| Value::Number(n.into())),
        1 => any::<f64>().prop_map(|n| serde_json::Number::from_f64(n).map_or(Value::Null, Value::Number)),
        1 => "[ab/%$0-9.]{0,6}".prop_map(Value::String),
    ]
}

fn list(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::vec(item, 0..4).prop_map(Value::List)
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[abk]", value, 0..4).prop_map(Value::Object)
}

fn known_value() -> impl Strategy<Value = Value> {
    let deeper = |inner: BoxedStrategy<Value>| prop_oneof![list(inner.clone()), object(inner)];
    prop_oneof![scalar(), list(scalar()), object(scalar()), scalar().prop_recursive(3, 12, 3, deeper)]
}

/// A value and the same with some parts unknown.
fn with_less(value: impl Strategy<Value = Value>) -> impl Strategy<Value = (Value, Value)> {
    (value, any::<u64>()).prop_map(|(value, seed)| {
        let mut seed = seed;
        let less = forget(&value, &mut seed);
        (value, less)
    })
}

/// An object, a list, a scalar and anything, each with the same less.
fn four_values() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    let four = (
        with_less(object(known_value())),
        with_less(list(known_value())),
        with_less(scalar()),
        with_less(known_value()),
    );
    four.prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().unzip())
}

/// The value with parts of it forgotten, one of four or so.
fn forget(value: &Value, seed: &mut u64) -> Value {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    if *seed >> 62 == 0 {
        return Value::Unknown;
    }
    match value {
        Value::List(items) => Value::List(items.iter().map(|item| forget(item, seed)).collect()),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), forget(value, seed))).collect())
        }
        other => other.clone(),
    }
}

fn reference() -> impl Strategy<Value = Expression> {
    proptest::sample::select(NAMES.as_slice())
        .prop_map(|name| expression(Kind::Attribute(Box::new(expression(Kind::Variable("env".into()))), name.into())))
}

pub(super) fn any_expression() -> impl Strategy<Value = Expression> {
    let bound = prop_oneof![Just("x"), Just("k")].prop_map(|name| expression(Kind::Variable(name.into())));
    let leaf = prop_oneof![3 => reference(), 2 => known_value().prop_map(literal), 1 => bound];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let some = proptest::collection::vec(inner.clone(), 0..4);
        let names: Vec<&'static str> = function::names().collect();
        prop_oneof![
            some.clone().prop_map(|items| expression(Kind::List(items))),
            some.clone().prop_map(|parts| expression(Kind::Template(parts))),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(|e| expression(Kind::Object(e))),
            (inner.clone(), "[abk]").prop_map(|(base, name)| expression(Kind::Attribute(Box::new(base), name))),
            (inner.clone(), inner.clone())
                .prop_map(|(base, key)| expression(Kind::Index(Box::new(base), Box::new(key)))),
            (inner.clone(), inner.clone(), "[abk]").prop_map(|(base, key, name)| {
                expression(Kind::Splat(Box::new(base), vec![SplatStep::Attribute(name), SplatStep::Index(key)]))
            }),
            (inner.clone(), "[abk]")
                .prop_map(|(base, name)| { expression(Kind::Splat(Box::new(base), vec![SplatStep::Attribute(name)])) }),
            (proptest::sample::select(names), some, any::<bool>()).prop_map(|(name, arguments, expand_final)| {
                expression(Kind::Call { name: name.to_owned(), arguments, expand_final })
            }),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| { expression(Kind::Conditional(Box::new([c, a, b]))) }),
            (any::<bool>(), inner.clone()).prop_map(|(not, operand)| {
                let operator = if not { UnaryOperator::Not } else { UnaryOperator::Negate };
                expression(Kind::Unary(operator, Box::new(operand)))
            }),
            (operator(), inner.clone(), inner.clone())
                .prop_map(|(operator, a, b)| expression(Kind::Binary(operator, Box::new([a, b])))),
            (
                inner.clone(),
                proptest::option::of(inner.clone()),
                inner.clone(),
                any::<bool>(),
                proptest::option::of(inner)
            )
                .prop_map(|(collection, key, value, grouping, condition)| {
                    expression(Kind::For(Box::new(For {
                        key_name: Some("k".into()),
                        value_name: "x".into(),
                        collection,
                        key,
                        value,
                        grouping,
                        condition,
                    })))
                }),
        ]
    })
}

fn operator() -> impl Strategy<Value = Op> {
    proptest::sample::select(vec![
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::GreaterOrEqual,
        Op::Add,
        Op::Subtract,
        Op::Multiply,
        Op::Divide,
        Op::Modulo,
        Op::And,
        Op::Or,
    ])
}

/// Whether `more` says all that `less` says: an unknown part may have become anything, a known one must be the same.
fn agrees(less: &Value, more: &Value) -> bool {
    match (less, more) {
        (Value::Unknown, _) => true,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agrees(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && agrees(a, b))
        }
        _ => convert::equal(less, more) == Some(true),
    }
}

/// Answers only what was found, with something that most steps can go on from.
struct Only(Vec<ReferenceTarget>);

impl Scope for Only {
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
        assert!(self.0.contains(target), "{target} was not found");
        Ok(Value::Object(BTreeMap::from([("a".to_owned(), Value::List(vec![Value::Bool(true)]))])))
    }
}

/// Checks a result with less known against the same with all known.
fn compare<E: std::fmt::Debug>(less: &Result<Value, E>, known: &Result<Value, E>) -> Result<(), TestCaseError> {
    if let (Ok(less), Ok(known)) = (less, known) {
        prop_assert!(agrees(less, known), "{less:?} became {known:?}");
    }
    prop_assert!(known.is_err() || less.is_ok(), "{less:?}, though it works once all is known: {known:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_unknown_only_makes_more_unknown(expression in any_expression(), (known, less) in four_values()) {
        let (known, less) = (evaluate(&expression, &Named(known)), evaluate(&expression, &Named(less)));
        compare(&less, &known)?;
    }

    #[test]
    fn functions_know_what_is_unknown(arguments in proptest::collection::vec(with_less(known_value()), 0..4)) {
        let (known, less): (Vec<_>, Vec<_>) = arguments.into_iter().unzip();
        for function in function::names().filter_map(|name| function::find(name).ok()) {
            compare(&function.call(&less), &function.call(&known))?;
        }
    }

    #[test]
    fn an_attempt_decides_nothing_by_what_is_unknown((known, less) in four_values(), first in any_expression()) {
        let arguments = vec![first, literal("otherwise".into())];
        let attempt = expression(Kind::Call { name: "try".to_owned(), arguments, expand_final: false });
        compare(&evaluate(&attempt, &Named(less)), &evaluate(&attempt, &Named(known)))?;
    }

    #[test]
    fn all_references_are_found(expression in any_expression()) {
        // With every reference that the walker finds answered, evaluation asks for no other.
        let found: Vec<ReferenceTarget> = references(&expression).into_iter().map(|found| found.target).collect();
        let _ = evaluate(&expression, &Only(found));
    }
}

#[test]
fn depth_has_a_limit() {
    let deep = (0..300).fold(literal(Value::Null), |inner, _| expression(Kind::List(vec![inner])));
    let error = evaluate(&deep, &Named(vec![Value::Null; 4])).unwrap_err();
    assert_eq!(error.kind, super::EvaluateErrorKind::TooDeep);
}
