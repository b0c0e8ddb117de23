//! What an import of a lost state comes to, for people and programs. Names of attributes and ids; never a value.

use std::fmt::Write;

use serde::Serialize;
use terrace_driver::instance::Recovered;
use terrace_driver::snapshots::Snapshot;

use super::{count, print, print_json, say};

/// What is going to be imported, before people are asked.
pub fn before(snapshot: &Snapshot, looked: &Recovered) {
    say(in_words(snapshot, looked).trim_end());
}

/// What was imported, or would be.
pub fn text(snapshot: &Snapshot, recovered: &Recovered) {
    print(&in_words(snapshot, recovered));
}

fn in_words(snapshot: &Snapshot, recovered: &Recovered) -> String {
    let Snapshot { id, stack, environment, .. } = snapshot;
    let (was, would) = if recovered.written { ("imported", "differs") } else { ("to import", "would differ") };
    let number = count(recovered.imported.len(), "resource");
    let mut text = format!("{stack} in {environment}, from snapshot {id}: {number} {was}\n");
    for address in &recovered.imported {
        let _ = writeln!(text, "  + {address}");
    }
    let (refused, not) = (&recovered.refused, &recovered.not_importable);
    if !refused.is_empty() || !not.is_empty() {
        let _ = writeln!(text, "Left to do by hand: {}", count(refused.len() + not.len(), "resource"));
    }
    for one in refused {
        let id = one.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let _ = writeln!(text, "  ✗ {}{id}: {}", one.address, indented(&one.why));
    }
    for one in not {
        let _ = writeln!(text, "  ✗ {}: {}", one.address, one.why);
    }
    if !recovered.differing.is_empty() {
        let _ = writeln!(text, "What {would} from the code:");
    }
    for one in &recovered.differing {
        let attributes = one.attributes.join(", ");
        let attributes = if attributes.is_empty() { attributes } else { format!(": {attributes}") };
        let _ = writeln!(text, "  ~ {} ({}){attributes}", one.address, one.action);
    }
    text.push_str(verdict(recovered));
    text
}

/// Lines of what others said, below the first.
fn indented(words: &str) -> String {
    words.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n      ")
}

fn verdict(recovered: &Recovered) -> &'static str {
    match (recovered.written, recovered.is_empty, recovered.is_whole()) {
        (false, ..) => "Nothing was written.\n",
        (true, true, true) => "The plan is empty: the state is what it was.\n",
        (true, true, false) => "The plan is empty, without what is left to do by hand.\n",
        (true, false, true) => "The plan is not empty: `terrace plan` tells what a delivery would change.\n",
        (true, false, false) => {
            "The plan is not empty: a delivery would make anew what is left to do by hand. Import it with Terraform, or take it out of \
             the code, before the next one.\n"
        }
    }
}

#[derive(Serialize)]
struct RefusedJson<'a> {
    address: &'a str,
    id: Option<&'a str>,
    why: &'a str,
}

#[derive(Serialize)]
struct NotImportableJson<'a> {
    address: &'a str,
    why: String,
}

#[derive(Serialize)]
struct DifferenceJson<'a> {
    address: &'a str,
    action: &'a str,
    attributes: &'a [String],
}

#[derive(Serialize)]
struct ImportJson<'a> {
    environment: &'a str,
    stack: &'a str,
    snapshot: u64,
    dry_run: bool,
    imported: &'a [String],
    refused: Vec<RefusedJson<'a>>,
    not_importable: Vec<NotImportableJson<'a>>,
    differing: Vec<DifferenceJson<'a>>,
    outputs: Vec<&'a str>,
    written: bool,
    plan_empty: bool,
}

/// The same as JSON, `terrace.state.import/1`.
pub fn json(snapshot: &Snapshot, recovered: &Recovered, dry_run: bool) {
    let refused =
        recovered.refused.iter().map(|one| RefusedJson { address: &one.address, id: one.id.as_deref(), why: &one.why });
    let not_importable = recovered.not_importable.iter();
    let differing = recovered.differing.iter().map(|one| DifferenceJson {
        address: &one.address,
        action: &one.action,
        attributes: &one.attributes,
    });
    let report = ImportJson {
        environment: &snapshot.environment,
        stack: &snapshot.stack,
        snapshot: snapshot.id,
        dry_run,
        imported: &recovered.imported,
        refused: refused.collect(),
        not_importable: not_importable
            .map(|one| NotImportableJson { address: &one.address, why: one.why.to_string() })
            .collect(),
        differing: differing.collect(),
        outputs: recovered.outputs.iter().map(String::as_str).collect(),
        written: recovered.written,
        plan_empty: recovered.is_empty,
    };
    print_json("terrace.state.import/1", &report);
}
