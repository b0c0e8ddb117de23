//! Evaluates expressions. Unknown values make unknown what depends on them and nothing else; they are never made up. Everything
//! that a hostile configuration could blow up has a limit.

use std::collections::BTreeMap;

use super::convert::{self, ConvertError};
use super::function::{self, FunctionError};
use super::number::Number;
use super::reference::target_of;
use super::scope::{ResolveError, Scope};
use super::{BinaryOperator, Expression, ExpressionKind, For, ReferenceTarget, Span, SplatStep, UnaryOperator};
use crate::diagnostic::nearest;
use crate::value::Value;

/// How deep expressions may be nested: far above what people write, far below what a thread's stack holds.
pub const DEPTH_MAX: usize = 256;

/// How much one evaluation may do and make, in steps and values plus bytes of text: an estate's largest honest value is a few
/// thousand, and ten of these at once still fit in memory.
pub const WORK_MAX: usize = 8 << 20;

/// An expression that cannot be evaluated, with the place of the part that cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct EvaluateError {
    /// What is wrong.
    pub kind: EvaluateErrorKind,
    /// Where, in the file of the expression.
    pub span: Span,
}

impl EvaluateError {
    /// What to do about it, a sentence.
    pub fn help(&self) -> Option<String> {
        match &self.kind {
            EvaluateErrorKind::Reference(error) => error.help.clone(),
            EvaluateErrorKind::NoAttribute { nearest, .. }
            | EvaluateErrorKind::Function(FunctionError::Unknown { nearest, .. }) => {
                nearest.as_ref().map(|near| format!("Did you mean `{near}`?"))
            }
            _ => None,
        }
    }

    fn is_limit(&self) -> bool {
        matches!(self.kind, EvaluateErrorKind::TooDeep | EvaluateErrorKind::TooMuch)
    }
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateErrorKind {
    /// A reference has no value.
    #[error(transparent)]
    Reference(#[from] ResolveError),
    /// A value has the wrong type for what is done with it.
    #[error("{what} needs {expected}, found {found}")]
    Type {
        /// What is done with it: an operator, a part of the syntax.
        what: &'static str,
        /// The type that it needs.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A text, or another value, is not of the form of the type that it is converted to.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// An object without the attribute.
    #[error("the object has no attribute `{name}`")]
    NoAttribute {
        /// The attribute asked for.
        name: String,
        /// The nearest that it has.
        nearest: Option<String>,
    },
    /// A position outside of a list.
    #[error("the list has {length} items, and none at position {index}")]
    Position {
        /// The position asked for.
        index: String,
        /// How many items there are.
        length: usize,
    },
    /// `null` has no attributes and cannot be computed with.
    #[error("{what} met null")]
    Null {
        /// What is done with it.
        what: &'static str,
    },
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A number that no double holds.
    #[error("the number is too large")]
    NumberTooLarge,
    /// Two entries of a `for` object with the same key.
    #[error("two entries have the key `{0}`; add `...` after the value to gather them in a list")]
    DuplicateKey(String),
    /// A function refuses.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("the expression is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// More than [`WORK_MAX`].
    #[error("the expression makes more than {WORK_MAX} values and bytes")]
    TooMuch,
}

type Evaluated = Result<Value, EvaluateError>;

/// Evaluates an expression. References get their values from the scope when they are met; what depends on an unknown value is
/// unknown, as in Terraform.
pub fn evaluate(expression: &Expression, scope: &dyn Scope) -> Evaluated {
    Evaluator { scope, bound: Vec::new(), depth: 0, work: 0, met_unknown: false }.evaluate(expression)
}

struct Evaluator<'s, 'e> {
    scope: &'s dyn Scope,
    /// Names bound by `for`, innermost last.
    bound: Vec<(&'e str, Value)>,
    depth: usize,
    work: usize,
    /// Whether a reference had an unknown part: `try` must not decide by an error that may yet go away.
    met_unknown: bool,
}

fn fail<T>(span: Span, kind: impl Into<EvaluateErrorKind>) -> Result<T, EvaluateError> {
    Err(EvaluateError { kind: kind.into(), span })
}

impl<'e> Evaluator<'_, 'e> {
    fn evaluate(&mut self, expression: &'e Expression) -> Evaluated {
        if self.depth == DEPTH_MAX {
            return fail(expression.span, EvaluateErrorKind::TooDeep);
        }
        self.spend(1, expression.span)?;
        self.depth += 1;
        let result = self.evaluate_kind(expression);
        self.depth -= 1;
        result
    }

    fn spend(&mut self, work: usize, span: Span) -> Result<(), EvaluateError> {
        self.work = self.work.saturating_add(work);
        if self.work > WORK_MAX { fail(span, EvaluateErrorKind::TooMuch) } else { Ok(()) }
    }

    /// Charges for a value that was made or copied.
    fn made(&mut self, value: Value, span: Span) -> Evaluated {
        self.spend(weight(&value), span)?;
        Ok(value)
    }

    /// Takes a value in from outside, noting whether it has an unknown part.
    fn met(&mut self, value: Value, span: Span) -> Evaluated {
        self.met_unknown |= !value.is_wholly_known();
        self.made(value, span)
    }

    fn evaluate_kind(&mut self, expression: &'e Expression) -> Evaluated {
        let span = expression.span;
        if let Some((root, target)) = target_of(expression) {
            if let Some(value) = self.bound_value(root) {
                // A bound root word under an attribute: only the word itself is a reference.
                if matches!(expression.kind, ExpressionKind::Variable(_)) {
                    return self.met(value, span);
                }
            } else {
                return self.resolve(&target, span);
            }
        }
        match &expression.kind {
            ExpressionKind::Literal(value) => self.met(value.clone(), span),
            ExpressionKind::Template(parts) => self.template(parts, span),
            ExpressionKind::List(items) => {
                items.iter().map(|item| self.evaluate(item)).collect::<Result<_, _>>().map(Value::List)
            }
            ExpressionKind::Object(entries) => self.object(entries),
            ExpressionKind::Variable(word) => self.resolve(&ReferenceTarget::Unknown(word.clone()), span),
            ExpressionKind::Attribute(base, name) => {
                let base = self.evaluate(base)?;
                attribute(base, name, span)
            }
            ExpressionKind::Index(base, key) => {
                let (base, key) = (self.evaluate(base)?, self.evaluate(key)?);
                index(base, &key, span)
            }
            ExpressionKind::Splat(base, steps) => self.splat(base, steps, span),
            ExpressionKind::Call { name, arguments, expand_final } => self.call(name, arguments, *expand_final, span),
            ExpressionKind::Conditional(parts) => self.conditional(parts),
            ExpressionKind::Unary(operator, operand) => self.unary(*operator, operand),
            ExpressionKind::Binary(operator, sides) => self.binary(*operator, sides, span),
            ExpressionKind::For(each) => self.for_each(each, span),
        }
    }

    fn bound_value(&self, name: &str) -> Option<Value> {
        self.bound.iter().rev().find(|(bound, _)| *bound == name).map(|(_, value)| value.clone())
    }

    fn resolve(&mut self, target: &ReferenceTarget, span: Span) -> Evaluated {
        let value = self.scope.resolve(target).map_err(|error| EvaluateError { kind: error.into(), span })?;
        self.met(value, span)
    }

    fn template(&mut self, parts: &'e [Expression], span: Span) -> Evaluated {
        let (mut text, mut unknown) = (String::new(), false);
        for part in parts {
            let value = self.evaluate(part)?;
            match convert::to_text(&value).map_err(|kind| EvaluateError { kind: kind.into(), span: part.span })? {
                None => unknown = true,
                Some(piece) => text.push_str(&piece),
            }
        }
        if unknown { Ok(Value::Unknown) } else { self.made(Value::String(text), span) }
    }

    fn object(&mut self, entries: &'e [(Expression, Expression)]) -> Evaluated {
        let (mut object, mut unknown) = (BTreeMap::new(), false);
        for (key, value) in entries {
            let name = self.evaluate(key)?;
            let value = self.evaluate(value)?;
            match convert::to_text(&name).map_err(|kind| EvaluateError { kind: kind.into(), span: key.span })? {
                None => unknown = true,
                Some(name) => {
                    object.insert(name.into_owned(), value);
                }
            }
        }
        Ok(if unknown { Value::Unknown } else { Value::Object(object) })
    }

    fn splat(&mut self, base: &'e Expression, steps: &'e [SplatStep], span: Span) -> Evaluated {
        let items = match self.evaluate(base)? {
            Value::Unknown => return Ok(Value::Unknown),
            Value::Null => Vec::new(),
            Value::List(items) => items,
            single => vec![single],
        };
        let step_into = |evaluator: &mut Self, item| {
            steps.iter().try_fold(item, |value, step| match step {
                SplatStep::Attribute(name) => attribute(value, name, span),
                SplatStep::Index(key) => index(value, &evaluator.evaluate(key)?, span),
            })
        };
        items.into_iter().map(|item| step_into(self, item)).collect::<Result<_, _>>().map(Value::List)
    }

    fn conditional(&mut self, parts: &'e [Expression; 3]) -> Evaluated {
        let [condition, then, otherwise] = parts;
        match self.boolean(condition, "a condition")? {
            None => Ok(Value::Unknown),
            Some(true) => self.evaluate(then),
            Some(false) => self.evaluate(otherwise),
        }
    }

    /// A boolean, `None` when it is unknown.
    fn boolean(&mut self, expression: &'e Expression, what: &'static str) -> Result<Option<bool>, EvaluateError> {
        let value = self.evaluate(expression)?;
        boolean_of(&value, what, expression.span)
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &'e Expression) -> Evaluated {
        match operator {
            UnaryOperator::Not => Ok(self.boolean(operand, "`!`")?.map_or(Value::Unknown, |known| Value::Bool(!known))),
            UnaryOperator::Negate => {
                let value = self.evaluate(operand)?;
                let Some(number) = number_of(&value, "`-`", operand.span)? else { return Ok(Value::Unknown) };
                number_value(number.negate(), operand.span)
            }
        }
    }

    fn binary(&mut self, operator: BinaryOperator, sides: &'e [Expression; 2], span: Span) -> Evaluated {
        let [left, right] = sides;
        match operator {
            BinaryOperator::And => self.short_cut(left, right, "`&&`", false),
            BinaryOperator::Or => self.short_cut(left, right, "`||`", true),
            BinaryOperator::Equal | BinaryOperator::NotEqual => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                Ok(match convert::equal(&left, &right) {
                    None => Value::Unknown,
                    Some(equal) => Value::Bool(equal == (operator == BinaryOperator::Equal)),
                })
            }
            _ => {
                let what = operator.as_str();
                let (left_value, right_value) = (self.evaluate(left)?, self.evaluate(right)?);
                let left = number_of(&left_value, what, left.span)?;
                let right = number_of(&right_value, what, right.span)?;
                let (Some(left), Some(right)) = (left, right) else { return Ok(Value::Unknown) };
                arithmetic(operator, left, right, span)
            }
        }
    }

    /// `&&` and `||`: `decisive` decides alone, on either side. With the left side unknown, an error on the right may be one
    /// that the left side is there to prevent.
    fn short_cut(
        &mut self,
        left: &'e Expression,
        right: &'e Expression,
        what: &'static str,
        decisive: bool,
    ) -> Evaluated {
        let known_left = self.boolean(left, what)?;
        if known_left == Some(decisive) {
            return Ok(Value::Bool(decisive));
        }
        match (known_left, self.boolean(right, what)) {
            (None, Err(error)) if !error.is_limit() => Ok(Value::Unknown),
            (_, Err(error)) => Err(error),
            (_, Ok(Some(known))) if known == decisive => Ok(Value::Bool(decisive)),
            (Some(_), Ok(Some(_))) => Ok(Value::Bool(!decisive)),
            _ => Ok(Value::Unknown),
        }
    }

    fn for_each(&mut self, each: &'e For, span: Span) -> Evaluated {
        let items: Vec<(Value, Value)> = match self.evaluate(&each.collection)? {
            Value::Unknown => return Ok(Value::Unknown),
            Value::List(items) => {
                items.into_iter().enumerate().map(|(at, item)| (Value::Number(at.into()), item)).collect()
            }
            Value::Object(entries) => entries.into_iter().map(|(key, value)| (Value::String(key), value)).collect(),
            other => {
                let (what, found) = ("`for`", other.type_name());
                return fail(
                    each.collection.span,
                    EvaluateErrorKind::Type { what, expected: "a list or an object", found },
                );
            }
        };
        let outer = self.bound.len();
        let mut result = Gathered { list: Vec::new(), object: BTreeMap::new(), unknown: false };
        for (key, value) in items {
            self.bound.extend(each.key_name.as_deref().map(|name| (name, key)));
            self.bound.push((&each.value_name, value));
            let done = self.one_of_for(each, &mut result, span);
            self.bound.truncate(outer);
            done?;
        }
        Ok(match (result.unknown, &each.key) {
            (true, _) => Value::Unknown,
            (false, None) => Value::List(result.list),
            (false, Some(_)) => Value::Object(result.object),
        })
    }

    fn one_of_for(&mut self, each: &'e For, result: &mut Gathered, span: Span) -> Result<(), EvaluateError> {
        if let Some(condition) = &each.condition {
            match self.boolean(condition, "`if`")? {
                Some(false) => return Ok(()),
                Some(true) => {}
                None => {
                    result.unknown = true;
                    return Ok(());
                }
            }
        }
        let Some(key) = &each.key else {
            let value = self.evaluate(&each.value)?;
            result.list.push(value);
            return Ok(());
        };
        let (name, value) = (self.evaluate(key)?, self.evaluate(&each.value)?);
        let name = convert::to_text(&name).map_err(|kind| EvaluateError { kind: kind.into(), span: key.span })?;
        let Some(name) = name else {
            result.unknown = true;
            return Ok(());
        };
        result.insert(name.into_owned(), value, each.grouping).or_else(|kind| fail(span, kind))
    }

    fn call(&mut self, name: &str, arguments: &'e [Expression], expand_final: bool, span: Span) -> Evaluated {
        if name == "try" {
            return self.first_that_works(arguments, span);
        }
        let function = function::find(name).map_err(|kind| EvaluateError { kind: kind.into(), span })?;
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.evaluate(argument)?);
        }
        if expand_final {
            match values.pop() {
                Some(Value::List(items)) => values.extend(items),
                Some(Value::Unknown) => return Ok(Value::Unknown),
                other => {
                    let found = other.as_ref().map_or("nothing", Value::type_name);
                    return fail(span, EvaluateErrorKind::Type { what: "`...`", expected: "a list", found });
                }
            }
        }
        let value = function.call(&values).map_err(|kind| EvaluateError { kind: kind.into(), span })?;
        self.made(value, span)
    }

    /// `try`: an argument that met an unknown value decides nothing yet.
    fn first_that_works(&mut self, arguments: &'e [Expression], span: Span) -> Evaluated {
        let outside = self.met_unknown;
        let mut last = fail(span, FunctionError::no_arguments("try"));
        for argument in arguments {
            self.met_unknown = false;
            let (depth, bound) = (self.depth, self.bound.len());
            last = self.evaluate(argument);
            self.depth = depth;
            self.bound.truncate(bound);
            if std::mem::replace(&mut self.met_unknown, outside) {
                self.met_unknown = true;
                last = Ok(Value::Unknown);
            }
            match &last {
                Err(error) if !error.is_limit() => {}
                _ => break,
            }
        }
        last
    }
}

/// What a `for` has made so far.
struct Gathered {
    list: Vec<Value>,
    object: BTreeMap<String, Value>,
    unknown: bool,
}

impl Gathered {
    fn insert(&mut self, key: String, value: Value, grouping: bool) -> Result<(), EvaluateErrorKind> {
        if grouping {
            match self.object.entry(key).or_insert_with(|| Value::List(Vec::new())) {
                Value::List(items) => items.push(value),
                _ => unreachable!("groups are lists"),
            }
            return Ok(());
        }
        if self.object.contains_key(&key) {
            return Err(EvaluateErrorKind::DuplicateKey(key));
        }
        self.object.insert(key, value);
        Ok(())
    }
}

fn boolean_of(value: &Value, what: &'static str, span: Span) -> Result<Option<bool>, EvaluateError> {
    match value {
        Value::Null => fail(span, EvaluateErrorKind::Null { what }),
        Value::List(_) | Value::Object(_) | Value::Number(_) => {
            fail(span, EvaluateErrorKind::Type { what, expected: "a bool", found: value.type_name() })
        }
        _ => convert::to_bool(value).or_else(|kind| fail(span, kind)),
    }
}

fn number_of(value: &Value, what: &'static str, span: Span) -> Result<Option<Number>, EvaluateError> {
    match value {
        Value::Null => fail(span, EvaluateErrorKind::Null { what }),
        Value::List(_) | Value::Object(_) | Value::Bool(_) => {
            fail(span, EvaluateErrorKind::Type { what, expected: "a number", found: value.type_name() })
        }
        _ => convert::to_number(value).or_else(|kind| fail(span, kind)),
    }
}

fn number_value(number: Number, span: Span) -> Evaluated {
    number.json().map(Value::Number).map_or_else(|| fail(span, EvaluateErrorKind::NumberTooLarge), Ok)
}

fn arithmetic(operator: BinaryOperator, left: Number, right: Number, span: Span) -> Evaluated {
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

fn attribute(base: Value, name: &str, span: Span) -> Evaluated {
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

fn index(base: Value, key: &Value, span: Span) -> Evaluated {
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

/// How large a value is: its parts plus the bytes of its texts.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(entries) => 1 + entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>(),
        _ => 1,
    }
}
