//! Makes the order of a run: its stages with their gates, its stacks with their releases. Decides nothing that the configuration does not say.

use std::collections::BTreeSet;

use terrace_domain::digest::Digest;
use terrace_domain::estate::{EVERYBODY, Estate, Gate as GateBlock};
use terrace_domain::name::StackName;
use terrace_domain::run::{Gate, Mode, Order, OrderedStack, OrderedStage};
use terrace_domain::settings::settings_digest;
use terrace_domain::value::Value;

use super::{Leg, Prospect};

/// What of an order the command line says.
pub struct Wishes<'a> {
    /// Plan or deliver.
    pub mode: Mode,
    /// Protected environments whose delivery is confirmed by name.
    pub confirmed: &'a [String],
    /// Whether also what runs already is planned.
    pub again: bool,
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
        let stacks = Order::stacks_of(&self.opened.graph, &self.selected.stacks, &self.selected.downstream, release_of);
        Order {
            mode: wishes.mode,
            release,
            commit: self.opened.commit.as_ref().map(|commit| commit.id.to_string()),
            parallelism: self.parallelism,
            again: wishes.again,
            stages: self.legs.iter().map(|leg| stage(estate, leg, &stacks, wishes)).collect(),
            stacks,
        }
    }
}

fn stage(estate: &Estate, leg: &Leg, stacks: &[OrderedStack], wishes: &Wishes<'_>) -> OrderedStage {
    let environment = &estate.environments[&leg.environment];
    let mut gates: Vec<_> = leg.stage.gates.iter().map(|block| gate(estate, block)).collect();
    let asks = gates.iter().any(|gate| matches!(gate, Gate::Approval { .. }));
    let is_confirmed = wishes.confirmed.iter().any(|name| name == leg.environment.as_str());
    if environment.protected && !asks && !is_confirmed {
        // What is protected is not changed before somebody has seen how.
        gates.push(Gate::Approval { approvers: None, by: Vec::new(), count: 1 });
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

fn gate(estate: &Estate, block: &GateBlock) -> Gate {
    if block.kind != "approval" {
        return Gate::Undecidable(block.kind.clone());
    }
    let by: Vec<String> = match block.settings.get("by") {
        Some(Value::List(items)) => items.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    };
    let count = match block.settings.get("count") {
        Some(Value::Number(number)) => number.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        _ => 1,
    };
    Gate::Approval { approvers: approvers(estate, &by), by, count: count.max(1) }
}

fn text(value: &Value) -> Option<String> {
    if let Value::String(text) = value { Some(text.clone()) } else { None }
}

/// The people that teams and names stand for; `None`: everybody.
fn approvers(estate: &Estate, by: &[String]) -> Option<BTreeSet<String>> {
    let people: BTreeSet<String> = by
        .iter()
        .flat_map(|name| match estate.teams.get(name.as_str()) {
            Some(team) => team.members.clone(),
            None => vec![name.clone()],
        })
        .collect();
    (!by.is_empty() && !people.contains(EVERYBODY)).then_some(people)
}
