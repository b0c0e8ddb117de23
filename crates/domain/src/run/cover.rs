//! What an approval covers. Compares a plan with one that was approved. Computes no digest.

use std::collections::BTreeMap;

use crate::digest::Digest;

/// Everything that a plan rests on and all that it changes: an approval counts for exactly this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCover {
    /// The stack's release.
    pub release: Option<Digest>,
    /// The digest of the values of all inputs but for upstream outputs.
    pub inputs: Digest,
    /// The digest of the values of the upstream outputs that are read.
    pub outputs: Digest,
    /// The state's lineage; `None` where there is no state yet.
    pub lineage: Option<String>,
    /// The state's serial; `None` where there is no state yet.
    pub serial: Option<u64>,
    /// Product and version of the Terraform that planned.
    pub terraform: String,
    /// The digest of the provider lock file with which it planned.
    pub provider_lock: Option<Digest>,
    /// What the plan changes, by the address of the resource (`output.NAME` for an output), without order, times and what is known only
    /// after the apply.
    pub changes: BTreeMap<String, ChangeRecord>,
}

/// A change of a plan, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// Terraform's actions, joined by `,`: `create`, `update`, `delete,create`, ...
    pub action: String,
    /// The digest of the values before and after.
    pub digest: Digest,
}

/// A part of what an approval covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoverPart {
    /// Another release.
    Release,
    /// Other values of inputs.
    Inputs,
    /// Other outputs upstream.
    Outputs,
    /// Another state.
    Lineage,
    /// The state has changed.
    Serial,
    /// Another Terraform.
    Terraform,
    /// Other providers.
    ProviderLock,
    /// The plan changes something else.
    Changes,
}

impl CoverPart {
    /// All parts.
    pub const ALL: [Self; 8] = [
        Self::Release,
        Self::Inputs,
        Self::Outputs,
        Self::Lineage,
        Self::Serial,
        Self::Terraform,
        Self::ProviderLock,
        Self::Changes,
    ];

    /// The part's word, stable for JSON and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Inputs => "inputs",
            Self::Outputs => "upstream outputs",
            Self::Lineage => "state lineage",
            Self::Serial => "state serial",
            Self::Terraform => "terraform version",
            Self::ProviderLock => "provider lock",
            Self::Changes => "changes",
        }
    }

    /// The part of a word; `None` for a stranger.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }
}

impl PlanCover {
    /// By which parts two plans differ.
    pub fn differs(&self, other: &Self) -> impl Iterator<Item = CoverPart> {
        let parts = [
            (CoverPart::Release, self.release != other.release),
            (CoverPart::Inputs, self.inputs != other.inputs),
            (CoverPart::Outputs, self.outputs != other.outputs),
            (CoverPart::Lineage, self.lineage != other.lineage),
            (CoverPart::Serial, self.serial != other.serial),
            (CoverPart::Terraform, self.terraform != other.terraform),
            (CoverPart::ProviderLock, self.provider_lock != other.provider_lock),
            (CoverPart::Changes, self.changes != other.changes),
        ];
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part)
    }

    /// Whether every change of this plan is one of `approved`, unchanged: what is left of a plan that was applied in part.
    pub fn is_rest_of(&self, approved: &Self) -> bool {
        self.changes.iter().all(|(address, change)| approved.changes.get(address) == Some(change))
    }

    /// By what this plan, made anew, differs from one that was approved, so that the approval does not count for it. That the state has
    /// another serial alone is no reason: the same changes are wanted of it. `partly_applied`: the approved plan was begun to be applied, and
    /// what is left of it is still what was approved; the first apply also gives a state its lineage.
    pub fn voids(&self, approved: &Self, partly_applied: bool) -> impl Iterator<Item = CoverPart> {
        self.differs(approved).filter(move |part| match part {
            CoverPart::Serial => false,
            CoverPart::Lineage => !(partly_applied && approved.lineage.is_none()),
            CoverPart::Changes => !(partly_applied && self.is_rest_of(approved)),
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cover(changes: &[(&str, u8)]) -> PlanCover {
        let record = |seed| ChangeRecord { action: "create".to_owned(), digest: Digest([seed; 32]) };
        PlanCover {
            release: Some(Digest([1; 32])),
            inputs: Digest([2; 32]),
            outputs: Digest([3; 32]),
            lineage: Some("a".to_owned()),
            serial: Some(4),
            terraform: "terraform 1.11.4".to_owned(),
            provider_lock: None,
            changes: changes.iter().map(|(address, seed)| ((*address).to_owned(), record(*seed))).collect(),
        }
    }

    fn voids(now: &PlanCover, approved: &PlanCover, partly: bool) -> Vec<CoverPart> {
        now.voids(approved, partly).collect()
    }

    #[test]
    fn a_new_serial_alone_voids_nothing() {
        let approved = cover(&[("a", 1)]);
        let now = PlanCover { serial: Some(9), ..approved.clone() };
        assert_eq!(now.differs(&approved).collect::<Vec<_>>(), [CoverPart::Serial]);
        assert_eq!(voids(&now, &approved, false), []);
    }

    #[test]
    fn whatever_else_differs_is_named() {
        let approved = cover(&[("a", 1)]);
        let now = PlanCover { lineage: None, terraform: "terraform 1.12.0".to_owned(), ..cover(&[("a", 2)]) };
        let all = [CoverPart::Lineage, CoverPart::Terraform, CoverPart::Changes];
        assert_eq!(voids(&now, &approved, false), all);
        assert_eq!(voids(&now, &approved, true), all);
    }

    #[test]
    fn what_is_left_of_an_approved_plan_is_approved_once_it_was_begun() {
        let approved = cover(&[("a", 1), ("b", 2)]);
        let rest = cover(&[("b", 2)]);
        assert_eq!(voids(&rest, &approved, true), []);
        assert_eq!(voids(&rest, &approved, false), [CoverPart::Changes]);
        assert_eq!(voids(&cover(&[("b", 2), ("c", 3)]), &approved, true), [CoverPart::Changes]);
    }
}
