//! What is wrong with policies, and where. Owns how the interpreter's own messages are read.

use std::fmt;

/// One thing that is wrong with a policy, or that went wrong while it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named when it was loaded; empty where it is about no file.
    pub file: String,
    /// The line and the column, from 1, where they are known.
    pub at: Option<(u32, u32)>,
    /// What is wrong, a lowercase fragment.
    pub what: String,
}

/// Policies cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// All that is wrong with them; at least one.
    pub problems: Vec<Problem>,
}

impl std::error::Error for PolicyError {}

impl Problem {
    /// What is wrong with a file as a whole.
    pub(crate) fn in_file(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: None, what: what.into() }
    }

    /// What is wrong at a place.
    pub(crate) fn at(file: &str, line: u32, column: u32, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: Some((line, column)), what: what.into() }
    }

    /// Reads a message of the interpreter: `--> FILE:LINE:COLUMN`, the line itself, and `error: WHAT`. Of several places in one message the
    /// first is the one that is wrong. `None` where it names no place in a file.
    pub(crate) fn read(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once(ARROW)?;
        let (place, rest) = rest.split_once('\n')?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let file = parts.next()?;
        let (_, what) = rest.split_once(ERROR)?;
        let what = what.split("\n-->").next().unwrap_or(what);
        // What follows are values that the interpreter was working with.
        let what = what.split(" (path [").next().unwrap_or(what);
        let what = what.trim().trim_end_matches(':');
        Some(Self::at(file, line, column, one_line(what)))
    }

    /// A message of the interpreter, about this file where it names none.
    pub(crate) fn of(message: &str, file: &str) -> Self {
        let own = |problem: &Self| !problem.file.starts_with('<');
        Self::read(message).filter(own).unwrap_or_else(|| Self::in_file(file, one_line(message.trim())))
    }
}

/// Stands before the place in a message of the interpreter.
const ARROW: &str = "--> ";
/// Stands before what is wrong.
const ERROR: &str = "error: ";

/// A message on one line: what it says is shown after a place.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl From<Problem> for PolicyError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            if let Some((line, column)) = self.at {
                write!(f, "{line}:{column}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_words(&self.problems))
    }
}

/// The first problem, and how many more there are.
pub(crate) fn in_words(problems: &[Problem]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, others @ ..] => format!("{first} (and {} more)", others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_interpreter_are_read() {
        let message = "\n--> a:b/x.rego:3:14\n  |\n3 |   x := 1 / 0\n  |              ^\nerror: divide by zero";
        let problem = Problem::read(message).unwrap();
        assert_eq!(problem, Problem::at("a:b/x.rego", 3, 14, "divide by zero"));
        assert_eq!(problem.to_string(), "a:b/x.rego:3:14: divide by zero");
        let elsewhere = Problem::of("\n--> <query.rego>:1:1\n  |\n1 | x\n  | ^\nerror: no", "own.rego");
        assert_eq!((elsewhere.file.as_str(), elsewhere.at), ("own.rego", None));
        assert_eq!(Problem::of("all  is\nlost", "own.rego").to_string(), "own.rego: all is lost");
    }

    #[test]
    fn of_a_circle_the_first_place_counts() {
        let message = "\n--> x.rego:2:1\n  |\n2 | a := b\n  | ^\nerror: recursion detected when evaluating rule:\n--> x.rego:3:1\n  |\n3 | b := a\n  | ^\ndepends on: cyclic evaluation";
        assert_eq!(Problem::read(message).unwrap().to_string(), "x.rego:2:1: recursion detected when evaluating rule");
    }
}
