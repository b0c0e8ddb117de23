//! Reads what a `stack.hcl` says of resources that the stack takes over from others.

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::moves::{Move, MovedAddress, MovedResource};

use super::whole_stack;
use crate::lower::span_of;
use crate::section::{File, Placed, Schema};

const MOVE: Schema = Schema { what: "a `move` block", attributes: &["from", "resources"], blocks: &[] };

/// `move { ... }`, each.
pub(super) fn read<'b>(file: &mut File<'_>, blocks: impl Iterator<Item = &'b Block>) -> Vec<Move> {
    let mut moves: Vec<Move> = Vec::new();
    for block in blocks {
        if let Some(read) = one(file, block) {
            refuse_twice(file, &moves, &read);
            moves.push(read);
        }
    }
    moves
}

fn one(file: &mut File<'_>, block: &Block) -> Option<Move> {
    file.no_label(block);
    let section = file.section(&block.body, MOVE);
    for key in MOVE.attributes {
        if !section.has(key) {
            let summary = format!("a `move` block needs `{key}`");
            file.error(
                "missing-attribute",
                span_of(&block.ident),
                summary,
                "write `from = stack.NAME` and `resources = [...]`",
            );
        }
    }
    let resources: Vec<_> =
        file.texts(&section, "resources").iter().filter_map(|written| resource(file, written)).collect();
    let from = file.setting(&section, "from")?;
    let from =
        whole_stack(file, &from, ("`from` names a whole stack", "`resources` says what is taken over from it."))?;
    Some(Move { from, resources })
}

fn resource(file: &mut File<'_>, written: &Placed<String>) -> Option<MovedResource> {
    match written.value.parse::<MovedAddress>() {
        Ok(address) => Some(MovedResource { address, span: written.span }),
        Err(error) => {
            let diagnostic = Diagnostic::error("wrong-address", error.to_string())
                .at(file.place(written.span), "cannot move")
                .help(error.help());
            file.report(diagnostic);
            None
        }
    }
}

/// Nothing comes from two places.
fn refuse_twice(file: &mut File<'_>, before: &[Move], read: &Move) {
    let mut known: Vec<&MovedResource> = before.iter().flat_map(|one| &one.resources).collect();
    for one in &read.resources {
        if let Some(first) = known.iter().find(|other| other.address == one.address) {
            let diagnostic = Diagnostic::error("duplicate-address", format!("`{}` is taken over twice", one.address))
                .at(file.place(one.span), "the second time")
                .also(file.place(first.span), "the first time");
            file.report(diagnostic);
        }
        known.push(one);
    }
}
