//! What an instance runs as in the cloud. Owns when two instances run as the same; what they may do with it is the cloud's to know.

use std::fmt;

use crate::estate::{Environment, Estate, Stack};
use crate::expression::{EvaluateError, ExpressionKind, InstanceScope, ResolveError, Span, evaluate};
use crate::name::{EnvironmentName, StackName};
use crate::value::Value;

/// What an instance runs as. Two instances run as the same when these are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The environment's own: the stack names none.
    Environment(EnvironmentName),
    /// The one that the stack names. A name that does not differ by environment is one identity in all of them.
    Named(String),
}

/// It is not known what an instance runs as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The expression has no value.
    #[error("{0}")]
    Evaluate(#[from] EvaluateError),
    /// Its value is no name.
    #[error("an identity is a text that is not empty, found {found}")]
    NoName {
        /// What it is.
        found: &'static str,
        /// Where it is written.
        span: Span,
    },
}

impl Identity {
    /// What a stack's instance in an environment runs as.
    pub fn of(estate: &Estate, environment: &Environment, stack: &Stack) -> Result<Self, IdentityError> {
        let Some(expression) = &stack.identity else { return Ok(Self::Environment(environment.name.clone())) };
        // Most are plain names, and there are as many as instances.
        if let ExpressionKind::Literal(value) = &expression.kind {
            return Self::named(value, expression.span);
        }
        let outputs = |_: &StackName, _: &str| Err(ResolveError::new("an identity reads no outputs"));
        let scope = InstanceScope { estate, environment, stack: Some(stack), outputs: &outputs };
        Self::named(&evaluate(expression, &scope)?, expression.span)
    }

    fn named(value: &Value, span: Span) -> Result<Self, IdentityError> {
        match value {
            Value::String(name) if !name.trim().is_empty() => Ok(Self::Named(name.clone())),
            Value::String(_) => Err(IdentityError::NoName { found: "an empty one", span }),
            other => Err(IdentityError::NoName { found: other.type_name(), span }),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the identity of {name}"),
            Self::Named(name) => write!(f, "the identity `{name}`"),
        }
    }
}
