//! Snapshots of states for people and programs. Never what is in a state.

use console::style;
use serde::Serialize;
use terrace_driver::snapshots::{Snapshot, Taken};

use super::{count, print, print_json, say, table, time};

/// How much of a lineage or a digest is shown: enough to tell two apart.
const SHORT_CHARS: usize = 8;

/// `state list`.
pub fn list(found: &[Snapshot], environment: Option<&str>) {
    if found.is_empty() {
        say(&match environment {
            Some(name) => format!("No snapshots in `{name}`; `terrace state list` shows those of all environments."),
            None => "No snapshots yet: a delivery takes one of each state that it changes.".to_owned(),
        });
        return;
    }
    let now = time::now();
    let mut out = table::with_headings([
        "ENVIRONMENT",
        "STACK",
        "SERIAL",
        "LINEAGE",
        "RESOURCES",
        "SIZE",
        "TAKEN",
        "RUN",
        "SNAPSHOT",
    ]);
    for one in found {
        out.add_row([
            one.environment.clone(),
            one.stack.clone(),
            one.taken.serial.to_string(),
            short(&one.taken.lineage).to_owned(),
            one.taken.resources.to_string(),
            size(one.taken.size),
            time::age(one.at, now),
            run(one),
            one.id.to_string(),
        ]);
    }
    print(&table::to_text(&mut out));
}

/// `state snapshots`.
pub fn snapshots(found: &[Snapshot], stack: &str, environment: &str) {
    if found.is_empty() {
        say(&format!("No snapshots of {stack} in {environment}; `terrace state list` shows what there is."));
        return;
    }
    let now = time::now();
    let mut out =
        table::with_headings(["SNAPSHOT", "SERIAL", "LINEAGE", "RESOURCES", "SIZE", "TAKEN", "RUN", "DIGEST"]);
    for one in found {
        out.add_row([
            one.id.to_string(),
            one.taken.serial.to_string(),
            short(&one.taken.lineage).to_owned(),
            one.taken.resources.to_string(),
            size(one.taken.size),
            time::age(one.at, now),
            run(one),
            short(&one.taken.digest.hex()).to_owned(),
        ]);
    }
    print(&table::to_text(&mut out));
}

fn run(snapshot: &Snapshot) -> String {
    snapshot.run.map_or_else(|| "-".to_owned(), |run| run.to_string())
}

fn short(text: &str) -> &str {
    text.char_indices().nth(SHORT_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// A size in bytes for people: `12 kB`, `3.4 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// What a restore is about to do: the state that is there, and the one that is to take its place.
pub fn comparison(current: Option<&Taken>, snapshot: &Snapshot) {
    let line = |what: &str, taken: &Taken, more: &str| {
        format!(
            "  {what:9} serial {}, lineage {}, {}, {}{more}",
            taken.serial,
            short(&taken.lineage),
            count(usize::try_from(taken.resources).unwrap_or(usize::MAX), "resource"),
            size(taken.size)
        )
    };
    let is_where = format!("{} in {}", style(&snapshot.stack).for_stderr().bold(), snapshot.environment);
    let current = current.map_or_else(|| "  current   there is none".to_owned(), |taken| line("current", taken, ""));
    let taken = format!(", snapshot {} of {}", snapshot.id, time::rfc3339(snapshot.at));
    say(&format!("The state of {is_where}:\n{current}\n{}", line("restored", &snapshot.taken, &taken)));
}

#[derive(Serialize)]
struct SnapshotJson<'a> {
    snapshot: u64,
    environment: &'a str,
    stack: &'a str,
    taken_at: String,
    run: Option<u64>,
    digest: String,
    serial: u64,
    lineage: &'a str,
    resources: u64,
    size: u64,
}

fn json(one: &Snapshot) -> SnapshotJson<'_> {
    SnapshotJson {
        snapshot: one.id,
        environment: &one.environment,
        stack: &one.stack,
        taken_at: time::rfc3339(one.at),
        run: one.run.map(|run| run.0),
        digest: one.taken.digest.to_string(),
        serial: one.taken.serial,
        lineage: &one.taken.lineage,
        resources: one.taken.resources,
        size: one.taken.size,
    }
}

/// `state list` as JSON, `terrace.states/1`.
pub fn list_json(found: &[Snapshot]) {
    #[derive(Serialize)]
    struct States<'a> {
        states: Vec<SnapshotJson<'a>>,
    }
    print_json("terrace.states/1", &States { states: found.iter().map(json).collect() });
}

/// `state snapshots` as JSON, `terrace.snapshots/1`.
pub fn snapshots_json(found: &[Snapshot]) {
    #[derive(Serialize)]
    struct Snapshots<'a> {
        snapshots: Vec<SnapshotJson<'a>>,
    }
    print_json("terrace.snapshots/1", &Snapshots { snapshots: found.iter().map(json).collect() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_long_names_read_well() {
        assert_eq!([0, 999, 1_000, 999_999, 3_456_789].map(size), ["0 B", "999 B", "1 kB", "999 kB", "3.4 MB"]);
        assert_eq!((short("37c71e54-a823"), short("é"), short("")), ("37c71e54", "é", ""));
    }
}
