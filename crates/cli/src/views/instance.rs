//! How an instance of a run is shown: a mark, a word, what it changes, why it failed.

use std::fmt::Write;

use console::{Style, style};
use terrace_domain::run::{
    Awaiting, Changes, Failure, Hold, Instance, InstanceState, SkipReason, TerraformDiagnostic, WaitsFor,
};

use super::time;

/// The mark and colour of a state.
pub fn mark(state: &InstanceState) -> (&'static str, Style) {
    match state {
        InstanceState::Applied => ("✓", Style::new().green()),
        InstanceState::Unchanged | InstanceState::Skipped(SkipReason::NothingChanged | SkipReason::Current) => {
            ("=", Style::new().dim())
        }
        InstanceState::Planned => ("~", Style::new().cyan()),
        InstanceState::Failed(_) | InstanceState::Refused(_) | InstanceState::Rejected { .. } => {
            ("✗", Style::new().red())
        }
        InstanceState::Interrupted(_) | InstanceState::Abandoned(_) | InstanceState::Unsettled => {
            ("!", Style::new().yellow())
        }
        InstanceState::Blocked(_) | InstanceState::Held(_) | InstanceState::Awaiting(_) => ("?", Style::new().yellow()),
        InstanceState::Skipped(_) => ("-", Style::new().yellow()),
        InstanceState::Waiting
        | InstanceState::Preparing
        | InstanceState::Planning
        | InstanceState::Applying
        | InstanceState::Settling
        | InstanceState::Verifying => ("·", Style::new()),
    }
}

/// One line without the stack's name: `applied  3 to add …  1.2s`.
pub fn line(instance: &Instance) -> String {
    let mut text = words(&instance.state);
    let done = instance.state.is_applied();
    let is_applied = instance.state == InstanceState::Applied;
    // Also what has nothing to apply is verified.
    let shows_changes =
        |changes: &&Changes| instance.state != InstanceState::Unchanged && (is_applied || !done || !changes.is_empty());
    if let Some(changes) = instance.changes.as_ref().filter(shows_changes) {
        let changes = changes_in_words(changes, done);
        let _ = match instance.state {
            InstanceState::Refused(_) => write!(text, " ({changes})"),
            _ => write!(text, ": {changes}"),
        };
    }
    for gate in &instance.overridden {
        let _ = write!(text, "  [glass broken: the gate `{}` said: {}]", gate.gate, gate.said);
    }
    if instance.provisional {
        text.push_str(" (provisional: rests on outputs that are planned, not applied)");
    }
    if let (Some(started), Some(finished)) = (instance.started, instance.finished) {
        let _ = write!(text, "  {}", style(time::duration(finished.millis_since(started))).dim());
    }
    text
}

fn words(state: &InstanceState) -> String {
    match state {
        InstanceState::Failed(failure) => format!("failed in {}", failure.step.as_str()),
        InstanceState::Interrupted(step) => format!("interrupted in {}", step.as_str()),
        InstanceState::Abandoned(Some(step)) => format!("abandoned in {}: Terrace was killed", step.as_str()),
        InstanceState::Abandoned(None) => "not started: Terrace was killed".to_owned(),
        InstanceState::Blocked(upstream) => {
            let names: Vec<_> = upstream.iter().map(ToString::to_string).collect();
            format!("blocked: inputs are known only after {} is applied", names.join(", "))
        }
        InstanceState::Skipped(SkipReason::Upstream(stack)) => format!("not started: {stack} did not succeed"),
        InstanceState::Skipped(SkipReason::Stopped) => "not started: the run was stopped".to_owned(),
        InstanceState::Skipped(SkipReason::NothingChanged) => "not needed: nothing that it reads changed".to_owned(),
        InstanceState::Skipped(SkipReason::Current) => {
            "current: this release runs already, with the same inputs".to_owned()
        }
        InstanceState::Skipped(SkipReason::NotProven(environment)) => {
            format!("not started: there is no evidence that this release succeeded in {environment}")
        }
        InstanceState::Skipped(SkipReason::Superseded(run)) => format!("left to run {run}, which is newer"),
        InstanceState::Awaiting(awaiting) => waiting_for_people(awaiting),
        InstanceState::Refused(refusal) => format!("refused by the gate `{}`: {refusal}", refusal.gate()),
        InstanceState::Held(hold) => format!("held by the gate {}", gates_of(hold)),
        InstanceState::Rejected { by, reason } if reason.is_empty() => format!("rejected by {by}"),
        InstanceState::Rejected { by, reason } => format!("rejected by {by}: {reason}"),
        InstanceState::Unsettled => {
            "cut off in apply: what came of it is looked into when the run is resumed".to_owned()
        }
        other => other.word().to_owned(),
    }
}

/// `window` and `soak`, in quotes.
fn gates_of(hold: &Hold) -> String {
    hold.gates.iter().map(|gate| format!("`{gate}`")).collect::<Vec<_>>().join(" and ")
}

fn waiting_for_people(awaiting: &Awaiting) -> String {
    let mut text = "waits for approval".to_owned();
    if !awaiting.differs.is_empty() {
        let parts: Vec<_> = awaiting.differs.iter().map(|part| part.as_str()).collect();
        let _ = write!(text, " again (what was approved had another {})", parts.join(", "));
    }
    if let Some(hold) = &awaiting.held {
        let _ = write!(text, ", approved, and held by the gate {}", gates_of(hold));
    } else if !awaiting.approvals.is_empty() {
        let names: Vec<_> = awaiting.approvals.iter().map(|approval| approval.by.as_str()).collect();
        let _ = write!(text, ", approved by {} so far", names.join(", "));
    }
    text
}

/// What an instance waits for, in words.
pub fn waits(waits: &[WaitsFor]) -> String {
    let words: Vec<_> = waits.iter().map(wait).collect();
    words.join(", and ")
}

fn wait(wait: &WaitsFor) -> String {
    match wait {
        WaitsFor::Upstream(stacks) => {
            let names: Vec<_> = stacks.iter().map(ToString::to_string).collect();
            format!("{} upstream", names.join(", "))
        }
        WaitsFor::StageBefore(environment) => format!("the same release in {environment}"),
        WaitsFor::Approval { missing, by } => {
            let whom = if by.is_empty() { "anybody".to_owned() } else { by.join(", ") };
            format!("{} of {whom}", super::count(*missing, "approval"))
        }
        WaitsFor::Gate(hold) => {
            let until = hold.until.map_or(String::new(), |until| format!(", until {}", time::rfc3339(until)));
            format!("the gate {}{until}: {}", gates_of(hold), hold.why.join("; "))
        }
        WaitsFor::Environment => "its environment".to_owned(),
        WaitsFor::Place => "a place".to_owned(),
        WaitsFor::Resume => "`terrace resume`".to_owned(),
    }
}

/// `3 to add, 1 to change, 0 to destroy`, or in the past tense.
pub fn changes_in_words(changes: &Changes, done: bool) -> String {
    let to = if done { "" } else { "to " };
    let verb = |plan: &'static str, past: &'static str| if done { past } else { plan };
    let mut parts = Vec::new();
    if changes.import > 0 {
        parts.push(format!("{} {to}{}", changes.import, verb("import", "imported")));
    }
    if changes.resources() > changes.import {
        parts.push(format!("{} {to}{}", changes.add, verb("add", "added")));
        parts.push(format!("{} {to}{}", changes.change, verb("change", "changed")));
        parts.push(format!("{} {to}{}", changes.destroy, verb("destroy", "destroyed")));
    }
    if parts.is_empty() {
        parts.push(match changes.outputs.len() {
            0 => "only the state changes".to_owned(),
            1 => "1 output changes".to_owned(),
            n => format!("{n} outputs change"),
        });
    }
    parts.join(", ")
}

/// Why an instance failed, indented, several lines.
pub fn failure(failure: &Failure) -> String {
    let mut text = String::new();
    if failure.diagnostics.is_empty() {
        let _ = writeln!(text, "    {} {}", style("error:").red().bold(), indent(&failure.summary));
    }
    for diagnostic in &failure.diagnostics {
        text.push_str(&terraform_diagnostic(diagnostic));
    }
    if let Some(help) = &failure.help {
        let _ = writeln!(text, "    {} {}", style("help:").cyan().bold(), indent(help));
    }
    text
}

fn terraform_diagnostic(diagnostic: &TerraformDiagnostic) -> String {
    let head = if diagnostic.is_error { style("error:").red().bold() } else { style("warning:").yellow().bold() };
    let mut text = format!("    {head} {}\n", indent(&diagnostic.summary));
    let place = diagnostic.file.as_ref().map(|file| match diagnostic.line {
        Some(line) => format!("{file}:{line}"),
        None => file.clone(),
    });
    match (place, &diagnostic.address) {
        (Some(place), Some(address)) => writeln!(text, "      at {place}, with {address}"),
        (Some(place), None) => writeln!(text, "      at {place}"),
        (None, Some(address)) => writeln!(text, "      with {address}"),
        (None, None) => Ok(()),
    }
    .expect("writing to a string");
    if let (Some(code), Some(line)) = (&diagnostic.code, diagnostic.line) {
        for (offset, code) in code.lines().enumerate() {
            let _ = writeln!(text, "      {} {code}", style(format!("{:>4} |", line + offset as u64)).dim());
        }
    }
    for line in diagnostic.detail.lines() {
        let _ = writeln!(text, "      {line}");
    }
    text
}

fn indent(text: &str) -> String {
    text.replace('\n', "\n      ")
}
