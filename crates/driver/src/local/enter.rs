//! Entering an environment: takes it for this process, and looks what earlier runs left there and what evidence there is.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use terrace_domain::digest::Digest;
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::rehearsal::{Lost, Scope, upgraded_environment};
use terrace_domain::run::Gate;
use terrace_release::tree::ReleaseTree;
use terrace_world::lock::{Holder, Lock, LockError};

use super::{DriveError, Event, InstanceId, Journal, Moment, Notice, Run, Standing, Workers, watch};
use crate::instance::Watcher;
use crate::rehearsals::last_successes;
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
        let mut standings = standings;
        let recovered = self.practised(journal.store(), run, environment, &mut standings).map_err(unread)?;
        self.inside.insert(environment.clone(), lock);
        Ok(Some(Event::Entered { environment: environment.clone(), standings, recovered }))
    }
}

impl Workers {
    /// What was practised of an order's stacks, where a gate asks for that; noted in the standings. And when a recovery was last practised with
    /// success.
    fn practised(
        &self,
        store: Option<&Store>,
        run: &Run,
        environment: &EnvironmentName,
        standings: &mut BTreeMap<StackName, Standing>,
    ) -> Result<BTreeMap<Lost, Moment>, StoreError> {
        let order = run.order();
        let stage = order.stages.iter().find(|stage| stage.environment == *environment);
        let asks = |test: fn(&Gate) -> bool| stage.is_some_and(|stage| stage.gates.iter().any(test));
        if asks(|gate| matches!(gate, Gate::Evidence { .. }))
            && let (Some(witness), Some(store)) = (&self.ctx.witness, store)
        {
            let ctx = &self.ctx;
            let known = (&*ctx.estate, &*ctx.graph, ctx.release.as_deref());
            add_rehearsed(store, witness, known, run, standings)?;
        }
        if asks(|gate| matches!(gate, Gate::Recovery { .. }))
            && let Some(store) = store
        {
            return Ok(last_successes(&store.recoveries()?));
        }
        Ok(BTreeMap::new())
    }
}

/// Notes which rehearsals the releases of a run have passed.
pub fn add_rehearsed(
    store: &Store,
    witness: &Witness,
    (estate, graph, release): (&Estate, &Graph, Option<&ReleaseTree>),
    run: &Run,
    standings: &mut BTreeMap<StackName, Standing>,
) -> Result<(), StoreError> {
    let runs = store.standings(upgraded_environment(estate).as_str())?;
    let stacks = &run.order().stacks;
    let releases = stacks.iter().filter_map(|ordered| Some((&ordered.stack, ordered.release.as_ref()?)));
    let upstream = |stack: &StackName| upstream_releases(estate, graph, release, stack);
    let from = |stack: &StackName| runs.get(stack).and_then(|standing| standing.release);
    // Without evidence nothing enters: what cannot be read is not there.
    let found = witness.find_rehearsed(releases, &upstream, &from).unwrap_or_default();
    for (stack, kinds) in found {
        standings.entry(stack).or_default().rehearsed = kinds;
    }
    Ok(())
}

/// The releases of all stacks that a stack rests on, directly or not; and of those alone for which no fixture stands in.
fn upstream_releases(
    estate: &Estate,
    graph: &Graph,
    release: Option<&ReleaseTree>,
    stack: &StackName,
) -> Vec<BTreeMap<StackName, Digest>> {
    let Some(release) = release else { return Vec::new() };
    let releases = &release.release().stacks;
    let chosen = [stack.clone()].into();
    let of = |fixtures: bool| {
        let scope = Scope::of(estate, graph, &chosen, fixtures).ok()?;
        let all = scope.rests_on(graph, stack);
        Some(all.into_iter().filter_map(|name| releases.get(&name).map(|digest| (name, *digest))).collect())
    };
    [false, true].into_iter().filter_map(of).collect()
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
            Found::Holds(at) => {
                let standing = standings.entry(stack).or_default();
                (standing.proven, standing.before_since) = (true, Some(at));
            }
            Found::Nothing => {}
            Found::Not(why) => {
                bad.push((InstanceId { environment: environment.clone(), stack }, before.clone(), why));
            }
        }
    }
    Ok((standings, bad))
}
