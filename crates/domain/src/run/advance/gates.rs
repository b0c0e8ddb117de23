//! What follows from what gates say of an instance: it goes on, people are asked, time must pass, or it is refused. Owns which of these comes first.

use std::collections::BTreeSet;

use super::super::{Asked, Awaiting, Gate, Hold, InstanceState, Judged, Mode, Overridden, PlanCover, Refusal, Verdict};
use super::Advance;

/// What the gates of a stage come to for an instance.
pub(super) enum Passage {
    /// It goes on.
    Free,
    /// These people are to approve its plan.
    Ask(Asked),
    /// Time must pass.
    Hold(Hold),
    /// It may not.
    Refused(Refusal),
}

impl Advance<'_> {
    /// What the gates of its stage say of an instance, all together: what refuses comes before whom to ask, and that before what to wait for.
    /// `is_planned`: whether there is a plan for it now.
    pub(super) fn through_the_gates(&mut self, index: usize, is_planned: bool) -> Passage {
        let stage = self.run.stage_of(index);
        let standing = self.standing(stage, &self.run.instances[index].id.stack);
        let recovered = &self.run.stages[stage].recovered;
        let ordered = &self.run.order.stages[stage];
        // What people are to approve is planned at any time, so that they can; what was begun is brought to its end.
        let (asks, has_begun) = (ordered.may_ask(), self.run.instances[index].apply_begun);
        let (mut refused, mut why, mut hold) = (None, Vec::new(), None);
        let mut overridden = Vec::new();
        for Judged { gate, verdict } in self.run.judged(index, &standing, recovered, is_planned, self.at) {
            let kind = || gate.kind().to_owned();
            let said = match &verdict {
                Verdict::Pass(_) | Verdict::NeedsPlan => continue,
                Verdict::Wait { .. } if has_begun => continue,
                Verdict::Wait { .. } if !is_planned && asks && matches!(gate, Gate::Window(_)) => continue,
                Verdict::Wait { why, .. } => why.clone(),
                Verdict::Ask(why) => why.join("; "),
                Verdict::Refuse(refusal) => refusal.to_string(),
            };
            if self.run.order.break_glass.is_some() {
                overridden.push(Overridden { gate: kind(), said });
                continue;
            }
            match verdict {
                Verdict::Refuse(refusal) => drop(refused.get_or_insert(refusal)),
                Verdict::Ask(reasons) => why.extend(reasons),
                Verdict::Wait { until, why } => Hold::add(&mut hold, kind(), until, why),
                Verdict::Pass(_) | Verdict::NeedsPlan => {}
            }
        }
        let radius = self.run.instances[index].assessment.as_ref().and_then(|assessment| assessment.radius.as_ref());
        let asked = match ordered.approvers().filter(|_| !why.is_empty()) {
            Some(approvers) => match approvers.people(radius) {
                Ok((people, by)) => Some(Asked { people, by, count: approvers.count.max(1), why }),
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                    None
                }
            },
            None => None,
        };
        self.run.instances[index].override_gates(overridden);
        match (refused, asked, hold) {
            (Some(refusal), _, _) => Passage::Refused(refusal),
            (None, Some(asked), _) => Passage::Ask(asked),
            (None, None, Some(hold)) => Passage::Hold(hold),
            (None, None, None) => Passage::Free,
        }
    }

    /// A plan that people must approve: it goes on when they have approved one that it does not differ from.
    pub(super) fn hold_for_people(&mut self, index: usize, cover: PlanCover, asked: Asked) {
        let instance = &mut self.run.instances[index];
        let differs = match &instance.approved {
            Some((approved, _)) => {
                let differs: BTreeSet<_> = cover.voids(approved, instance.apply_begun).collect();
                if differs.is_empty() {
                    return self.apply(index);
                }
                differs
            }
            None => BTreeSet::new(),
        };
        instance.approved = None;
        let awaiting = Awaiting { cover, approvals: Vec::new(), differs, asked, held: None };
        instance.state = InstanceState::Awaiting(Box::new(awaiting));
        self.run.active -= 1;
    }

    /// Whether the gates of the stage are asked about an instance before it is planned.
    pub(super) fn is_at_gates(&self, index: usize) -> bool {
        self.run.order.mode != Mode::Plan && !self.run.instances[index].apply_begun
    }

    /// Whether time holds up what people have approved: it is applied when the gates let it through.
    pub(super) fn is_held_up(&mut self, index: usize) -> bool {
        let InstanceState::Awaiting(_) = &self.run.instances[index].state else { return false };
        let stage = self.run.stage_of(index);
        let standing = self.standing(stage, &self.run.instances[index].id.stack);
        let mut hold: Option<Hold> = None;
        if !self.run.instances[index].apply_begun {
            for Judged { gate, verdict } in
                self.run.judged(index, &standing, &self.run.stages[stage].recovered, true, self.at)
            {
                if let Verdict::Wait { until, why } = verdict {
                    Hold::add(&mut hold, gate.kind().to_owned(), until, why);
                }
            }
        }
        let is_held = hold.is_some();
        if let InstanceState::Awaiting(awaiting) = &mut self.run.instances[index].state {
            awaiting.held = hold;
        }
        is_held
    }

    /// What time held up is looked at again.
    pub(super) fn due(&mut self) {
        let at = self.at;
        let is_due = |hold: &Hold| hold.until.is_some_and(|until| until <= at);
        let mut again = Vec::new();
        for (index, instance) in self.run.instances.iter_mut().enumerate() {
            if !instance.state.hold().is_some_and(is_due) {
                continue;
            }
            match &mut instance.state {
                InstanceState::Awaiting(awaiting) => awaiting.held = None,
                state => *state = InstanceState::Waiting,
            }
            again.push(index);
        }
        self.arrive_all(again);
    }
}
