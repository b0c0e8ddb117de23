//! Takes runs and environments for this process, and clears the way for a new run: older ones that only wait give way to it, and those whose
//! process is gone are closed.

use std::collections::BTreeSet;

use terrace_domain::ledger::{Checkpoint, Trust};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{Event, InstanceState, Order, Run, RunId};
use terrace_driver::home::Home;
use terrace_driver::store::{Store, StoreError};
use terrace_driver::{ledger, local};
use terrace_evidence::keys::SigningKey;
use terrace_world::lock::{Holder, Lock, LockError};

use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// Who takes something, as it is noted.
pub fn new_holder(settings: &Settings) -> Holder {
    Holder {
        pid: std::process::id(),
        user: settings.user.clone(),
        host: settings.host.clone(),
        started_at: views::time::rfc3339(views::time::now()),
        command: settings.command_line.clone(),
    }
}

/// Takes an environment for this process, or says who has it.
pub fn take(home: &Home, environment: &EnvironmentName, settings: &Settings) -> Result<Lock, CommandError> {
    Lock::try_acquire(&home.locks(), environment.as_str(), &new_holder(settings)).map_err(|error| match error {
        LockError::Held { holder, .. } => taken(environment.as_str(), holder.as_deref()),
        other => CommandError::failed(CommandError::chain(&other)),
    })
}

/// The error for something that another process has.
pub fn taken(what: &str, holder: Option<&Holder>) -> CommandError {
    CommandError::failed(format!("{what} is taken by {}", who(holder)))
        .help("Wait until it is done; its state is in `terrace status` and `terrace run list`.")
}

/// Who holds something, in words.
pub fn who(holder: Option<&Holder>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |Holder { pid, user, host, started_at, command }| {
            format!("`{command}` (process {pid} of {user} on {host}, since {started_at})")
        },
    )
}

/// The name of a run's lock.
fn lock_name(id: RunId) -> String {
    format!("run-{id}")
}

/// Takes a run for this process: nobody else drives it.
pub fn hold_run(home: &Home, id: RunId, settings: &Settings) -> Result<Lock, CommandError> {
    Lock::try_acquire(&home.run_locks(), &lock_name(id), &new_holder(settings)).map_err(|error| match error {
        LockError::Held { holder, .. } => taken(&format!("run {id}"), holder.as_deref()),
        other => CommandError::failed(CommandError::chain(&other)),
    })
}

/// Takes a run that is to be decided about: `None` where a process drives it, which is to be asked then.
pub fn take_over(home: &Home, id: RunId, settings: &Settings) -> Result<Option<Lock>, CommandError> {
    match Lock::try_acquire(&home.run_locks(), &lock_name(id), &new_holder(settings)) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(other) => Err(CommandError::failed(CommandError::chain(&other))),
    }
}

/// Whether a process drives a run.
pub fn is_driven(home: &Home, id: RunId) -> bool {
    // A lock that cannot be looked at may be held.
    terrace_world::lock::holder(&home.run_locks(), &lock_name(id)).map_or(true, |holder| holder.is_some())
}

/// Clears the way for a new run. Of older runs, what waits for stacks of this one gives way to it, also in runs that a process drives; a run
/// whose process is gone, and which was at work where this one will be, is closed. What is being applied is left alone.
pub fn clear_the_way(
    store: &mut Store,
    home: &Home,
    id: RunId,
    order: &Order,
    settings: &Settings,
) -> Result<(), CommandError> {
    let stacks: BTreeSet<StackName> = order.stacks.iter().map(|ordered| ordered.stack.clone()).collect();
    let older: Vec<_> = store.open_runs()?.into_iter().filter(|older| *older < id).collect();
    for older in older {
        let Some(_lock) = take_over(home, older, settings)? else {
            store.request(older, &superseded(id, order))?;
            continue;
        };
        match store.replay(older) {
            Ok(Some((run, _))) => {
                give_way(store, older, &run, id, order, &stacks)?;
                if store.run_row(older)?.is_some_and(|row| row.finished.is_some()) {
                    local::sweep(home, &new_holder(settings), &run);
                }
            }
            Ok(None) => {}
            Err(error @ (StoreError::Entry { .. } | StoreError::Journal { .. } | StoreError::Ledger(_))) => {
                store.close_unread(older, views::time::now())?;
                views::error::warn(&format!(
                    "{error}. It has no end either and is closed as abandoned. What it did is in Terraform's states, which tell what is left to do."
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn give_way(
    store: &mut Store,
    older: RunId,
    run: &Run,
    id: RunId,
    order: &Order,
    stacks: &BTreeSet<StackName>,
) -> Result<(), CommandError> {
    let mine = |instance: &&terrace_domain::run::Instance| stacks.contains(&instance.id.stack);
    let is_here = |environment: &EnvironmentName| order.stages.iter().any(|stage| stage.environment == *environment);
    let was_at_work = run.instances().iter().filter(mine).any(|instance| {
        let at_work = instance.state.step().is_some() || instance.state == InstanceState::Unsettled;
        at_work && is_here(&instance.id.environment)
    });
    if was_at_work {
        let at_work = local::abandon(store, older, views::time::now())?;
        let names: Vec<_> = at_work.iter().map(|(id, step)| format!("{} in {}", id.stack, step.as_str())).collect();
        views::error::warn(&format!(
            "run {older} ended without a word: Terrace was killed. At work then: {}. Terraform plans anew and goes on from there.",
            names.join(", ")
        ));
        return Ok(());
    }
    let waits =
        |instance: &terrace_domain::run::Instance| !instance.state.is_final() && is_here(&instance.id.environment);
    if run.instances().iter().filter(mine).any(waits) {
        let event = superseded(id, order);
        local::take_in(store, older, views::time::now(), &event)?;
        views::say(&format!("Run {older} gives way to run {id}: it was still waiting."));
    }
    Ok(())
}

/// That a newer run takes over what it orders.
fn superseded(by: RunId, order: &Order) -> Event {
    Event::Superseded {
        by,
        stacks: order.stacks.iter().map(|ordered| ordered.stack.clone()).collect(),
        environments: order.stages.iter().map(|stage| stage.environment.clone()).collect(),
    }
}

/// Opens the store to look into it, where there is one. A folder that a newer Terrace has written is not worked in, even if nothing is
/// recorded.
pub fn look_into_store(home: &Home, settings: &Settings) -> Result<Option<Store>, CommandError> {
    Ok(if home.database().exists() { Some(Store::open(&home.database(), &settings.actor())?) } else { None })
}

/// Signs how far the ledger has come, where there is a key: what comes before cannot be changed unnoticed any more. A warning where that
/// fails: what was done is done.
pub fn checkpoint(store: &mut Store, settings: &Settings) {
    let signed = (|| {
        let Some(path) = settings.signing_key().ok().filter(|path| path.exists()) else { return Ok(()) };
        let key = SigningKey::load(&path)?;
        store.write(|transaction| {
            let Some(head) = ledger::head(transaction)? else { return Ok(()) };
            let at = views::time::now();
            let sign = |message: &[u8]| Ok::<_, StoreError>(key.sign(message).to_vec());
            let checkpoint = Checkpoint::sign(head, at, key.id().as_str(), sign)?;
            Ok(ledger::add_checkpoint(transaction, &checkpoint)?)
        })?;
        Ok::<(), CommandError>(())
    })();
    if let Err(error) = signed {
        views::error::warn(&format!("the ledger was not signed: {}", error.message));
    }
}

/// Whether a checkpoint counts: signed by a trusted key.
pub fn trust(trusted: &terrace_evidence::trusted::TrustedKeys, checkpoint: &Checkpoint) -> Trust {
    let Ok(signature) = <[u8; 64]>::try_from(checkpoint.signature.as_slice()) else { return Trust::Forged };
    match trusted.name_of(&checkpoint.key) {
        None => Trust::Unknown,
        Some(_) if trusted.has_signed(&checkpoint.key, &checkpoint.message(), &signature) => Trust::Trusted,
        Some(_) => Trust::Forged,
    }
}
