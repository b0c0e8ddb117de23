//! Makes the order of a run: its stages with their gates, its stacks with their releases. Decides nothing that the configuration does not say.

use std::collections::BTreeSet;

use terrace_domain::digest::Digest;
use terrace_domain::estate::{EVERYBODY, Estate, GateRule};
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Kind, Lost};
use terrace_domain::run::{Approvers, BreakGlass, Gate, Mode, Order, OrderedStack, OrderedStage, RadiusLimits, Who};
use terrace_domain::settings::settings_digest;
use terrace_domain::window::Calendar;

use super::{Leg, Prospect};
use crate::selection::Selected;

/// What of an order the command line says.
pub struct Wishes<'a> {
    /// Plan or deliver.
    pub mode: Mode,
    /// Protected environments whose delivery is confirmed by name.
    pub confirmed: &'a [String],
    /// Whether also what runs already is planned.
    pub again: bool,
    /// That all gates are let go of, by whom, and why.
    pub break_glass: Option<BreakGlass>,
}

impl Prospect {
    /// The order of a run.
    pub fn order(
        &self,
        wishes: &Wishes<'_>,
        release: Option<Digest>,
        release_of: impl Fn(&StackName) -> Option<Digest>,
    ) -> Order {
        let estate = &*self.opened.estate;
        let Selected { stacks, downstream, .. } = &self.selected;
        let verifies = |name: &StackName| self.verifies(name);
        let stacks = Order::stacks_of(&self.opened.graph, stacks, downstream, release_of, verifies);
        let stacks = if wishes.mode == Mode::Destroy { Order::reversed(stacks) } else { stacks };
        let authors = self.opened.authors();
        let mut stages: Vec<_> = self.legs.iter().map(|leg| stage(estate, leg, &stacks, (wishes, &authors))).collect();
        for stage in &mut stages {
            stage.gates.extend(self.drill.iter().flat_map(|drill| drill.gates.iter().cloned()));
        }
        Order {
            mode: wishes.mode,
            release,
            commit: self.opened.commit.as_ref().map(|commit| commit.id.to_string()),
            parallelism: self.parallelism,
            again: wishes.again,
            break_glass: wishes.break_glass.clone(),
            stages,
            stacks,
        }
    }
}

impl Prospect {
    /// Whether a stack has something to verify: checks of its own, or `check` blocks in its code.
    fn verifies(&self, stack: &StackName) -> bool {
        let Some(known) = self.opened.estate.stacks.get(stack) else { return false };
        let reached = self.code.reached(stack).into_iter().map(|(folder, _)| folder);
        let mut folders = std::iter::once(known.folder.clone()).chain(reached);
        let has_blocks = |folder| self.code.facts(&folder).is_some_and(|facts| !facts.checks.is_empty());
        !known.checks.is_empty() || folders.any(has_blocks)
    }
}

fn stage(
    estate: &Estate,
    leg: &Leg,
    stacks: &[OrderedStack],
    (wishes, authors): (&Wishes<'_>, &BTreeSet<String>),
) -> OrderedStage {
    let environment = &estate.environments[&leg.environment];
    let mut gates: Vec<_> = leg.stage.gates.iter().map(|block| gate(estate, &block.rule, authors)).collect();
    merge_windows(&mut gates);
    let asks = gates.iter().any(|gate| matches!(gate, Gate::Approval(_)));
    let is_confirmed = wishes.confirmed.iter().any(|name| name == leg.environment.as_str());
    if environment.protected && !asks && !is_confirmed {
        // What is protected is not changed before somebody has seen how.
        gates.push(Gate::Approval(Approvers { count: 1, ..Approvers::default() }));
    }
    let settings = |ordered: &OrderedStack| settings_digest(estate, environment, &estate.stacks[&ordered.stack]);
    OrderedStage {
        stage: leg.stage.name.clone(),
        environment: leg.environment.clone(),
        after: leg.after.clone(),
        gates,
        settings: stacks.iter().map(settings).collect(),
    }
}

/// A gate with all that it is decided by, as far as the configuration says it.
fn gate(estate: &Estate, rule: &GateRule, authors: &BTreeSet<String>) -> Gate {
    match rule.clone() {
        GateRule::Evidence { of } => {
            // Without a word: of all that the pipeline rehearses, and that proves something of a release.
            let rehearsed = || estate.stages.iter().flat_map(|stage| stage.rehearse.iter().copied());
            let all = || rehearsed().filter(|kind| *kind != Kind::Recovery).collect();
            Gate::Evidence { of: if of.is_empty() { all() } else { of } }
        }
        GateRule::Recovery { of, younger_than_ms } => Gate::Recovery {
            of: if of.is_empty() { [Lost::Infrastructure].into() } else { of },
            younger_than_ms: younger_than_ms.or(estate.recovery.every_ms).unwrap_or(u64::MAX),
        },
        GateRule::Approval { by, count } => {
            let who = if by.is_empty() { owners(estate) } else { named(estate, by) };
            Gate::Approval(Approvers { who, count, authors: authors.clone() })
        }
        GateRule::BlastRadius(limits) => {
            let approvers = Approvers { who: owners(estate), count: 1, authors: authors.clone() };
            Gate::BlastRadius(RadiusLimits { approvers, ..limits })
        }
        GateRule::Policy { paths, namespaces } => Gate::Policy { paths, namespaces },
        GateRule::Window(window) => Gate::Window(Calendar(vec![window])),
        GateRule::Soak { for_ms } => Gate::Soak { for_ms },
        GateRule::Clean => Gate::Clean,
    }
}

/// The windows of a stage are one calendar: changes are made while any of them is open.
fn merge_windows(gates: &mut Vec<Gate>) {
    let mut all = Vec::new();
    gates.retain_mut(|gate| match gate {
        Gate::Window(Calendar(windows)) => {
            all.append(windows);
            false
        }
        _ => true,
    });
    if !all.is_empty() {
        gates.push(Gate::Window(Calendar(all)));
    }
}

/// The owners that there are, each with the people that it stands for.
fn owners(estate: &Estate) -> Who {
    let people = estate.owners().into_iter().filter_map(|name| Some((name.to_owned(), estate.people_of(name)?)));
    Who::Owners { people: people.collect() }
}

/// The people that teams and names stand for.
fn named(estate: &Estate, by: Vec<String>) -> Who {
    let people: BTreeSet<String> = by
        .iter()
        .flat_map(|name| match estate.teams.get(name.as_str()) {
            Some(team) => team.members.clone(),
            None => vec![name.clone()],
        })
        .collect();
    if people.contains(EVERYBODY) { Who::Everybody } else { Who::Named { people, by } }
}
