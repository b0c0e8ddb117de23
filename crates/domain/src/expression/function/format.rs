//! `format`: a text with verbs, the common ones of Terraform (`%s %q %d %f %t %v %%`, with width, precision and the flags `0`,
//! `-`, `+` and, before `v`, `#`).

use std::iter::Peekable;
use std::str::Chars;

use super::conversion::json_text;
use super::text::{Builder, TEXT_MAX};
use super::{Outcome, Refusal, number_of, text_of};
use crate::expression::convert;
use crate::expression::number::Number;
use crate::value::Value;

/// The most digits after the point: a double has no more than about 1,074.
const PRECISION_MAX: usize = 1100;

/// A verb as it is written.
#[derive(Debug, Default)]
struct Verb {
    flags: String,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

pub(super) fn format(arguments: &[Value]) -> Outcome {
    let pattern = text_of(&arguments[0])?;
    let mut values = arguments[1..].iter();
    let mut made = Builder::default();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            made.push(c.encode_utf8(&mut [0; 4]))?;
        } else if rest.next_if_eq(&'%').is_some() {
            made.push("%")?;
        } else {
            let verb = Verb::read(&mut rest)?;
            let value = values.next().ok_or("there are more verbs than values")?;
            made.push(&verb.apply(value)?)?;
        }
    }
    if values.next().is_some() {
        return Err("there are more values than verbs".into());
    }
    Ok(made.finish())
}

impl Verb {
    fn read(rest: &mut Peekable<Chars<'_>>) -> Result<Self, Refusal> {
        let mut verb = Self::default();
        while let Some(flag) = rest.next_if(|c| "0-+#".contains(*c)) {
            if !verb.has(flag) {
                verb.flags.push(flag);
            }
        }
        verb.width = number(rest)?.unwrap_or(0);
        if rest.next_if_eq(&'.').is_some() {
            verb.precision = Some(number(rest)?.unwrap_or(0).min(PRECISION_MAX));
        }
        verb.letter = rest.next().ok_or("the text ends within a verb")?;
        Ok(verb)
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn apply(&self, value: &Value) -> Result<String, Refusal> {
        let text = match self.letter {
            's' => self.cut(text_of(value)?.into_owned()),
            'q' => json_text(&Value::String(text_of(value)?.into_owned()))?,
            'd' => self.signed(&number_of(value)?.round(f64::trunc)),
            'f' => self.fraction(number_of(value)?),
            't' => convert::to_bool(value)?.ok_or("the value is not known yet")?.to_string(),
            'v' if self.has('#') => json_text(value)?,
            'v' => plain(value)?,
            _ => return Err("the text has a verb that is not known (it may have `%s %q %d %f %t %v %%`)".into()),
        };
        Ok(self.pad(text))
    }

    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        }
    }

    fn signed(&self, number: &impl std::fmt::Display) -> String {
        let text = number.to_string();
        if self.has('+') && !text.starts_with('-') { format!("+{text}") } else { text }
    }

    fn fraction(&self, number: Number) -> String {
        self.signed(&format!("{:.*}", self.precision.unwrap_or(6), number.as_f64()))
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let numeric = matches!(self.letter, 'd' | 'f');
        match (missing, self.has('-'), self.has('0') && numeric) {
            (0, _, _) => text,
            (_, true, _) => text + &" ".repeat(missing),
            (_, false, false) => " ".repeat(missing) + &text,
            (_, false, true) => {
                let sign = usize::from(text.starts_with(['-', '+']));
                format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
            }
        }
    }
}

fn number(rest: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, Refusal> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits.parse().ok().filter(|width| *width <= TEXT_MAX);
    number.map(Some).ok_or_else(|| "a width is too large".into())
}

/// `%v`: a text as it is, everything else as JSON.
fn plain(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => json_text(other),
    }
}
