//! The potential radius: all that stacks' identities and code could reach, whatever a plan says, and what rests on it. An instance is reached when
//! it runs as the same identity and its code uses a provider that the stack's code uses: then a mistake in that code, or whoever takes it over, can
//! get at it. Owns that rule; `docs/blast-radius.md` states it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ground, Holding, Identity, Owned, Resting, Ring, Share, rest};
use crate::estate::{Environment, Stack};
use crate::name::{CapabilityName, EnvironmentName, StackName};

/// The providers that each stack's code uses, by source address as written.
pub type Providers = BTreeMap<StackName, BTreeSet<String>>;

/// All that stacks could reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Potential {
    /// What the stacks run as.
    pub identities: BTreeSet<Identity>,
    /// The instances that can be reached, in order of environment and stack.
    pub instances: Vec<Reached>,
    /// What they hold.
    pub held: Held,
    /// The resources that can be reached in the environment of the plans, of all that its states have.
    pub share: Share,
    /// The stacks downstream of what can be reached, each with the stack through which.
    pub downstream: BTreeMap<StackName, StackName>,
    /// The capabilities that rest on what can be reached.
    pub capabilities: BTreeMap<CapabilityName, Resting>,
    /// Whom all of it belongs to.
    pub owners: BTreeMap<String, Owned>,
}

/// An instance that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its stack.
    pub stack: StackName,
    /// Why.
    pub why: Why,
    /// What it holds; `None` where there is no snapshot of it.
    pub held: Option<Held>,
}

/// What states hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// How many resources.
    pub resources: u64,
    /// How many of these hold data.
    pub stateful: u64,
    /// How many of these cannot be had again.
    pub irreversible: u64,
    /// The first that hold data or cannot be had again, by address.
    pub named: Vec<String>,
    /// How many states have an old record that tells no types: what in them holds data is not known.
    pub untold: u64,
}

/// Why an instance can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is one of the stacks' own.
    Own,
    /// It runs as the same identity, and its code uses these providers as well.
    SameIdentity(BTreeSet<String>),
}

/// How many resources are named of what can be reached: more are counted.
const NAMED_MAX: usize = 20;

impl Potential {
    /// What the instances of stacks could reach from an environment.
    pub fn of(ground: &Ground<'_>, providers: &Providers, stacks: &BTreeSet<&StackName>) -> Self {
        let Ground { estate, graph, environment: here, .. } = *ground;
        let arms = Arms::of(ground, providers, stacks);
        let mut potential = Self { identities: arms.0.keys().cloned().collect(), ..Self::default() };
        for environment in estate.environments.values() {
            let is_here = environment.name == *here;
            if !is_here && !arms.reach_beyond() {
                continue;
            }
            for (name, stack) in &estate.stacks {
                let why = if is_here && stacks.contains(name) {
                    Some(Why::Own)
                } else {
                    arms.reach(ground, environment, stack, providers.get(name)).map(Why::SameIdentity)
                };
                let Some(why) = why else { continue };
                potential.add(ground, environment, name, why);
            }
        }
        let all_here = ground.holdings.get(here).into_iter().flat_map(BTreeMap::values);
        potential.share.total = all_here.map(|holding| holding.resources).sum();
        let reached: BTreeSet<&StackName> = potential.instances.iter().map(|reached| &reached.stack).collect();
        potential.downstream = graph.downstream_closure(reached.iter().copied());
        let own = reached.iter().map(|stack| (*stack, Ring::Own));
        let further = potential.downstream.keys().map(|stack| (stack, Ring::Further));
        potential.capabilities = rest::capabilities(estate, own.chain(further));
        let stacks = reached.iter().copied().chain(potential.downstream.keys());
        potential.owners = rest::owners(estate, stacks, &potential.capabilities);
        potential
    }

    fn add(&mut self, ground: &Ground<'_>, environment: &Environment, stack: &StackName, why: Why) {
        let known = ground.holdings.get(&environment.name).and_then(|held| held.get(stack));
        let held = known.map(|holding| Held::of(holding, ground));
        if let Some(held) = &held {
            self.held.add(held);
            if environment.name == *ground.environment {
                self.share.touched += held.resources;
            }
        }
        self.instances.push(Reached { environment: environment.name.clone(), stack: stack.clone(), why, held });
    }

    /// Of how many instances that can be reached nothing is known.
    pub fn unseen(&self) -> usize {
        self.instances.iter().filter(|reached| reached.held.is_none()).count()
    }
}

impl Held {
    fn of(holding: &Holding, ground: &Ground<'_>) -> Self {
        let mut held = Self { resources: holding.resources, ..Self::default() };
        let Some(kinds) = &holding.kinds else { return Self { untold: 1, ..held } };
        for (name, kind) in kinds {
            let traits = (ground.traits)(name);
            if !traits.is_stateful && !traits.is_irreversible {
                continue;
            }
            held.stateful += if traits.is_stateful { kind.count } else { 0 };
            held.irreversible += if traits.is_irreversible { kind.count } else { 0 };
            let room = NAMED_MAX - held.named.len();
            held.named.extend(kind.addresses.iter().take(room).cloned());
        }
        held
    }

    fn add(&mut self, other: &Self) {
        self.resources += other.resources;
        self.stateful += other.stateful;
        self.irreversible += other.irreversible;
        self.untold += other.untold;
    }
}

/// What stacks run as, each with the providers that code uses under it.
struct Arms(BTreeMap<Identity, BTreeSet<String>>);

impl Arms {
    fn of(ground: &Ground<'_>, providers: &Providers, stacks: &BTreeSet<&StackName>) -> Self {
        let mut arms: BTreeMap<Identity, BTreeSet<String>> = BTreeMap::new();
        let Some(environment) = ground.estate.environments.get(ground.environment) else { return Self(arms) };
        for name in stacks {
            let Some(stack) = ground.estate.stacks.get(*name) else { continue };
            let Some(identity) = identity(ground, environment, stack) else { continue };
            let own = arms.entry(identity).or_default();
            for provider in providers.get(*name).into_iter().flatten() {
                if !own.contains(provider) {
                    own.insert(provider.clone());
                }
            }
        }
        Self(arms)
    }

    /// Whether an instance of another environment may be reached: an environment's own identity is nowhere else.
    fn reach_beyond(&self) -> bool {
        self.0.keys().any(|identity| matches!(identity, Identity::Named(_)))
    }

    /// The providers by which an instance is reached.
    fn reach(
        &self,
        ground: &Ground<'_>,
        environment: &Environment,
        stack: &Stack,
        providers: Option<&BTreeSet<String>>,
    ) -> Option<BTreeSet<String>> {
        if stack.identity.is_none() && environment.name != *ground.environment {
            return None;
        }
        let own = self.0.get(&identity(ground, environment, stack)?)?;
        let shared: BTreeSet<String> = providers?.intersection(own).cloned().collect();
        (!shared.is_empty()).then_some(shared)
    }
}

/// What an instance runs as. Where that cannot be told, the configuration is wrong, and that was said before: it counts as nobody's.
fn identity(ground: &Ground<'_>, environment: &Environment, stack: &Stack) -> Option<Identity> {
    Identity::of(ground.estate, environment, stack).ok()
}
