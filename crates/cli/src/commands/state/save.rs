//! `terrace state save`, and what it shares with a restore: the vault, and keeping a state that was read.

use clap::Args;
use terrace_driver::database::{self, Connection};
use terrace_driver::instance::open_state;
use terrace_driver::snapshots::{self, Occasion, Snapshot, SnapshotError, Taken};
use terrace_vault::{IdentityError, Vault, VaultError};

use crate::delivery::{AtRest, halted, prospect};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

/// Take a snapshot of an instance's state as it is now
#[derive(Debug, Args)]
#[command(
    after_help = "Deliveries take snapshots of the states that they change. This takes one at any other time.\n\n\
                        Example:\n  terrace state save network --env prod"
)]
pub struct Save {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: String,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: String,
}

impl Save {
    /// Takes it.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let actor = settings.actor();
        prospect(&self.stack, &self.env, settings)?.with_instance_at_rest(settings, async |instance: AtRest| {
            let AtRest { ctx, id, stop, .. } = &instance;
            let state = open_state(ctx, id, stop.clone()).await.map_err(halted)?;
            let Some(bytes) = state.read(ctx, id, stop.clone()).await.map_err(halted)? else {
                return Err(CommandError::failed(format!("{} has no state in {}", id.stack, self.env))
                    .help("`terrace deliver` makes one."));
            };
            let vault = &ctx.vault;
            let mut connection = database::open(&ctx.home.database())?;
            let keeping = Keeping { environment: &self.env, stack: id.stack.as_str(), actor: &actor };
            let (snapshot, is_new) = keeping.keep(vault, &mut connection, &bytes)?;
            views::say(&if is_new {
                format!("Snapshot {} of {} in {} is taken.", snapshot.id, id.stack, self.env)
            } else {
                format!("The state of {} in {} is that of snapshot {} still.", id.stack, self.env, snapshot.id)
            });
            Ok(Exit::Done)
        })
    }
}

/// Whose state is kept, and for whom.
pub(super) struct Keeping<'a> {
    pub(super) environment: &'a str,
    pub(super) stack: &'a str,
    pub(super) actor: &'a str,
}

impl Keeping<'_> {
    /// Takes and enters a snapshot, unless the last one is of the same state; says whether it is a new one.
    pub(super) fn keep(
        &self,
        vault: &Vault,
        connection: &mut Connection,
        state: &[u8],
    ) -> Result<(Snapshot, bool), CommandError> {
        let taken = snapshots::take(vault, state)?;
        if let Some(last) = snapshots::latest(connection, self.environment, self.stack)?
            && last.taken.digest == taken.digest
        {
            return Ok((last, false));
        }
        let at = views::time::now();
        let occasion = Occasion { environment: self.environment, stack: self.stack, at, run: None };
        let id = database::write::<_, SnapshotError>(connection, |transaction| {
            snapshots::enter(transaction, &occasion, self.actor, &taken)
        })?;
        Ok((self.snapshot(id, at, taken), true))
    }

    fn snapshot(&self, id: u64, at: terrace_domain::run::Moment, taken: Taken) -> Snapshot {
        let (environment, stack) = (self.environment.to_owned(), self.stack.to_owned());
        Snapshot { id, environment, stack, at, run: None, taken }
    }
}

impl From<IdentityError> for CommandError {
    fn from(error: IdentityError) -> Self {
        let message = Self::chain(&error);
        match error {
            IdentityError::Open { path, .. } => Self::usage(message).help(format!(
                "If nobody else has read it: `chmod 600 {}`. Otherwise it is no secret any more.",
                path.display()
            )),
            IdentityError::Line { .. } | IdentityError::Empty(_) | IdentityError::TooLarge(_) => Self::usage(message)
                .help("Bring the file back from a copy: without its key nothing that was sealed for it can be opened."),
            IdentityError::Io { .. } => Self::failed(message),
        }
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        let message = Self::chain(&error);
        match error {
            VaultError::NotOurs(_) => Self::failed(message)
                .help("Somebody who can open it may restore it, or bring the identity that it was sealed for back to .terrace/identity.txt."),
            VaultError::CutOff(_) | VaultError::EndDamaged(_) | VaultError::Changed(_) | VaultError::Exchanged { .. } => {
                Self::failed(message).help("Nothing was done. Take another snapshot (`terrace state snapshots`), or bring the file back from a copy.")
            }
            VaultError::Missing(_) => Self::failed(message).help("Bring the file back from a copy, or take another snapshot."),
            _ => Self::failed(message),
        }
    }
}
