//! The functions that expressions may call: a small set with Terraform's names and Terraform's meaning (Terraform language,
//! "Functions"). All are pure. Owns the table and what unknown arguments mean; the functions are in the modules below.

mod collection;
mod conversion;
mod format;
mod network;
mod numeric;
mod text;

use std::borrow::Cow;

use super::convert::{self, ConvertError};
use super::number::Number;
use crate::diagnostic::nearest;
use crate::value::Value;

/// A function that does not exist or refuses its arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// No function of that name.
    #[error("there is no function `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
    },
    /// The number of arguments is wrong.
    #[error("`{name}` takes {expected}, found {found}")]
    Count {
        /// The function.
        name: &'static str,
        /// How many it takes, in words.
        expected: String,
        /// How many there are.
        found: usize,
    },
    /// The arguments are wrong.
    #[error("`{name}`: {reason}")]
    Refused {
        /// The function.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

impl FunctionError {
    pub(super) fn no_arguments(name: &'static str) -> Self {
        Self::Count { name, expected: "at least one argument".to_owned(), found: 0 }
    }
}

/// Why a function refuses its arguments, a fragment. It never repeats an argument: that may be a secret.
#[derive(Debug)]
struct Refusal(String);

impl From<ConvertError> for Refusal {
    fn from(error: ConvertError) -> Self {
        Self(error.to_string())
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

type Outcome = Result<Value, Refusal>;

/// When unknown values make a function's result unknown.
#[derive(Clone, Copy)]
enum Unknowns {
    /// When any part of any argument is unknown.
    AnyPart,
    /// When an argument is unknown as a whole; it treats lists and objects as containers and never looks at their items.
    Whole,
    /// The function sees to it.
    Own,
}

/// A function of the table.
pub(super) struct Function {
    name: &'static str,
    arguments_min: usize,
    arguments_max: usize,
    unknowns: Unknowns,
    run: fn(&[Value]) -> Outcome,
}

/// For functions with as many arguments as one likes.
const MANY: usize = usize::MAX;

const fn function(
    name: &'static str,
    (arguments_min, arguments_max): (usize, usize),
    unknowns: Unknowns,
    run: fn(&[Value]) -> Outcome,
) -> Function {
    Function { name, arguments_min, arguments_max, unknowns, run }
}

static FUNCTIONS: [Function; 42] = [
    function("abs", (1, 1), Unknowns::AnyPart, numeric::abs),
    function("ceil", (1, 1), Unknowns::AnyPart, numeric::ceil),
    function("cidrhost", (2, 2), Unknowns::AnyPart, network::cidrhost),
    function("cidrsubnet", (3, 3), Unknowns::AnyPart, network::cidrsubnet),
    function("coalesce", (1, MANY), Unknowns::Own, collection::coalesce),
    function("compact", (1, 1), Unknowns::AnyPart, collection::compact),
    function("concat", (1, MANY), Unknowns::Whole, collection::concat),
    function("contains", (2, 2), Unknowns::Own, collection::contains),
    function("distinct", (1, 1), Unknowns::AnyPart, collection::distinct),
    function("element", (2, 2), Unknowns::Whole, collection::element),
    function("endswith", (2, 2), Unknowns::AnyPart, text::endswith),
    function("flatten", (1, 1), Unknowns::Own, collection::flatten),
    function("floor", (1, 1), Unknowns::AnyPart, numeric::floor),
    function("format", (1, MANY), Unknowns::AnyPart, format::format),
    function("join", (2, MANY), Unknowns::AnyPart, text::join),
    function("jsonencode", (1, 1), Unknowns::AnyPart, conversion::jsonencode),
    function("keys", (1, 1), Unknowns::Whole, collection::keys),
    function("length", (1, 1), Unknowns::Whole, collection::length),
    function("lookup", (2, 3), Unknowns::Own, collection::lookup),
    function("lower", (1, 1), Unknowns::AnyPart, text::lower),
    function("max", (1, MANY), Unknowns::AnyPart, numeric::max),
    function("merge", (0, MANY), Unknowns::Whole, collection::merge),
    function("min", (1, MANY), Unknowns::AnyPart, numeric::min),
    function("one", (1, 1), Unknowns::Whole, collection::one),
    function("range", (1, 3), Unknowns::AnyPart, numeric::range),
    function("replace", (3, 3), Unknowns::AnyPart, text::replace),
    function("reverse", (1, 1), Unknowns::Whole, collection::reverse),
    function("sort", (1, 1), Unknowns::AnyPart, collection::sort),
    function("split", (2, 2), Unknowns::AnyPart, text::split),
    function("startswith", (2, 2), Unknowns::AnyPart, text::startswith),
    function("substr", (3, 3), Unknowns::AnyPart, text::substr),
    function("tobool", (1, 1), Unknowns::AnyPart, conversion::tobool),
    function("tolist", (1, 1), Unknowns::AnyPart, conversion::tolist),
    function("tomap", (1, 1), Unknowns::Whole, conversion::tomap),
    function("tonumber", (1, 1), Unknowns::AnyPart, conversion::tonumber),
    function("toset", (1, 1), Unknowns::AnyPart, conversion::toset),
    function("tostring", (1, 1), Unknowns::AnyPart, conversion::tostring),
    function("trimprefix", (2, 2), Unknowns::AnyPart, text::trimprefix),
    function("trimspace", (1, 1), Unknowns::AnyPart, text::trimspace),
    function("upper", (1, 1), Unknowns::AnyPart, text::upper),
    function("values", (1, 1), Unknowns::Whole, collection::values),
    function("zipmap", (2, 2), Unknowns::Own, collection::zipmap),
];

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name).chain(["try"])
}

/// The function of that name.
pub(super) fn find(name: &str) -> Result<&'static Function, FunctionError> {
    FUNCTIONS.iter().find(|function| function.name == name).ok_or_else(|| FunctionError::Unknown {
        name: name.to_owned(),
        nearest: nearest(name, names()).map(str::to_owned),
    })
}

impl Function {
    /// Calls the function.
    pub(super) fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        if arguments.len() < self.arguments_min || arguments.len() > self.arguments_max {
            return Err(self.wrong_count(arguments.len()));
        }
        let unknown = match self.unknowns {
            Unknowns::AnyPart => !arguments.iter().all(Value::is_wholly_known),
            Unknowns::Whole => arguments.contains(&Value::Unknown),
            Unknowns::Own => false,
        };
        if unknown {
            return Ok(Value::Unknown);
        }
        (self.run)(arguments).map_err(|Refusal(reason)| FunctionError::Refused { name: self.name, reason })
    }

    fn wrong_count(&self, found: usize) -> FunctionError {
        let expected = match (self.arguments_min, self.arguments_max) {
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, MANY) => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
            (least, most) => format!("{least} to {most} arguments"),
        };
        FunctionError::Count { name: self.name, expected, found }
    }
}

fn text_of(value: &Value) -> Result<Cow<'_, str>, Refusal> {
    convert::to_text(value)?.ok_or(Refusal("the value is not known yet".to_owned()))
}

fn number_of(value: &Value) -> Result<Number, Refusal> {
    convert::to_number(value)?.ok_or(Refusal("the value is not known yet".to_owned()))
}

fn integer_of(value: &Value) -> Result<i128, Refusal> {
    number_of(value)?.as_integer().ok_or_else(|| "expected a whole number".into())
}

fn list_of(value: &Value) -> Result<&[Value], Refusal> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(Refusal(format!("expected a list, found {}", other.type_name()))),
    }
}

fn object_of(value: &Value) -> Result<&std::collections::BTreeMap<String, Value>, Refusal> {
    match value {
        Value::Object(entries) => Ok(entries),
        other => Err(Refusal(format!("expected an object, found {}", other.type_name()))),
    }
}

fn number_value(number: Number) -> Outcome {
    number.json().map(Value::Number).ok_or_else(|| "the number is too large".into())
}
