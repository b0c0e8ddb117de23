//! What people are asked where a state is to be written: which snapshot they mean, and whether they mean it.

use std::io::{BufRead, IsTerminal};

use terrace_driver::database::{self, Connection};
use terrace_driver::home::Home;
use terrace_driver::snapshots::{self, Snapshot};

use crate::error::{CommandError, Exit};
use crate::views;

/// The most snapshots of an instance that are looked through for a digest.
const LOOKED_THROUGH: usize = 100_000;

/// The snapshot that somebody means.
pub(super) struct Choice<'a> {
    pub(super) stack: &'a str,
    pub(super) environment: &'a str,
    /// Its number, or the beginning of its digest; the last by default.
    pub(super) named: Option<&'a str>,
}

impl Choice<'_> {
    /// Looks it up where snapshots are recorded.
    pub(super) fn look_up(&self, home: &Home) -> Result<Snapshot, CommandError> {
        if !home.database().exists() {
            return Err(self.no_snapshot());
        }
        self.find(&database::open(&home.database())?)
    }

    fn find(&self, connection: &Connection) -> Result<Snapshot, CommandError> {
        let Some(named) = self.named else {
            return snapshots::latest(connection, self.environment, self.stack)?.ok_or_else(|| self.no_snapshot());
        };
        if let Ok(id) = named.parse() {
            let found = snapshots::find(connection, id)?.ok_or_else(|| self.no_such_snapshot(named))?;
            if (found.environment.as_str(), found.stack.as_str()) != (self.environment, self.stack) {
                let message = format!("snapshot {id} is of {} in {}", found.stack, found.environment);
                return Err(CommandError::usage(message).help(self.look()));
            }
            return Ok(found);
        }
        let prefix = named.strip_prefix("sha256:").unwrap_or(named);
        let all = snapshots::list(connection, self.environment, self.stack, LOOKED_THROUGH)?;
        let mut fitting: Vec<_> =
            all.into_iter().filter(|found| found.taken.digest.hex().starts_with(prefix)).collect();
        fitting.dedup_by_key(|found| found.taken.digest);
        match fitting.len() {
            1 => Ok(fitting.remove(0)),
            0 => Err(self.no_such_snapshot(named)),
            n => Err(CommandError::usage(format!("`{named}` is the beginning of {n} digests")).help(self.look())),
        }
    }

    fn look(&self) -> String {
        format!("`terrace state snapshots {} --env {}` lists them.", self.stack, self.environment)
    }

    fn no_snapshot(&self) -> CommandError {
        CommandError::usage(format!("there is no snapshot of {} in {}", self.stack, self.environment))
            .help("`terrace state list` shows of what there are some.")
    }

    fn no_such_snapshot(&self, named: &str) -> CommandError {
        CommandError::usage(format!("there is no snapshot `{named}` of {} in {}", self.stack, self.environment))
            .help(self.look())
    }
}

/// Asks whoever is there whether they mean what is about to be done.
pub(super) fn ask(about_to: &str, question: &str) -> Result<(), CommandError> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError {
            exit: Exit::Waiting,
            ..CommandError::usage(format!("{about_to}, and nobody is there to be asked"))
        }
        .help("If that is meant: `--yes`."));
    }
    views::say(&format!("{question} Type `yes` to go on."));
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    if line.trim() == "yes" { Ok(()) } else { Err(CommandError::usage("nothing was done")) }
}
