//! Takes an environment for this process and opens the store for it. What earlier processes left open there is closed.

use terrace_domain::name::EnvironmentName;
use terrace_driver::home::Home;
use terrace_driver::local;
use terrace_driver::store::{Store, StoreError};
use terrace_world::lock::{Holder, Lock, LockError};

use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// Takes the environment for this process.
pub fn take(home: &Home, environment: &EnvironmentName, settings: &Settings) -> Result<Lock, CommandError> {
    let holder = Holder {
        pid: std::process::id(),
        user: settings.user.clone(),
        host: settings.host.clone(),
        started_at: views::time::rfc3339(views::time::now()),
        command: settings.command_line.clone(),
    };
    Lock::try_acquire(&home.locks(), environment.as_str(), &holder).map_err(|error| match error {
        LockError::Held { holder, .. } => {
            let by = holder.map_or_else(
                || "another process".to_owned(),
                |holder| {
                    format!(
                        "`{}` (process {} of {} on {}, since {})",
                        holder.command, holder.pid, holder.user, holder.host, holder.started_at
                    )
                },
            );
            CommandError::failed(format!("{environment} is taken by {by}"))
                .help("Wait until it is done; its state is in `terrace status` and `terrace run list`.")
        }
        other => CommandError::failed(CommandError::chain(&other)),
    })
}

/// Opens the store; runs of this environment that have no end belong to processes that were killed, since the environment is ours.
pub fn open_store(home: &Home, environment: &EnvironmentName) -> Result<Store, CommandError> {
    let mut store = Store::open(&home.database())?;
    for id in store.open_runs(environment)? {
        let at_work = match local::abandon(&mut store, id, views::time::now()) {
            Ok(at_work) => at_work,
            Err(error @ (StoreError::Entry { .. } | StoreError::Journal { .. })) => {
                store.close_unread(id, views::time::now())?;
                views::error::warn(&format!(
                    "{error}. It has no end either and is closed as abandoned. What it did is in Terraform's states, which tell what is left to do."
                ));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let names: Vec<_> = at_work.iter().map(|(stack, step)| format!("{stack} in {}", step.as_str())).collect();
        let at_work = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        views::error::warn(&format!(
            "run {id} ended without a word: Terrace was killed. At work then: {at_work}. Terraform plans anew and goes on from there."
        ));
    }
    Ok(store)
}

/// Opens the store to look into it, where there is one. A folder that a newer Terrace has written is not worked in, even if nothing is
/// recorded.
pub fn look_into_store(home: &Home) -> Result<Option<Store>, CommandError> {
    Ok(if home.database().exists() { Some(Store::open(&home.database())?) } else { None })
}
