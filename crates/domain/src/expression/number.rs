//! Arithmetic of expressions: integers stay exact as long as 128 bits hold them, everything else is a double.

use serde_json::Number as Json;

/// A number in the midst of a computation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

/// The greatest magnitude up to which every integer is a double of its own: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Number {
    pub(super) fn of(json: &Json) -> Self {
        json.as_i128().map_or_else(|| Self::float(json.as_f64().unwrap_or(f64::NAN)), Self::Integer)
    }

    /// A text as Terraform converts it to a number: decimal digits, a fraction, an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit())
            || !digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        {
            return None;
        }
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::float)
    }

    /// Doubles that are whole numbers become integers again, so that `0.5 * 4` is `2`.
    pub(super) fn float(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
            return Self::Integer(value as i128);
        }
        Self::Float(value)
    }

    /// As JSON; `None` for what is not finite.
    pub(super) fn json(self) -> Option<Json> {
        match self {
            Self::Integer(integer) => Json::from_i128(integer).or_else(|| Json::from_f64(self.as_f64())),
            Self::Float(float) => Json::from_f64(float),
        }
    }

    pub(super) fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "asked for as a double")]
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }

    pub(super) fn as_integer(self) -> Option<i128> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Float(_) => None,
        }
    }

    fn exact_or(self, other: Self, exact: fn(i128, i128) -> Option<i128>, double: fn(f64, f64) -> f64) -> Self {
        if let (Self::Integer(a), Self::Integer(b)) = (self, other)
            && let Some(result) = exact(a, b)
        {
            return Self::Integer(result);
        }
        Self::float(decimal(double(self.as_f64(), other.as_f64())))
    }

    pub(super) fn add(self, other: Self) -> Self {
        self.exact_or(other, i128::checked_add, |a, b| a + b)
    }

    pub(super) fn subtract(self, other: Self) -> Self {
        self.exact_or(other, i128::checked_sub, |a, b| a - b)
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        self.exact_or(other, i128::checked_mul, |a, b| a * b)
    }

    /// Exact where nothing remains (`6 / 3`), a fraction otherwise (`6 / 4`).
    pub(super) fn divide(self, other: Self) -> Self {
        let exact = |a: i128, b: i128| (a.checked_rem(b)? == 0).then(|| a.checked_div(b))?;
        self.exact_or(other, exact, |a, b| a / b)
    }

    /// The remainder with the sign of the dividend, as Terraform has it.
    pub(super) fn remainder(self, other: Self) -> Self {
        self.exact_or(other, i128::checked_rem, |a, b| a % b)
    }

    pub(super) fn is_zero(self) -> bool {
        match self {
            Self::Integer(integer) => integer == 0,
            Self::Float(float) => float == 0.0,
        }
    }

    pub(super) fn negate(self) -> Self {
        Self::Integer(0).subtract(self)
    }

    pub(super) fn round(self, how: fn(f64) -> f64) -> Self {
        match self {
            Self::Integer(_) => self,
            Self::Float(float) => Self::float(how(float)),
        }
    }

    pub(super) fn compare(self, other: Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }
}

/// Takes off what binary fractions add to decimal ones: Terraform computes with 512 bits, where `0.1 + 0.2` is `0.3`. A result that
/// is much shorter when rounded to the digits that a double surely holds was meant to be that short.
fn decimal(value: f64) -> f64 {
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded.to_string().len() + 3 <= value.to_string().len() { rounded } else { value }
}

impl std::fmt::Display for Number {
    /// As Terraform prints a number in a template: no exponent, no `.0`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Float(float) => write!(f, "{float}"),
        }
    }
}
