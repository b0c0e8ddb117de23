//! The ground of a rehearsal: its ephemeral environment, noted before anything is made there, and held while somebody works in it.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::rehearsal::{Ephemeral, Scope, check_name, name_from};
use terrace_domain::run::Moment;
use terrace_driver::home::{Home, make_private};
use terrace_driver::instance::backend_of;
use terrace_driver::rehearsals::{self, Kept};
use terrace_driver::store::Store;
use terrace_release::tree::ReleaseTree;
use terrace_world::lock::{Lock, LockError};

use super::Request;
use crate::delivery::{Drill, Leg, Prospect, in_words, new_holder};
use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::selection::Selected;
use crate::settings::Settings;
use crate::views;

/// An ephemeral environment that this process works in.
pub struct Ground {
    /// The environment.
    pub environment: Ephemeral,
    /// The estate's `.terrace` folder.
    pub home: Home,
    /// How many instances work at once.
    pub parallelism: usize,
    /// Whether it is said what Terraform does to each resource.
    pub verbose: bool,
    _lock: Lock,
}

/// The locks of rehearsals.
fn locks(home: &Home) -> std::path::PathBuf {
    home.locks().join("rehearsals")
}

/// Takes a rehearsal's environment for this process; `None` where another has it.
pub fn hold(home: &Home, name: &str, settings: &Settings) -> Result<Option<Lock>, CommandError> {
    match Lock::try_acquire(&locks(home), name, &new_holder(settings)) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(other) => Err(CommandError::failed(CommandError::chain(&other))),
    }
}

/// Whether a process works in a rehearsal's environment.
pub fn is_held(home: &Home, name: &str) -> bool {
    // A lock that cannot be looked at may be held.
    terrace_world::lock::holder(&locks(home), name).map_or(true, |holder| holder.is_some())
}

impl Ground {
    /// Chooses a name and a time to live, and holds the environment. Nothing is made yet.
    pub fn choose(
        settings: &Settings,
        project: &Project,
        estate: &Estate,
        request: &Request,
        stacks: &BTreeSet<StackName>,
    ) -> Result<Self, CommandError> {
        let home = project.home();
        home.create()?;
        make_private(&home.rehearsals())?;
        let like = like(estate, request)?;
        // One after another choose, so that not two find the last place free.
        let _choosing = wait_to_choose(&home, settings)?;
        refuse_too_many(&home, estate)?;
        let created = views::time::now();
        let ttl = i64::try_from(request.ttl_ms.unwrap_or(estate.rehearsals.ttl_ms)).unwrap_or(i64::MAX);
        let mut environment = Ephemeral {
            name: name(settings, &home, estate, request)?,
            practice: request.practice,
            like,
            vars: BTreeMap::new(),
            owner: settings.actor(),
            created,
            expires: Moment(created.0.saturating_add(ttl)),
            keeps: request.keeps,
            stacks: stacks.iter().cloned().collect(),
            fixtures: request.fixtures,
        };
        environment.vars = environment.own_vars(estate).map_err(|(key, error)| {
            CommandError::usage(format!("`{key}` in the `vars` of the `rehearsals` block: {error}"))
        })?;
        let lock = hold(&home, environment.name.as_str(), settings)?
            .ok_or_else(|| CommandError::failed(format!("{} is taken by another process", environment.name)))?;
        rehearsals::begin(&home, &environment, &[]).map_err(super::phases::failed)?;
        // What stands is what has a folder.
        home.ephemeral(environment.name.as_str()).create()?;
        Ok(Self { environment, home, parallelism: request.parallelism, verbose: request.verbose, _lock: lock })
    }

    /// An environment that an earlier process left, as it is once it is held; `None` where a process is at work in it, or it is gone.
    pub fn take_over(
        settings: &Settings,
        home: &Home,
        name: &str,
        parallelism: usize,
    ) -> Result<Option<(Self, Kept)>, CommandError> {
        let Some(lock) = hold(home, name, settings)? else { return Ok(None) };
        let Some(kept) = rehearsals::one(home, name).map_err(super::phases::failed)? else { return Ok(None) };
        let environment = kept.environment.clone();
        Ok(Some((Self { environment, home: home.clone(), parallelism, verbose: false, _lock: lock }, kept)))
    }

    /// Its own `.terrace` folder.
    pub fn own_home(&self) -> Home {
        self.home.ephemeral(self.environment.name.as_str())
    }

    /// Refuses a release that knows nothing of the environment that this one is made of.
    pub fn refuse_unlike(&self, release: &ReleaseTree, estate: &Estate) -> Result<(), CommandError> {
        let like = &self.environment.like;
        if estate.environments.contains_key(like) {
            return Ok(());
        }
        let known: Vec<_> = estate.environments.keys().map(EnvironmentName::as_str).collect();
        Err(CommandError::usage(format!("there is no environment `{like}` in {}", in_words(release))).help(format!(
            "Name one that is in all releases that take part: `--like ENVIRONMENT`. In this one: {}.",
            known.join(", ")
        )))
    }

    /// What is to be done there with some stacks of a release.
    pub fn prospect(
        &self,
        settings: &Settings,
        opened: &Opened,
        scope: &Scope,
        stacks: BTreeSet<StackName>,
        drill: Drill,
    ) -> Result<Prospect, CommandError> {
        let project = Project::find(settings)?.at_home(self.own_home());
        if opened.estate.environments.contains_key(&self.environment.name) {
            return Err(CommandError::usage(format!(
                "`{}` is the name of an environment of the estate in a release that takes part",
                self.environment.name
            ))
            .help("Rehearse under another name: a rehearsal there would destroy what runs."));
        }
        let estate = self.environment.join(&opened.estate).ok_or_else(|| {
            CommandError::usage(format!("the release knows no environment `{}`", self.environment.like))
                .help("Name another: `--like ENVIRONMENT`.")
        })?;
        let estate = scope.in_place(estate);
        refuse_shared_states(&estate, &self.environment, &stacks)?;
        let graph = Graph::of(&estate);
        let opened = Opened {
            tree: std::sync::Arc::clone(&opened.tree),
            estate: std::sync::Arc::new(estate),
            graph: std::sync::Arc::new(graph),
            commit: None,
            author: None,
        };
        let mut needed = stacks.clone();
        for name in &stacks {
            let upstream = opened.graph.upstream_of(name.as_str()).into_keys();
            let is_read = |up: &&StackName| !scope.values.contains_key(&(name.clone(), (*up).clone()));
            needed.extend(upstream.filter(is_read).cloned());
        }
        let (code, _) =
            project.checked_code(&opened, needed.iter().filter_map(|name| opened.estate.stacks.get(name)))?;
        let leg = Leg { stage: self.environment.stage(), environment: self.environment.name.clone(), after: None };
        let selected = Selected { stacks, downstream: BTreeSet::new(), change: None };
        Ok(Prospect {
            project,
            opened,
            selected,
            legs: vec![leg],
            code,
            parallelism: self.parallelism,
            verbose: self.verbose,
            what: None,
            drill: Some(Drill {
                stand_ins: scope.values.clone(),
                fixtures: scope.folders.keys().cloned().collect(),
                ..drill
            }),
        })
    }
}

/// The environment whose values an ephemeral one has.
fn like(estate: &Estate, request: &Request) -> Result<EnvironmentName, CommandError> {
    if let Some(named) = &request.like {
        return estate.environments.get_key_value(named.as_str()).map(|(name, _)| name.clone()).ok_or_else(|| {
            let known: Vec<_> = estate.environments.keys().map(EnvironmentName::as_str).collect();
            CommandError::usage(format!("there is no environment `{named}`"))
                .help(format!("There is: {}.", known.join(", ")))
        });
    }
    let first = || estate.stages.iter().find_map(|stage| stage.environment.clone());
    let like = estate.rehearsals.like.clone().or_else(first);
    like.or_else(|| estate.environments.keys().next().cloned())
        .ok_or_else(|| CommandError::usage("the estate has no environment"))
}

fn name(settings: &Settings, home: &Home, estate: &Estate, request: &Request) -> Result<EnvironmentName, CommandError> {
    let is_taken = |name: &str| home.rehearsal(name).exists();
    if let Some(named) = &request.name {
        let name = check_name(named, estate)
            .map_err(|error| CommandError::usage(format!("`{named}` cannot name an ephemeral environment: {error}")))?;
        if is_taken(named) {
            return Err(CommandError::usage(format!("there is a rehearsal `{named}` already"))
                .help("Choose another name, or let one be made."));
        }
        refuse_delivered(home, named, settings)?;
        return Ok(name);
    }
    loop {
        let mut random = [0; 6];
        getrandom::fill(&mut random)
            .map_err(|error| CommandError::failed(format!("the system gives no random bytes: {error}")))?;
        let name = name_from(request.practice, random);
        if !is_taken(name.as_str()) && !estate.environments.contains_key(&name) {
            return Ok(name);
        }
    }
}

/// Something was delivered, by the ledger, to an environment of the estate that has this name, or had it: what is there is not a rehearsal's own.
pub fn refuse_delivered(home: &Home, name: &str, settings: &Settings) -> Result<(), CommandError> {
    if !home.database().exists() {
        return Ok(());
    }
    let store = Store::open(&home.database(), &settings.actor())?;
    if store.standings(name)?.is_empty() {
        return Ok(());
    }
    Err(CommandError::usage(format!("`{name}` is the name of an environment that was delivered to"))
        .help("A rehearsal there would destroy what runs. `terrace status` and `terrace ledger log` tell of it."))
}

/// Waits until nobody else chooses: that takes a few milliseconds each.
fn wait_to_choose(home: &Home, settings: &Settings) -> Result<Lock, CommandError> {
    const TRIES_MAX: usize = 500;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
    for _ in 0..TRIES_MAX {
        if let Some(lock) = hold(home, "_choosing", settings)? {
            return Ok(lock);
        }
        std::thread::sleep(PAUSE);
    }
    Err(CommandError::failed("another rehearsal has been beginning for too long").help("Try again."))
}

fn refuse_too_many(home: &Home, estate: &Estate) -> Result<(), CommandError> {
    let live: Vec<_> = rehearsals::all(home).0.into_iter().filter(|kept| kept.is_standing).collect();
    let max = estate.rehearsals.live_max;
    if live.len() < usize::try_from(max).unwrap_or(usize::MAX) {
        return Ok(());
    }
    let names: Vec<_> = live.iter().map(|kept| kept.environment.name.as_str()).collect();
    Err(CommandError::failed(format!(
        "{} live already, and at most {max} may: {}",
        views::count(live.len(), "ephemeral environment"),
        names.join(", ")
    ))
    .help("Wait for one to end, or `terrace sweep` those that outlived their time; `max_live` in the `rehearsals` block is the limit."))
}

/// An ephemeral environment has states of its own: where the estate keeps them at a place that does not depend on the environment's name, a
/// rehearsal would change what runs.
fn refuse_shared_states(
    estate: &Estate,
    environment: &Ephemeral,
    stacks: &BTreeSet<StackName>,
) -> Result<(), CommandError> {
    if estate.state.kind == "local" && !estate.state.settings.contains_key("path") {
        return Ok(());
    }
    let own = &estate.environments[&environment.name];
    for stack in stacks.iter().filter_map(|name| estate.stacks.get(name)) {
        let of = |environment| backend_of(estate, environment, stack).ok();
        let Some(here) = of(own) else { continue };
        let others = estate.environments.values().filter(|other| other.name != environment.name);
        // A relative path of a local state lies in the rehearsal's own folder.
        let is_absolute = here.1.get("path").and_then(|path| path.as_str()).is_some_and(|path| path.starts_with('/'));
        if estate.state.kind == "local" && !is_absolute {
            continue;
        }
        for other in others {
            if of(other).as_ref() == Some(&here) {
                return Err(CommandError::usage(format!(
                    "a rehearsal of {} would have the state of {}/{}",
                    stack.name, other.name, stack.name
                ))
                .help(
                    "Let the `state` block's settings use `env.name`, so that each environment has states of its own.",
                ));
            }
        }
    }
    Ok(())
}
