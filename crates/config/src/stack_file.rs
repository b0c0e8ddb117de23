//! Reads one `stack.hcl`. What it says about other stacks, capabilities and environments is checked elsewhere, when all are known.

mod check;
mod moves;
mod rehearsal;

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::structure::{Block, Body};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Input, Stack, StackReference, WatchPattern};
use terrace_domain::expression::{
    Expression, ExpressionKind, OWN_ATTRIBUTES, Reference, ReferenceTarget, Span, references,
};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section};
use crate::watch;

const TOP: Schema = Schema { what: "stack.hcl", attributes: &[], blocks: &["stack"] };
const STACK: Schema = Schema {
    what: "a `stack` block",
    attributes: &["capability", "owner", "description", "identity", "inputs", "depends_on", "watch"],
    blocks: &["check", "fixture", "move", "upgrade"],
};

/// What a `stack.hcl` says.
pub(crate) struct StackFile {
    /// The stack; its capability is not yet set.
    pub stack: Stack,
    /// The capability as written.
    pub capability: Option<Placed<String>>,
}

/// Reads the syntax of a `stack.hcl`.
pub(crate) fn read(file: &mut File<'_>, estate_root: &RepoPath, body: &Body) -> Option<StackFile> {
    let top = file.section(body, TOP);
    let mut blocks = top.blocks("stack");
    let Some(block) = blocks.next() else {
        let missing = Diagnostic::error("missing-block", "the file has no `stack` block")
            .at(file.place(Span::default()), "")
            .help("Write `stack \"NAME\" {}`.");
        file.report(missing);
        return None;
    };
    for more in blocks {
        let diagnostic = Diagnostic::error("duplicate-block", "a folder is one stack")
            .at(file.place(span_of(&more.ident)), "the second one")
            .also(file.place(span_of(&block.ident)), "the first one")
            .help("Put the second stack in a folder of its own.");
        file.report(diagnostic);
    }
    read_stack(file, estate_root, block)
}

/// The name in a file whose syntax is broken, so that not everything that refers to the stack is reported too.
pub(crate) fn name_in(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("stack"))?;
    let (_, name) = line.split_once('"')?;
    name.split_once('"').map(|(name, _)| name.to_owned())
}

fn read_stack(file: &mut File<'_>, estate_root: &RepoPath, block: &Block) -> Option<StackFile> {
    let label = file.label(block, "stack's name");
    let section = file.section(&block.body, STACK);
    let capability = file.text(&section, "capability");
    let owner = file.text(&section, "owner").map(|owner| owner.value);
    let description = file.text(&section, "description").map(|description| description.value);
    let identity = file.setting(&section, "identity");
    let inputs = read_inputs(file, &section);
    let depends_on = read_depends_on(file, &section);
    let folder = file.path.parent().unwrap_or_else(RepoPath::root);
    let watch = read_watch(file, &section, estate_root, &folder);
    let fixtures = rehearsal::fixtures(file, section.blocks("fixture"), &folder);
    let upgrade = rehearsal::upgrade(file, section.blocks("upgrade"));
    let moves = moves::read(file, section.blocks("move"));
    let checks = check::read(file, &section);
    let label = label?;
    let name: StackName = file.name(&label)?;
    if OWN_ATTRIBUTES.contains(&name.as_str()) {
        let summary = format!("a stack cannot be called `{name}`");
        file.error("reserved-name", label.span, summary, format!("`stack.{name}` means the stack itself"));
        return None;
    }
    let mut all: Vec<Reference> = inputs.values().flat_map(|input: &Input| references(&input.expression)).collect();
    all.extend(check::references_of(file, &checks));
    all.sort_by_key(|reference| (reference.span.start, reference.span.end));
    let stack = Stack {
        name,
        folder,
        capability: None,
        owner,
        code_owners: BTreeSet::new(),
        description,
        identity,
        inputs,
        depends_on,
        moves,
        watch,
        fixtures,
        upgrade,
        checks,
        references: all,
        span: label.span,
    };
    Some(StackFile { stack, capability })
}

fn read_inputs(file: &mut File<'_>, section: &Section<'_>) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    let Some(setting) = file.setting(section, "inputs") else { return inputs };
    let ExpressionKind::Object(entries) = setting.kind else {
        let summary = "`inputs` must be written out as an object";
        file.error("wrong-type", setting.span, summary, "must be `{ variable = value }`");
        return inputs;
    };
    for (key, expression) in entries {
        let ExpressionKind::Literal(Value::String(name)) = key.kind else {
            file.error("wrong-type", key.span, "the name of an input must be a plain word", "not a plain word");
            continue;
        };
        inputs.insert(name, Input { expression, key_span: key.span });
    }
    inputs
}

fn read_depends_on(file: &mut File<'_>, section: &Section<'_>) -> Vec<StackReference> {
    let Some(setting) = file.setting(section, "depends_on") else { return Vec::new() };
    let ExpressionKind::List(items) = setting.kind else {
        file.error("wrong-type", setting.span, "expected a list of stacks", "must be `[stack.NAME, ...]`");
        return Vec::new();
    };
    items.iter().filter_map(|item| whole_stack(file, item, DEPENDS_ON)).collect()
}

/// That `depends_on` names whole stacks, and why no output need be.
const DEPENDS_ON: (&str, &str) =
    ("`depends_on` names whole stacks", "A stack whose output an input reads is depended on anyhow.");

/// `stack.NAME`; where an output is named, the rule is told, and what there is to it.
fn whole_stack(
    file: &mut File<'_>,
    item: &Expression,
    (rule, more): (&'static str, &'static str),
) -> Option<StackReference> {
    let whole = references(item).into_iter().find(|reference| reference.span == item.span);
    match whole.map(|reference| reference.target) {
        Some(ReferenceTarget::Stack { name, output: None }) => {
            let name = file.name(&Placed { value: name, span: item.span })?;
            Some(StackReference { name, span: item.span })
        }
        Some(ReferenceTarget::Stack { name, output: Some(_) }) => {
            let diagnostic = Diagnostic::error("wrong-type", rule)
                .at(file.place(item.span), format!("write `stack.{name}`"))
                .help(more);
            file.report(diagnostic);
            None
        }
        _ => {
            file.error("wrong-type", item.span, "expected a stack", "must be `stack.NAME`");
            None
        }
    }
}

fn read_watch(file: &mut File<'_>, section: &Section<'_>, root: &RepoPath, folder: &RepoPath) -> Vec<WatchPattern> {
    let mut patterns = Vec::new();
    for written in file.texts(section, "watch") {
        let base = if written.value.starts_with("./") || written.value.starts_with("../") { folder } else { root };
        let resolved = base.join(&written.value).map_err(|error| error.to_string()).and_then(|pattern| {
            watch::compile(pattern.as_str()).map_err(|error| error.kind().to_string())?;
            Ok(pattern)
        });
        match resolved {
            Ok(pattern) => {
                patterns.push(WatchPattern { pattern: pattern.as_str().to_owned(), span: written.span });
            }
            Err(reason) => file.error("wrong-pattern", written.span, "the pattern cannot be used", reason),
        }
    }
    patterns
}
