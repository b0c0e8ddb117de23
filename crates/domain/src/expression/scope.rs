//! What the words of an expression stand for. Expressions ask; a scope answers from the estate, an environment and the outputs
//! that are known so far.

use std::collections::BTreeMap;

use super::ReferenceTarget;
use crate::diagnostic::nearest;
use crate::estate::{Environment, Estate, Stack};
use crate::name::StackName;
use crate::value::Value;

/// Gives references their values, one at a time and only when they are needed.
pub trait Scope {
    /// The value of a reference; the error is a message for the user.
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError>;
}

/// A reference that a scope cannot give a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ResolveError {
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ResolveError {
    /// An error without help.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// The scope of constants: no reference has a value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Constants;

impl Scope for Constants {
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
        Err(ResolveError::new(format!("`{target}` cannot be used here: the value must be a constant")))
    }
}

/// The scope of an instance: a stack in an environment.
#[derive(Clone, Copy)]
pub struct InstanceScope<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// The environment that the instance lives in.
    pub environment: &'a Environment,
    /// The stack; `None` where no stack is meant, and then `stack.name` is an error.
    pub stack: Option<&'a Stack>,
    /// The value of an output of another stack in the same environment; `Unknown` for what only an apply can tell.
    pub outputs: &'a dyn Fn(&StackName, &str) -> Result<Value, ResolveError>,
}

impl Scope for InstanceScope<'_> {
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
        match target {
            ReferenceTarget::Environment(None) => Ok(self.whole_environment()),
            ReferenceTarget::Environment(Some(key)) => self.environment_value(key),
            ReferenceTarget::Estate(key) if key == "name" => Ok(self.estate.name.as_str().into()),
            ReferenceTarget::Estate(key) => Err(ResolveError::new(format!("the estate has no attribute `{key}`"))
                .help(Some("Only `estate.name` is known.".to_owned()))),
            ReferenceTarget::Own(key) => self.own(key),
            ReferenceTarget::Stack { name, output: Some(output) } => self.output(name, output),
            ReferenceTarget::Stack { name, output: None } => {
                Err(ResolveError::new(format!("`stack.{name}` is a whole stack"))
                    .help(Some(format!("Name one of its outputs: `stack.{name}.OUTPUT`."))))
            }
            ReferenceTarget::Output(name) => {
                Err(ResolveError::new(format!("`output.{name}` can be read in the stack's checks only")))
            }
            ReferenceTarget::Unknown(word) => Err(ResolveError::new(format!("nothing is called `{word}` here"))
                .help(Some("References begin with `env`, `stack` or `estate`.".to_owned()))),
        }
    }
}

/// The scope of an instance's checks, after its apply: what the stack itself is given, and its own outputs.
#[derive(Clone, Copy)]
pub struct CheckScope<'a> {
    /// What the stack is given.
    pub instance: InstanceScope<'a>,
    /// The values of its own outputs.
    pub outputs: &'a BTreeMap<String, Value>,
}

impl Scope for CheckScope<'_> {
    fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
        let ReferenceTarget::Output(name) = target else { return self.instance.resolve(target) };
        self.outputs.get(name).cloned().ok_or_else(|| {
            let near = nearest(name, self.outputs.keys().map(String::as_str));
            ResolveError::new(format!("the state has no output `{name}`"))
                .help(near.map(|near| format!("Did you mean `output.{near}`?")))
        })
    }
}

impl InstanceScope<'_> {
    fn whole_environment(&self) -> Value {
        let mut entries = self.environment.vars.clone();
        entries.insert("name".to_owned(), self.environment.name.as_str().into());
        Value::Object(entries)
    }

    fn environment_value(&self, key: &str) -> Result<Value, ResolveError> {
        if key == "name" {
            return Ok(self.environment.name.as_str().into());
        }
        self.environment.vars.get(key).cloned().ok_or_else(|| {
            let known = self.environment.vars.keys().map(String::as_str).chain(["name"]);
            ResolveError::new(format!("the environment `{}` has no value `{key}`", self.environment.name))
                .help(nearest(key, known).map(|near| format!("Did you mean `env.{near}`?")))
        })
    }

    fn own(&self, key: &str) -> Result<Value, ResolveError> {
        let stack =
            self.stack.ok_or_else(|| ResolveError::new(format!("`stack.{key}` has no meaning outside a stack")))?;
        match key {
            "name" => Ok(stack.name.as_str().into()),
            "path" => Ok(stack.folder.as_str().into()),
            _ => Err(ResolveError::new(format!("a stack has no attribute `{key}` of its own"))),
        }
    }

    fn output(&self, name: &str, output: &str) -> Result<Value, ResolveError> {
        let (name, _) = self.estate.stacks.get_key_value(name).ok_or_else(|| {
            ResolveError::new(format!("there is no stack `{name}`")).help(
                nearest(name, self.estate.stacks.keys().map(StackName::as_str))
                    .map(|near| format!("Did you mean `{near}`?")),
            )
        })?;
        (self.outputs)(name, output)
    }
}

impl std::fmt::Display for ReferenceTarget {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stack { name, output: Some(output) } => write!(f, "stack.{name}.{output}"),
            Self::Stack { name, output: None } => write!(f, "stack.{name}"),
            Self::Own(key) => write!(f, "stack.{key}"),
            Self::Environment(Some(key)) => write!(f, "env.{key}"),
            Self::Environment(None) => f.write_str("env"),
            Self::Estate(key) => write!(f, "estate.{key}"),
            Self::Output(name) => write!(f, "output.{name}"),
            Self::Unknown(word) => f.write_str(word),
        }
    }
}
