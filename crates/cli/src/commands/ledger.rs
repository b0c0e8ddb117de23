//! `terrace ledger log` and `terrace ledger verify`.

use clap::{Args, Subcommand};
use terrace_domain::ledger::{Chain, Checkpoint, Hash, Trust};
use terrace_domain::run::{Moment, RunId};
use terrace_driver::database;
use terrace_driver::ledger::{self, Filter, LedgerError};
use terrace_evidence::trusted::TrustedKeys;

use crate::delivery::trust;
use crate::error::{CommandError, CommandResult, Exit};
use crate::keys::trusted_keys;
use crate::project::Project;
use crate::settings::Settings;
use crate::views;
use crate::views::time::Bound;

/// Read and check the record of everything that was done and decided
#[derive(Debug, Subcommand)]
pub enum Ledger {
    Log(Log),
    Verify(Verify),
}

const LOG_HELP: &str = "\
Examples:
  terrace ledger log --env prod --since 7d
  terrace ledger log --kind 'state_*' --stack network
  terrace ledger log --json | jq '.entries[].kind'
  terrace ledger log --json-lines > ledger.jsonl        all of it; other tools can verify it";

/// List entries, the newest first
#[derive(Debug, Args)]
#[command(after_help = LOG_HELP)]
pub struct Log {
    /// Only entries of this run
    #[arg(long, value_name = "RUN")]
    run: Option<u64>,
    /// Only entries of this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// Only entries of this stack
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    /// Only entries of this kind, or of kinds that fit a pattern (`state_*`)
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what this `user@host` did, or those who fit a pattern (`ada@*`)
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only entries of releases whose digest begins so
    #[arg(long, value_name = "DIGEST")]
    release: Option<String>,
    /// Only entries from this time on: a date, a time (RFC 3339), or how long ago (`90m`, `12h`, `7d`, `2w`)
    #[arg(long, value_name = "TIME")]
    since: Option<Bound>,
    /// Only entries before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Bound>,
    /// At most so many [default: 50; with --json-lines all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The oldest first
    #[arg(long)]
    oldest_first: bool,
    /// Print JSON (terrace.ledger/1)
    #[arg(long)]
    json: bool,
    /// Print one JSON object a line, the oldest first
    #[arg(long, conflicts_with_all = ["json", "oldest_first"])]
    json_lines: bool,
}

const VERIFY_HELP: &str = "\
Checks that no entry was changed, removed, moved or put in, and that the ledger reaches as far as its checkpoints say. It prints the last
entry and its hash: kept in another place, it can be given to --expect later, and shows that nothing before it was changed or cut off.

Examples:
  terrace ledger verify
  terrace ledger verify --expect 4711:9b5c…

Exit code 1: something is wrong.";

/// Check the chain of hashes and the checkpoints
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub struct Verify {
    /// An entry and its hash, as an earlier verify has printed them
    #[arg(long, value_name = "SEQ:HASH", value_parser = expected)]
    expect: Vec<(u64, Hash)>,
    /// Print JSON (terrace.ledger.verify/1)
    #[arg(long)]
    json: bool,
}

/// How many entries are listed when nobody says.
const LIMIT: usize = 50;

/// Whom faults name that are found by `--expect`.
const EXPECTATION: &str = "--expect";

impl Ledger {
    /// Shows or checks.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        let connection = if home.database().exists() { Some(database::open(&home.database())?) } else { None };
        match self {
            Self::Log(log) => log.run(connection.as_ref()),
            Self::Verify(verify) => verify.run(connection.as_ref(), &trusted(&project, settings)?),
        }
    }
}

impl Log {
    fn run(self, connection: Option<&database::Connection>) -> CommandResult {
        let now = views::time::now();
        let limit = if self.json_lines { self.limit } else { Some(self.limit.unwrap_or(LIMIT)) };
        let filter = Filter {
            run: self.run.map(RunId),
            environment: self.env,
            stack: self.stack,
            kind: self.kind,
            actor: self.actor,
            release: self.release,
            since: self.since.map(|bound| bound.moment(now)),
            until: self.until.map(|bound| bound.moment(now)),
            limit,
            newest_first: !self.json_lines && !self.oldest_first,
        };
        if self.json_lines || self.json {
            let mut printed = views::ledger::Entries::begin(self.json);
            if let Some(connection) = connection {
                ledger::each(connection, &filter, |record, hash| printed.add(record, hash))?;
            }
            printed.end();
            return Ok(Exit::Done);
        }
        let entries = connection.map(|connection| ledger::log(connection, &filter)).transpose()?.unwrap_or_default();
        views::ledger::log(&entries, limit);
        Ok(Exit::Done)
    }
}

impl Verify {
    fn run(self, connection: Option<&database::Connection>, trusted: &TrustedKeys) -> CommandResult {
        let expected: Vec<_> = self.expect.iter().map(|expected| expectation(*expected)).collect();
        // What is expected on the command line counts as if it were signed.
        let trust = |checkpoint: &Checkpoint| {
            if expected.contains(checkpoint) { Trust::Trusted } else { trust(trusted, checkpoint) }
        };
        let verdict = match connection {
            Some(connection) => ledger::verify(connection, expected.clone(), trust)?,
            None => Chain::new(expected.clone(), trust).finish(),
        };
        if self.json {
            views::ledger::verdict_json(&verdict);
        } else {
            views::ledger::verdict(&verdict);
        }
        Ok(if verdict.is_sound() { Exit::Done } else { Exit::Failed })
    }
}

/// The keys whose checkpoints count: those that the estate trusts, as it lies in the work tree; the user's own, where it names none or cannot
/// be read.
fn trusted(project: &Project, settings: &Settings) -> Result<TrustedKeys, CommandError> {
    let loaded = terrace_config::load_estate(&project.work_tree()?, &project.prefix()?);
    match loaded.estate {
        Some(estate) => trusted_keys(settings, &estate),
        None => Ok(TrustedKeys::default()),
    }
}

fn expectation((seq, hash): (u64, Hash)) -> Checkpoint {
    Checkpoint { seq, hash, at: Moment(0), key: EXPECTATION.to_owned(), signature: Vec::new() }
}

fn expected(text: &str) -> Result<(u64, Hash), String> {
    let (seq, hash) = text.split_once(':').ok_or("expected SEQ:HASH")?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or("SEQ is the number of an entry, from 1")?;
    Ok((seq, hash.parse::<Hash>().map_err(|error| error.to_string())?))
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        let help = match error {
            LedgerError::Unreadable { .. } | LedgerError::Journal { .. } => {
                Some("`terrace ledger verify` says what else is wrong.".to_owned())
            }
            _ => None,
        };
        Self { help, ..Self::failed(format!("the ledger cannot be used: {error}")) }
    }
}
