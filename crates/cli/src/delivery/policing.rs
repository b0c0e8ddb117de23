//! The policies of a stage's gates: loaded once a run from the files that are delivered, asked about each plan.

use std::sync::Arc;

use terrace_domain::estate::{Estate, GateRule};
use terrace_domain::name::StageName;
use terrace_domain::policy::{PLAN_BYTES_MAX, PolicyVerdict};
use terrace_driver::assess::{AskPolicies, Question};
use terrace_policy::GatePolicies;
use terrace_policy::input::Own;
use terrace_release::tree::ReleaseTree;

use crate::project::Opened;

/// The policies of all gates of a stage.
pub struct StagePolicies {
    gates: Vec<GatePolicies>,
    stage: StageName,
    estate: Arc<Estate>,
    release: Option<Arc<ReleaseTree>>,
}

impl StagePolicies {
    /// Loads them; `None` where the stage asks none. Ones that cannot be used make each verdict undecidable.
    pub fn load(opened: &Opened, stage: &StageName, release: Option<&Arc<ReleaseTree>>) -> Option<Self> {
        let estate = &opened.estate;
        let known = estate.stages.iter().find(|known| known.name == *stage)?;
        let asking = known.gates.iter().filter(|gate| matches!(gate.rule, GateRule::Policy { .. }));
        let gates: Vec<_> = asking.map(|gate| GatePolicies::load(&*opened.tree, estate, gate)).collect();
        (!gates.is_empty()).then(|| Self {
            gates,
            stage: stage.clone(),
            estate: Arc::clone(estate),
            release: release.cloned(),
        })
    }
}

impl AskPolicies for StagePolicies {
    fn ask(&self, question: &Question<'_>) -> PolicyVerdict {
        let Some(plan) = question.plan else {
            let why = format!("the plan has more than {} MiB as JSON", PLAN_BYTES_MAX >> 20);
            return PolicyVerdict { undecidable: Some(why), ..PolicyVerdict::default() };
        };
        let stack = self.estate.stacks.get(&question.instance.stack);
        let own = Own {
            facts: Some(question.facts),
            blast_radius: Some(question.radius),
            contract: self.release.as_ref().and_then(|release| release.contract(&question.instance.stack)),
            stack: stack.map(|stack| (stack, self.estate.owner_of(stack))),
            environment: self.estate.environments.get(&question.instance.environment),
            stage: Some(&self.stage),
        };
        let mut whole = PolicyVerdict::default();
        for gate in &self.gates {
            let PolicyVerdict { findings, rules, undecidable } = gate.ask(plan, &own);
            whole.findings.extend(findings);
            whole.rules += rules;
            whole.undecidable = whole.undecidable.or(undecidable);
        }
        whole
    }
}
