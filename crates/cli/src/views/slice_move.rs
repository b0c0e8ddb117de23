//! A move of resources between stacks: for people as a unified diff with what it means, for programs as JSON.

use console::style;
use serde::Serialize;
use similar::TextDiff;
use terrace_config::tree::FileTree;
use terrace_config::{ChangedText, ContractChanges, MovedCode};
use terrace_domain::estate::Stack;
use terrace_domain::moves::MovedAddress;

use super::{count, diagnostics, print, print_json, say};
use crate::commands::slice::Known;

/// How many lines around a change are shown.
const CONTEXT_LINES: usize = 3;

/// What moves, and what changes by it.
pub struct Report<'a> {
    pub from: &'a Stack,
    pub to: &'a Stack,
    pub addresses: &'a [MovedAddress],
    pub moved: &'a MovedCode,
    pub known: &'a [Known],
    pub written: bool,
}

impl Report<'_> {
    fn named(&self) -> String {
        self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The difference as data; what it means for people.
pub fn show(tree: &dyn FileTree, report: &Report<'_>) {
    for file in &report.moved.files {
        print(&coloured(&diff(file), console::colors_enabled()));
    }
    diagnostics::say_from(tree, &report.moved.notes);
    let (from, to) = (&report.from.name, &report.to.name);
    say(&format!("{} moves from {from} to {to}:", style(report.named()).for_stderr().bold()));
    for line in in_words(&report.moved.contract, from.as_str(), to.as_str()) {
        say(&format!("  {line}"));
    }
    for known in report.known {
        let what = match (known.snapshot, known.instances.len()) {
            (None, _) => "nothing is known to run: what is not there is made".to_owned(),
            (Some(_), 0) => "it has none of it: it is made".to_owned(),
            (Some(_), number) => format!("{} imported, nothing is touched", is_or_are(number)),
        };
        say(&format!("  in {}: {what}", known.environment));
    }
}

fn is_or_are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, "resource"))
}

/// That nothing was written, and how it is.
pub fn not_written() {
    say("Nothing was written; `--write` does it.");
}

/// What to do now.
pub fn next(report: &Report<'_>) {
    say(&format!("Wrote {}; the estate is valid. Next:", count(report.moved.files.len(), "file")));
    for (command, why) in next_commands(report) {
        say(&format!("  {command:44} {why}"));
    }
}

fn next_commands(report: &Report<'_>) -> [(String, &'static str); 4] {
    let (from, to) = (&report.from.name, &report.to.name);
    [
        (format!("git add -A && git commit -m 'Move {} to {to}'", report.addresses[0]), ""),
        ("terrace release build".to_owned(), "makes the release"),
        (format!("terrace rehearse upgrade {from} {to}"), "proves that nothing is made or destroyed by it"),
        ("terrace deliver".to_owned(), "carries it through the stages; then take the `move` and `removed` blocks out"),
    ]
}

fn in_words(contract: &ContractChanges, from: &str, to: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (old, new) in &contract.outputs_moved {
        lines.push(format!("output: stack.{from}.{old} is stack.{to}.{new} now"));
    }
    lines.extend(contract.outputs_of_taker.iter().map(|name| format!("new output: stack.{to}.{name}, for {from}")));
    lines.extend(contract.outputs_of_giver.iter().map(|name| format!("new output: stack.{from}.{name}, for {to}")));
    let variable = |stack: &str, (name, input): &(String, Option<String>)| {
        let value = input.as_deref().map_or_else(|| "its default".to_owned(), |input| input.replace('\n', " "));
        format!("new variable of {stack}: {name} = {value}")
    };
    lines.extend(contract.variables_of_taker.iter().map(|one| variable(to, one)));
    lines.extend(contract.variables_of_giver.iter().map(|one| variable(from, one)));
    lines.extend(contract.variables_dropped.iter().map(|name| format!("{from} needs its variable {name} no more")));
    lines.extend(contract.readers.iter().map(|name| format!("{name} reads from {to} now")));
    lines
}

fn diff(file: &ChangedText) -> String {
    let (before, after) = (file.before.as_deref(), file.after.as_deref());
    let name = |side: &str, text: Option<&str>| {
        if text.is_some() { format!("{side}/{}", file.path) } else { "/dev/null".to_owned() }
    };
    TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default())
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&name("a", before), &name("b", after))
        .to_string()
}

fn coloured(diff: &str, colours: bool) -> String {
    if !colours {
        return diff.to_owned();
    }
    let line = |line: &str| {
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        let styled = match text.as_bytes().first() {
            _ if text.starts_with("+++ ") || text.starts_with("--- ") => style(text).bold(),
            Some(b'+') => style(text).green(),
            Some(b'-') => style(text).red(),
            Some(b'@') => style(text).cyan(),
            _ => style(text),
        };
        format!("{styled}{end}")
    };
    diff.split_inclusive('\n').map(line).collect()
}

#[derive(Serialize)]
struct Json<'a> {
    from: &'a str,
    to: &'a str,
    addresses: Vec<String>,
    /// Whether the files were written.
    written: bool,
    files: Vec<FileJson<'a>>,
    outputs: Vec<OutputJson<'a>>,
    variables: Vec<VariableJson<'a>>,
    /// Other stacks whose inputs read from the taker now.
    readers: Vec<&'a str>,
    environments: Vec<EnvironmentJson<'a>>,
    /// What is to be looked at by a person.
    notes: Vec<&'a str>,
    /// The commands that follow.
    next: Vec<String>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    path: &'a str,
    /// `added`, `modified` or `removed`.
    change: &'static str,
    diff: String,
}

#[derive(Serialize)]
struct OutputJson<'a> {
    stack: &'a str,
    name: &'a str,
    /// Where it was before; not where it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
}

#[derive(Serialize)]
struct VariableJson<'a> {
    stack: &'a str,
    name: &'a str,
    /// `added` or `removed`.
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
}

#[derive(Serialize)]
struct EnvironmentJson<'a> {
    environment: &'a str,
    /// The snapshot that tells it.
    snapshot: Option<u64>,
    /// What is imported there.
    imports: &'a [String],
}

/// As JSON, `terrace.slice.move/1`.
pub fn json(report: &Report<'_>) {
    let (from, to) = (report.from.name.as_str(), report.to.name.as_str());
    let contract = &report.moved.contract;
    let moved = contract.outputs_moved.iter().map(|(old, name)| OutputJson {
        stack: to,
        name,
        was: Some(format!("stack.{from}.{old}")),
    });
    let outputs = moved
        .chain(contract.outputs_of_taker.iter().map(|name| OutputJson { stack: to, name, was: None }))
        .chain(contract.outputs_of_giver.iter().map(|name| OutputJson { stack: from, name, was: None }));
    let mut variables: Vec<VariableJson<'_>> = Vec::new();
    for (stack, all) in [(to, &contract.variables_of_taker), (from, &contract.variables_of_giver)] {
        variables.extend(all.iter().map(|(name, input)| VariableJson {
            stack,
            name,
            change: "added",
            input: input.as_deref(),
        }));
    }
    variables.extend(contract.variables_dropped.iter().map(|name| VariableJson {
        stack: from,
        name,
        change: "removed",
        input: None,
    }));
    print_json(
        "terrace.slice.move/1",
        &Json {
            from,
            to,
            addresses: report.addresses.iter().map(ToString::to_string).collect(),
            written: report.written,
            files: report.moved.files.iter().map(file).collect(),
            outputs: outputs.collect(),
            variables,
            readers: contract.readers.iter().map(terrace_domain::name::StackName::as_str).collect(),
            environments: report
                .known
                .iter()
                .map(|known| EnvironmentJson {
                    environment: known.environment.as_str(),
                    snapshot: known.snapshot,
                    imports: &known.instances,
                })
                .collect(),
            notes: report.moved.notes.iter().map(|note| note.summary.as_str()).collect(),
            next: next_commands(report).into_iter().map(|(command, _)| command).collect(),
        },
    );
}

fn file(file: &ChangedText) -> FileJson<'_> {
    let change = match (&file.before, &file.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "modified",
    };
    FileJson { path: file.path.as_str(), change, diff: diff(file) }
}

#[cfg(test)]
mod tests {
    use terrace_domain::path::RepoPath;

    use super::*;

    fn change(before: Option<&str>, after: Option<&str>) -> ChangedText {
        ChangedText {
            path: RepoPath::new("a/x.tf").unwrap(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn a_difference_is_one_that_patch_takes() {
        assert_eq!(
            diff(&change(Some("a\nb\n"), Some("a\nc\n"))),
            "--- a/a/x.tf\n+++ b/a/x.tf\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
        assert_eq!(diff(&change(None, Some("a\n"))), "--- /dev/null\n+++ b/a/x.tf\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(diff(&change(Some("a\n"), None)), "--- a/a/x.tf\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
        assert_eq!(coloured("x\n", false), "x\n");
    }
}
