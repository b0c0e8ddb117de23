//! `terrace state import`.

use std::sync::{Arc, Mutex};

use clap::Args;
use serde_json::{Value as Json, json};
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::run::Step;
use terrace_driver::instance::{Lost, Noted, OutputBook, Recovered, Teller, recover_state};
use terrace_driver::ledger;
use terrace_driver::local::Notice;
use terrace_driver::snapshots::Snapshot;
use terrace_driver::store::{Store, StoreError};

use super::choose::{Choice, ask};
use crate::delivery::{AtRest, halted, prospect};
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;
use crate::views::progress::Progress;

static BEGUN: Kind = Kind::known("state_import_begun");
static IMPORTED: Kind = Kind::known("state_imported");
static FAILED: Kind = Kind::known("state_import_failed");

const AFTER_HELP: &str = "\
Makes a state that was lost again, by importing what a snapshot says was in it: each object as it is by now. Nothing but the state is written;
no object is made, changed or destroyed. Where the snapshot's own state still fits, `terrace state restore` is quicker and keeps more.

The state must be empty. What cannot be imported, or is refused, is listed with the reason, and left to do by hand; the rest is imported all the
same. In the end a plan tells whether the code and the objects are alike.

Examples:
  terrace state import network --env dev --dry-run          what would be imported
  terrace state import network --env dev --snapshot 12      from an older snapshot
  terrace state import network --env dev --go-on            after an import that was cut off

Exit codes: 1 also when something is left to do by hand, or the plan in the end is not empty; 3 when nobody can be asked (--yes answers).";

/// Make a lost state again, by importing what a snapshot says was in it
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches does the command have")]
pub struct Import {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: String,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: String,
    /// The snapshot: its number, or the beginning of its digest; the last by default
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// Say what would be imported, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on with an import that was cut off: the state holds a part of the snapshot
    #[arg(long)]
    go_on: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT", conflicts_with = "dry_run")]
    reason: Option<String>,
    /// Print JSON (terrace.state.import/1)
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Imports.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let prospect = prospect(&self.stack, &self.env, settings)?;
        let choice = Choice { stack: &self.stack, environment: &self.env, named: self.snapshot.as_deref() };
        let snapshot = choice.look_up(&prospect.project().home())?;
        prospect.with_instance_at_rest(settings, async |instance: AtRest| {
            let state = instance.ctx.vault.get(snapshot.taken.digest)?;
            let actor = settings.actor();
            Work { import: &self, instance: &instance, snapshot: &snapshot, state: &state, actor }.run().await
        })
    }

    fn show(&self, snapshot: &Snapshot, recovered: &Recovered) {
        if self.json {
            views::state_import::json(snapshot, recovered, self.dry_run);
        } else {
            views::state_import::text(snapshot, recovered);
        }
    }
}

/// An import at work.
struct Work<'a> {
    import: &'a Import,
    instance: &'a AtRest,
    snapshot: &'a Snapshot,
    state: &'a [u8],
    actor: String,
}

impl Work<'_> {
    async fn run(&self) -> CommandResult {
        let import = self.import;
        if import.dry_run {
            let looked = self.recover(true).await?;
            import.show(self.snapshot, &looked);
            return Ok(Exit::Done);
        }
        if !import.yes {
            let looked = self.recover(true).await?;
            views::state_import::before(self.snapshot, &looked);
            ask("a state is about to be written", "Import this?")?;
        }
        self.enter(&BEGUN, &self.body())?;
        let recovered = match self.recover(false).await {
            Ok(recovered) => recovered,
            Err(error) => {
                let mut body = self.body();
                body["error"] = error.message.lines().next().unwrap_or_default().into();
                self.enter(&FAILED, &body)?;
                return Err(error);
            }
        };
        self.enter(&IMPORTED, &self.told(&recovered))?;
        import.show(self.snapshot, &recovered);
        Ok(if recovered.is_whole() && recovered.is_empty { Exit::Done } else { Exit::Failed })
    }

    async fn recover(&self, only_look: bool) -> Result<Recovered, CommandError> {
        let AtRest { ctx, id, stop, .. } = self.instance;
        let noted = Arc::new(Mutex::new(Vec::new()));
        let (progress, record) = (Progress::new(false, false, std::iter::empty()), Arc::clone(&noted));
        let teller = Teller {
            instance: id.clone(),
            step: Step::Apply,
            watcher: Arc::new(move |notice: Notice<'_>| {
                // What Terraform warns of is about the plans on the way; the report is about the last one.
                if !matches!(notice, Notice::Terraform { .. }) {
                    progress.note(&notice);
                }
            }),
            record: Arc::new(move |one| record.lock().expect("no panic while held").push(one)),
        };
        let lost = Lost { snapshot: self.snapshot, state: self.state, only_look, go_on: self.import.go_on };
        let recovered = recover_state(ctx, id, lost, &OutputBook::default(), stop.clone(), &teller).await;
        // Also of what failed it is kept what was done: a lock that was released.
        let all: Vec<Noted> = std::mem::take(&mut *noted.lock().expect("no panic while held"));
        self.note(&all)?;
        recovered.map_err(halted)
    }

    fn store(&self) -> Result<Store, StoreError> {
        Store::open(&self.instance.ctx.home.database(), &self.actor)
    }

    fn note(&self, all: &[Noted]) -> Result<(), CommandError> {
        if all.is_empty() {
            return Ok(());
        }
        let mut store = self.store()?;
        all.iter().try_for_each(|noted| store.note(None, views::time::now(), noted))?;
        Ok(())
    }

    fn body(&self) -> Json {
        let taken = &self.snapshot.taken;
        json!({
            "snapshot": self.snapshot.id,
            "from": { "serial": taken.serial, "lineage": taken.lineage, "digest": taken.digest.to_string() },
            "go_on": self.import.go_on,
        })
    }

    fn told(&self, recovered: &Recovered) -> Json {
        let mut body = self.body();
        body["imported"] = recovered.imported.clone().into();
        body["refused"] = recovered.refused.iter().map(|one| one.address.clone()).collect();
        body["not_importable"] = recovered.not_importable.iter().map(|one| one.address.clone()).collect();
        body["differing"] = recovered.differing.iter().map(|one| one.address.clone()).collect();
        body["plan_empty"] = recovered.is_empty.into();
        body
    }

    fn enter(&self, kind: &Kind, body: &Json) -> Result<(), CommandError> {
        let body = body.to_string();
        let mut entry = NewEntry::new(views::time::now(), &self.actor, kind, &body);
        (entry.environment, entry.stack) =
            (Some(self.snapshot.environment.as_str()), Some(self.snapshot.stack.as_str()));
        entry.reason = self.import.reason.as_deref();
        self.store()?.write(|transaction| Ok::<_, StoreError>(ledger::append(transaction, &entry).map(drop)?))?;
        Ok(())
    }
}
