//! Reads the `check` blocks of a stack.

mod http;

use std::collections::HashMap;
use std::time::Duration;

use hcl_edit::structure::Block;
use jiff::SignedDuration;
use terrace_domain::check::{
    CHECKS_MAX, COMMAND_TIMEOUT, Check, CheckKind, DURATION_MAX, Expected, HTTP_TIMEOUT, OutputCheck, Pattern,
    TEST_TIMEOUT, WITHIN,
};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::expression::{Expression, ExpressionKind, Reference, ReferenceTarget, Span, references};
use terrace_domain::value::Value;

use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section, quoted};

const CHECK: Schema = Schema {
    what: "a `check` block",
    attributes: &["command", "output", "equals", "matches", "terraform_test", "timeout", "within"],
    blocks: &["http"],
};

/// The words that say what a check asks.
const KINDS: [&str; 4] = ["command", "http", "output", "terraform_test"];

/// Reads the `check` blocks of a `stack` block.
pub(super) fn read(file: &mut File<'_>, section: &Section<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    let mut known: HashMap<String, Span> = HashMap::new();
    for block in section.blocks("check") {
        let Some(check) = one(file, block) else { continue };
        if let Some(first) = known.insert(check.name.to_string(), check.span) {
            let diagnostic = Diagnostic::error("duplicate-name", format!("two checks are called `{}`", check.name))
                .at(file.place(check.span), "the second one")
                .also(file.place(first), "the first one");
            file.report(diagnostic);
        }
        checks.push(check);
    }
    if let Some(beyond) = checks.get(CHECKS_MAX) {
        let summary = format!("a stack has at most {CHECKS_MAX} checks, this one has {}", checks.len());
        let diagnostic = Diagnostic::error("too-many-checks", summary)
            .at(file.place(beyond.span), "one too many")
            .help("Put what belongs together into a script, and run that with one `command`.");
        file.report(diagnostic);
    }
    one_test_at_most(file, &checks);
    checks
}

/// What a stack's checks refer to, but its own outputs: that is held against its code.
pub(super) fn references_of(file: &mut File<'_>, checks: &[Check]) -> Vec<Reference> {
    let all = checks.iter().flat_map(Check::expressions).flat_map(references);
    let (upstream, others): (Vec<_>, Vec<_>) = all
        .filter(|reference| !matches!(reference.target, ReferenceTarget::Output(_)))
        .partition(|reference| matches!(reference.target, ReferenceTarget::Stack { .. }));
    for reference in upstream {
        let diagnostic = Diagnostic::error("unknown-reference", format!("a check cannot read `{}`", reference.target))
            .at(file.place(reference.span), "of another stack")
            .help(
                "A check reads outputs of its own stack: `output.NAME`. Hand on as an output what it needs of others.",
            );
        file.report(diagnostic);
    }
    others
}

fn one(file: &mut File<'_>, block: &Block) -> Option<Check> {
    let label = file.label(block, "check's name");
    let section = file.section(&block.body, CHECK);
    let kind = kind(file, block, &section);
    let (timeout, within) = times(file, &section, kind.as_ref());
    let label = label?;
    let name = file.name(&label)?;
    Some(Check { name, kind: kind?, timeout, within, span: label.span })
}

fn kind(file: &mut File<'_>, block: &Block, section: &Section<'_>) -> Option<CheckKind> {
    let mut asked: Vec<(&str, Span)> = section
        .attributes()
        .map(|attribute| (attribute.key.as_str(), span_of(&attribute.key)))
        .chain(section.blocks("http").map(|block| ("http", span_of(&block.ident))))
        .filter(|(word, _)| KINDS.contains(word))
        .collect();
    asked.sort_by_key(|(_, span)| span.start);
    if let [(_, first), (word, second), ..] = asked[..] {
        let diagnostic = Diagnostic::error("two-kinds", "a check asks one thing")
            .at(file.place(second), format!("`{word}` is the second"))
            .also(file.place(first), "the first")
            .help("Make two checks of it.");
        file.report(diagnostic);
        return None;
    }
    if !section.has("output") {
        for key in ["equals", "matches"] {
            if let Some(span) = section.key_span(key) {
                let summary = format!("`{key}` says what an output must be, and none is named");
                let diagnostic = Diagnostic::error("missing-attribute", summary)
                    .at(file.place(span), "of which output?")
                    .help("Add `output = \"NAME\"`.");
                file.report(diagnostic);
            }
        }
    }
    match asked.first() {
        Some(("command", _)) => command(file, section),
        Some(("http", _)) => http::read(file, section.blocks("http").next()?),
        Some(("output", span)) => output(file, section, *span),
        Some(_) => terraform_test(file, section),
        None => {
            let diagnostic = Diagnostic::error("no-kind", "the check asks nothing")
                .at(file.place(span_of(&block.ident)), "what must hold?")
                .help(format!("Write one of {} into it.", quoted(&KINDS)));
            file.report(diagnostic);
            None
        }
    }
}

fn command(file: &mut File<'_>, section: &Section<'_>) -> Option<CheckKind> {
    let setting = file.setting(section, "command")?;
    match setting.kind {
        ExpressionKind::List(words) if !words.is_empty() => Some(CheckKind::Command(words)),
        _ => {
            let diagnostic =
                Diagnostic::error("wrong-type", "expected a program and its arguments, as a list of strings")
                    .at(file.place(setting.span), "must be `[\"PROGRAM\", \"ARGUMENT\", ...]`")
                    .help("No shell is in between. For one, write `[\"sh\", \"-c\", \"...\"]`.");
            file.report(diagnostic);
            None
        }
    }
}

fn output(file: &mut File<'_>, section: &Section<'_>, key: Span) -> Option<CheckKind> {
    let name = file.text(section, "output");
    let equals = file.setting(section, "equals");
    let pattern = file.text(section, "matches");
    let matches = pattern.as_ref().and_then(|text| read_pattern(file, text));
    let expected = match (section.has("equals"), section.has("matches")) {
        (true, false) => equals.map(Expected::Equals),
        (false, true) => matches.map(Expected::Matches),
        (both, _) => {
            let summary = if both {
                "an output is compared with a value or with a pattern, not with both"
            } else {
                "it is not said what the output must be"
            };
            let diagnostic = Diagnostic::error(if both { "two-kinds" } else { "missing-attribute" }, summary)
                .at(file.place(key), if both { "`equals` and `matches`" } else { "no `equals`, no `matches`" })
                .help("Write `equals = VALUE`, or `matches = \"REGEX\"`.");
            file.report(diagnostic);
            None
        }
    };
    let name = name?;
    Some(CheckKind::Output(OutputCheck { name: name.value, span: name.span, expected: expected? }))
}

fn terraform_test(file: &mut File<'_>, section: &Section<'_>) -> Option<CheckKind> {
    let asked = file.boolean(section, "terraform_test")?;
    if asked.value {
        return Some(CheckKind::TerraformTest);
    }
    let diagnostic = Diagnostic::error("no-kind", "the check asks nothing")
        .at(file.place(asked.span), "must be `true`")
        .help("Take the check out where tests are not to be run.");
    file.report(diagnostic);
    None
}

/// All test files of the folder are run at once: a second check would build everything again.
fn one_test_at_most(file: &mut File<'_>, checks: &[Check]) {
    let mut tests = checks.iter().filter(|check| matches!(check.kind, CheckKind::TerraformTest));
    let (Some(first), Some(second)) = (tests.next(), tests.next()) else { return };
    let diagnostic = Diagnostic::error("duplicate-block", "the tests of a stack are run by one check")
        .at(file.place(second.span), "runs the same files again")
        .also(file.place(first.span), "runs them already");
    file.report(diagnostic);
}

/// `timeout` and `within`, or what holds for the kind where they are not set.
fn times(file: &mut File<'_>, section: &Section<'_>, kind: Option<&CheckKind>) -> (Duration, Duration) {
    let timeout = duration(file, section, "timeout", false);
    let within = duration(file, section, "within", true);
    let refuse = |file: &mut File<'_>, key: &str, why: &str| {
        if let Some(span) = section.key_span(key) {
            file.error("unknown-attribute", span, format!("`{key}` has no meaning here: {why}"), "take it out");
        }
    };
    let (default, waits) = match kind {
        Some(CheckKind::Http(_)) => (HTTP_TIMEOUT, WITHIN),
        Some(CheckKind::TerraformTest) => {
            refuse(file, "within", "tests are run once");
            (TEST_TIMEOUT, Duration::ZERO)
        }
        Some(CheckKind::Output(_)) => {
            for key in ["timeout", "within"] {
                refuse(file, key, "an output does not change while it is waited for");
            }
            (Duration::ZERO, Duration::ZERO)
        }
        Some(CheckKind::Command(_)) | None => (COMMAND_TIMEOUT, WITHIN),
    };
    (timeout.unwrap_or(default), within.unwrap_or(waits))
}

fn duration(file: &mut File<'_>, section: &Section<'_>, key: &str, may_be_zero: bool) -> Option<Duration> {
    let written = file.text(section, key)?;
    let read = written.value.parse::<SignedDuration>().ok().and_then(|read| Duration::try_from(read).ok());
    let wrong = match read {
        None => "not a length of time",
        Some(Duration::ZERO) if !may_be_zero => "must be more than nothing",
        Some(read) if read > DURATION_MAX => "must be 24 hours at most",
        Some(read) => return Some(read),
    };
    let diagnostic = Diagnostic::error("wrong-duration", format!("`{key}` cannot be `{}`", written.value))
        .at(file.place(written.span), wrong)
        .help("Write it like `10s`, `2m` or `1m30s`.");
    file.report(diagnostic);
    None
}

fn read_pattern(file: &mut File<'_>, written: &Placed<String>) -> Option<Pattern> {
    match Pattern::new(&written.value) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            file.error("wrong-pattern", written.span, "the regular expression cannot be used", error.to_string());
            None
        }
    }
}

/// A text that is known already, where the expression is one.
fn literal(expression: &Expression) -> Option<&str> {
    match &expression.kind {
        ExpressionKind::Literal(Value::String(text)) => Some(text),
        _ => None,
    }
}
