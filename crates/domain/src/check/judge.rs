//! Judges what was answered. A value of an output is never told: it may be a secret.

use super::{Expected, HttpCheck, OutputCheck};
use crate::expression::{BinaryOperator, Expression, ExpressionKind, Scope, evaluate, text_of};

/// How many characters of a line of an answer are shown.
const LINE_CHARS_MAX: usize = 200;

/// By what an answer falls short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// One line.
    pub summary: String,
    /// More, several lines perhaps; may be empty.
    pub detail: String,
}

impl Shortfall {
    /// A shortfall of which there is no more to say.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), detail: String::new() }
    }
}

/// Judges the answer to an HTTP request. `status` and `reason` are its code and that in words.
pub fn judge_answer(check: &HttpCheck, status: u16, reason: &str, body: &str) -> Result<(), Shortfall> {
    let said = format!("{status} {reason}");
    let said = said.trim_end();
    if !check.status.contains(&status) {
        let wanted: Vec<_> = check.status.iter().map(ToString::to_string).collect();
        return Err(Shortfall {
            summary: format!("{said}, expected {}", wanted.join(" or ")),
            detail: first_line(body),
        });
    }
    match check.body.as_ref().filter(|pattern| !pattern.is_in(body)) {
        Some(pattern) => Err(Shortfall {
            summary: format!("{said}, but `{}` is not in the body", pattern.as_str()),
            detail: first_line(body),
        }),
        None => Ok(()),
    }
}

/// The first line of a body that says something, cut to what can be shown.
fn first_line(body: &str) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let visible = line.chars().filter(|c| !c.is_control());
    visible.take(LINE_CHARS_MAX).collect()
}

/// Judges how a command ended: with an exit code, or by a signal where there is none. `output` is the end of what it said.
pub fn judge_exit(code: Option<i32>, output: &str) -> Result<(), Shortfall> {
    let summary = match code {
        Some(0) => return Ok(()),
        Some(code) => format!("exit code {code}"),
        None => "killed by a signal".to_owned(),
    };
    Err(Shortfall { summary, detail: output.to_owned() })
}

/// Judges the value of an output, which `scope` gives as `output.NAME`.
pub fn judge_output(check: &OutputCheck, scope: &dyn Scope) -> Result<(), Shortfall> {
    let name = &check.name;
    let expression = |kind| Expression { kind, span: check.span };
    let root = expression(ExpressionKind::Variable("output".to_owned()));
    let output = expression(ExpressionKind::Attribute(Box::new(root), name.clone()));
    let cannot = |why: &dyn std::fmt::Display| Shortfall::new(format!("the output `{name}` cannot be compared: {why}"));
    let holds = match &check.expected {
        Expected::Equals(value) => {
            let sides = Box::new([output, value.clone()]);
            let same = expression(ExpressionKind::Binary(BinaryOperator::Equal, sides));
            evaluate(&same, scope).map_err(|error| cannot(&error))? == crate::value::Value::Bool(true)
        }
        Expected::Matches(pattern) => {
            let value = evaluate(&output, scope).map_err(|error| cannot(&error))?;
            let text = text_of(&value).map_err(|error| cannot(&error))?;
            text.is_some_and(|text| pattern.is_in(&text))
        }
    };
    if holds {
        return Ok(());
    }
    Err(Shortfall::new(match &check.expected {
        Expected::Equals(_) => format!("the output `{name}` has another value than expected"),
        Expected::Matches(pattern) => format!("`{}` is not in the output `{name}`", pattern.as_str()),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::check::Pattern;
    use crate::expression::{ReferenceTarget, ResolveError, Span};
    use crate::value::Value;

    fn literal(value: Value) -> Expression {
        Expression { kind: ExpressionKind::Literal(value), span: Span::default() }
    }

    fn http(status: &[u16], body: Option<&str>) -> HttpCheck {
        HttpCheck {
            url: literal("http://localhost".into()),
            method: "GET",
            headers: Vec::new(),
            status: status.to_vec(),
            body: body.map(|text| Pattern::new(text).unwrap()),
        }
    }

    #[test]
    fn an_answer_needs_its_status_and_its_body() {
        assert_eq!(judge_answer(&http(&[200], Some("up")), 200, "OK", "it is up"), Ok(()));
        let shortfall = judge_answer(&http(&[200, 204], None), 503, "Service Unavailable", "\n  not \u{7}yet\nmore");
        let expected =
            Shortfall { summary: "503 Service Unavailable, expected 200 or 204".into(), detail: "not yet".into() };
        assert_eq!(shortfall, Err(expected));
        let shortfall = judge_answer(&http(&[200], Some("up")), 200, "OK", &"x".repeat(1_000)).unwrap_err();
        assert_eq!(shortfall.summary, "200 OK, but `up` is not in the body");
        assert_eq!(shortfall.detail.len(), LINE_CHARS_MAX);
    }

    #[test]
    fn a_command_needs_exit_code_0() {
        assert_eq!(judge_exit(Some(0), "anything"), Ok(()));
        assert_eq!(judge_exit(Some(3), "no").unwrap_err().summary, "exit code 3");
        assert_eq!(judge_exit(None, "").unwrap_err().summary, "killed by a signal");
    }

    struct Outputs(BTreeMap<String, Value>);

    impl Scope for Outputs {
        fn resolve(&self, target: &ReferenceTarget) -> Result<Value, ResolveError> {
            let ReferenceTarget::Output(name) = target else { panic!("{target} is asked for") };
            self.0.get(name).cloned().ok_or_else(|| ResolveError::new("there is none"))
        }
    }

    fn judged(value: Value, expected: Expected) -> Result<(), String> {
        let scope = Outputs([("id".to_owned(), value)].into());
        let check = OutputCheck { name: "id".to_owned(), span: Span::default(), expected };
        judge_output(&check, &scope).map_err(|shortfall| shortfall.summary)
    }

    #[test]
    fn an_output_is_compared_as_expressions_are_and_its_value_is_not_told() {
        let equals = |value: Value| Expected::Equals(literal(value));
        let matches = |text: &str| Expected::Matches(Pattern::new(text).unwrap());
        assert_eq!(judged("abc".into(), equals("abc".into())), Ok(()));
        assert_eq!(judged(serde_json::json!([1, 2.0]).into(), equals(serde_json::json!([1, 2]).into())), Ok(()));
        assert_eq!(judged(serde_json::json!(443).into(), matches("^4")), Ok(()));
        let wrong = judged("hidden".into(), equals("abc".into())).unwrap_err();
        assert_eq!(wrong, "the output `id` has another value than expected");
        assert_eq!(judged("hidden".into(), matches("^a")).unwrap_err(), "`^a` is not in the output `id`");
        let list = judged(serde_json::json!(["hidden"]).into(), matches("a")).unwrap_err();
        assert_eq!(list, "the output `id` cannot be compared: expected a string, found list");
    }
}
