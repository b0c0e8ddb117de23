//! `terrace policy test`.

use clap::Args;
use regex::Regex;
use terrace_policy::{Limits, Policies, TestOutcome};

use super::source::Source;
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
A test is a rule whose name begins with `test_`, as `opa test` and `conftest verify` run them: it passes when it is true. One that begins
with `todo_test_` is skipped. Tests are usually in files that end in _test.rego, beside what they test.

Examples:
  terrace policy test
  terrace policy test --run 'main.test_bucket'
  terrace policy test policies/ --json | jq '.tests[] | select(.outcome != \"passed\")'";

/// Run the tests of policies
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Test {
    #[command(flatten)]
    source: Source,
    /// Only tests whose name (`data.main.test_bucket`) matches this regular expression
    #[arg(long, value_name = "PATTERN")]
    run: Option<Regex>,
    /// Print JSON (terrace.policy-test/1)
    #[arg(long)]
    json: bool,
}

impl Test {
    /// Tests.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let policies = match self.source.read(settings)?.and_then(Policies::load_with_tests) {
            Ok(policies) => policies,
            Err(error) => return Err(views::policy::unusable(&error)),
        };
        let is_chosen = |name: &str| self.run.as_ref().is_none_or(|pattern| pattern.is_match(name));
        let reports = policies
            .test(|case| is_chosen(&case.rule.to_string()), &Limits::default())
            .map_err(|error| CommandError::failed(format!("the tests cannot be run: {error}")))?;
        if reports.is_empty() {
            return Err(nothing_to_run(&policies, self.run.as_ref()));
        }
        if self.json {
            views::policy::tests_json(&reports);
        } else {
            views::policy::tests(&reports);
        }
        let has_failed = |outcome: &TestOutcome| matches!(outcome, TestOutcome::Failed(_) | TestOutcome::Broken(_));
        let failed = reports.iter().any(|report| has_failed(&report.outcome));
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }
}

fn nothing_to_run(policies: &Policies, pattern: Option<&Regex>) -> CommandError {
    let tests = policies.tests();
    match (pattern, tests.first()) {
        (Some(pattern), Some(first)) => CommandError::usage(format!("no test matches `{pattern}`")).help(format!(
            "There are {}, such as `{}`.",
            views::count(tests.len(), "test"),
            first.rule
        )),
        _ => CommandError::usage("there is no test")
            .help("A test is a rule whose name begins with `test_`, usually in a file that ends in _test.rego."),
    }
}
