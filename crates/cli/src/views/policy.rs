//! What policies say of a plan, and how their tests went. One line each, so that it can be searched.

use std::fmt::Write;

use console::{StyledObject, style};
use serde::Serialize;
use terrace_policy::{
    Evaluation, Exception, Finding, PolicyError, Problem, RuleName, Severity, TestOutcome, TestReport,
};

use super::{count, print, print_json, say};
use crate::error::CommandError;

/// What policies say, as text.
pub fn check(evaluation: &Evaluation) {
    prints(&evaluation.prints);
    let mut text = String::new();
    for finding in &evaluation.findings {
        let mark = match finding.severity {
            Severity::Deny => style("FAIL").red().bold(),
            Severity::Warn => style("WARN").yellow(),
        };
        line(&mut text, &mark, &at(&finding.file, finding.line), &finding.rule, &finding.message);
    }
    for exception in &evaluation.exceptions {
        let place = at(&exception.file, exception.line);
        line(&mut text, &style("SKIP").cyan(), &place, &exception.rule, "an exception names it");
    }
    for problem in &evaluation.problems {
        let _ = writeln!(text, "{} - {}", style("ERROR").red().bold(), shown(&problem.to_string()));
    }
    print(&text);
    let number = |severity| evaluation.findings.iter().filter(|finding| finding.severity == severity).count();
    let (failures, warnings) = (number(Severity::Deny), number(Severity::Warn));
    let mut parts =
        vec![format!("{} passed", evaluation.passed), count(warnings, "warning"), count(failures, "failure")];
    parts.push(count(evaluation.exceptions.len(), "exception"));
    if !evaluation.problems.is_empty() {
        parts.push(count(evaluation.problems.len(), "error"));
    }
    print(&format!("\n{}, {}\n", count(evaluation.rules, "rule"), parts.join(", ")));
    if !evaluation.problems.is_empty() {
        say("The plan cannot be decided: a gate refuses it.");
    }
}

/// How tests went, as text.
pub fn tests(reports: &[TestReport]) {
    let mut text = String::new();
    let mut numbers = [0; 4];
    for report in reports {
        prints(&report.prints);
        let (kind, mark, why) = match &report.outcome {
            TestOutcome::Passed => (0, style("PASS").green(), String::new()),
            TestOutcome::Failed(why) => (1, style("FAIL").red().bold(), why.clone()),
            TestOutcome::Broken(problem) => (2, style("ERROR").red().bold(), problem.to_string()),
            TestOutcome::Skipped => (3, style("SKIP").cyan(), "its name begins with `todo_`".to_owned()),
        };
        numbers[kind] += 1;
        line(&mut text, &mark, &at(&report.case.file, report.case.line), &report.case.rule, &why);
    }
    print(&text);
    let [passed, failed, broken, skipped] = numbers;
    let mut parts = vec![format!("{passed} passed"), count(failed, "failure")];
    let others = [(broken, count(broken, "error")), (skipped, format!("{skipped} skipped"))];
    parts.extend(others.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words));
    print(&format!("\n{}, {}\n", count(reports.len(), "test"), parts.join(", ")));
}

/// The error for policies that cannot be used: every problem is told.
pub fn unusable(error: &PolicyError) -> CommandError {
    let [only] = error.problems.as_slice() else {
        for problem in &error.problems {
            say(&format!("{} {}", style("error:").for_stderr().red().bold(), shown(&problem.to_string())));
        }
        return CommandError::usage(format!("the policies have {}", count(error.problems.len(), "error")));
    };
    CommandError::usage(shown(&only.to_string()))
}

/// What policies printed is talk.
fn prints(lines: &[String]) {
    for line in lines {
        say(&shown(line));
    }
}

fn at(file: &str, line: u32) -> String {
    format!("{file}:{line}")
}

fn line(text: &mut String, mark: &StyledObject<&str>, place: &str, rule: &RuleName, message: &str) {
    let name = rule.to_string();
    let name = name.strip_prefix("data.").unwrap_or(&name);
    let _ = write!(text, "{mark} - {} - {}", shown(place), shown(name));
    if !message.is_empty() {
        let _ = write!(text, " - {}", shown(message));
    }
    text.push('\n');
}

/// Messages hold names out of plans, which anybody may have chosen: what would move the cursor is shown as it is written in code.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Further lines stay below the first.
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push('\t'),
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
    }
    shown
}

#[derive(Serialize)]
struct CheckJson<'a> {
    /// `pass`, `deny`, or `undecidable`.
    verdict: &'static str,
    rules: usize,
    passed: usize,
    findings: Vec<FindingJson<'a>>,
    exceptions: Vec<ExceptionJson<'a>>,
    errors: Vec<ProblemJson<'a>>,
    prints: &'a [String],
}

#[derive(Serialize)]
struct FindingJson<'a> {
    severity: &'static str,
    namespace: String,
    rule: String,
    file: &'a str,
    line: u32,
    message: &'a str,
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    details: &'a serde_json::Value,
}

#[derive(Serialize)]
struct ExceptionJson<'a> {
    namespace: String,
    rule: String,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
}

/// What policies say as JSON, `terrace.policy-check/1`.
pub fn check_json(evaluation: &Evaluation) {
    let verdict = if evaluation.denials().next().is_some() {
        "deny"
    } else if evaluation.problems.is_empty() {
        "pass"
    } else {
        "undecidable"
    };
    let report = CheckJson {
        verdict,
        rules: evaluation.rules,
        passed: evaluation.passed,
        findings: evaluation.findings.iter().map(finding_json).collect(),
        exceptions: evaluation.exceptions.iter().map(exception_json).collect(),
        errors: evaluation.problems.iter().map(problem_json).collect(),
        prints: &evaluation.prints,
    };
    print_json("terrace.policy-check/1", &report);
}

fn finding_json(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        severity: finding.severity.as_str(),
        namespace: finding.rule.namespace(),
        rule: finding.rule.to_string(),
        file: &finding.file,
        line: finding.line,
        message: &finding.message,
        details: &finding.details,
    }
}

fn exception_json(exception: &Exception) -> ExceptionJson<'_> {
    let (namespace, rule) = (exception.rule.namespace(), exception.rule.to_string());
    ExceptionJson { namespace, rule, file: &exception.file, line: exception.line }
}

fn problem_json(problem: &Problem) -> ProblemJson<'_> {
    ProblemJson {
        file: Some(problem.file.as_str()).filter(|file| !file.is_empty()),
        line: problem.at.map(|(line, _)| line),
        column: problem.at.map(|(_, column)| column),
        message: &problem.what,
    }
}

#[derive(Serialize)]
struct TestsJson<'a> {
    passed: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
    tests: Vec<TestJson<'a>>,
}

#[derive(Serialize)]
struct TestJson<'a> {
    name: String,
    file: &'a str,
    line: u32,
    /// `passed`, `failed`, `error` or `skipped`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    prints: &'a [String],
}

/// How tests went as JSON, `terrace.policy-test/1`.
pub fn tests_json(reports: &[TestReport]) {
    let tests: Vec<TestJson<'_>> = reports.iter().map(test_json).collect();
    let number = |outcome: &str| tests.iter().filter(|test| test.outcome == outcome).count();
    let (passed, failed, errors, skipped) = (number("passed"), number("failed"), number("error"), number("skipped"));
    print_json("terrace.policy-test/1", &TestsJson { passed, failed, errors, skipped, tests });
}

fn test_json(report: &TestReport) -> TestJson<'_> {
    let (outcome, message) = match &report.outcome {
        TestOutcome::Passed => ("passed", None),
        TestOutcome::Failed(why) => ("failed", Some(why.clone())),
        TestOutcome::Broken(problem) => ("error", Some(problem.to_string())),
        TestOutcome::Skipped => ("skipped", None),
    };
    let case = &report.case;
    TestJson {
        name: case.rule.to_string(),
        file: &case.file,
        line: case.line,
        outcome,
        message,
        prints: &report.prints,
    }
}
