//! Checks: what a stack asks of its instances after an apply. Owns what can be asked, and the judgement of what was answered. Asks nothing
//! itself.

mod judge;
mod pattern;

use std::time::Duration;

pub use judge::{Shortfall, judge_answer, judge_exit, judge_output};
pub use pattern::{Pattern, PatternError};

use crate::expression::{Expression, Span};
use crate::name::CheckName;

/// The most checks that a stack has: more is a test suite, which a command can run.
pub const CHECKS_MAX: usize = 50;
/// How long one attempt of an HTTP request may take, where nothing else is said: a server that is well answers at once.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt of a command may take, where nothing else is said.
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);
/// How long `terraform test` may take, where nothing else is said: it may build and destroy real things.
pub const TEST_TIMEOUT: Duration = Duration::from_mins(30);
/// For how long attempts are made, where nothing else is said: what was just applied needs its time to come up.
pub const WITHIN: Duration = Duration::from_mins(1);
/// The longest time that can be set: a run that waits longer is not watched any more.
pub const DURATION_MAX: Duration = Duration::from_hours(24);

/// `check "NAME" { ... }` of a stack.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name, unique in its stack.
    pub name: CheckName,
    /// What is asked.
    pub kind: CheckKind,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// For how long further attempts are begun; zero: there is one.
    pub within: Duration,
    /// Where the block's name is.
    pub span: Span,
}

/// What a check asks.
#[derive(Debug, Clone)]
pub enum CheckKind {
    /// A program with its arguments, which must end with exit code 0.
    Command(Vec<Expression>),
    /// An HTTP request, whose answer must be as said.
    Http(Box<HttpCheck>),
    /// An output of the stack, whose value must be as said.
    Output(OutputCheck),
    /// `terraform test`, which must pass.
    TerraformTest,
}

/// `http { ... }` of a check.
#[derive(Debug, Clone)]
pub struct HttpCheck {
    /// What is asked for.
    pub url: Expression,
    /// The method, one of [`HTTP_METHODS`].
    pub method: &'static str,
    /// Header fields of the request: lower-case names, and values.
    pub headers: Vec<(String, Expression)>,
    /// The status codes that are right; at least one.
    pub status: Vec<u16>,
    /// What must be found in the body.
    pub body: Option<Pattern>,
}

/// The methods of requests: a check carries no content, and changes nothing.
pub const HTTP_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// `output = "NAME"` of a check.
#[derive(Debug, Clone)]
pub struct OutputCheck {
    /// The output.
    pub name: String,
    /// Where it is named.
    pub span: Span,
    /// What its value must be.
    pub expected: Expected,
}

/// What the value of an output must be.
#[derive(Debug, Clone)]
pub enum Expected {
    /// This value.
    Equals(Expression),
    /// A text in which this is found.
    Matches(Pattern),
}

impl Check {
    /// The expressions that it evaluates.
    pub fn expressions(&self) -> Vec<&Expression> {
        match &self.kind {
            CheckKind::Command(words) => words.iter().collect(),
            CheckKind::Http(http) => std::iter::once(&http.url).chain(http.headers.iter().map(|(_, v)| v)).collect(),
            CheckKind::Output(OutputCheck { expected: Expected::Equals(value), .. }) => vec![value],
            CheckKind::Output(_) | CheckKind::TerraformTest => Vec::new(),
        }
    }
}
