//! Loads a fixture's policies, asks them, and tells what they say in a few lines.

use std::fmt::Write;

use serde_json::Value as Json;
use terrace_config::fixture::MemoryTree;
use terrace_domain::path::RepoPath;
use terrace_policy::{Evaluation, Limits, Namespaces, Policies, PolicyError, TestOutcome, files};

/// The policies in the folder `policy` of a fixture.
pub(crate) fn load(fixture: &str) -> Result<Policies, PolicyError> {
    load_tree(&MemoryTree::parse(fixture))
}

pub(crate) fn load_tree(tree: &MemoryTree) -> Result<Policies, PolicyError> {
    files::load(tree, &RepoPath::root(), &[RepoPath::new("policy").unwrap()])
}

/// What conftest would ask of an input.
pub(crate) fn evaluate(fixture: &str, input: &Json) -> Evaluation {
    load(fixture).unwrap().evaluate(input.clone(), &Namespaces::default(), &Limits::default())
}

/// What the policies of a fixture say.
pub(crate) fn said(fixture: &str, input: &Json) -> String {
    in_words(&evaluate(fixture, input))
}

pub(crate) fn in_words(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    for finding in &evaluation.findings {
        let severity = finding.severity.as_str();
        let _ = write!(text, "{severity} {}:{} {}: {}", finding.file, finding.line, finding.rule, finding.message);
        let details = if finding.details.is_null() { String::new() } else { format!(" {}", finding.details) };
        let _ = writeln!(text, "{details}");
    }
    for exception in &evaluation.exceptions {
        let _ = writeln!(text, "except {}:{} {}", exception.file, exception.line, exception.rule);
    }
    for problem in &evaluation.problems {
        let _ = writeln!(text, "problem {problem}");
    }
    let _ = writeln!(text, "{} rules, {} passed", evaluation.rules, evaluation.passed);
    text
}

/// What is wrong with the policies of a fixture.
pub(crate) fn wrong(fixture: &str) -> String {
    let error = load(fixture).map(|policies| policies.namespaces()).unwrap_err();
    error.problems.iter().fold(String::new(), |text, problem| text + &problem.to_string() + "\n")
}

/// How the tests of a fixture go.
pub(crate) fn tested(fixture: &str) -> String {
    let files = files::read_all(&MemoryTree::parse(fixture), &RepoPath::root(), &[RepoPath::new("policy").unwrap()]);
    let reports = Policies::load_with_tests(files.unwrap()).unwrap().test(|_| true, &Limits::default()).unwrap();
    let mut text = String::new();
    for report in &reports {
        let case = &report.case;
        let outcome = match &report.outcome {
            TestOutcome::Passed => "pass".to_owned(),
            TestOutcome::Failed(why) => format!("fail: {why}"),
            TestOutcome::Broken(problem) => format!("broken: {problem}"),
            TestOutcome::Skipped => "skipped".to_owned(),
        };
        let _ = writeln!(text, "{}:{} {} {outcome}", case.file, case.line, case.rule);
        for print in &report.prints {
            let _ = writeln!(text, "  {print}");
        }
    }
    text
}
