//! Tests of policies: rules `test_...`, as OPA and conftest run them. Owns which there are and what counts as passed.

use rayon::prelude::*;
use regorus::Value;

use crate::error::Problem;
use crate::evaluate::{Asking, Limits};
use crate::policies::{Policies, Rule};
use crate::rules::{Kind, RuleName};
use crate::stack::{STACK_BYTES, guarded};

/// A test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// The rule.
    pub rule: RuleName,
    /// Its file.
    pub file: String,
    /// The line where it begins.
    pub line: u32,
    /// Whether its name begins with `todo_`: it is not run.
    pub is_todo: bool,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// It holds.
    Passed,
    /// It does not: it is false or undefined, or gives something else than true.
    Failed(String),
    /// It could not be evaluated.
    Broken(Problem),
    /// It was not run.
    Skipped,
}

/// A test and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The test.
    pub case: TestCase,
    /// How it went.
    pub outcome: TestOutcome,
    /// What it printed, with file and line.
    pub prints: Vec<String>,
}

impl Policies {
    /// The tests, in the sequence of files.
    pub fn tests(&self) -> Vec<TestCase> {
        self.test_rules().map(case_of).collect()
    }

    /// Runs the tests whose names pass the filter, several at once; each gets the whole time. The error says why they could not be run at all.
    pub fn test(&self, filter: impl Fn(&TestCase) -> bool, limits: &Limits) -> Result<Vec<TestReport>, String> {
        let rules: Vec<&Rule> = self.test_rules().filter(|rule| filter(&case_of(rule))).collect();
        let pool =
            rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build().map_err(|error| error.to_string())?;
        Ok(pool.install(|| rules.par_iter().map(|rule| self.run(rule, limits)).collect()))
    }

    fn test_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| matches!(rule.kind, Kind::Test | Kind::Todo))
    }

    fn run(&self, rule: &Rule, limits: &Limits) -> TestReport {
        let case = case_of(rule);
        if case.is_todo {
            return TestReport { case, outcome: TestOutcome::Skipped, prints: Vec::new() };
        }
        let done = guarded(|| {
            let mut asking = Asking::without_input(self, limits);
            let value = asking.value(rule);
            (value, asking.engine.take_prints().unwrap_or_default())
        });
        let (value, prints) = done.unwrap_or_else(|failed| (Err(Problem::in_file(&case.file, failed)), Vec::new()));
        let outcome = match value {
            Ok(Value::Bool(true)) => TestOutcome::Passed,
            Ok(Value::Bool(false)) => TestOutcome::Failed("it is false".to_owned()),
            Ok(Value::Undefined) => TestOutcome::Failed("it does not hold".to_owned()),
            Ok(_) => TestOutcome::Failed("it gives a value, and a test is true or fails".to_owned()),
            Err(problem) => TestOutcome::Broken(problem),
        };
        TestReport { case, outcome, prints }
    }
}

fn case_of(rule: &Rule) -> TestCase {
    let definition = &rule.definitions[0];
    TestCase {
        rule: rule.name.clone(),
        file: definition.file.clone(),
        line: definition.line,
        is_todo: rule.kind == Kind::Todo,
    }
}
