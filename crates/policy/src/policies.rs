//! Policies that were read: compiled once, asked many times. Owns which files are taken, both syntaxes of Rego, and which rules there are.

use std::num::{NonZeroU32, NonZeroUsize};

use regorus::{Engine, PolicyLengthConfig};

use crate::error::{PolicyError, Problem};
use crate::rules::{Kind, Namespaces, RuleName};
use crate::stack::with_room;
use crate::syntax::{self, Form, Syntax};
use crate::{builtins, data};

/// The most bytes of one file: many times what people write, and little enough for its syntax tree.
pub const FILE_BYTES_MAX: usize = 512 << 10;
/// The most bytes of all files together.
pub const POLICIES_BYTES_MAX: usize = 16 << 20;
/// The most characters of a line: messages are long, and nothing else is.
const LINE_LENGTH_MAX: NonZeroU32 = NonZeroU32::new(8 << 10).unwrap();
/// The most lines of a file.
const LINES_MAX: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();
/// The ending of policies.
pub(crate) const REGO: &str = ".rego";
/// The ending of files with tests.
pub(crate) const TESTS: &str = "_test.rego";

/// A file of policies, or of data for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// How it is named to people: its path in the estate.
    pub path: String,
    /// Its path in the folder of the policies: its folders name the part of `data` that a data file fills.
    pub within: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Policies, ready to be asked. Cheap to share: what is asked works on a copy of its own.
#[derive(Debug)]
pub struct Policies {
    pub(crate) engine: Engine,
    /// The rules with a purpose, in the sequence of files; of one name all definitions are together, at the first.
    pub(crate) rules: Vec<Rule>,
}

/// A rule with a purpose.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub name: RuleName,
    pub kind: Kind,
    /// At least one.
    pub definitions: Vec<Definition>,
}

/// One of the places where a rule is defined.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub file: String,
    pub line: u32,
    /// Its file among the interpreter's, and its number in there.
    pub index: (usize, usize),
}

impl Policies {
    /// Compiles policies. All that is wrong with the files is told, and not only the first. Files of tests are read too, but are no part of what is
    /// asked: whoever names a package would have its tests run.
    pub fn load(files: Vec<PolicyFile>) -> Result<Self, PolicyError> {
        with_room(|| load(files, false)).unwrap_or_else(|failed| Err(Problem::in_file("", failed).into()))
    }

    /// Compiles policies together with their tests.
    pub fn load_with_tests(files: Vec<PolicyFile>) -> Result<Self, PolicyError> {
        with_room(|| load(files, true)).unwrap_or_else(|failed| Err(Problem::in_file("", failed).into()))
    }

    /// The namespaces with rules that a gate could ask, sorted.
    pub fn namespaces(&self) -> Vec<String> {
        let asked = self.rules.iter().filter(|rule| rule.kind.is_asked());
        let mut names: Vec<String> = asked.map(|rule| rule.name.namespace()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The rules that are asked in these namespaces.
    pub fn rules(&self, namespaces: &Namespaces) -> Vec<&RuleName> {
        self.asked(namespaces).map(|rule| &rule.name).collect()
    }

    pub(crate) fn asked(&self, namespaces: &Namespaces) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.kind.is_asked() && namespaces.has(&rule.name.package))
    }
}

fn load(files: Vec<PolicyFile>, has_tests: bool) -> Result<Policies, PolicyError> {
    let (texts, mut problems) = texts(files)?;
    let mut engine = engine().map_err(|error| Problem::in_file("", error.to_string()))?;
    let mut parsed: Vec<(String, Syntax)> = Vec::new();
    for (path, _, text) in texts.iter().filter(|(path, _, _)| path.ends_with(REGO)) {
        let is_part = has_tests || !path.ends_with(TESTS);
        // What is no part is parsed alone.
        let read = if is_part { parse(&mut engine, path, text) } else { parse(&mut Engine::new(), path, text) };
        match read {
            Ok(syntax) if is_part => parsed.push((path.clone(), syntax)),
            Ok(syntax) => problems.extend(asked_in_tests(path, &syntax)),
            Err(problem) => problems.push(problem),
        }
    }
    let declared = parsed.iter().flat_map(|(_, syntax)| syntax.paths()).collect();
    for (path, within, text) in texts.iter().filter(|(path, _, _)| !path.ends_with(REGO)) {
        problems.extend(data::add(&mut engine, path, within, text, &declared).err());
    }
    let by_name: Vec<(&str, &Syntax)> = parsed.iter().map(|(path, syntax)| (path.as_str(), syntax)).collect();
    problems.extend(nested_names(&by_name));
    if problems.is_empty() {
        problems = syntax::check(&by_name);
    }
    // A query makes the interpreter analyse all of it; this one is true.
    if problems.is_empty()
        && let Err(error) = engine.eval_bool_query("true".to_owned(), false)
    {
        problems.push(Problem::of(&error.to_string(), ""));
    }
    if problems.is_empty() { Ok(Policies { engine, rules: rules(&parsed) }) } else { Err(PolicyError { problems }) }
}

/// An interpreter as policies are evaluated with.
fn engine() -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_policy_length_config(lengths());
    // What goes wrong in a function is told, instead of making the rule that calls it not hold: a gate would pass.
    engine.set_strict_builtin_errors(true);
    engine.set_gather_prints(true);
    builtins::register(&mut engine)?;
    Ok(engine)
}

/// The texts of files, by path and place in the policies' folder, and what is wrong with those that are none.
#[expect(clippy::type_complexity, reason = "the parts are taken apart at once")]
fn texts(files: Vec<PolicyFile>) -> Result<(Vec<(String, String, String)>, Vec<Problem>), PolicyError> {
    let mut problems = Vec::new();
    let mut texts = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += file.bytes.len();
        if bytes > POLICIES_BYTES_MAX {
            let what = format!("the policies have more than {} MiB together", POLICIES_BYTES_MAX >> 20);
            return Err(Problem::in_file(&file.path, what).into());
        }
        match text_of(&file) {
            Ok(text) => texts.push((file.path, file.within, text)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((texts, problems))
}

/// How long files may be.
fn lengths() -> PolicyLengthConfig {
    let max_file_bytes = NonZeroUsize::new(FILE_BYTES_MAX).expect("the limit is not 0");
    PolicyLengthConfig { max_col: LINE_LENGTH_MAX, max_file_bytes, max_lines: LINES_MAX }
}

fn text_of(file: &PolicyFile) -> Result<String, Problem> {
    if file.bytes.len() > FILE_BYTES_MAX {
        let what = format!(
            "it has {} bytes; the limit for a file of policies is {} KiB",
            file.bytes.len(),
            FILE_BYTES_MAX >> 10
        );
        return Err(Problem::in_file(&file.path, what));
    }
    let text = std::str::from_utf8(&file.bytes).map_err(|error| {
        let before = &file.bytes[..error.valid_up_to()];
        let line = 1 + before.split(|byte| *byte == b'\n').skip(1).count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let (line, column) = (line.try_into().unwrap_or(u32::MAX), column.try_into().unwrap_or(u32::MAX));
        Problem::at(&file.path, line, column, "it is not UTF-8")
    })?;
    // Editors of Windows put it there; it is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Problem::in_file(&file.path, "the file is empty"));
    }
    Ok(text.to_owned())
}

/// Parses a file: as Rego is written since OPA 1.0 or with `import rego.v1`, else as before. What fits neither is told in the syntax in which more
/// of it is right.
fn parse(engine: &mut Engine, path: &str, text: &str) -> Result<Syntax, Problem> {
    let attempt = |engine: &mut Engine, is_old: bool| {
        engine.set_rego_v0(is_old);
        let added = engine.add_policy(path.to_owned(), text.to_owned());
        added.map_err(|error| Problem::of(&error.to_string(), path))
    };
    let is_old = match attempt(engine, false) {
        Ok(_) => false,
        Err(new) => match attempt(engine, true) {
            Ok(_) => true,
            // That `if` is missing says no more than that it is the old syntax.
            Err(old) if old.at > new.at || new.what.starts_with("`if` keyword is required") => return Err(old),
            Err(_) => return Err(new),
        },
    };
    // Alone, so that the syntax trees of all files are never in memory together.
    let mut alone = Engine::new();
    alone.set_policy_length_config(lengths());
    attempt(&mut alone, is_old)?;
    Syntax::read(&alone, text).map_err(|error| Problem::in_file(path, error))
}

/// Rules such as `deny.bucket`: conftest does not ask them, and nobody would notice.
fn nested_names(files: &[(&str, &Syntax)]) -> Vec<Problem> {
    let rules = files.iter().flat_map(|(file, syntax)| syntax.rules.iter().map(move |rule| (file, rule)));
    let nested = rules.filter(|(_, rule)| {
        rule.form != Form::Function && rule.name.len() > 1 && Kind::of(&rule.name[0]).is_some_and(Kind::is_asked)
    });
    nested
        .map(|(file, rule)| {
            let what =
                format!("the rule `{}` would not be asked: name it `{}`", rule.name.join("."), rule.name.join("_"));
            Problem::at(file, rule.line, 1, what)
        })
        .collect()
}

/// Rules for a gate in a file of tests: they would not be asked.
fn asked_in_tests(file: &str, syntax: &Syntax) -> Vec<Problem> {
    let asked = syntax.rules.iter().filter(|rule| {
        rule.form != Form::Function
            && Kind::of(&rule.name[0]).is_some_and(|kind| kind.is_asked() || kind == Kind::Exception)
    });
    asked
        .map(|rule| {
            let what =
                format!("the rule `{}` is in a file of tests and would not be asked: move it to another", rule.name[0]);
            Problem::at(file, rule.line, 1, what)
        })
        .collect()
}

/// The rules with a purpose.
fn rules(files: &[(String, Syntax)]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (at, (file, syntax)) in files.iter().enumerate() {
        for rule in &syntax.rules {
            let [name] = rule.name.as_slice() else { continue };
            let Some(kind) = Kind::of(name).filter(|_| rule.form != Form::Function) else { continue };
            let name = RuleName { package: syntax.package.clone(), name: name.clone() };
            let definition = Definition { file: file.clone(), line: rule.line, index: (at, rule.number) };
            let place = *places.entry(name.clone()).or_insert_with(|| {
                rules.push(Rule { name, kind, definitions: Vec::new() });
                rules.len() - 1
            });
            rules[place].definitions.push(definition);
        }
    }
    rules
}
