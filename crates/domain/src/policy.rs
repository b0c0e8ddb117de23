//! What policies say of a plan. Owns the verdict's types; the policies are evaluated at the edge (`terrace-policy`).

/// The most bytes of a plan, as JSON, that policies are asked about: ten thousand resources with long documents in them. All of it is in memory
/// several times while they are.
pub const PLAN_BYTES_MAX: usize = 128 << 20;

/// What the policies of a gate say of one plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// What they found, in the sequence of files and rules.
    pub findings: Vec<PolicyFinding>,
    /// How many rules were asked.
    pub rules: usize,
    /// Why they could not be evaluated, where they could not: the file and the place, and what is wrong.
    pub undecidable: Option<String>,
}

/// One thing that a policy found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFinding {
    /// Whether it only warns.
    pub is_warning: bool,
    /// The file of the rule, relative to the estate.
    pub file: String,
    /// The rule: `data.main.deny`.
    pub rule: String,
    /// What it says.
    pub message: String,
}

impl PolicyVerdict {
    /// What speaks against the plan.
    pub fn denials(&self) -> impl Iterator<Item = &PolicyFinding> {
        self.findings.iter().filter(|finding| !finding.is_warning)
    }
}
