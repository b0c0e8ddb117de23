//! What runs where: the matrix of stacks and environments.

use std::collections::{BTreeMap, BTreeSet};

use console::style;
use serde::Serialize;
use terrace_domain::estate::Estate;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::rehearsal::Lost;
use terrace_domain::run::Moment;
use terrace_driver::home::Home;
use terrace_driver::rehearsals::Recovered;
use terrace_driver::store::InstanceRow;
use terrace_world::lock::{Holder, holder};

use super::run::short;
use super::{print, print_json, rehearsal, say, table, time};

/// All that `status` shows.
pub struct Overview<'a> {
    /// The estate; `None` where it cannot be read.
    estate: Option<&'a Estate>,
    rows: &'a [InstanceRow],
    /// In the order of the pipeline; those of no stage last.
    environments: Vec<&'a str>,
    /// Who works in which environment right now.
    holders: BTreeMap<&'a str, Holder>,
    /// The recoveries that were practised, by what was lost, the newest first.
    recoveries: BTreeMap<Lost, Vec<Recovered>>,
}

impl<'a> Overview<'a> {
    /// What is known of the estate, of what was delivered, and of who is at work.
    pub fn new(
        estate: Option<&'a Estate>,
        rows: &'a [InstanceRow],
        home: &Home,
        recoveries: BTreeMap<Lost, Vec<Recovered>>,
    ) -> Self {
        let environments = estate.map_or_else(|| recorded(rows), columns);
        let held = |name: &str| holder(&home.locks(), name).ok().flatten();
        let holders = environments.iter().filter_map(|name| Some((*name, held(name)?))).collect();
        Self { estate, rows, environments, holders, recoveries }
    }

    /// As text.
    pub fn text(&self) {
        let by_place: BTreeMap<_, _> =
            self.rows.iter().map(|row| ((row.stack.as_str(), row.environment.as_str()), row)).collect();
        let headings = std::iter::once("STACK").chain(self.environments.iter().copied());
        let mut out = table::with_headings([]);
        out.set_header(headings.map(|heading| style(heading).bold().to_string()));
        // Stacks that are gone from the estate, but still run somewhere, are shown too.
        let known = self.estate.iter().flat_map(|estate| estate.stacks.keys().map(StackName::as_str));
        let stacks: BTreeSet<&str> = known.chain(self.rows.iter().map(|row| row.stack.as_str())).collect();
        let is_removed = |stack: &str| self.estate.is_some_and(|estate| !estate.stacks.contains_key(stack));
        let now = time::now();
        for stack in &stacks {
            let name = if is_removed(stack) { format!("{stack} (removed)") } else { (*stack).to_owned() };
            let cell = |environment: &&str| {
                by_place.get(&(*stack, *environment)).map_or_else(|| style("-").dim().to_string(), |row| cell(row, now))
            };
            out.add_row(std::iter::once(name).chain(self.environments.iter().map(cell)));
        }
        print(&table::to_text(&mut out));
        for (environment, holder) in &self.holders {
            let Holder { command, pid, user, host, started_at } = holder;
            say(&format!(
                "{environment}: `{command}` is at work since {started_at} (process {pid} of {user} on {host})"
            ));
        }
        rehearsal::recoveries(&self.recoveries, self.estate.and_then(|estate| estate.recovery.every_ms));
        if self.estate.is_some() && stacks.is_empty() {
            say("The estate has no stacks yet: a folder with a stack.hcl is one.");
        } else if self.rows.is_empty() {
            say("Nothing is delivered yet: `terrace deliver` begins.");
        }
    }

    /// As JSON, `terrace.status/2`.
    pub fn json(&self) {
        let protected = |name: &str| Some(self.estate?.environments.get(name)?.protected);
        let environments = self.environments.iter().map(|name| EnvironmentJson {
            name,
            protected: protected(name),
            held_by: self.holders.get(name),
        });
        let report = StatusJson {
            estate: self.estate.map(|estate| estate.name.as_str()),
            environments: environments.collect(),
            instances: self.rows.iter().map(instance_json).collect(),
            recoveries: self.recoveries.iter().filter_map(recovery_json).collect(),
        };
        print_json("terrace.status/2", &report);
    }
}

/// The environments in the order of the pipeline; those of no stage last.
fn columns(estate: &Estate) -> Vec<&str> {
    let staged: Vec<_> = estate.stages.iter().filter_map(|stage| stage.environment.as_ref()).collect();
    let others = estate.environments.keys().filter(|name| !staged.contains(name));
    staged.iter().copied().chain(others).map(EnvironmentName::as_str).collect()
}

/// The environments that something was delivered to.
fn recorded(rows: &[InstanceRow]) -> Vec<&str> {
    let names: BTreeSet<_> = rows.iter().map(|row| row.environment.as_str()).collect();
    names.into_iter().collect()
}

fn cell(row: &InstanceRow, now: Moment) -> String {
    let running = match (row.standing.release, row.standing.delivered) {
        (Some(release), Some(delivered)) => {
            let commit = row.commit.as_deref().map_or(String::new(), |commit| format!(" ({})", short(commit)));
            format!("{}{commit} {}", release.short(), time::age(delivered, now))
        }
        _ => "nothing".to_owned(),
    };
    match row.state.as_str() {
        "awaiting" => format!("{} {running}, another waits for approval in run {}", style("?").yellow(), row.run),
        "held" => format!("{} {running}, another is held by a gate in run {}", style("?").yellow(), row.run),
        "applied" | "unchanged" => format!("{} {running}", style("✓").green()),
        state if row.is_open() => format!("{} {running}, {state} in run {}", style("·").cyan(), row.run),
        state => format!("{} {running}, {} in run {}", style("✗").red(), style(state).red(), row.run),
    }
}

#[derive(Serialize)]
struct StatusJson<'a> {
    /// Null where the estate cannot be read.
    estate: Option<&'a str>,
    environments: Vec<EnvironmentJson<'a>>,
    instances: Vec<InstanceJson<'a>>,
    recoveries: Vec<RecoveryJson>,
}

#[derive(Serialize)]
struct RecoveryJson {
    lost: &'static str,
    /// When it was last practised with success; milliseconds since 1970, UTC.
    succeeded_at_ms: Option<i64>,
    took_ms: Option<u64>,
    /// Whether the last one failed.
    last_failed: bool,
}

fn recovery_json((lost, all): (&Lost, &Vec<Recovered>)) -> Option<RecoveryJson> {
    let newest = all.first()?;
    let success = all.iter().find(|recovered| recovered.took_ms.is_some());
    Some(RecoveryJson {
        lost: lost.as_str(),
        succeeded_at_ms: success.map(|recovered| recovered.at.0),
        took_ms: success.and_then(|recovered| recovered.took_ms),
        last_failed: newest.took_ms.is_none(),
    })
}

#[derive(Serialize)]
struct EnvironmentJson<'a> {
    name: &'a str,
    protected: Option<bool>,
    held_by: Option<&'a Holder>,
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    stack: &'a str,
    environment: &'a str,
    /// What runs: the stack's release, by its digest.
    release: Option<String>,
    /// The commit of the last delivery that succeeded.
    commit: Option<&'a str>,
    /// The digest of the source of what runs.
    source: Option<&'a str>,
    delivered_at: Option<String>,
    last_run: u64,
    last_state: &'a str,
    last_at: String,
}

fn instance_json(row: &InstanceRow) -> InstanceJson<'_> {
    InstanceJson {
        stack: &row.stack,
        environment: &row.environment,
        release: row.standing.release.map(|digest| digest.to_string()),
        commit: row.commit.as_deref(),
        source: row.source.as_deref(),
        delivered_at: row.standing.delivered.map(time::rfc3339),
        last_run: row.run.0,
        last_state: &row.state,
        last_at: time::rfc3339(row.at),
    }
}
