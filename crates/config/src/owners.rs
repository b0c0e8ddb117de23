//! Warns of owners whom nobody knows, where a gate asks the owners of what a change touches: it would refuse, at the latest moment.

use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Gate, GateRule, Stage};

use crate::source::place;

/// So many names are told; the others are counted.
const NAMES_MAX: usize = 5;

/// Holds the owners of an estate against the people that its gates ask.
pub(crate) fn check(estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    let mut asking = estate.stages.iter().filter_map(asks_owners).peekable();
    if asking.peek().is_none() {
        return;
    }
    let unknown: Vec<&str> = estate.owners().into_iter().filter(|owner| estate.people_of(owner).is_none()).collect();
    let Some(first) = unknown.first() else { return };
    let more = unknown.len().saturating_sub(NAMES_MAX);
    let mut names = unknown.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        names.extend([" and ", &more.to_string(), " more"]);
    }
    let file = estate.file();
    for gate in asking {
        let diagnostic = Diagnostic::warning("unknown-owner", format!("nobody knows who {names} is"))
            .at(place(&file, gate.span), "asks the owners of what a change touches")
            .help(format!(
                "Say who they are: `team \"{first}\" {{ members = [\"...\"] }}`. Until then the gate refuses what touches theirs."
            ));
        diagnostics.push(diagnostic);
    }
}

/// The gate of a stage that asks owners, if one does.
fn asks_owners(stage: &Stage) -> Option<&Gate> {
    let approval = stage.gates.iter().find(|gate| matches!(gate.rule, GateRule::Approval { .. }));
    let limits =
        || stage.gates.iter().find(|gate| matches!(&gate.rule, GateRule::BlastRadius(limits) if limits.may_ask()));
    match approval {
        Some(gate) => Some(gate).filter(|gate| matches!(&gate.rule, GateRule::Approval { by, .. } if by.is_empty())),
        None => limits(),
    }
}
