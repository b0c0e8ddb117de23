//! A proposal in words.

use terrace_domain::slice::{Finding, Piece, Proposal};

use super::super::count;

/// The proposal in lines, the first what to do.
pub(super) fn lines(proposal: &Proposal) -> Vec<String> {
    match proposal {
        Proposal::Split { stack, pieces, crossing, obstacles } => {
            let mut lines = vec![format!("split {stack}:")];
            lines.extend(table(pieces));
            if *crossing > 0 {
                lines.push(format!(
                    "references between them that would become inputs (`stack.NAME.OUTPUT`): {crossing}"
                ));
            }
            lines.extend(obstacles.iter().map(|obstacle| format!("untangle first: {obstacle}")));
            lines
        }
        Proposal::Merge { stacks, into, obstacles } => {
            let others: Vec<_> = stacks.iter().filter(|stack| *stack != into).map(ToString::to_string).collect();
            let mut lines = vec![format!("merge {} into {into}", others.join(", "))];
            lines.extend(obstacles.iter().map(|obstacle| format!("untangle first: {obstacle}")));
            lines
        }
        Proposal::Share { stacks } => {
            let stacks: Vec<_> = stacks.iter().map(ToString::to_string).collect();
            vec![format!("move what {} have in common into a module, and change that", stacks.join(", "))]
        }
        Proposal::Move { from, addresses, capability, to } => {
            let to: Vec<_> = to.iter().map(ToString::to_string).collect();
            let resources = count(addresses.len(), "block");
            vec![
                format!("move {resources} from {from} to a stack of {capability}: {}", to.join(", ")),
                addresses.join("  "),
            ]
        }
        Proposal::Own { stacks, owner } => {
            let stacks: Vec<_> = stacks.iter().map(ToString::to_string).collect();
            vec![format!("let {owner} own {}, and write it so in `owner` and CODEOWNERS", stacks.join(", "))]
        }
    }
}

/// The pieces in columns.
fn table(pieces: &[Piece]) -> Vec<String> {
    let width = pieces.iter().map(|piece| piece.name.len()).max().unwrap_or_default();
    let row = |piece: &Piece| {
        let stays = if piece.is_rest { "stays" } else { "new" };
        format!("  {:width$}  {stays:5}  {:12}  {}", piece.name, count(piece.resources, "resource"), piece.about)
    };
    pieces.iter().map(row).collect()
}

/// What a proposal does to the potential blast radius, in words.
pub(super) fn radius(finding: &Finding) -> Option<String> {
    let radius = finding.radius?;
    let (before, after) = (radius.before, count(radius.after, "resource"));
    if radius.after > radius.before {
        return Some(format!("potential blast radius: {before} -> {after}; that is the price"));
    }
    let less = (radius.before - radius.after) * 100 / radius.before.max(1);
    Some(format!("potential blast radius: {before} -> {after}, {less} % less"))
}
