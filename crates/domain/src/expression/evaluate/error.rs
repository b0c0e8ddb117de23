//! Why an expression cannot be evaluated. An error never holds a value, nor a key of an object: it may be an output, and so a secret,
//! and errors are printed and kept. What it may hold is what stands in the configuration, numbers of items, and types.

use super::{DEPTH_MAX, WORK_MAX};
use crate::expression::Span;
use crate::expression::convert::ConvertError;
use crate::expression::function::FunctionError;
use crate::expression::scope::ResolveError;

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
            EvaluateErrorKind::Function(FunctionError::Unknown { nearest, .. }) => {
                nearest.as_ref().map(|near| format!("Did you mean `{near}`?"))
            }
            _ => None,
        }
    }

    pub(super) fn is_limit(&self) -> bool {
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
        /// The attribute asked for, a word of the configuration.
        name: String,
    },
    /// An object without the key in `[...]`.
    #[error("the object has no such key")]
    NoKey,
    /// A position outside of a list.
    #[error("the list has {length} items, and none at this position")]
    Position {
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
    #[error("two entries have the same key; add `...` after the value to gather them in a list")]
    DuplicateKey,
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

pub(super) fn fail<T>(span: Span, kind: impl Into<EvaluateErrorKind>) -> Result<T, EvaluateError> {
    Err(EvaluateError { kind: kind.into(), span })
}
