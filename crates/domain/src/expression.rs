//! Expressions of the configuration, freed from the syntax that they were written in, so that they can be kept for ten thousand
//! stacks and evaluated again for each environment and each time an upstream's outputs become known.

mod convert;
mod evaluate;
mod function;
mod number;
#[cfg(test)]
mod property;
mod reference;
mod same;
mod scope;
#[cfg(test)]
mod secrecy;

pub use convert::{ConvertError, text_of};
pub use evaluate::{DEPTH_MAX, EvaluateError, EvaluateErrorKind, WORK_MAX, evaluate};
pub use function::FunctionError;
pub use reference::{OWN_ATTRIBUTES, references};
pub use scope::{CheckScope, Constants, InstanceScope, ResolveError, Scope};

use std::ops::Range;

/// An expression with the bytes of the file that it was written in (for diagnostics).
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it computes.
    pub kind: ExpressionKind,
    /// Byte offsets into its file's text.
    pub span: Span,
}

/// Byte offsets into a file's text. `u32`: configuration files have a size limit far below 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start as usize..span.end as usize
    }
}

/// What an expression computes: HCL's native expressions (HCL native syntax specification, "Expressions").
#[derive(Debug, Clone)]
pub enum ExpressionKind {
    /// `null`, a boolean, a number or a text without interpolation.
    Literal(crate::value::Value),
    /// `"${a}-${b}"`: the parts' texts, one after the other.
    Template(Vec<Expression>),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{ key = value }`: keys are expressions too (a bare word is a literal).
    Object(Vec<(Expression, Expression)>),
    /// `env.name`, `stack.aws-network.network_id`: a root word.
    Variable(String),
    /// `a.b`.
    Attribute(Box<Expression>, String),
    /// `a[b]`.
    Index(Box<Expression>, Box<Expression>),
    /// `a[*].b` or `a.*.b`: the remaining steps are applied to each item of a list (or to a single value as a list of one).
    Splat(Box<Expression>, Vec<SplatStep>),
    /// `f(a, b...)`.
    Call {
        /// The function's name.
        name: String,
        /// Its arguments.
        arguments: Vec<Expression>,
        /// Whether the last argument is a list to be spread (`...`).
        expand_final: bool,
    },
    /// `condition ? a : b`.
    Conditional(Box<[Expression; 3]>),
    /// `!a`, `-a`.
    Unary(UnaryOperator, Box<Expression>),
    /// `a + b`.
    Binary(BinaryOperator, Box<[Expression; 2]>),
    /// `[for k, v in c : e if p]` and `{for k, v in c : ke => e... if p}`.
    For(Box<For>),
}

/// A step after a splat.
#[derive(Debug, Clone)]
pub enum SplatStep {
    /// `.name`.
    Attribute(String),
    /// `[key]`.
    Index(Expression),
}

/// A `for` expression.
#[derive(Debug, Clone)]
pub struct For {
    /// The name for the key or position.
    pub key_name: Option<String>,
    /// The name for the value.
    pub value_name: String,
    /// What is walked.
    pub collection: Expression,
    /// The key of an object's entry; `None` makes a list.
    pub key: Option<Expression>,
    /// The value.
    pub value: Expression,
    /// Whether values of the same key are gathered in a list (`...`).
    pub grouping: bool,
    /// `if`: which items count.
    pub condition: Option<Expression>,
}

/// Operators before one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl BinaryOperator {
    /// The operator as it is written, in back quotes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "`==`",
            Self::NotEqual => "`!=`",
            Self::Less => "`<`",
            Self::LessOrEqual => "`<=`",
            Self::Greater => "`>`",
            Self::GreaterOrEqual => "`>=`",
            Self::Add => "`+`",
            Self::Subtract => "`-`",
            Self::Multiply => "`*`",
            Self::Divide => "`/`",
            Self::Modulo => "`%`",
            Self::And => "`&&`",
            Self::Or => "`||`",
        }
    }
}

/// A reference from an expression into the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What is referred to.
    pub target: ReferenceTarget,
    /// Where.
    pub span: Span,
}

/// What can be referred to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferenceTarget {
    /// `stack.NAME.OUTPUT`; the output is `None` when the whole stack is named (`stack.NAME`, in `depends_on`).
    Stack {
        /// The other stack's name, as written; it may not exist.
        name: String,
        /// The output, as written.
        output: Option<String>,
    },
    /// `stack.name` or `stack.path`: the stack itself.
    Own(String),
    /// `env.KEY`; `None` for the whole of `env`.
    Environment(Option<String>),
    /// `estate.KEY`.
    Estate(String),
    /// `output.NAME`: an output of the stack itself, which only its checks can read.
    Output(String),
    /// Any other root word: an error to be reported.
    Unknown(String),
}
