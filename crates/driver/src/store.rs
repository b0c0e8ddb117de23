//! The store of runs: one SQLite file. Each run has a journal of events, written before what they cause is done. Folding a journal
//! with `advance` gives the run again.

mod schema;
pub mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{Event, Impossible, InstanceState, Moment, Order, Outcome, Run, RunId, Standing, advance};

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refuses.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A newer Terrace wrote it.
    #[error("the store has version {found}, and this Terrace knows versions up to {known}")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// An entry cannot be read.
    #[error("run {run}: entry {seq} of the journal cannot be read: {source}")]
    Entry {
        /// The run.
        run: RunId,
        /// The entry's number; 0 is the order.
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
    /// The stage's name.
    pub stage: String,
    /// The environment's name.
    pub environment: String,
    /// What it was recorded with.
    pub preface: Preface,
    /// How many instances took part.
    pub instances: u64,
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
    /// When what runs was delivered, and when an applied plan last changed its outputs.
    pub standing: Standing,
}

/// The states of instances that have not come to their end.
const OPEN_STATES: [InstanceState; 4] =
    [InstanceState::Waiting, InstanceState::Preparing, InstanceState::Planning, InstanceState::Applying];

impl InstanceRow {
    /// Whether the instance has not come to its end in its last run.
    pub fn is_open(&self) -> bool {
        OPEN_STATES.iter().any(|state| state.word() == self.state)
    }
}

/// The store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Every commit reaches the disk before what it allows is done.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::prepare(&mut connection)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records a new run that has not started.
    pub fn create_run(&mut self, at: Moment, order: &Order, preface: &Preface) -> Result<RunId, StoreError> {
        self.connection.execute(
            "INSERT INTO run (created_at, outcome, stage, environment, commit_id, subject, actor, terraform, instances,
             order_json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                at.0,
                Outcome::Running.as_str(),
                order.stage.as_str(),
                order.environment.as_str(),
                preface.commit,
                preface.subject,
                preface.actor,
                preface.terraform,
                as_i64(order.instances.len()),
                wire::write_order(order),
            ],
        )?;
        Ok(RunId(u64::try_from(self.connection.last_insert_rowid()).unwrap_or(0)))
    }

    /// Writes an event that has been taken into `after`, with what follows from it for the overviews. When this returns, it is on
    /// disk.
    pub fn append(&mut self, run: RunId, entry: &Entry<'_>) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached("INSERT INTO event (run, seq, at, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![as_i64(run.0), as_i64(entry.seq), entry.at.0, wire::write_event(entry.event)])?;
        if let Some(finished) = entry.after.finished() {
            transaction.execute(
                "UPDATE run SET finished_at = ?2, outcome = ?3 WHERE id = ?1",
                params![as_i64(run.0), finished.0, entry.after.outcome().as_str()],
            )?;
        }
        for change in entry.touched {
            let succeeded = matches!(change.state, InstanceState::Applied | InstanceState::Unchanged);
            let order = entry.after.order();
            transaction
                .prepare_cached(
                    "INSERT INTO instance (environment, stack, run, state, at, commit_id, source, delivered_at, outputs_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                     ON CONFLICT (environment, stack) DO UPDATE SET run = ?3, state = ?4, at = ?5,
                     commit_id = COALESCE(?6, commit_id), source = COALESCE(?7, source),
                     delivered_at = COALESCE(?8, delivered_at),
                     outputs_at = COALESCE(?9, outputs_at)",
                )?
                .execute(params![
                    order.environment.as_str(),
                    change.stack.as_str(),
                    as_i64(run.0),
                    change.state.word(),
                    entry.at.0,
                    succeeded.then_some(order.commit.as_deref()).flatten(),
                    succeeded.then_some(change.source).flatten(),
                    succeeded.then_some(entry.at.0),
                    changes_outputs(entry.event).then_some(entry.at.0),
                ])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Closes a run without an end as abandoned, with the instances that it left open, and does not look into its journal: for one that
    /// cannot be read. The caller holds the environment, so that nobody works on the run.
    pub fn close_unread(&mut self, id: RunId, at: Moment) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute(
            "UPDATE run SET finished_at = ?2, outcome = ?3 WHERE id = ?1 AND finished_at IS NULL",
            params![as_i64(id.0), at.0, Outcome::Abandoned.as_str()],
        )?;
        let [waiting, preparing, planning, applying] = OPEN_STATES.map(|state| state.word());
        transaction.execute(
            "UPDATE instance SET state = ?2, at = ?3 WHERE run = ?1 AND state IN (?4, ?5, ?6, ?7)",
            params![as_i64(id.0), InstanceState::Abandoned(None).word(), at.0, waiting, preparing, planning, applying],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The newest runs first, at most `limit`; of one environment, if given.
    pub fn runs(&self, environment: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, created_at, finished_at, outcome, stage, environment, commit_id, subject, actor, terraform, instances
             FROM run WHERE ?1 IS NULL OR environment = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![environment, as_i64(limit)], run_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One run's row; `None` when there is no such run.
    pub fn run_row(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        let sql = "SELECT id, created_at, finished_at, outcome, stage, environment, commit_id, subject, actor, terraform, instances
             FROM run WHERE id = ?1";
        Ok(self.connection.query_row(sql, [as_i64(id.0)], run_row).optional()?)
    }

    /// Runs of an environment that have no end in the journal.
    pub fn open_runs(&self, environment: &EnvironmentName) -> Result<Vec<RunId>, StoreError> {
        let mut statement =
            self.connection.prepare("SELECT id FROM run WHERE finished_at IS NULL AND environment = ?1")?;
        let ids = statement.query_map([environment.as_str()], |row| row.get(0).map(id_from))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The run as its journal tells it, and how many entries that has; `None` when there is no such run.
    pub fn replay(&self, id: RunId) -> Result<Option<(Run, u64)>, StoreError> {
        let order: Option<String> = self
            .connection
            .query_row("SELECT order_json FROM run WHERE id = ?1", [as_i64(id.0)], |row| row.get(0))
            .optional()?;
        let Some(order) = order else { return Ok(None) };
        let order = wire::read_order(&order).map_err(|source| StoreError::Entry { run: id, seq: 0, source })?;
        let mut run = Run::new(order);
        let mut statement = self.connection.prepare("SELECT seq, at, body FROM event WHERE run = ?1 ORDER BY seq")?;
        let mut rows = statement.query([as_i64(id.0)])?;
        let mut last = 0;
        while let Some(row) = rows.next()? {
            let (seq, at, body): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            last = u64::try_from(seq).unwrap_or(0);
            let event = wire::read_event(&body).map_err(|source| StoreError::Entry { run: id, seq: last, source })?;
            let failed = |source| StoreError::Journal { run: id, seq: last, source };
            run = advance(run, Moment(at), event).map_err(failed)?.0;
        }
        Ok(Some((run, last)))
    }

    /// How all instances are, in order of environment and stack.
    pub fn instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT environment, stack, run, state, at, commit_id, source, delivered_at, outputs_at FROM instance
             ORDER BY environment, stack",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(InstanceRow {
                environment: row.get(0)?,
                stack: row.get(1)?,
                run: id_from(row.get(2)?),
                state: row.get(3)?,
                at: Moment(row.get(4)?),
                commit: row.get(5)?,
                source: row.get(6)?,
                standing: Standing {
                    delivered: row.get::<_, Option<i64>>(7)?.map(Moment),
                    outputs_changed: row.get::<_, Option<i64>>(8)?.map(Moment),
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// An event to be written.
pub struct Entry<'a> {
    /// Its number in the run, from 1.
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
    /// The stack.
    pub stack: &'a StackName,
    /// Its new state.
    pub state: &'a InstanceState,
    /// The digest of its source, where that was determined.
    pub source: Option<&'a str>,
}

/// Whether outputs change when the plan is applied, which begins now. Noted before, so that a crash in between cannot hide it.
fn changes_outputs(event: &Event) -> bool {
    matches!(event, Event::Planned { changes, .. } if !changes.outputs.is_empty())
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let outcome: String = row.get(3)?;
    Ok(RunRow {
        id: id_from(row.get(0)?),
        created: Moment(row.get(1)?),
        finished: row.get::<_, Option<i64>>(2)?.map(Moment),
        outcome: Outcome::from_word(&outcome).unwrap_or(Outcome::Abandoned),
        stage: row.get(4)?,
        environment: row.get(5)?,
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
