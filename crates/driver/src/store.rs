//! The store of runs: one SQLite file. The ledger's entries of a run are its journal, written before what they cause is done. Folding a
//! journal with `advance` gives the run again.

#[cfg(debug_assertions)]
mod crash;
pub(crate) mod schema;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::name::StackName;
use terrace_domain::run::{
    BreakGlass, Event, Impossible, InstanceId, InstanceState, Moment, Order, Outcome, Rehearsed, Run, RunId, Standing,
    Step, advance,
};

use crate::database;
use crate::instance::Noted;
use crate::ledger::{self, JournalEntry, LedgerError};
use crate::snapshots::{self, Occasion, SnapshotError};

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A snapshot cannot be recorded.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A newer Terrace wrote it.
    #[error("the store has version {found}, and this Terrace knows versions up to {known}")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A Terrace from before releases wrote it.
    #[error("the store has version {found}, from before there were releases; this Terrace writes version {known}")]
    Older {
        /// The version found.
        found: i64,
        /// The one that is written.
        known: i64,
    },
    /// An entry cannot be read.
    #[error("run {run}: entry {seq} of the journal cannot be read: {source}")]
    Entry {
        /// The run.
        run: RunId,
        /// The entry's number; 1 is the order.
        seq: u64,
        /// Why.
        source: wire::WireError,
    },
    /// An entry cannot have happened after those before it.
    #[error("run {run}: entry {seq} of the journal does not follow from those before it: {source}")]
    Journal {
        /// The run.
        run: RunId,
        /// The entry's number.
        seq: u64,
        /// Why.
        source: Impossible,
    },
}

/// What a new run is recorded with, beside its order.
#[derive(Debug, Clone)]
pub struct Preface {
    /// The commit's full id.
    pub commit: String,
    /// The commit's first line.
    pub subject: String,
    /// Who started it: `user@host`.
    pub actor: String,
    /// The Terraform used: product and version.
    pub terraform: String,
}

/// A row of `run list`.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// When it was recorded.
    pub created: Moment,
    /// When it ended.
    pub finished: Option<Moment>,
    /// What it came to.
    pub outcome: Outcome,
    /// Stages and their environments, by name.
    pub stages: Vec<(String, String)>,
    /// The estate release, by its digest.
    pub release: Option<String>,
    /// What it was recorded with.
    pub preface: Preface,
    /// How many instances take part.
    pub instances: u64,
}

impl RunRow {
    /// The environments, by name.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().map(|(_, environment)| environment.as_str())
    }
}

/// How the last delivery of an instance went, and what runs.
#[derive(Debug, Clone)]
pub struct InstanceRow {
    /// The environment's name.
    pub environment: String,
    /// The stack's name.
    pub stack: String,
    /// The last run that touched it.
    pub run: RunId,
    /// Its state's word in that run.
    pub state: String,
    /// When it came to that state.
    pub at: Moment,
    /// The commit of what runs; `None` when nothing was delivered with success.
    pub commit: Option<String>,
    /// The digest of the source of what runs.
    pub source: Option<String>,
    /// What runs, since when, and when an applied plan last changed its outputs; nothing is said of evidence.
    pub standing: Standing,
}

/// The states of instances that have not come to their end.
const OPEN_STATES: [&str; 9] =
    ["waiting", "preparing", "planning", "held", "awaiting", "applying", "unsettled", "settling", "verifying"];

impl InstanceRow {
    /// Whether the instance has not come to its end in its last run.
    pub fn is_open(&self) -> bool {
        OPEN_STATES.contains(&self.state.as_str())
    }
}

/// The store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Who writes: `user@host`.
    actor: String,
    #[cfg(debug_assertions)]
    crash: crash::CrashPoint,
}

impl Store {
    /// Opens the store for `actor` (`user@host`), and makes it where there is none.
    pub fn open(path: &Path, actor: &str) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database::open(path)?,
            path: path.to_owned(),
            actor: actor.to_owned(),
            #[cfg(debug_assertions)]
            crash: crash::CrashPoint::default(),
        })
    }

    /// For tests: the process dies right after the ledger has got so many more entries.
    #[cfg(debug_assertions)]
    pub fn crash_after(&mut self, entries: u64) -> Result<(), StoreError> {
        self.crash = crash::CrashPoint::after(entries, &self.path, &self.connection)?;
        Ok(())
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who writes: `user@host`.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The connection, for those who read the ledger and the snapshots.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Does some writing in one transaction.
    pub fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = database::write(&mut self.connection, work)?;
        #[cfg(debug_assertions)]
        self.crash.pass(&self.connection)?;
        Ok(done)
    }

    /// When the last thing was recorded. What comes after it is not earlier, whatever the clock says meanwhile: what runs do next rests on
    /// what came first.
    pub fn last_moment(&self) -> Result<Moment, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT at FROM ledger ORDER BY seq DESC LIMIT 1")?;
        Ok(Moment(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(i64::MIN)))
    }

    /// Records a new run that has not started.
    pub fn create_run(&mut self, at: Moment, order: &Order, preface: &Preface) -> Result<RunId, StoreError> {
        let at = at.after(self.last_moment()?);
        let actor = self.actor.clone();
        self.write(|transaction| {
            let stages: Vec<_> =
                order.stages.iter().map(|stage| (stage.stage.as_str(), stage.environment.as_str())).collect();
            let release = order.release.map(|digest| digest.to_string());
            transaction.execute(
                "INSERT INTO run (created_at, outcome, stages, release, commit_id, subject, actor, terraform, instances)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    at.0,
                    Outcome::Running.as_str(),
                    json!(stages).to_string(),
                    release,
                    preface.commit,
                    preface.subject,
                    preface.actor,
                    preface.terraform,
                    as_i64(order.stages.len() * order.stacks.len()),
                ],
            )?;
            let id = id_from(transaction.last_insert_rowid());
            let body = wire::write_order(order);
            let mut entry = NewEntry::new(at, &actor, &RUN_CREATED, &body);
            (entry.run, entry.run_seq, entry.release) = (Some(id), Some(ORDER_SEQ), release.as_deref());
            ledger::append(transaction, &entry)?;
            if let Some(BreakGlass { by, reason }) = &order.break_glass {
                let environments: Vec<_> = order.stages.iter().map(|stage| stage.environment.as_str()).collect();
                let body = json!({ "environments": environments }).to_string();
                let mut entry = NewEntry::new(at, by, &BREAK_GLASS, &body);
                (entry.run, entry.release, entry.reason) = (Some(id), release.as_deref(), Some(reason.as_str()));
                ledger::append(transaction, &entry)?;
            }
            Ok(id)
        })
    }

    /// Writes an event that has been taken into `after`, with what follows from it for the overviews. When this returns, it is on
    /// disk.
    pub fn append(&mut self, run: RunId, entry: &Entry<'_>) -> Result<(), StoreError> {
        let actor = self.actor.clone();
        self.write(|transaction| {
            enter_event(transaction, run, entry, &actor)?;
            let outcome = match entry.after.finished() {
                Some(_) => Some(entry.after.outcome()),
                None if entry.after.is_resting() => Some(Outcome::Waiting),
                None if *entry.event == Event::Resumed => Some(Outcome::Running),
                None => None,
            };
            if let Some(outcome) = outcome {
                let finished = entry.after.finished().map(|at| at.0);
                transaction
                    .prepare_cached("UPDATE run SET finished_at = ?2, outcome = ?3 WHERE id = ?1")?
                    .execute(params![as_i64(run.0), finished, outcome.as_str()])?;
            }
            for change in entry.touched {
                touch(transaction, run, entry, change)?;
            }
            Ok(())
        })
    }

    /// Records what a step noted beside its event.
    pub fn note(&mut self, run: Option<RunId>, at: Moment, noted: &Noted) -> Result<(), StoreError> {
        let actor = self.actor.clone();
        self.write(|transaction| {
            match noted {
                Noted::Snapshot { instance, taken } => {
                    let (environment, stack) = (instance.environment.as_str(), instance.stack.as_str());
                    let known = snapshots::latest(transaction, environment, stack)?;
                    // The same state again is the same snapshot.
                    if known.is_none_or(|known| known.taken.digest != taken.digest) {
                        let of = Occasion { environment, stack, at, run };
                        snapshots::enter(transaction, &of, &actor, taken)?;
                    }
                }
                Noted::LockReleased { instance, lock } => {
                    let body = json!({ "lock": lock.id, "who": lock.who, "operation": lock.operation, "created": lock.created });
                    let body = body.to_string();
                    let mut entry = NewEntry::new(at, &actor, &LOCK_RELEASED, &body);
                    entry.run = run;
                    (entry.environment, entry.stack) =
                        (Some(instance.environment.as_str()), Some(instance.stack.as_str()));
                    entry.reason = Some("a Terraform of Terrace's own had left it when it died");
                    ledger::append(transaction, &entry)?;
                }
            }
            Ok(())
        })
    }

    /// Asks whoever drives a run to take in an event.
    pub fn request(&mut self, run: RunId, event: &Event) -> Result<(), StoreError> {
        let text = wire::write_event(event);
        self.connection.execute("INSERT INTO request (run, event) VALUES (?1, ?2)", params![as_i64(run.0), text])?;
        Ok(())
    }

    /// Takes what others have asked of a run, the oldest first. What is taken is not there any more: the caller journals it.
    pub fn take_requests(&mut self, run: RunId) -> Result<Vec<Event>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM request WHERE run = ?1 LIMIT 1")?;
        let some: Option<i64> = statement.query_row([as_i64(run.0)], |row| row.get(0)).optional()?;
        drop(statement);
        if some.is_none() {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached("DELETE FROM request WHERE run = ?1 RETURNING id, event")?;
            let rows =
                statement.query_map([as_i64(run.0)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            let mut rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            rows.sort_unstable();
            // What cannot be read was asked by a newer Terrace, and is nothing that this one could do.
            Ok(rows.iter().filter_map(|(_, text)| wire::read_event(text).ok()).collect())
        })
    }

    /// Closes a run without an end as abandoned, with the instances that it left open, and does not look into its journal: for one that
    /// cannot be read. The caller holds the run, so that nobody works on it.
    pub fn close_unread(&mut self, id: RunId, at: Moment) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE run SET finished_at = ?2, outcome = ?3 WHERE id = ?1 AND finished_at IS NULL",
                params![as_i64(id.0), at.0, Outcome::Abandoned.as_str()],
            )?;
            let open = OPEN_STATES.map(|word| format!("'{word}'")).join(", ");
            transaction.execute(
                &format!("UPDATE instance SET state = ?2, at = ?3 WHERE run = ?1 AND state IN ({open})"),
                params![as_i64(id.0), InstanceState::Abandoned(None).word(), at.0],
            )?;
            Ok(())
        })
    }

    /// The newest runs first, at most `limit`; of one environment, if given.
    pub fn runs(&self, environment: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {RUN_COLUMNS} FROM run WHERE ?1 IS NULL
             OR EXISTS (SELECT 1 FROM json_each(stages) WHERE value ->> 1 = ?1) ORDER BY id DESC LIMIT ?2"
        ))?;
        let rows = statement.query_map(params![environment, as_i64(limit)], run_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One run's row; `None` when there is no such run.
    pub fn run_row(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM run WHERE id = ?1");
        Ok(self.connection.query_row(&sql, [as_i64(id.0)], run_row).optional()?)
    }

    /// Runs that have no end, the oldest first.
    pub fn open_runs(&self) -> Result<Vec<RunId>, StoreError> {
        let mut statement = self.connection.prepare("SELECT id FROM run WHERE finished_at IS NULL ORDER BY id")?;
        let ids = statement.query_map([], |row| row.get(0).map(id_from))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The run as its journal tells it, and how many entries that has; `None` when there is no such run.
    pub fn replay(&self, id: RunId) -> Result<Option<(Run, u64)>, StoreError> {
        let Some(journal) = self.journal(id)? else { return Ok(None) };
        let (mut run, mut last) = (Run::new(journal.order.clone()), ORDER_SEQ);
        for happened in journal {
            let Happened { seq, at, event } = happened?;
            last = seq;
            run = advance(run, at, event).map_err(|source| StoreError::Journal { run: id, seq, source })?.0;
        }
        Ok(Some((run, last)))
    }

    /// What a run was ordered to do, and what happened in it; `None` when there is no such run.
    pub fn journal(&self, id: RunId) -> Result<Option<RunJournal<'_>>, StoreError> {
        let mut entries = ledger::journal(&self.connection, id);
        let Some(first) = entries.next().transpose()? else { return Ok(None) };
        let failed = |source| StoreError::Entry { run: id, seq: first.run_seq, source };
        Ok(Some(RunJournal { order: wire::read_order(&first.body).map_err(failed)?, run: id, entries }))
    }

    /// How all instances are, in order of environment and stack.
    pub fn instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        self.instances_where("1", [])
    }

    /// What earlier runs left in an environment; nothing is said of evidence.
    pub fn standings(&self, environment: &str) -> Result<BTreeMap<StackName, Standing>, StoreError> {
        let rows = self.instances_where("environment = ?1", [environment])?;
        Ok(rows.into_iter().filter_map(|row| Some((row.stack.parse().ok()?, row.standing))).collect())
    }

    fn instances_where(
        &self,
        condition: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<InstanceRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT environment, stack, run, state, at, commit_id, source, delivered_at, outputs_at, release, settings
             FROM instance WHERE {condition} ORDER BY environment, stack"
        ))?;
        let rows = statement.query_map(parameters, |row| {
            let digest = |text: Option<String>| text.and_then(|text| text.parse().ok());
            Ok(InstanceRow {
                environment: row.get(0)?,
                stack: row.get(1)?,
                run: id_from(row.get(2)?),
                state: row.get(3)?,
                at: Moment(row.get(4)?),
                commit: row.get(5)?,
                source: row.get(6)?,
                standing: Standing {
                    release: digest(row.get(9)?),
                    settings: digest(row.get(10)?),
                    delivered: row.get::<_, Option<i64>>(7)?.map(Moment),
                    outputs_changed: row.get::<_, Option<i64>>(8)?.map(Moment),
                    before_since: None,
                    proven: false,
                    rehearsed: Rehearsed::default(),
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The order is the first entry of a run's journal.
pub const ORDER_SEQ: u64 = 1;

static RUN_CREATED: Kind = Kind::known("run_created");
static BREAK_GLASS: Kind = Kind::known("break_glass");
static LOCK_RELEASED: Kind = Kind::known("lock_released");

const RUN_COLUMNS: &str =
    "id, created_at, finished_at, outcome, stages, release, commit_id, subject, actor, terraform, instances";

fn enter_event(transaction: &Transaction<'_>, run: RunId, entry: &Entry<'_>, actor: &str) -> Result<(), StoreError> {
    let (order, id) = (entry.after.order(), entry.event.instance());
    let prefix = if id.is_some() { "instance" } else { "run" };
    let kind = Kind::new(&format!("{prefix}_{}", wire::word(entry.event))).expect("words of events fit");
    let body = wire::write_event(entry.event);
    let (by, reason) = match entry.event {
        Event::Approved { by, reason, .. } | Event::Rejected { by, reason, .. } | Event::Cancelled { by, reason } => {
            (by.as_str(), Some(reason.as_str()).filter(|reason| !reason.is_empty()))
        }
        _ => (actor, None),
    };
    let mut new = NewEntry::new(entry.at, by, &kind, &body);
    (new.run, new.run_seq, new.reason) = (Some(run), Some(entry.seq), reason);
    let environment = match entry.event {
        Event::Entered { environment, .. } => Some(environment),
        _ => id.map(|id| &id.environment),
    };
    let stage = order.stages.iter().find(|stage| Some(&stage.environment) == environment);
    let stack = id.and_then(|id| entry.after.release_of(id));
    let release = stack.map(|digest| digest.to_string());
    new.stage = stage.map(|stage| stage.stage.as_str());
    new.environment = environment.map(terrace_domain::name::EnvironmentName::as_str);
    new.stack = id.map(|id| id.stack.as_str());
    new.release = release.as_deref();
    ledger::append(transaction, &new)?;
    Ok(())
}

fn touch(transaction: &Transaction<'_>, run: RunId, entry: &Entry<'_>, change: &Touched<'_>) -> Result<(), StoreError> {
    let succeeded = matches!(change.state, InstanceState::Applied | InstanceState::Unchanged);
    let order = entry.after.order();
    let release = entry.after.release_of(change.instance).map(|digest| digest.to_string());
    transaction
        .prepare_cached(
            "INSERT INTO instance (environment, stack, run, state, at, commit_id, source, delivered_at, outputs_at, release, settings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (environment, stack) DO UPDATE SET run = ?3, state = ?4, at = ?5,
             commit_id = COALESCE(?6, commit_id), source = COALESCE(?7, source),
             delivered_at = COALESCE(?8, delivered_at), outputs_at = COALESCE(?9, outputs_at),
             release = COALESCE(?10, release), settings = CASE WHEN ?12 THEN NULL ELSE COALESCE(?11, settings) END",
        )?
        .execute(params![
            change.instance.environment.as_str(),
            change.instance.stack.as_str(),
            as_i64(run.0),
            change.state.word(),
            entry.at.0,
            succeeded.then_some(order.commit.as_deref()).flatten(),
            succeeded.then_some(change.source).flatten(),
            succeeded.then_some(entry.at.0),
            changes_outputs(entry.event).then_some(entry.at.0),
            succeeded.then_some(release).flatten(),
            succeeded.then_some(change.settings).flatten(),
            is_unsure(change.state),
        ])?;
    Ok(())
}

/// Whether an instance in this state may have become another than the one that was last delivered with success, or does not do what it
/// should. Without its settings it counts as current no more: the next delivery looks at it.
fn is_unsure(state: &InstanceState) -> bool {
    let during = match state {
        InstanceState::Failed(failure) => Some(failure.step),
        InstanceState::Interrupted(step) => Some(*step),
        InstanceState::Abandoned(step) => *step,
        state => state.step(),
    };
    matches!(during, Some(Step::Apply | Step::Settle | Step::Verify))
}

/// What was recorded of a run: its order, and as an iterator what happened in it. What cannot be read is an error in its place.
pub struct RunJournal<'c> {
    /// What it was ordered to do.
    pub order: Order,
    run: RunId,
    entries: ledger::Journal<'c>,
}

impl Iterator for RunJournal<'_> {
    type Item = Result<Happened, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let run = self.run;
        let read = |entry: JournalEntry| {
            let JournalEntry { run_seq: seq, at, body } = entry;
            let event = wire::read_event(&body).map_err(|source| StoreError::Entry { run, seq, source })?;
            Ok(Happened { seq, at, event })
        };
        self.entries.next().map(|entry| entry.map_err(StoreError::from).and_then(read))
    }
}

/// An event that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Its number in the journal of the run; the order has 1.
    pub seq: u64,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub event: Event,
}

/// An event to be written.
pub struct Entry<'a> {
    /// Its number in the journal of the run; the order has 1.
    pub seq: u64,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub event: &'a Event,
    /// The run with the event taken in.
    pub after: &'a Run,
    /// Instances whose standing changed with it.
    pub touched: &'a [Touched<'a>],
}

/// An instance whose standing changed.
pub struct Touched<'a> {
    /// The instance.
    pub instance: &'a InstanceId,
    /// Its new state.
    pub state: &'a InstanceState,
    /// The digest of its source, where that was determined.
    pub source: Option<&'a str>,
    /// The digest of its settings, where that was determined.
    pub settings: Option<&'a str>,
}

/// Whether outputs change when the plan is applied, which begins now. Noted before, so that a crash in between cannot hide it.
fn changes_outputs(event: &Event) -> bool {
    matches!(event, Event::Planned { changes, .. } if !changes.outputs.is_empty())
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let (outcome, stages): (String, String) = (row.get(3)?, row.get(4)?);
    Ok(RunRow {
        id: id_from(row.get(0)?),
        created: Moment(row.get(1)?),
        finished: row.get::<_, Option<i64>>(2)?.map(Moment),
        outcome: Outcome::from_word(&outcome).unwrap_or(Outcome::Abandoned),
        stages: serde_json::from_str(&stages).unwrap_or_default(),
        release: row.get(5)?,
        preface: Preface { commit: row.get(6)?, subject: row.get(7)?, actor: row.get(8)?, terraform: row.get(9)? },
        instances: u64::try_from(row.get::<_, i64>(10)?).unwrap_or(0),
    })
}

fn id_from(id: i64) -> RunId {
    RunId(u64::try_from(id).unwrap_or(0))
}

/// Numbers of rows and runs stay far below the limit of SQLite's integers.
fn as_i64(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            mode: terrace_domain::run::Mode::Deliver,
            release: None,
            commit: None,
            parallelism: 1,
            again: false,
            break_glass: None,
            stages: Vec::new(),
            stacks: Vec::new(),
        }
    }

    fn store() -> (tempfile::TempDir, Store, RunId) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("terrace.db"), "ada@here").unwrap();
        let preface = Preface {
            commit: String::new(),
            subject: String::new(),
            actor: "ada@here".to_owned(),
            terraform: "terraform 1.11.4".to_owned(),
        };
        let id = store.create_run(Moment(1_000), &order(), &preface).unwrap();
        (folder, store, id)
    }

    fn enter(store: &mut Store, run: RunId, seq: u64, body: &str) {
        let kind = Kind::new("run_event").unwrap();
        let mut entry = NewEntry::new(Moment(2_000), "ada@here", &kind, body);
        (entry.run, entry.run_seq) = (Some(run), Some(seq));
        store.write(|transaction| Ok(ledger::append(transaction, &entry)?)).unwrap();
    }

    #[test]
    fn what_a_newer_program_wrote_is_an_error_and_nothing_is_lost() {
        let cases = [
            (r#"{"version":9,"event":"started"}"#, "it has version 9, and this Terrace reads versions up to 3"),
            (r#"{"version":1,"event":"teleported"}"#, "it is an event `teleported`, which this Terrace does not know"),
            (r#"{"version":1}"#, "missing field `event`"),
        ];
        for (body, expected) in cases {
            let (_folder, mut store, id) = store();
            enter(&mut store, id, 2, body);
            let error = store.replay(id).unwrap_err().to_string();
            assert!(error.starts_with(&format!("run {id}: entry 2 of the journal cannot be read")), "{error}");
            assert!(error.contains(expected), "{error}");
            store.close_unread(id, Moment(3_000)).unwrap();
            assert_eq!(store.run_row(id).unwrap().unwrap().outcome, Outcome::Abandoned);
            assert_eq!(ledger::log(store.connection(), &ledger::Filter::default()).unwrap().len(), 2);
        }
    }

    #[test]
    fn a_journal_with_a_gap_is_an_error() {
        let (_folder, mut store, id) = store();
        enter(&mut store, id, 3, r#"{"version":1,"event":"started"}"#);
        assert!(store.replay(id).unwrap_err().to_string().contains("has 3 where entry 2 belongs"));
    }

    #[test]
    fn what_is_asked_of_a_run_is_taken_once() {
        let (_folder, mut store, id) = store();
        let cancel = Event::Cancelled { by: "ada".to_owned(), reason: "no".to_owned() };
        store.request(id, &cancel).unwrap();
        store.request(id, &Event::StopRequested).unwrap();
        assert_eq!(store.take_requests(RunId(7)).unwrap(), []);
        assert_eq!(store.take_requests(id).unwrap(), [cancel, Event::StopRequested]);
        assert_eq!(store.take_requests(id).unwrap(), []);
    }

    #[test]
    fn moments_follow_each_other_also_when_the_clock_does_not() {
        let (_folder, mut store, _) = store();
        assert_eq!(store.last_moment().unwrap(), Moment(1_000));
        let preface = store.runs(None, 1).unwrap().remove(0).preface;
        store.create_run(Moment(5), &order(), &preface).unwrap();
        assert_eq!(store.last_moment().unwrap(), Moment(1_001));
    }
}
