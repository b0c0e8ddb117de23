//! What runs where: the matrix of stacks and environments.

use std::collections::{BTreeMap, BTreeSet};

use console::style;
use serde::Serialize;
use terrace_domain::estate::Estate;
use terrace_domain::name::EnvironmentName;
use terrace_domain::run::Moment;
use terrace_driver::home::Home;
use terrace_driver::store::InstanceRow;
use terrace_world::lock::{Holder, holder};

use super::run::short;
use super::{print, print_json, say, table, time};

/// Who works in which environment right now.
pub type Holders = BTreeMap<EnvironmentName, Holder>;

/// Asks the locks.
pub fn holders(home: &Home, estate: &Estate) -> Holders {
    let held = |name: &EnvironmentName| holder(&home.locks(), name.as_str()).ok().flatten();
    estate.environments.keys().filter_map(|name| Some((name.clone(), held(name)?))).collect()
}

/// The environments in the order of the pipeline; those of no stage last.
fn columns(estate: &Estate) -> Vec<&EnvironmentName> {
    let staged: Vec<_> = estate.stages.iter().filter_map(|stage| stage.environment.as_ref()).collect();
    let others = estate.environments.keys().filter(|name| !staged.contains(name));
    staged.iter().copied().chain(others).collect()
}

/// As text.
pub fn text(estate: &Estate, rows: &[InstanceRow], holders: &Holders) {
    let by_place: BTreeMap<_, _> =
        rows.iter().map(|row| ((row.stack.as_str(), row.environment.as_str()), row)).collect();
    let environments = columns(estate);
    let headings = std::iter::once("STACK").chain(environments.iter().map(|name| name.as_str()));
    let mut out = table::with_headings([]);
    out.set_header(headings.map(|heading| style(heading).bold().to_string()));
    // Stacks that are gone from the estate, but still run somewhere, are shown too.
    let known = estate.stacks.keys().map(terrace_domain::name::StackName::as_str);
    let stacks: BTreeSet<&str> = known.chain(rows.iter().map(|row| row.stack.as_str())).collect();
    let now = time::now();
    for stack in &stacks {
        let name = if estate.stacks.contains_key(*stack) { (*stack).to_owned() } else { format!("{stack} (removed)") };
        let cell = |environment: &&EnvironmentName| {
            by_place
                .get(&(*stack, environment.as_str()))
                .map_or_else(|| style("-").dim().to_string(), |row| cell(row, now))
        };
        out.add_row(std::iter::once(name).chain(environments.iter().map(cell)));
    }
    print(&table::to_text(&mut out));
    for (environment, holder) in holders {
        let Holder { command, pid, user, host, started_at } = holder;
        say(&format!("{environment}: `{command}` is at work since {started_at} (process {pid} of {user} on {host})"));
    }
    if stacks.is_empty() {
        say("The estate has no stacks yet: a folder with a stack.hcl is one.");
    } else if rows.is_empty() {
        say("Nothing is delivered yet: `terrace deliver` begins.");
    }
}

fn cell(row: &InstanceRow, now: Moment) -> String {
    let running = match (&row.commit, row.standing.delivered) {
        (Some(commit), Some(delivered)) => format!("{} {}", short(commit), time::age(delivered, now)),
        _ => "nothing".to_owned(),
    };
    match row.state.as_str() {
        "applied" | "unchanged" => format!("{} {running}", style("✓").green()),
        state if is_open(state) => format!("{} {running}, {state} in run {}", style("·").cyan(), row.run),
        state => format!("{} {running}, {} in run {}", style("✗").red(), style(state).red(), row.run),
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "preparing" | "planning" | "applying")
}

#[derive(Serialize)]
struct StatusJson<'a> {
    estate: &'a str,
    environments: Vec<EnvironmentJson<'a>>,
    instances: Vec<InstanceJson<'a>>,
}

#[derive(Serialize)]
struct EnvironmentJson<'a> {
    name: &'a str,
    protected: bool,
    held_by: Option<&'a Holder>,
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    stack: &'a str,
    environment: &'a str,
    /// What runs: the commit of the last delivery that succeeded.
    commit: Option<&'a str>,
    /// The digest of the source of what runs.
    source: Option<&'a str>,
    delivered_at: Option<String>,
    last_run: u64,
    last_state: &'a str,
    last_at: String,
}

/// As JSON, `terrace.status/1`.
pub fn json(estate: &Estate, rows: &[InstanceRow], holders: &Holders) {
    let environments = columns(estate).into_iter().map(|name| EnvironmentJson {
        name: name.as_str(),
        protected: estate.environments[name].protected,
        held_by: holders.get(name),
    });
    let instances = rows.iter().map(|row| InstanceJson {
        stack: &row.stack,
        environment: &row.environment,
        commit: row.commit.as_deref(),
        source: row.source.as_deref(),
        delivered_at: row.standing.delivered.map(time::rfc3339),
        last_run: row.run.0,
        last_state: &row.state,
        last_at: time::rfc3339(row.at),
    });
    let report = StatusJson {
        estate: estate.name.as_str(),
        environments: environments.collect(),
        instances: instances.collect(),
    };
    print_json("terrace.status/1", &report);
}
