//! Evaluates expressions. Unknown values make unknown what depends on them and nothing else; they are never made up. Everything
//! that a hostile configuration could blow up has a limit.

mod access;
mod error;
mod gathered;
mod operator;

use std::collections::BTreeMap;

use super::function::{self, FunctionError};
use super::reference::target_of;
use super::scope::Scope;
use super::{
    BinaryOperator, Expression, ExpressionKind, For, ReferenceTarget, Span, SplatStep, UnaryOperator, convert,
};
use crate::value::Value;
use access::{attribute, index};
use error::fail;
pub use error::{EvaluateError, EvaluateErrorKind};
use gathered::Gathered;
use operator::{arithmetic, boolean_of, number_of, number_value};

/// How deep expressions may be nested: far above what people write, far below what a thread's stack holds.
pub const DEPTH_MAX: usize = 256;

/// How much one evaluation may do and make, in steps and values plus bytes of text: an estate's largest honest value is a few
/// thousand, and ten of these at once still fit in memory.
pub const WORK_MAX: usize = 8 << 20;

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
        let mut result = Gathered::default();
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

/// How large a value is: its parts plus the bytes of its texts.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len(),
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(entries) => 1 + entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>(),
        _ => 1,
    }
}
