//! Approvals: who may approve, and when there are enough.

use super::{Awaiting, CoverPart, InstanceId, InstanceState, Moment, PlanCover, Run};

/// That somebody approved a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who, as Terrace knows them.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// Why an approval cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotApprove {
    /// The instance waits for no approval.
    #[error("{instance} is {state} and waits for no approval")]
    NotAwaiting {
        /// The instance.
        instance: InstanceId,
        /// Its state's word.
        state: &'static str,
    },
    /// The run has no such instance.
    #[error("{0} takes no part in this run")]
    Stranger(InstanceId),
    /// The plan is not the one that was looked at.
    #[error("the plan of {instance} is not the one that was looked at: another {}", words(differs))]
    OtherPlan {
        /// The instance.
        instance: InstanceId,
        /// By what it differs.
        differs: Vec<CoverPart>,
    },
    /// The gate asks for other people.
    #[error("{by} may not approve {instance}: the gate asks for {}", asked.join(", "))]
    NotAsked {
        /// The instance.
        instance: InstanceId,
        /// Who wanted to.
        by: String,
        /// Whom the gate names.
        asked: Vec<String>,
    },
    /// Whoever made a change does not approve it.
    #[error("{by} made the commit that {instance} is to run, and does not count: somebody else must approve")]
    Author {
        /// The instance.
        instance: InstanceId,
        /// Who wanted to.
        by: String,
    },
    /// The same person approved before.
    #[error("{by} has approved {instance} already: the gate asks for different people")]
    Twice {
        /// The instance.
        instance: InstanceId,
        /// Who.
        by: String,
    },
}

fn words(parts: &[CoverPart]) -> String {
    parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join(", ")
}

impl Run {
    /// Whether `by` may approve the plan with this cover now.
    pub fn may_approve(&self, id: &InstanceId, by: &str, cover: &PlanCover) -> Result<(), CannotApprove> {
        let index = self.position(id).ok_or_else(|| CannotApprove::Stranger(id.clone()))?;
        let InstanceState::Awaiting(awaiting) = &self.instances[index].state else {
            let state = self.instances[index].state.word();
            return Err(CannotApprove::NotAwaiting { instance: id.clone(), state });
        };
        let differs: Vec<_> = cover.differs(&awaiting.cover).collect();
        if !differs.is_empty() {
            return Err(CannotApprove::OtherPlan { instance: id.clone(), differs });
        }
        if awaiting.asked.people.as_ref().is_some_and(|people| !people.contains(by)) {
            let asked = awaiting.asked.by.clone();
            return Err(CannotApprove::NotAsked { instance: id.clone(), by: by.to_owned(), asked });
        }
        // Where everybody may, the gate asks for a look, and not for a second pair of eyes.
        let approvers = self.order.stages[self.stage_of(index)].approvers();
        if awaiting.asked.people.is_some() && approvers.is_some_and(|approvers| approvers.is_author(by)) {
            return Err(CannotApprove::Author { instance: id.clone(), by: by.to_owned() });
        }
        if awaiting.approvals.iter().any(|approval| approval.by == by) {
            return Err(CannotApprove::Twice { instance: id.clone(), by: by.to_owned() });
        }
        Ok(())
    }
}

impl Awaiting {
    /// How many more people must approve.
    pub fn missing(&self) -> usize {
        usize::try_from(self.asked.count).unwrap_or(usize::MAX).saturating_sub(self.approvals.len())
    }
}
