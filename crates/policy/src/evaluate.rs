//! Asks policies about one input. Owns the sequence in which they are asked, the time that they get, and which of several definitions of a rule
//! said what. What goes wrong makes the verdict undecidable; it never makes a rule silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};
use terrace_domain::policy::{PolicyFinding, PolicyVerdict};

use crate::error::{Problem, in_words};
use crate::finding::{self, Exception, Finding, Severity};
use crate::policies::{Definition, Policies, Rule};
use crate::rules::{Kind, Namespaces};
use crate::stack::with_room;

/// How much evaluation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time that all rules together get for one input. It is looked at between expressions: one call of a function, however long it takes, is
    /// waited for.
    pub time: Duration,
}

/// What policies say of one input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// What they found, in the sequence of files and rules.
    pub findings: Vec<Finding>,
    /// The rules that were not asked because of an `exception`.
    pub exceptions: Vec<Exception>,
    /// How many rules there are to ask.
    pub rules: usize,
    /// How many of them were asked and found nothing.
    pub passed: usize,
    /// What went wrong: where there is something, nothing is decided.
    pub problems: Vec<Problem>,
    /// What the policies printed, with file and line.
    pub prints: Vec<String>,
}

/// The most findings that a verdict holds: it is recorded, and nobody reads more.
const VERDICT_FINDINGS_MAX: usize = 200;
/// The most characters of a message in a verdict.
const VERDICT_MESSAGE_MAX: usize = 2_000;

impl Default for Limits {
    /// Ten seconds: a thousand times what policies take for a plan of a thousand resources.
    fn default() -> Self {
        Self { time: Duration::from_secs(10) }
    }
}

impl Policies {
    /// Asks all rules of these namespaces about an input.
    pub fn evaluate(&self, input: serde_json::Value, namespaces: &Namespaces, limits: &Limits) -> Evaluation {
        let rules: Vec<&Rule> = self.asked(namespaces).collect();
        if rules.is_empty() {
            return Evaluation { problems: vec![self.nothing_asked(namespaces)], ..Evaluation::default() };
        }
        let evaluated = with_room(|| {
            let mut asking = Asking::new(self, input, limits);
            asking.ask(&rules);
            asking.evaluation
        });
        let mut evaluation = evaluated.unwrap_or_else(|failed| Evaluation {
            problems: vec![Problem::in_file("", failed)],
            ..Evaluation::default()
        });
        evaluation.rules = rules.len();
        evaluation
    }

    fn nothing_asked(&self, namespaces: &Namespaces) -> Problem {
        let others = self.namespaces();
        let others = if others.is_empty() {
            "a rule is named `deny`, `violation` or `warn`, or begins with one of these and `_`".to_owned()
        } else {
            format!("there are rules in `{}`", others.join("`, `"))
        };
        let what = format!("no rule was found in {namespaces}, and what asks nothing must not pass; {others}");
        Problem::in_file("", what)
    }
}

impl Evaluation {
    /// What speaks against the input.
    pub fn denials(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Deny)
    }

    /// As the domain has it: the denials first, where not all findings have room.
    pub fn verdict(&self) -> PolicyVerdict {
        let by_weight = |severity| self.findings.iter().filter(move |finding| finding.severity == severity);
        let kept = by_weight(Severity::Deny).chain(by_weight(Severity::Warn)).take(VERDICT_FINDINGS_MAX);
        let mut findings: Vec<PolicyFinding> = kept.map(Finding::to_domain).collect();
        for finding in &mut findings {
            if let Some((at, _)) = finding.message.char_indices().nth(VERDICT_MESSAGE_MAX) {
                finding.message.truncate(at);
                finding.message.push('…');
            }
        }
        if let Some(last) = self.findings.len().checked_sub(VERDICT_FINDINGS_MAX).filter(|more| *more > 0) {
            let message = format!("and {last} findings more");
            findings.push(PolicyFinding { is_warning: true, file: String::new(), rule: String::new(), message });
        }
        let undecidable = (!self.problems.is_empty()).then(|| in_words(&self.problems));
        PolicyVerdict { findings, rules: self.rules, undecidable }
    }
}

/// The evaluation of one input, while it is under way.
pub(crate) struct Asking<'p> {
    policies: &'p Policies,
    pub engine: Engine,
    deadline: Deadline,
    /// The rule that is being asked, where several are asked at once.
    at: Arc<AtomicUsize>,
    pub evaluation: Evaluation,
}

/// Until when.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    began: Instant,
    limit: Duration,
}

impl Deadline {
    fn left(self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }

    fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// The function that tells which rule is being asked: the interpreter names no place when the time is over.
const MARK: &str = "terrace.asking";

impl<'p> Asking<'p> {
    fn new(policies: &'p Policies, input: serde_json::Value, limits: &Limits) -> Self {
        let mut asking = Self::without_input(policies, limits);
        asking.engine.set_input(Value::from(input));
        asking
    }

    /// Where the policies themselves bring the input: tests.
    pub(crate) fn without_input(policies: &'p Policies, limits: &Limits) -> Self {
        let at = Arc::new(AtomicUsize::new(0));
        let mut engine = policies.engine.clone();
        let mark = Arc::clone(&at);
        let tell = move |arguments: Vec<Value>| {
            let number = arguments.first().and_then(|number| number.as_u64().ok()).unwrap_or(0);
            mark.store(usize::try_from(number).unwrap_or(0), Ordering::Relaxed);
            Ok(Value::from(true))
        };
        engine.add_extension(MARK.to_owned(), 1, Box::new(tell)).expect("nothing else has this name");
        let deadline = Deadline { began: Instant::now(), limit: limits.time };
        Self { policies, engine, deadline, at, evaluation: Evaluation::default() }
    }

    fn ask(&mut self, rules: &[&Rule]) {
        let rules = self.without_exceptions(rules);
        match self.all_at_once(&rules) {
            Some(values) => {
                for (rule, value) in rules.iter().zip(values) {
                    self.take(rule, &value);
                }
            }
            None if self.deadline.is_over() => {
                let rule = rules[self.at.load(Ordering::Relaxed).min(rules.len() - 1)];
                let problem = self.problem(rule, "");
                self.evaluation.problems.push(problem);
            }
            // Something went wrong: one by one, what can be found is found, and every problem is told.
            None => {
                for rule in &rules {
                    match self.value(rule) {
                        Ok(value) => self.take(rule, &value),
                        Err(problem) => self.evaluation.problems.push(problem),
                    }
                    if self.deadline.is_over() {
                        break;
                    }
                }
                if self.evaluation.problems.is_empty() {
                    self.evaluation.problems.push(Problem::in_file("", "the rules cannot be asked together"));
                }
            }
        }
        self.evaluation.prints = self.engine.take_prints().unwrap_or_default();
    }

    /// The rules that no `exception` of their package names.
    fn without_exceptions<'r>(&mut self, rules: &[&'r Rule]) -> Vec<&'r Rule> {
        let policies = self.policies;
        let mut asked = rules.to_vec();
        for exception in policies.rules.iter().filter(|rule| rule.kind == Kind::Exception) {
            if !rules.iter().any(|rule| rule.name.package == exception.name.package) {
                continue;
            }
            let value = match self.value(exception) {
                Ok(value) => value,
                Err(problem) => {
                    self.evaluation.problems.push(problem);
                    continue;
                }
            };
            let mut suffixes = Vec::new();
            finding::texts(&value, &mut suffixes);
            let is_excepted = |rule: &Rule| {
                rule.name.package == exception.name.package
                    && suffixes.iter().any(|suffix| suffix == rule.name.suffix())
            };
            let excepted = asked.iter().filter(|rule| is_excepted(rule)).map(|rule| {
                let Definition { file, line, .. } = rule.definitions[0].clone();
                Exception { rule: rule.name.clone(), file, line }
            });
            self.evaluation.exceptions.extend(excepted);
            asked.retain(|rule| !is_excepted(rule));
        }
        asked
    }

    /// The values of all rules, in one query, so that what they share is evaluated once; `None` where something goes wrong.
    fn all_at_once(&mut self, rules: &[&Rule]) -> Option<Vec<Value>> {
        if rules.is_empty() {
            return Some(Vec::new());
        }
        let asked = rules.iter().enumerate().map(|(number, rule)| {
            let name = &rule.name;
            format!("  [value | {MARK}({number}); value := {name}]")
        });
        let query = format!("[\n{}\n]", asked.collect::<Vec<_>>().join(",\n"));
        let answer = self.query(query).ok()?;
        let values = answer.as_array().ok()?;
        let of_rule = |value: &Value| value.as_array().ok().and_then(|found| found.iter().next().cloned());
        Some(values.iter().map(|value| of_rule(value).unwrap_or(Value::Undefined)).collect())
    }

    /// The value of a rule.
    pub(crate) fn value(&mut self, rule: &Rule) -> Result<Value, Problem> {
        self.restart();
        let value = self.engine.eval_rule(rule.name.to_string());
        value.map_err(|error| self.problem(rule, &error.to_string()))
    }

    fn query(&mut self, query: String) -> Result<Value, String> {
        self.restart();
        let results = self.engine.eval_query(query, false).map_err(|error| error.to_string())?;
        let expressions = results.result.into_iter().next().map(|result| result.expressions);
        let expression = expressions.into_iter().flatten().next();
        expression.map(|expression| expression.value).ok_or_else(|| "the query gave nothing".to_owned())
    }

    /// Each evaluation gets the time that is left. It is looked at before every expression: an error of a function is passed on only when all of
    /// its definitions were tried, and each of these must end at once.
    fn restart(&mut self) {
        const EVERY: std::num::NonZeroU32 = std::num::NonZeroU32::MIN;
        let limit = self.deadline.left();
        self.engine.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval: EVERY });
    }

    fn problem(&self, rule: &Rule, message: &str) -> Problem {
        let definition = &rule.definitions[0];
        if self.deadline.is_over() {
            let limit = self.deadline.limit;
            let what =
                format!("`{}` was still being evaluated after {limit:?}, which is the limit for all rules", rule.name);
            return Problem::at(&definition.file, definition.line, 1, what);
        }
        Problem::of(message, &definition.file)
    }

    /// Takes what a rule gave.
    fn take(&mut self, rule: &Rule, value: &Value) {
        let said = match finding::said(value, &rule.name) {
            Ok(said) => said,
            Err(what) => {
                let definition = &rule.definitions[0];
                let what = format!("`{}`: {what}", rule.name);
                self.evaluation.problems.push(Problem::at(&definition.file, definition.line, 1, what));
                return;
            }
        };
        if said.is_empty() {
            self.evaluation.passed += 1;
            return;
        }
        let severity = if rule.kind == Kind::Warn { Severity::Warn } else { Severity::Deny };
        let sources = self.sources(rule, said.iter().map(|(element, _)| element));
        let mut findings: Vec<(usize, Finding)> = Vec::new();
        for ((_, (message, details)), source) in said.into_iter().zip(sources) {
            let Definition { file, line, .. } = rule.definitions[source].clone();
            findings.push((source, Finding { severity, rule: rule.name.clone(), file, line, message, details }));
        }
        findings.sort_by_key(|(source, _)| *source);
        self.evaluation.findings.extend(findings.into_iter().map(|(_, finding)| finding));
    }

    /// For each element that a rule gave, the definition that gave it: the first that does so when it is evaluated alone.
    fn sources<'v>(&mut self, rule: &Rule, elements: impl Iterator<Item = &'v Value>) -> Vec<usize> {
        let mut sources: Vec<(&Value, Option<usize>)> = elements.map(|element| (element, None)).collect();
        if rule.definitions.len() > 1 {
            for (number, definition) in rule.definitions.iter().enumerate() {
                let Some(value) = self.alone(rule, definition) else { continue };
                let given = finding::said(&value, &rule.name).unwrap_or_default();
                for (element, source) in sources.iter_mut().filter(|(_, source)| source.is_none()) {
                    if given.iter().any(|(own, _)| own == *element) {
                        *source = Some(number);
                    }
                }
            }
        }
        sources.into_iter().map(|(_, source)| source.unwrap_or(0)).collect()
    }

    /// What one definition of a rule gives; `None` where it cannot be told, which only makes the place less exact.
    fn alone(&mut self, rule: &Rule, definition: &Definition) -> Option<Value> {
        self.restart();
        let (file, number) = definition.index;
        let module = self.engine.get_modules().get(file)?.clone();
        let own = module.policy.get(number)?.clone();
        let mut value = &self.engine.eval_rule_in_module(&module, &own, false).ok()?;
        for part in rule.name.package.iter().chain([&rule.name.name]) {
            value = &value[part.as_str()];
        }
        Some(value.clone())
    }
}
