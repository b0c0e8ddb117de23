//! Makes the order of a run: its stages with their gates, its stacks with their releases. Decides nothing that the configuration does not say.

use std::collections::BTreeSet;

use terrace_domain::digest::Digest;
use terrace_domain::estate::{EVERYBODY, Estate, Gate as GateBlock};
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Kind, Lost};
use terrace_domain::run::{Gate, Mode, Order, OrderedStack, OrderedStage};
use terrace_domain::settings::settings_digest;
use terrace_domain::value::Value;

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
        let mut stages: Vec<_> = self.legs.iter().map(|leg| stage(estate, leg, &stacks, wishes)).collect();
        for stage in &mut stages {
            stage.gates.extend(self.drill.iter().flat_map(|drill| drill.gates.iter().cloned()));
        }
        Order {
            mode: wishes.mode,
            release,
            commit: self.opened.commit.as_ref().map(|commit| commit.id.to_string()),
            parallelism: self.parallelism,
            again: wishes.again,
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
    let words = |key: &str| block.settings.get(key).map(texts).unwrap_or_default();
    match block.kind.as_str() {
        "approval" => {}
        "evidence" => {
            let of: BTreeSet<_> = words("of").iter().filter_map(|word| Kind::from_word(word)).collect();
            // Without a word: of all that the pipeline rehearses, and that proves something of a release.
            let rehearsed = || estate.stages.iter().flat_map(|stage| stage.rehearse.iter().copied());
            let all = || rehearsed().filter(|kind| *kind != Kind::Recovery).collect();
            return Gate::Evidence { of: if of.is_empty() { all() } else { of } };
        }
        "recovery" => {
            let of: BTreeSet<_> = words("of").iter().filter_map(|word| Lost::from_word(word)).collect();
            let younger_than_ms = match block.settings.get("younger_than") {
                Some(Value::Number(millis)) => millis.as_u64(),
                _ => estate.recovery.every_ms,
            };
            return Gate::Recovery {
                of: if of.is_empty() { [Lost::Infrastructure].into() } else { of },
                younger_than_ms: younger_than_ms.unwrap_or(u64::MAX),
            };
        }
        other => return Gate::Undecidable(other.to_owned()),
    }
    let by = words("by");
    let count = match block.settings.get("count") {
        Some(Value::Number(number)) => number.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        _ => 1,
    };
    Gate::Approval { approvers: approvers(estate, &by), by, count: count.max(1) }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
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
