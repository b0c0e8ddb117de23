//! Looks whether anything is left of an ephemeral environment: in the states, and in the sandbox cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use terrace_domain::blast::Holdings;
use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::run::{InstanceId, Mode};
use terrace_domain::state::StateFacts;
use terrace_driver::context::Context;
use terrace_driver::instance::{backend_of, open_state, place_in_words};
use terrace_release::tree::ReleaseTree;
use terrace_sandbox::{CallFilter, Cloud, Contained, Operation};
use tokio::sync::watch;

use super::ground::Ground;
use crate::delivery::{Prospect, Wishes, asked_to_stop, block_on, halted};
use crate::error::CommandError;
use crate::settings::Settings;

/// Does something with each instance of a prospect, in graph order, outside of any run. The environment is this process's own.
pub fn with_context<T>(
    prospect: &Prospect,
    settings: &Settings,
    release: &Arc<ReleaseTree>,
    mut work: impl AsyncFnMut(&Context, &InstanceId, &watch::Receiver<bool>) -> Result<T, CommandError>,
) -> Result<Vec<(StackName, T)>, CommandError> {
    block_on(async {
        let stop = asked_to_stop(|| {})?;
        let crew = prospect.crew(settings, Some(Arc::clone(release)), Mode::Plan);
        let gear = crew.gear().await?;
        let wishes = Wishes { mode: Mode::Plan, confirmed: &[], again: true, break_glass: None };
        let order = prospect.order(&wishes, None, |_| None);
        let ctx = crew.context(gear, &order, None, &[], Holdings::new())?;
        let environment = &prospect.legs[0].environment;
        let mut done = Vec::new();
        for ordered in order.stacks {
            let id = InstanceId { environment: environment.clone(), stack: ordered.stack };
            if *stop.borrow() {
                return Err(CommandError::failed("interrupted: somebody asked to stop"));
            }
            let came = work(&ctx, &id, &stop).await?;
            done.push((id.stack, came));
        }
        Ok(done)
    })
}

/// What the states of an environment's stacks still hold, by stack.
pub fn in_states(
    prospect: &Prospect,
    settings: &Settings,
    release: &Arc<ReleaseTree>,
) -> Result<BTreeMap<StackName, Vec<String>>, CommandError> {
    let seen = with_context(prospect, settings, release, async |ctx, id, _| {
        let (_keep, going_on) = watch::channel(false);
        let state = open_state(ctx, id, going_on.clone()).await.map_err(halted)?;
        let Some(bytes) = state.read(ctx, id, going_on).await.map_err(halted)? else { return Ok(Vec::new()) };
        let facts = StateFacts::read(&bytes)
            .map_err(|error| CommandError::failed(format!("the state of {id} cannot be read: {error}")))?;
        Ok(facts.resources)
    })?;
    Ok(seen.into_iter().filter(|(_, resources)| !resources.is_empty()).collect())
}

/// Where states are that hold nothing any more, of those that do not lie in the rehearsal's own folder, which goes.
pub fn empty_states(prospect: &Prospect, held: &BTreeMap<StackName, Vec<String>>) -> Vec<String> {
    let estate = &prospect.opened.estate;
    let environment = &estate.environments[&prospect.legs[0].environment];
    let empty = prospect.selected.stacks.iter().filter(|name| !held.contains_key(*name));
    let place = |name: &StackName| {
        let (kind, settings) = backend_of(estate, environment, &estate.stacks[name]).ok()?;
        let path = settings.get("path").and_then(|path| path.as_str());
        let is_own = kind == "local" && !path.is_some_and(|path| Path::new(path).is_absolute());
        (!is_own).then(|| place_in_words(&kind, &settings))
    };
    empty.filter_map(place).collect()
}

/// What those instances of the environment that the rehearsal began to apply made in the sandbox cloud and what is there still, by stack.
pub fn in_sandbox(
    ground: &Ground,
    begun: &BTreeMap<StackName, Digest>,
) -> Result<BTreeMap<StackName, Vec<String>>, CommandError> {
    let path = ground.home.sandbox();
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let failed = |error: &dyn std::error::Error| {
        CommandError::failed(format!("the sandbox cloud cannot be looked at: {}", CommandError::chain(error)))
    };
    let cloud = Cloud::open(&path).map_err(|error| failed(&error))?;
    let inventory = cloud.inventory().map_err(|error| failed(&error))?;
    let mut there = BTreeSet::new();
    let regions = inventory.clouds.iter().flat_map(|cloud| &cloud.regions);
    regions.for_each(|region| region.resources.iter().for_each(|one| ids(one, &mut there)));
    let filter = CallFilter {
        identity: Some(format!("{}/*", ground.environment.name)),
        operation: Some(Operation::Create),
        ..CallFilter::default()
    };
    let mut left: BTreeMap<StackName, Vec<String>> = BTreeMap::new();
    for call in cloud.calls(&filter).map_err(|error| failed(&error))? {
        let stack = call.identity.split_once('/').and_then(|(_, stack)| stack.parse::<StackName>().ok());
        if let Some(stack) = stack.filter(|stack| begun.contains_key(stack) && there.contains(&call.id)) {
            left.entry(stack).or_default().push(format!("{} {} ({})", call.kind, call.name, call.id));
        }
    }
    Ok(left)
}

fn ids(one: &Contained, found: &mut BTreeSet<String>) {
    found.insert(one.resource.id.clone());
    one.holds.iter().for_each(|held| ids(held, found));
}
