//! Entering an environment: takes it for this process, and looks what earlier runs left there and what evidence there is.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use terrace_domain::name::{EnvironmentName, StackName};
use terrace_world::lock::{Holder, Lock, LockError};

use super::{DriveError, Event, InstanceId, Journal, Notice, Run, Standing, Workers, watch};
use crate::instance::Watcher;
use crate::store::{Store, StoreError};
use crate::witness::{Found, Witness};

/// How often an environment that somebody else has is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes an environment as soon as nobody else has it; `None` when that was called off.
pub(super) async fn take(
    locks: &Path,
    environment: &EnvironmentName,
    holder: &Holder,
    waits: bool,
    mut called_off: watch::Receiver<bool>,
    watcher: &Watcher,
) -> Option<Result<Lock, LockError>> {
    let mut told = None;
    loop {
        match Lock::try_acquire(locks, environment.as_str(), holder) {
            Err(LockError::Held { holder, .. }) if waits => {
                let pid = holder.as_ref().map(|holder| holder.pid);
                if told != Some(pid) {
                    told = Some(pid);
                    watcher(Notice::EnvironmentTaken { environment, holder: holder.as_deref() });
                }
            }
            taken => return Some(taken),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            // Its sender is dropped when nobody wants the environment any more.
            _ = called_off.wait_for(|off| *off) => return None,
        }
    }
}

impl Workers {
    /// Takes in that an environment is this process's own, if it is still wanted.
    pub(super) fn enter(
        &mut self,
        environment: &EnvironmentName,
        taken: Result<Lock, LockError>,
        journal: &Journal<'_>,
        run: &Run,
    ) -> Result<Option<Event>, DriveError> {
        if self.entering.remove(environment).is_none() {
            return Ok(None);
        }
        let lock = taken.map_err(|source| DriveError::Environment { environment: environment.clone(), source })?;
        let unread = |source| DriveError::Journal { source, unrecorded: Vec::new() };
        let (standings, bad) =
            standings(journal.store(), self.ctx.witness.as_deref(), run, environment).map_err(unread)?;
        for (instance, before, why) in &bad {
            (self.watcher)(Notice::BadEvidence { instance, environment: before, why });
        }
        self.inside.insert(environment.clone(), lock);
        Ok(Some(Event::Entered { environment: environment.clone(), standings }))
    }
}

/// Evidence that does not count: of which instance, from which environment, and why.
type BadEvidence = Vec<(InstanceId, EnvironmentName, String)>;

/// What earlier runs left in an environment of the stacks of a run, and of those that they read, with the evidence that there is from the
/// stage before.
pub fn standings(
    store: Option<&Store>,
    witness: Option<&Witness>,
    run: &Run,
    environment: &EnvironmentName,
) -> Result<(BTreeMap<StackName, Standing>, BadEvidence), StoreError> {
    let mut standings = store.map(|store| store.standings(environment.as_str())).transpose()?.unwrap_or_default();
    let order = run.order();
    let wanted: std::collections::BTreeSet<&StackName> =
        order.stacks.iter().flat_map(|ordered| ordered.upstream.keys().chain([&ordered.stack])).collect();
    standings.retain(|stack, _| wanted.contains(stack));
    let mut bad = Vec::new();
    let before = order.stages.iter().find(|stage| stage.environment == *environment);
    let Some((before, witness)) = before.and_then(|stage| stage.after.as_ref()).zip(witness) else {
        return Ok((standings, bad));
    };
    let releases = order.stacks.iter().filter_map(|ordered| Some((&ordered.stack, ordered.release.as_ref()?)));
    let found = match witness.find(releases, before) {
        Ok(found) => found,
        Err(error) => {
            // Without evidence nothing enters; that it cannot be read is said for each.
            let why =
                |ordered: &terrace_domain::run::OrderedStack| (ordered.stack.clone(), Found::Not(error.to_string()));
            order.stacks.iter().map(why).collect()
        }
    };
    for (stack, found) in found {
        match found {
            Found::Holds => standings.entry(stack).or_default().proven = true,
            Found::Nothing => {}
            Found::Not(why) => {
                bad.push((InstanceId { environment: environment.clone(), stack }, before.clone(), why));
            }
        }
    }
    Ok((standings, bad))
}
