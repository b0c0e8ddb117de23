//! Reads what a `stack.hcl` says of rehearsals: what stands in for upstream stacks, and what an upgrade may take away.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::rehearsal::{Fixture, FixtureSource, UpgradeAllowance};
use terrace_domain::value::Value;

use super::read_inputs;
use crate::lower::span_of;
use crate::section::{File, Schema, with_article};

const FIXTURE: Schema = Schema { what: "a `fixture` block", attributes: &["outputs", "folder", "inputs"], blocks: &[] };
const UPGRADE: Schema = Schema { what: "an `upgrade` block", attributes: &["allow", "budget"], blocks: &[] };

/// `fixture "STACK" { ... }`, each.
pub(super) fn fixtures<'b>(
    file: &mut File<'_>,
    blocks: impl Iterator<Item = &'b Block>,
    folder: &RepoPath,
) -> BTreeMap<StackName, Fixture> {
    let mut fixtures: BTreeMap<StackName, Fixture> = BTreeMap::new();
    for block in blocks {
        let label = file.label(block, "name of the stack that it stands in for");
        let source = source(file, block, folder);
        let Some(label) = label else { continue };
        let Some(name) = file.name::<StackName>(&label) else { continue };
        if let Some(first) = fixtures.get(&name) {
            let diagnostic = Diagnostic::error("duplicate-block", format!("two fixtures stand in for `{name}`"))
                .at(file.place(label.span), "the second one")
                .also(file.place(first.span), "the first one");
            file.report(diagnostic);
            continue;
        }
        if let Some(source) = source {
            fixtures.insert(name, Fixture { source, span: label.span });
        }
    }
    fixtures
}

fn source(file: &mut File<'_>, block: &Block, stack: &RepoPath) -> Option<FixtureSource> {
    let section = file.section(&block.body, FIXTURE);
    let place = span_of(&block.ident);
    match (section.has("outputs"), section.has("folder")) {
        (true, false) => {
            if section.has("inputs") {
                file.error("wrong-attribute", place, "`inputs` are for a `folder`", "it has `outputs`");
            }
            let setting = file.setting(&section, "outputs")?;
            match file.constant(&setting)? {
                Value::Object(outputs) => Some(FixtureSource::Outputs(outputs)),
                other => {
                    let summary = format!("expected an object, found {}", with_article(&other));
                    file.error("wrong-type", setting.span, summary, "must be `{ output = value }`");
                    None
                }
            }
        }
        (false, true) => {
            let named = file.text(&section, "folder")?;
            let inputs = read_inputs(file, &section);
            let folder = stack.join(&named.value).ok().filter(|folder| folder != stack && is_below(folder, stack));
            if folder.is_none() {
                let summary = "a fixture's folder lies in the stack's own";
                file.error("wrong-value", named.span, summary, "must be a folder such as \"fixtures/network\"");
            }
            Some(FixtureSource::Folder { folder: folder?, inputs })
        }
        _ => {
            let summary = "a fixture has either `outputs` or a `folder`";
            file.error("missing-attribute", place, summary, "say what stands in");
            None
        }
    }
}

fn is_below(folder: &RepoPath, above: &RepoPath) -> bool {
    std::iter::successors(folder.parent(), RepoPath::parent).any(|parent| parent == *above)
}

/// `upgrade { ... }`.
pub(super) fn upgrade<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> UpgradeAllowance {
    let Some(block) = blocks.next() else { return UpgradeAllowance::default() };
    for more in blocks {
        crate::estate_file::second_block(file, block, more, "a stack has one `upgrade` block");
    }
    file.no_label(block);
    let section = file.section(&block.body, UPGRADE);
    let allow = file.texts(&section, "allow").into_iter().map(|pattern| pattern.value).collect();
    let budget = file.setting(&section, "budget").and_then(|setting| {
        let value = file.constant(&setting)?;
        let count = match &value {
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        if count.is_none() {
            file.error("wrong-type", setting.span, "`budget` is no count", "must be a whole number from 0");
        }
        count
    });
    UpgradeAllowance { allow, budget }
}
