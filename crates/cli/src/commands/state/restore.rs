//! `terrace state restore`.

use clap::Args;
use serde_json::{Value as Json, json};
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_driver::database::{self, Connection};
use terrace_driver::instance::{OpenState, open_state};
use terrace_driver::ledger::{self, LedgerError};
use terrace_driver::snapshots::{Snapshot, Taken};

use super::choose::{Choice, ask};
use super::save::Keeping;
use crate::delivery::{AtRest, halted, prospect};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

static BEGUN: Kind = Kind::known("state_restore_begun");
static RESTORED: Kind = Kind::known("state_restored");
static FAILED: Kind = Kind::known("state_restore_failed");

const AFTER_HELP: &str = "\
Puts a snapshot in the place of a state that was lost or damaged. Resources are not touched: what Terraform knows of them is. The state that
is overwritten is kept as a snapshot first, and the ledger tells who did this and why.

A snapshot that is older than the state (a lower serial), or of another state (another lineage), is refused without --force: what was made
since then would be forgotten, and built a second time.

Examples:
  terrace state restore network --env dev                          the last snapshot
  terrace state restore network --env dev --snapshot 12 --force    an older one

Exit codes: 3 when nobody can be asked (--yes answers), 4 when it is refused without --force.";

/// Put a snapshot in the place of an instance's state
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Restore {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: String,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: String,
    /// The snapshot: its number, or the beginning of its digest; the last by default
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// Also put an older state in place of a newer one, or that of another lineage
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Restore {
    /// Restores.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let prospect = prospect(&self.stack, &self.env, settings)?;
        let choice = Choice { stack: &self.stack, environment: &self.env, named: self.snapshot.as_deref() };
        let snapshot = choice.look_up(&prospect.project().home())?;
        prospect.with_instance_at_rest(settings, async |instance: AtRest| {
            Work { restore: &self, instance: &instance, snapshot: &snapshot, actor: settings.actor() }.run().await
        })
    }

    /// Asks whoever is there.
    fn ask(&self) -> Result<(), CommandError> {
        if self.yes { Ok(()) } else { ask("a state is about to be overwritten", "Overwrite the state?") }
    }
}

/// A restore at work.
struct Work<'a> {
    restore: &'a Restore,
    instance: &'a AtRest,
    snapshot: &'a Snapshot,
    actor: String,
}

impl Work<'_> {
    async fn run(&self) -> CommandResult {
        let AtRest { ctx, id, stop, .. } = self.instance;
        let vault = &ctx.vault;
        let bytes = vault.get(self.snapshot.taken.digest)?;
        let state = open_state(ctx, id, stop.clone()).await.map_err(halted)?;
        let current = self.read(&state).await?;
        let known = current.as_deref().map(Taken::of).transpose().map_err(|error| {
            CommandError::failed(format!("the current state cannot be read: {error}"))
                .help("Nothing was done. Move it away (and keep it), then restore again.")
        })?;
        if known.as_ref().is_some_and(|known| known.digest == self.snapshot.taken.digest) {
            views::say(&format!("The state of {} is that of snapshot {} already.", id.stack, self.snapshot.id));
            return Ok(Exit::Done);
        }
        views::state::comparison(known.as_ref(), self.snapshot);
        let objection = known.as_ref().and_then(|known| objection(known, &self.snapshot.taken));
        if let Some(objection) = objection.as_ref().filter(|_| !self.restore.force) {
            return Err(CommandError::refused(objection.clone()).help("If that is meant: `--force`."));
        }
        self.restore.ask()?;
        let mut connection = database::open(&ctx.home.database())?;
        let (env, actor) = (self.restore.env.as_str(), self.actor.as_str());
        let keeping = Keeping { environment: env, stack: id.stack.as_str(), actor };
        let kept = match &current {
            Some(bytes) => Some(keeping.keep(vault, &mut connection, bytes)?.0),
            None => None,
        };
        let body = self.body(known.as_ref(), kept.as_ref());
        self.enter(&mut connection, &BEGUN, &body)?;
        let restored = self.push(&state, &bytes, objection.is_some()).await;
        match &restored {
            Ok(()) => self.enter(&mut connection, &RESTORED, &body)?,
            Err(error) => self.enter(&mut connection, &FAILED, &failed_body(body, error))?,
        }
        restored?;
        let before = kept.map_or_else(String::new, |kept| format!(" What was there is snapshot {}.", kept.id));
        views::say(&format!("{} in {env} has the state of snapshot {} again.{before}", id.stack, self.snapshot.id));
        Ok(Exit::Done)
    }

    async fn read(&self, state: &OpenState) -> Result<Option<Vec<u8>>, CommandError> {
        let AtRest { ctx, id, stop, .. } = self.instance;
        state.read(ctx, id, stop.clone()).await.map_err(halted)
    }

    /// Pushes, and looks whether what is there then is what was pushed.
    async fn push(&self, state: &OpenState, bytes: &[u8], force: bool) -> Result<(), CommandError> {
        let AtRest { ctx, id, stop, .. } = self.instance;
        state.push(ctx, id, bytes, force, stop.clone()).await.map_err(halted)?;
        let wrong = |what: String| {
            CommandError::failed(what)
                .help("Look at the state with `terraform state list` in the instance's work folder.")
        };
        let now = self.read(state).await?.ok_or_else(|| wrong("there is no state after it was pushed".to_owned()))?;
        let now = Taken::of(&now).map_err(|error| wrong(format!("the state that was pushed: {error}")))?;
        let asked = &self.snapshot.taken;
        if now.lineage == asked.lineage && now.resources == asked.resources && now.serial >= asked.serial {
            return Ok(());
        }
        Err(wrong("the state is another one than was pushed: somebody else has written it meanwhile".to_owned()))
    }

    fn body(&self, current: Option<&Taken>, kept: Option<&Snapshot>) -> Json {
        let facts = |taken: &Taken| json!({ "serial": taken.serial, "lineage": taken.lineage, "digest": taken.digest.to_string() });
        json!({
            "snapshot": self.snapshot.id,
            "restored": facts(&self.snapshot.taken),
            "overwritten": current.map(facts),
            "kept_as": kept.map(|kept| kept.id),
            "force": self.restore.force,
        })
    }

    fn enter(&self, connection: &mut Connection, kind: &Kind, body: &Json) -> Result<(), CommandError> {
        let body = body.to_string();
        let mut entry = NewEntry::new(views::time::now(), &self.actor, kind, &body);
        (entry.environment, entry.stack) =
            (Some(self.snapshot.environment.as_str()), Some(self.snapshot.stack.as_str()));
        entry.reason = self.restore.reason.as_deref();
        database::write::<_, LedgerError>(connection, |transaction| ledger::append(transaction, &entry))?;
        Ok(())
    }
}

/// What speaks against it, if something does.
fn objection(current: &Taken, wanted: &Taken) -> Option<String> {
    if current.lineage != wanted.lineage {
        return Some(format!(
            "the snapshot is of another state: its lineage is {}, and the current one's is {}",
            wanted.lineage, current.lineage
        ));
    }
    (wanted.serial < current.serial).then(|| {
        format!(
            "the snapshot is older than the state: its serial is {}, and the current one's is {}",
            wanted.serial, current.serial
        )
    })
}

fn failed_body(mut body: Json, error: &CommandError) -> Json {
    body["error"] = Json::from(error.message.lines().next().unwrap_or_default());
    body
}
