//! What the gates of stages want to know of plans: which of it in which environment, and whom to ask about policies. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_domain::blast::{Actual, Ground, Holdings, RadiusSummary};
use terrace_domain::name::EnvironmentName;
use terrace_domain::plan::PlanFacts;
use terrace_domain::policy::PolicyVerdict;
use terrace_domain::run::{Assessment, InstanceId};

use crate::context::Context;

/// What gates want to know of plans.
#[derive(Default)]
pub struct Assessing {
    /// Where they ask for the blast radius.
    pub radius: BTreeSet<EnvironmentName>,
    /// Where they ask for what was changed behind Terraform's back.
    pub drift: BTreeSet<EnvironmentName>,
    /// Where they ask policies, and which.
    pub policies: BTreeMap<EnvironmentName, Arc<dyn AskPolicies>>,
    /// What the states held when the run began.
    pub holdings: Holdings,
}

/// Policies that can be asked about plans.
pub trait AskPolicies: Send + Sync {
    /// What they say of a plan. May take its time; whatever goes wrong makes the verdict undecidable.
    fn ask(&self, question: &Question<'_>) -> PolicyVerdict;
}

/// A plan that policies are asked about.
pub struct Question<'a> {
    /// Of which instance.
    pub instance: &'a InstanceId,
    /// The plan as `terraform show -json` prints it; `None` where it is larger than [`terrace_domain::policy::PLAN_BYTES_MAX`].
    pub plan: Option<&'a [u8]>,
    /// Its facts.
    pub facts: &'a PlanFacts,
    /// Its blast radius.
    pub radius: &'a RadiusSummary,
}

/// How many addresses of each kind are recorded with a plan.
const ADDRESSES_MAX: usize = 100;

impl Assessing {
    /// Whether anything of an instance's plan is asked for.
    pub fn asks(&self, id: &InstanceId) -> bool {
        self.radius.contains(&id.environment) || self.drift.contains(&id.environment) || self.asks_policies(id)
    }

    /// Whether policies are asked about it.
    pub fn asks_policies(&self, id: &InstanceId) -> bool {
        self.policies.contains_key(&id.environment)
    }
}

/// Finds out of an instance's plan what the gates of its stage ask for; `None` where they ask for nothing. `plan`: the plan as JSON, where
/// policies are asked and it is not too large.
pub(crate) fn assess(
    ctx: &Context,
    id: &InstanceId,
    facts: &PlanFacts,
    plan: Option<&[u8]>,
) -> Option<Box<Assessment>> {
    let assessing = &ctx.assessing;
    if !assessing.asks(id) {
        return None;
    }
    let mut radius = radius_of(ctx, id, facts);
    shorten(&mut radius.stateful);
    shorten(&mut radius.irreversible);
    let policy = assessing
        .policies
        .get(&id.environment)
        .map(|policies| policies.ask(&Question { instance: id, plan, facts, radius: &radius }));
    let drift = || {
        let mut addresses = facts.drift.iter().map(|change| change.address.clone()).collect();
        shorten(&mut addresses);
        addresses
    };
    Some(Box::new(Assessment {
        radius: assessing.radius.contains(&id.environment).then_some(radius),
        policy,
        drift: assessing.drift.contains(&id.environment).then(drift),
    }))
}

/// Keeps the first of many addresses, and says how many more there are: what is found out is recorded, and read by people.
fn shorten(addresses: &mut Vec<String>) {
    if addresses.len() > ADDRESSES_MAX {
        let more = addresses.len() - ADDRESSES_MAX;
        addresses.truncate(ADDRESSES_MAX);
        addresses.push(format!("and {more} more"));
    }
}

fn radius_of(ctx: &Context, id: &InstanceId, facts: &PlanFacts) -> RadiusSummary {
    let estate = &*ctx.estate;
    let ground = Ground {
        estate,
        graph: &ctx.graph,
        environment: &id.environment,
        holdings: &ctx.assessing.holdings,
        traits: &|kind| estate.resource_types.traits_of(kind),
    };
    Actual::of(&ground, &[(id.stack.clone(), facts)].into(), &BTreeSet::new()).summary()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_addresses_the_first_are_kept_and_the_rest_counted() {
        let mut few: Vec<String> = (0..ADDRESSES_MAX).map(|at| format!("a.b[{at}]")).collect();
        let before = few.clone();
        shorten(&mut few);
        assert_eq!(few, before);
        few.extend(["a.c".to_owned(), "a.d".to_owned()]);
        shorten(&mut few);
        assert_eq!((few.len(), few[ADDRESSES_MAX].as_str()), (ADDRESSES_MAX + 1, "and 2 more"));
    }
}
