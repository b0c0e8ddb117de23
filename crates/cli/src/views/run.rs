//! Runs: the summary at the end, `run list`, `run show`, and plans.

use std::fmt::Write;

use console::style;
use serde::Serialize;
use terrace_domain::run::{
    Changes, Event, Failure, Instance, InstanceState, OrderedStage, Outcome, Run, RunId, SkipReason, Tally, WaitsFor,
};
use terrace_driver::home::Home;
use terrace_driver::store::RunRow;

use super::{count, instance, print, print_json, say, table, time};

/// How a run ended, for people who watched it: what failed and why, what was not started, the numbers.
pub fn summary(run: &Run, id: Option<RunId>) {
    let mut text = String::new();
    for one in run.instances() {
        let (mark, colour) = instance::mark(&one.state);
        match &one.state {
            InstanceState::Failed(failure) => {
                let _ = writeln!(
                    text,
                    "\n{} {}  {}",
                    colour.apply_to(mark),
                    style(label(run, one)).bold(),
                    instance::line(one)
                );
                text.push_str(&instance::failure(failure));
            }
            InstanceState::Skipped(SkipReason::NothingChanged | SkipReason::Current) => {}
            InstanceState::Skipped(_)
            | InstanceState::Blocked(_)
            | InstanceState::Refused(_)
            | InstanceState::Rejected { .. } => {
                let _ = writeln!(text, "{} {}  {}", colour.apply_to(mark), label(run, one), instance::line(one));
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        say(text.trim_end());
    }
    say(&format!("\n{}", closing_line(run, id)));
}

/// The stack, with its environment where the run has several.
fn label(run: &Run, one: &Instance) -> String {
    if run.order().stages.len() > 1 { one.id.to_string() } else { one.id.stack.to_string() }
}

/// `dev`, or `dev, staging, prod`.
fn environments(run: &Run) -> String {
    let names: Vec<_> = run.order().stages.iter().map(|stage| stage.environment.as_str()).collect();
    names.join(", ")
}

fn closing_line(run: &Run, id: Option<RunId>) -> String {
    let outcome = match run.outcome() {
        Outcome::Succeeded => style("succeeded").green().bold(),
        Outcome::Failed => style("failed").red().bold(),
        Outcome::Waiting => style("waits for a decision").yellow().bold(),
        other => style(other.as_str()).yellow().bold(),
    };
    let mut text = match id {
        Some(id) => format!("Run {id} in {} {outcome}: ", environments(run)),
        None => format!("{} in {} {outcome}: ", "Plan", environments(run)),
    };
    text.push_str(&tally_in_words(&run.tally(), id.is_some()));
    if let (Some(started), Some(finished)) = (run.started(), run.finished()) {
        let _ = write!(text, ", in {}", time::duration(finished.millis_since(started)));
    }
    text.push('.');
    if let Some(id) = id {
        let tally = run.tally();
        let is_all_current = tally.current > 0 && tally.current == run.instances().len();
        let waits_for_people = run.awaiting().any(|(_, awaiting)| awaiting.missing() > 0);
        text.push_str(&next_step(run.outcome(), id, (is_all_current, waits_for_people)));
    }
    text
}

fn next_step(outcome: Outcome, id: RunId, (is_all_current, waits_for_people): (bool, bool)) -> String {
    let look = format!("\nLook at it with `terrace run show {id}`");
    match outcome {
        Outcome::Succeeded if is_all_current => {
            "\nWhat runs already was not looked at; `--again` plans it all the same.".to_owned()
        }
        Outcome::Succeeded | Outcome::Running => String::new(),
        Outcome::Waiting if waits_for_people => {
            format!("{look}; approve with `terrace run approve {id}`, then `terrace resume {id}`.")
        }
        Outcome::Waiting => {
            format!(
                "{look}; `terrace gate explain {id}` says what holds it, and `terrace resume {id}` goes on when that is over."
            )
        }
        Outcome::Refused | Outcome::Superseded => format!("{look}."),
        _ => format!("{look}; deliver again to go on from there."),
    }
}

fn tally_in_words(tally: &Tally, done: bool) -> String {
    let groups = [
        (tally.applied, "applied"),
        (tally.planned, "with changes"),
        (tally.unchanged, "unchanged"),
        (tally.current, "current"),
        (tally.untouched, "not needed"),
        (tally.awaiting, "waiting for approval"),
        (tally.held, "held by a gate"),
        (tally.waiting, "waiting for others"),
        (tally.failed, "failed"),
        (tally.interrupted, "interrupted"),
        (tally.blocked, "blocked"),
        (tally.refused, "refused"),
        (tally.superseded, "left to a newer run"),
        (tally.skipped, "not started"),
    ];
    let mut parts: Vec<_> =
        groups.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if parts.is_empty() {
        parts.push("no instances".to_owned());
    }
    let mut text = parts.join(", ");
    if let Some(resources) = resources_in_words(tally, done) {
        let _ = write!(text, "; resources: {resources}");
    }
    text
}

/// `2 to import, 1 to add, 0 to change, 0 to destroy`, or in the past tense; imports only where there are some.
fn resources_in_words(tally: &Tally, done: bool) -> Option<String> {
    let Tally { import, add, change, destroy, .. } = *tally;
    let numbers = [
        (import, "import", "imported"),
        (add, "add", "added"),
        (change, "change", "changed"),
        (destroy, "destroy", "destroyed"),
    ];
    let numbers = if import == 0 { &numbers[1..] } else { &numbers };
    let word = |(number, plan, past): &(u64, &str, &str)| {
        if done { format!("{number} {past}") } else { format!("{number} to {plan}") }
    };
    let has_some = numbers.iter().any(|(number, ..)| *number > 0);
    has_some.then(|| numbers.iter().map(word).collect::<Vec<_>>().join(", "))
}

/// `terrace run list`.
pub fn list(rows: &[RunRow], environment: Option<&str>) {
    if rows.is_empty() {
        say(&match environment {
            Some(name) => format!("No runs in `{name}`; `terrace run list` shows those of all environments."),
            None => "No runs yet: `terrace deliver` makes the first.".to_owned(),
        });
        return;
    }
    let now = time::now();
    let mut out =
        table::with_headings(["RUN", "ENVIRONMENTS", "OUTCOME", "COMMIT", "INSTANCES", "STARTED", "TOOK", "BY"]);
    for row in rows {
        out.add_row([
            row.id.to_string(),
            row.environments().collect::<Vec<_>>().join(", "),
            outcome(row.outcome),
            format!("{} {}", short(&row.preface.commit), shortened(&row.preface.subject, 40)),
            row.instances.to_string(),
            time::age(row.created, now),
            row.finished.map_or("-".to_owned(), |finished| time::duration(finished.millis_since(row.created))),
            row.preface.actor.clone(),
        ]);
    }
    print(&table::to_text(&mut out));
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Succeeded => style(outcome.as_str()).green(),
        Outcome::Failed => style(outcome.as_str()).red(),
        _ => style(outcome.as_str()).yellow(),
    }
    .to_string()
}

/// The beginning of a commit's id.
pub fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length - 1).collect();
    format!("{}…", kept.trim_end())
}

/// `terrace run show`.
pub fn show(row: &RunRow, run: &Run, home: &Home) {
    let mut text = format!(
        "Run {} to {}: {}\n",
        row.id,
        row.environments().collect::<Vec<_>>().join(", then "),
        outcome(row.outcome)
    );
    if let Some(release) = &row.release {
        let _ = writeln!(text, "  release    {release}");
    }
    let _ = writeln!(text, "  commit     {} {}", short(&row.preface.commit), row.preface.subject);
    let _ = writeln!(text, "  by         {}", row.preface.actor);
    let _ = writeln!(text, "  with       {}", row.preface.terraform);
    if let Some(broken) = &run.order().break_glass {
        let _ = writeln!(text, "  {} by {}: {}", style("GLASS BROKEN").red().bold(), broken.by, broken.reason);
    }
    let _ = writeln!(text, "  started    {}", time::rfc3339(row.created));
    if let Some(finished) = row.finished {
        let _ = writeln!(text, "  took       {}", time::duration(finished.millis_since(row.created)));
    }
    let logs = home.logs(row.id);
    if logs.is_dir() {
        let _ = writeln!(text, "  logs       {}", logs.display());
    }
    let _ = writeln!(text, "  summary    {}\n", tally_in_words(&run.tally(), true));
    let width = run.instances().iter().map(|one| label(run, one).len()).max().unwrap_or(0);
    for one in run.instances() {
        let (mark, colour) = instance::mark(&one.state);
        let waits = waits_of(run, one, row.outcome);
        let waits = if waits.is_empty() { waits } else { format!("  (waits for {waits})") };
        let _ = writeln!(text, "{} {:width$}  {}{waits}", colour.apply_to(mark), label(run, one), instance::line(one));
        if let InstanceState::Awaiting(awaiting) = &one.state {
            for why in &awaiting.asked.why {
                let _ = writeln!(text, "      {}", style(why).yellow());
            }
            for (address, change) in &awaiting.cover.changes {
                let _ = writeln!(text, "      {} {address}", style(format!("{:>13}", change.action)).dim());
            }
        }
        if let InstanceState::Failed(failure) = &one.state {
            text.push_str(&instance::failure(failure));
        }
    }
    print(&text);
}

#[derive(Serialize)]
pub(super) struct RunJson<'a> {
    id: Option<u64>,
    stages: Vec<StageJson<'a>>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    break_glass: Option<BreakGlassJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terraform: Option<&'a str>,
    started_at: Option<String>,
    finished_at: Option<String>,
    instances: Vec<InstanceJson<'a>>,
}

#[derive(Serialize)]
struct BreakGlassJson<'a> {
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct StageJson<'a> {
    stage: &'a str,
    environment: &'a str,
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    stack: &'a str,
    environment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalJson<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    provisional: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overridden: Vec<OverriddenJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureJson<'a>>,
    started_at: Option<String>,
    finished_at: Option<String>,
}

/// A gate that somebody broke the glass of.
#[derive(Serialize)]
struct OverriddenJson<'a> {
    gate: &'a str,
    said: &'a str,
}

/// What an approval covers, and who has given one.
#[derive(Serialize)]
struct ApprovalJson<'a> {
    approved_by: Vec<&'a str>,
    differs: Vec<&'static str>,
    serial: Option<u64>,
    lineage: Option<&'a str>,
    terraform: &'a str,
    changes: Vec<ChangeJson<'a>>,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    address: &'a str,
    action: &'a str,
    digest: String,
}

#[derive(Serialize)]
struct ChangesJson<'a> {
    add: u64,
    change: u64,
    destroy: u64,
    import: u64,
    state_only: u64,
    outputs: Vec<&'a str>,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    step: &'static str,
    summary: &'a str,
    diagnostics: Vec<DiagnosticJson<'a>>,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct DiagnosticJson<'a> {
    severity: &'static str,
    summary: &'a str,
    detail: &'a str,
    address: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u64>,
}

pub(super) fn run_json<'a>(run: &'a Run, row: Option<&'a RunRow>) -> RunJson<'a> {
    let order = run.order();
    let outcome = row.map_or_else(|| run.outcome(), |row| row.outcome);
    RunJson {
        id: row.map(|row| row.id.0),
        stages: order.stages.iter().map(stage_json).collect(),
        outcome: outcome.as_str(),
        release: order.release.map(|digest| digest.to_string()),
        commit: order.commit.as_deref(),
        subject: row.map(|row| row.preface.subject.as_str()),
        actor: row.map(|row| row.preface.actor.as_str()),
        break_glass: order.break_glass.as_ref().map(|broken| BreakGlassJson { by: &broken.by, reason: &broken.reason }),
        terraform: row.map(|row| row.preface.terraform.as_str()),
        started_at: run.started().map(time::rfc3339),
        // When a run that ended without a word did so is not known.
        finished_at: row.map_or(run.finished(), |row| row.finished).map(time::rfc3339),
        instances: run.instances().iter().map(|one| instance_json(run, one, outcome)).collect(),
    }
}

fn stage_json(stage: &OrderedStage) -> StageJson<'_> {
    StageJson { stage: stage.stage.as_str(), environment: stage.environment.as_str() }
}

fn instance_json<'a>(run: &Run, one: &'a Instance, outcome: Outcome) -> InstanceJson<'a> {
    let because = match &one.state {
        InstanceState::Skipped(_)
        | InstanceState::Blocked(_)
        | InstanceState::Refused(_)
        | InstanceState::Rejected { .. } => Some(instance::line(one)),
        _ => None,
    };
    let waits = waits_of(run, one, outcome);
    InstanceJson {
        stack: one.id.stack.as_str(),
        environment: one.id.environment.as_str(),
        release: run.release_of(&one.id).map(|digest| digest.to_string()),
        state: one.state.word(),
        waits_for: Some(waits).filter(|waits| !waits.is_empty()),
        approval: approval_json(one),
        provisional: one.provisional,
        changes: one.changes.as_ref().map(changes_json),
        because,
        overridden: one.overridden.iter().map(|gate| OverriddenJson { gate: &gate.gate, said: &gate.said }).collect(),
        failure: match &one.state {
            InstanceState::Failed(failure) => Some(failure_json(failure)),
            _ => None,
        },
        started_at: one.started.map(time::rfc3339),
        finished_at: one.finished.map(time::rfc3339),
    }
}

/// What an instance waits for. Where no process drives the run, what a process would do waits for one.
fn waits_of(run: &Run, one: &Instance, outcome: Outcome) -> String {
    let mut waits = run.waits_for(&one.id);
    if outcome != Outcome::Running {
        for wait in &mut waits {
            if matches!(wait, WaitsFor::Environment | WaitsFor::Place) {
                *wait = WaitsFor::Resume;
            }
        }
    }
    instance::waits(&waits)
}

fn approval_json(one: &Instance) -> Option<ApprovalJson<'_>> {
    let (cover, approvals, differs) = match (&one.state, one.approved()) {
        (InstanceState::Awaiting(awaiting), _) => (
            &awaiting.cover,
            awaiting.approvals.as_slice(),
            awaiting.differs.iter().map(|part| part.as_str()).collect(),
        ),
        (_, Some((cover, approvals))) => (cover, approvals, Vec::new()),
        (_, None) => return None,
    };
    Some(ApprovalJson {
        approved_by: approvals.iter().map(|approval| approval.by.as_str()).collect(),
        differs,
        serial: cover.serial,
        lineage: cover.lineage.as_deref(),
        terraform: &cover.terraform,
        changes: cover
            .changes
            .iter()
            .map(|(address, change)| ChangeJson { address, action: &change.action, digest: change.digest.to_string() })
            .collect(),
    })
}

fn changes_json(changes: &Changes) -> ChangesJson<'_> {
    ChangesJson {
        add: changes.add,
        change: changes.change,
        destroy: changes.destroy,
        import: changes.import,
        state_only: changes.state_only,
        outputs: changes.outputs.iter().map(String::as_str).collect(),
    }
}

fn failure_json(failure: &Failure) -> FailureJson<'_> {
    let diagnostics = failure.diagnostics.iter().map(|diagnostic| DiagnosticJson {
        severity: if diagnostic.is_error { "error" } else { "warning" },
        summary: &diagnostic.summary,
        detail: &diagnostic.detail,
        address: diagnostic.address.as_deref(),
        file: diagnostic.file.as_deref(),
        line: diagnostic.line,
    });
    FailureJson {
        step: failure.step.as_str(),
        summary: &failure.summary,
        diagnostics: diagnostics.collect(),
        help: failure.help.as_deref(),
    }
}

/// A run as JSON, `terrace.run/2`.
pub fn json(row: &RunRow, run: &Run) {
    print_json("terrace.run/2", &run_json(run, Some(row)));
}

/// `run list` as JSON, `terrace.runs/2`.
pub fn list_json(rows: &[RunRow]) {
    #[derive(Serialize)]
    struct Runs<'a> {
        runs: Vec<RowJson<'a>>,
    }
    #[derive(Serialize)]
    struct RowJson<'a> {
        id: u64,
        stages: Vec<StageJson<'a>>,
        release: Option<&'a str>,
        outcome: &'static str,
        commit: &'a str,
        subject: &'a str,
        actor: &'a str,
        terraform: &'a str,
        instances: u64,
        started_at: String,
        finished_at: Option<String>,
    }
    let runs = rows.iter().map(|row| RowJson {
        id: row.id.0,
        stages: row.stages.iter().map(|(stage, environment)| StageJson { stage, environment }).collect(),
        release: row.release.as_deref(),
        outcome: row.outcome.as_str(),
        commit: &row.preface.commit,
        subject: &row.preface.subject,
        actor: &row.preface.actor,
        terraform: &row.preface.terraform,
        instances: row.instances,
        started_at: time::rfc3339(row.created),
        finished_at: row.finished.map(time::rfc3339),
    });
    print_json("terrace.runs/2", &Runs { runs: runs.collect() });
}

/// Said when somebody has decided.
pub fn decided(events: &[Event], word: &str, id: RunId) {
    let names: Vec<_> = events.iter().filter_map(|event| Some(event.instance()?.to_string())).collect();
    print(&format!("Run {id}: {word} {}.\n", names.join(", ")));
}

/// Said when there are more runs than were listed.
pub fn more(limit: usize) {
    say(&format!("The newest {}; more with `--limit`.", count(limit, "run")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_counted_where_there_are_some() {
        let tally = Tally { applied: 1, import: 2, add: 1, ..Tally::default() };
        assert_eq!(tally_in_words(&tally, true), "1 applied; resources: 2 imported, 1 added, 0 changed, 0 destroyed");
        let tally = Tally { planned: 1, import: 1, ..Tally::default() };
        assert_eq!(
            tally_in_words(&tally, false),
            "1 with changes; resources: 1 to import, 0 to add, 0 to change, 0 to destroy"
        );
        let tally = Tally { applied: 1, add: 1, ..Tally::default() };
        assert_eq!(tally_in_words(&tally, true), "1 applied; resources: 1 added, 0 changed, 0 destroyed");
        assert_eq!(tally_in_words(&Tally { unchanged: 1, ..Tally::default() }, true), "1 unchanged");
    }
}
