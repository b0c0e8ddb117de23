//! Rehearsals on disk: a folder each below `.terrace/rehearsals`, with what it is for, written before anything is made, and its report; and
//! their part of the ledger. Decides nothing.

pub mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use terrace_domain::digest::Digest;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Ephemeral, Lost, Practice, Report, Verdict};
use terrace_domain::run::{InstanceState, Mode, Moment};

use crate::home::{Home, HomeError, make_private};
use crate::ledger::{self, Filter};
use crate::store::{Store, StoreError};

/// What it is for.
const DEFINITION_FILE: &str = "rehearsal.json";
/// What it came to.
const REPORT_FILE: &str = "report.json";
/// What its runs did.
const JOURNAL_FILE: &str = "journal.db";
/// So many recoveries are looked back upon, at most.
const HISTORY_MAX: usize = 1000;

/// More runs than any rehearsal has, sweeps that failed among them.
const RUNS_MAX: usize = 100_000;

static BEGAN: Kind = Kind::known("rehearsal_began");
static ENDED: Kind = Kind::known("rehearsal_ended");

/// A rehearsal's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The disk refuses.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder cannot be made.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What is written there cannot be understood.
    #[error("{} cannot be read: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A rehearsal, as its folder has it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its environment.
    pub environment: Ephemeral,
    /// The estate releases that were deployed there, the last one last, by digest.
    pub releases: Vec<String>,
    /// Its report, once it is over.
    pub report: Option<Json>,
    /// Whether anything of the environment may be there still.
    pub is_standing: bool,
}

/// A recovery that was practised, or done in earnest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// When it ended.
    pub at: Moment,
    /// How long the recovery took, in milliseconds; `None` where it did not succeed.
    pub took_ms: Option<u64>,
    /// How long it was tried, in milliseconds, whatever came of it; `None` where that was never begun.
    pub lasted_ms: Option<u64>,
}

/// Makes the folder of a rehearsal and notes what it is for: from here on a sweep finds it, whatever happens.
pub fn begin(home: &Home, environment: &Ephemeral, releases: &[String]) -> Result<(), RehearsalError> {
    let folder = home.rehearsal(environment.name.as_str());
    make_private(&folder)?;
    let text = wire::definition(environment, releases);
    write(&folder.join(DEFINITION_FILE), text.as_bytes())
}

/// Keeps what a rehearsal came to.
pub fn keep_report(home: &Home, report: &Report) -> Result<(), RehearsalError> {
    let folder = home.rehearsal(report.environment.name.as_str());
    make_private(&folder)?;
    write(&folder.join(REPORT_FILE), wire::report(report).to_string().as_bytes())
}

/// The journals of a rehearsal's runs: kept when all else is gone.
pub fn journal(home: &Home, environment: &str) -> PathBuf {
    let own = home.ephemeral(environment).database();
    if own.exists() { own } else { home.rehearsal(environment).join(JOURNAL_FILE) }
}

/// Removes all of a rehearsal but what it was for, what it came to, and its journals: nothing of its environment is there any more.
pub fn discard(home: &Home, environment: &str) -> Result<(), RehearsalError> {
    let path = home.ephemeral(environment).path().to_owned();
    // SQLite finds what it has not yet written into a database beside it, by its name.
    for beside in ["-wal", "-shm", ""] {
        let named = |path: PathBuf| PathBuf::from(format!("{}{beside}", path.display()));
        let from = named(home.ephemeral(environment).database());
        match fs::rename(&from, named(home.rehearsal(environment).join(JOURNAL_FILE))) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(RehearsalError::Io { path: from, source });
            }
            _ => {}
        }
    }
    match fs::remove_dir_all(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(RehearsalError::Io { path, source }),
        _ => Ok(()),
    }
}

/// All rehearsals that have a folder, the newest first. What cannot be read is told beside.
pub fn all(home: &Home) -> (Vec<Kept>, Vec<RehearsalError>) {
    let (mut kept, mut errors) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(home.rehearsals()).into_iter().flatten().flatten() {
        match one(home, &entry.file_name().to_string_lossy()) {
            Ok(Some(found)) => kept.push(found),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    kept.sort_by_key(|kept| std::cmp::Reverse(kept.environment.created));
    (kept, errors)
}

/// One rehearsal; `None` where there is no such folder, or nothing was noted in it.
pub fn one(home: &Home, name: &str) -> Result<Option<Kept>, RehearsalError> {
    let folder = home.rehearsal(name);
    let Some(text) = read(&folder.join(DEFINITION_FILE))? else { return Ok(None) };
    let content = |file: &str, reason: String| RehearsalError::Content { path: folder.join(file), reason };
    let (environment, releases) = wire::read_definition(&text).map_err(|reason| content(DEFINITION_FILE, reason))?;
    let report = match read(&folder.join(REPORT_FILE))? {
        Some(text) => Some(serde_json::from_slice(&text).map_err(|error| content(REPORT_FILE, error.to_string()))?),
        None => None,
    };
    let is_standing = home.ephemeral(name).path().exists();
    Ok(Some(Kept { environment, releases, report, is_standing }))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, RehearsalError> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(RehearsalError::Io { path: path.to_owned(), source }),
    }
}

/// Writes a file as a whole: nobody sees half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), RehearsalError> {
    let failed = |source| RehearsalError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    io::Write::write_all(&mut file, bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// The stacks of which something may exist in a rehearsal's environment, by the ledger of its own: an apply of them may have been begun. Each with the estate
/// release that was applied last, or found to be what is there. What a later run destroyed is among them still.
pub fn begun(own: &Home, actor: &str) -> Result<BTreeMap<StackName, Digest>, StoreError> {
    let path = own.database();
    let mut begun = BTreeMap::new();
    // Before there is a ledger, nothing is applied.
    if !path.exists() {
        return Ok(begun);
    }
    let store = Store::open(&path, actor)?;
    for row in store.runs(None, RUNS_MAX)?.into_iter().rev() {
        let Some((run, _)) = store.replay(row.id)? else { continue };
        let Some(release) = run.order().release.filter(|_| run.order().mode == Mode::Deliver) else { continue };
        let applied = run.instances().iter().filter(|instance| instance.may_have_applied());
        begun.extend(applied.map(|instance| (instance.stack().clone(), release)));
        // What was made by an earlier release, and is as this one says, is this one's: its inputs read what is there now.
        let unchanged = run.instances().iter().filter(|instance| instance.state == InstanceState::Unchanged);
        for instance in unchanged {
            begun.entry(instance.stack().clone()).and_modify(|known| *known = release);
        }
    }
    Ok(begun)
}

impl Store {
    /// Records that a rehearsal begins.
    pub fn rehearsal_began(
        &mut self,
        at: Moment,
        environment: &Ephemeral,
        release: Option<&str>,
    ) -> Result<(), StoreError> {
        let body = wire::environment(environment).to_string();
        self.record(at, &BEGAN, environment, release, &body)
    }

    /// Records what a rehearsal came to.
    pub fn rehearsal_ended(&mut self, at: Moment, report: &Report) -> Result<(), StoreError> {
        let release = report.release.or(report.baseline).map(|digest| digest.to_string());
        let body = wire::summary(report).to_string();
        self.record(at, &ENDED, &report.environment, release.as_deref(), &body)
    }

    fn record(
        &mut self,
        at: Moment,
        kind: &Kind,
        environment: &Ephemeral,
        release: Option<&str>,
        body: &str,
    ) -> Result<(), StoreError> {
        let at = at.after(self.last_moment()?);
        let actor = self.actor().to_owned();
        self.write(|transaction| {
            let mut entry = NewEntry::new(at, &actor, kind, body);
            entry.environment = Some(environment.name.as_str());
            entry.release = release;
            ledger::append(transaction, &entry)?;
            Ok(())
        })
    }

    /// The recoveries that were practised, by what was lost, the newest first.
    pub fn recoveries(&self) -> Result<BTreeMap<Lost, Vec<Recovered>>, StoreError> {
        let filter = Filter {
            kind: Some("rehearsal_ended".to_owned()),
            newest_first: true,
            limit: Some(HISTORY_MAX),
            ..Filter::default()
        };
        let mut found: BTreeMap<Lost, Vec<Recovered>> = BTreeMap::new();
        for entry in ledger::log(self.connection(), &filter)? {
            let Ok(body) = serde_json::from_str::<Json>(&entry.body) else { continue };
            let Some(lost) = body["lost"].as_str().and_then(Lost::from_word) else { continue };
            let passed = body["verdict"] == json!(Verdict::Passed.as_str());
            let took_ms = body["recovery_ms"].as_u64().filter(|_| passed);
            let phase = body["phases"].as_array().into_iter().flatten().find(|phase| phase["phase"] == "recover");
            let lasted_ms = phase.and_then(|phase| {
                let (began, ended) = (phase["began_at_ms"].as_i64()?, phase["ended_at_ms"].as_i64()?);
                Some(Moment(ended).millis_since(Moment(began)))
            });
            found.entry(lost).or_default().push(Recovered { at: entry.at, took_ms, lasted_ms });
        }
        Ok(found)
    }
}

/// When a recovery from each loss was last practised with success.
pub fn last_successes(recoveries: &BTreeMap<Lost, Vec<Recovered>>) -> BTreeMap<Lost, Moment> {
    let last = |(lost, all): (&Lost, &Vec<Recovered>)| {
        all.iter().find(|recovered| recovered.took_ms.is_some()).map(|recovered| (*lost, recovered.at))
    };
    recoveries.iter().filter_map(last).collect()
}

/// What is lost in a practice.
pub fn lost_in(practice: Practice) -> Option<Lost> {
    match practice {
        Practice::Recovery(lost) => Some(lost),
        Practice::Zero | Practice::Upgrade => None,
    }
}
