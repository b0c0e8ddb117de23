//! Radii for tests, of three texts: an estate as files, what its states hold, and plans in short. `docs/blast-radius.md` is written in the same
//! form.

use std::collections::BTreeSet;

use terrace_config::fixture::MemoryTree;
use terrace_config::{Code, MemoryCache, load_code, load_estate};
use terrace_domain::blast::{Ground, Holding, Holdings, Providers, Radius, radius};
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::path::RepoPath;
use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
use terrace_domain::state::resource_type;

use super::Report;

/// An estate, and what is known to be there.
pub(super) struct Fixture {
    pub(super) estate: Estate,
    code: Code,
    holdings: Holdings,
}

impl Fixture {
    /// The estate of these files (`//- path` before each).
    pub(super) fn new(files: &str) -> Self {
        let tree = MemoryTree::parse(files);
        let loaded = load_estate(&tree, &RepoPath::root());
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let estate = loaded.estate.expect("it has no errors");
        let code = load_code(&tree, &estate, estate.stacks.values(), &MemoryCache::default());
        Self { estate, code, holdings: Holdings::new() }
    }

    /// What states hold: `ENVIRONMENT STACK: ADDRESS, ADDRESS × 3` a line.
    pub(super) fn with_states(mut self, states: &str) -> Self {
        for line in states.lines().filter(|line| !line.trim().is_empty()) {
            let (instance, held) = line.split_once(": ").expect("a colon after the instance");
            let (environment, stack) = instance.trim().split_once(' ').expect("an environment and a stack");
            let held: Vec<String> = held.split(", ").flat_map(addresses).collect();
            let holding = Holding::of_addresses(held.iter().map(String::as_str));
            self.holdings.entry(environment.parse().expect("a name")).or_default().insert(name(stack), holding);
        }
        self
    }

    /// The radius of plans in short: the name of a stack, and below it, indented, its changes.
    pub(super) fn radius(&self, environment: &str, plans: &str) -> Radius {
        let mut blocked = BTreeSet::new();
        let mut facts: Vec<(StackName, PlanFacts)> = Vec::new();
        for line in plans.lines().filter(|line| !line.trim().is_empty()) {
            if !line.starts_with(' ') {
                facts.push((name(line.trim()), PlanFacts { complete: true, ..PlanFacts::default() }));
                continue;
            }
            let (stack, facts) = facts.last_mut().expect("a stack comes first");
            match line.trim() {
                "without a plan" => drop(blocked.insert(stack.clone())),
                "met an error" => facts.errored = true,
                line => self.add(facts, line),
            }
        }
        facts.retain(|(stack, _)| !blocked.contains(stack));
        self.measure(environment, &facts, &blocked)
    }

    /// The radius of these plans.
    pub(super) fn radius_of(&self, environment: &str, plans: &[(&str, PlanFacts)]) -> Radius {
        let plans: Vec<_> = plans.iter().map(|(stack, facts)| (name(stack), facts.clone())).collect();
        self.measure(environment, &plans, &BTreeSet::new())
    }

    fn measure(&self, environment: &str, plans: &[(StackName, PlanFacts)], blocked: &BTreeSet<StackName>) -> Radius {
        let environment: EnvironmentName = environment.parse().expect("a name");
        let graph = Graph::of(&self.estate);
        let traits = |kind: &str| self.traits(kind);
        let (estate, holdings) = (&self.estate, &self.holdings);
        let ground = Ground { estate, graph: &graph, environment: &environment, holdings, traits: &traits };
        let providers: Providers = estate.stacks.keys().map(|name| (name.clone(), self.code.providers(name))).collect();
        let plans = plans.iter().map(|(stack, facts)| (stack.clone(), facts)).collect();
        radius(&ground, &providers, &plans, blocked)
    }

    pub(super) fn report<'a>(&'a self, radius: &'a Radius) -> Report<'a> {
        Report { estate: &self.estate, radius, notes: Vec::new(), all: false }
    }

    fn traits(&self, kind: &str) -> Traits {
        self.estate.resource_types.traits_of(kind)
    }

    /// One change: `SIGN ADDRESS`, `SIGN ADDRESS × N`, `SIGN output.NAME`, with `(engine)` behind it for what forces a replacement, and `(known after the apply)`.
    fn add(&self, facts: &mut PlanFacts, line: &str) {
        let (line, about) = match line.split_once(" (") {
            Some((line, about)) => (line, about.strip_suffix(')').expect("it is closed")),
            None => (line, ""),
        };
        let (sign, address) = line.split_once(' ').expect("a sign before what is changed");
        let action = action(sign);
        if let Some(output) = address.trim().strip_prefix("output.") {
            facts.outputs.push(OutputChange {
                name: output.to_owned(),
                action,
                is_unknown: about == "known after the apply",
                is_sensitive: false,
            });
            return;
        }
        for address in addresses(address) {
            let kind = resource_type(&address);
            let is_protected = about == "prevent_destroy";
            let forces = matches!(action, Action::Replace { .. }) && !is_protected && !about.is_empty();
            facts.resources.push(ResourceChange {
                address,
                traits: self.traits(&kind),
                is_protected,
                because: if forces { vec![about.to_owned()] } else { Vec::new() },
                resource_type: kind,
                ..change(action)
            });
        }
    }
}

/// A change of nothing in particular.
pub(super) fn change(action: Action) -> ResourceChange {
    ResourceChange {
        address: String::new(),
        previous_address: None,
        resource_type: String::new(),
        name: String::new(),
        provider: String::new(),
        deposed: None,
        action,
        reason: None,
        importing: None,
        attributes: Vec::new(),
        more: 0,
        because: Vec::new(),
        unknowns: 0,
        traits: Traits::default(),
        is_protected: false,
    }
}

fn name(text: &str) -> StackName {
    text.trim().parse().expect("a name")
}

fn addresses(text: &str) -> Vec<String> {
    match text.split_once(" × ") {
        Some((address, times)) => {
            let times: usize = times.trim().parse().expect("a number behind ×");
            (0..times).map(|at| format!("{}[{at}]", address.trim())).collect()
        }
        None => vec![text.trim().to_owned()],
    }
}

fn action(sign: &str) -> Action {
    match sign {
        "->" => Action::Keep,
        "+" => Action::Create,
        "~" => Action::Update,
        "x" => Action::Forget,
        "-/+" => Action::Replace { creates_first: false },
        "+/-" => Action::Replace { creates_first: true },
        "-" => Action::Delete,
        _ => panic!("`{sign}` is no sign"),
    }
}
