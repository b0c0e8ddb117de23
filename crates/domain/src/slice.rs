//! How well an estate is cut into stacks: judged by who changes them, how often, with which permissions, and for which capability. Owns the
//! criteria, what is found by them, and what is proposed. The rules and their thresholds are told in `docs/slice.md`.

mod capability;
mod coupling;
pub mod history;
mod pace;
mod permission;
mod proposal;
mod service;
mod team;
mod together;

use std::collections::{BTreeMap, BTreeSet};

use crate::code::part::Part;
use crate::estate::{Estate, Stack};
use crate::graph::Graph;
use crate::name::StackName;
use crate::path::RepoPath;

use coupling::{Blocks, Counter};
use history::{History, Touch};

pub use proposal::{Piece, Proposal};
pub use service::Service;

/// How many commits are shown as examples of a finding: enough to look one up, few enough to read.
const EXAMPLES_MAX: usize = 5;

/// By what a cut is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// Who changes a stack, and who owns it.
    Team,
    /// How often its parts change, and together with what.
    Pace,
    /// Which permissions it needs.
    Permission,
    /// Which technical capability it serves.
    Capability,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// Worth knowing when the stack is touched anyhow.
    Low,
    /// Worth a change of its own.
    Medium,
    /// It costs somebody something every week, or puts most of a stack at stake for the sake of a small part.
    High,
}

/// One thing that is not cut well.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule, by its name in `docs/slice.md`.
    pub rule: &'static str,
    /// The criterion.
    pub criterion: Criterion,
    /// How grave it is.
    pub gravity: Gravity,
    /// The stacks that it is about.
    pub stacks: Vec<StackName>,
    /// What was found, one line.
    pub summary: String,
    /// What it was found by.
    pub evidence: Vec<Evidence>,
    /// The numbers that the rule compares, by name.
    pub measures: BTreeMap<&'static str, f64>,
    /// What to do.
    pub proposal: Proposal,
    /// What that does to the potential blast radius, where it does something.
    pub radius: Option<RadiusGain>,
}

/// Something that a finding rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What it is, one line.
    pub text: String,
    /// The addresses or files that are meant.
    pub items: Vec<String>,
    /// Commits that show it, the newest first.
    pub commits: Vec<CommitExample>,
}

/// A commit that shows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitExample {
    /// Its id.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub at_secs: i64,
    /// The first line of its message.
    pub subject: String,
}

/// How many resources the identity of a stack could reach, as the code declares them: of the largest stack in question, or of the one that
/// goes on changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RadiusGain {
    /// As it is.
    pub before: usize,
    /// After what is proposed.
    pub after: usize,
}

/// What is judged.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// Its graph.
    pub graph: &'a Graph,
    /// The parts of the code of each folder.
    pub code: &'a BTreeMap<RepoPath, Vec<Part>>,
    /// The history, where there is one.
    pub history: Option<&'a History>,
    /// The owners of a stack's folder by `CODEOWNERS`, under the names by which the estate knows them.
    pub code_owners: &'a dyn Fn(&Stack) -> Vec<String>,
}

/// A stack with what is known of its code. Its number is that of the history, too.
struct Subject<'a> {
    stack: &'a Stack,
    blocks: Blocks,
}

/// All findings by these criteria, the gravest first.
pub fn judge(material: &Material<'_>, criteria: &BTreeSet<Criterion>) -> Vec<Finding> {
    let mut counter = Counter::new(material.code);
    let subject = |stack| Subject { stack, blocks: Blocks::of(&stack.folder, &mut counter) };
    let subjects: Vec<Subject<'_>> = material.estate.stacks.values().map(subject).collect();
    let mut findings = Vec::new();
    if criteria.contains(&Criterion::Permission) {
        findings.extend(permission::findings(material, &subjects));
    }
    if criteria.contains(&Criterion::Capability) {
        findings.extend(capability::findings(material, &subjects));
    }
    if let Some(history) = material.history {
        if criteria.contains(&Criterion::Team) {
            findings.extend(team::findings(material, history, &subjects));
        }
        if criteria.contains(&Criterion::Pace) {
            findings.extend(pace::findings(material, history, &subjects));
            findings.extend(together::findings(material, history, &subjects));
        }
    }
    corroborate(&mut findings);
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (std::cmp::Reverse(finding.gravity), std::cmp::Reverse(finding.gained()));
        (key(a), &a.stacks, a.criterion, a.rule).cmp(&(key(b), &b.stacks, b.criterion, b.rule))
    });
    findings
}

/// Where several criteria would cut the same stack, each of the findings is one step graver.
fn corroborate(findings: &mut [Finding]) {
    let mut cut: BTreeMap<StackName, BTreeSet<Criterion>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.is_cut()) {
        cut.entry(finding.stacks[0].clone()).or_default().insert(finding.criterion);
    }
    for finding in findings.iter_mut().filter(|finding| finding.is_cut()) {
        let others: Vec<_> = cut[&finding.stacks[0]]
            .iter()
            .filter(|other| **other != finding.criterion)
            .map(|other| other.as_str())
            .collect();
        if !others.is_empty() {
            finding.gravity = finding.gravity.raised();
            let text = format!("the stack would be split by another criterion as well: {}", others.join(", "));
            finding.evidence.push(Evidence { text, ..Evidence::default() });
        }
    }
}

impl Criterion {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Team, Self::Pace, Self::Permission, Self::Capability];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Pace => "pace",
            Self::Permission => "permission",
            Self::Capability => "capability",
        }
    }

    /// Whether it looks at the history.
    pub const fn needs_history(self) -> bool {
        matches!(self, Self::Team | Self::Pace)
    }
}

impl Gravity {
    /// A cut that leaves at most this share of what could be reached is grave: the radius shrinks by two fifths or more.
    const HIGH_LEFT_MAX: f64 = 0.6;
    /// A cut that leaves at most this share is worth a change of its own: the radius shrinks by a fifth or more.
    const MEDIUM_LEFT_MAX: f64 = 0.8;

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    fn of_cut(radius: RadiusGain) -> Self {
        match share(radius.after, radius.before) {
            left if left <= Self::HIGH_LEFT_MAX => Self::High,
            left if left <= Self::MEDIUM_LEFT_MAX => Self::Medium,
            _ => Self::Low,
        }
    }

    fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
        }
    }
}

impl Finding {
    fn is_cut(&self) -> bool {
        matches!(self.proposal, Proposal::Split { .. })
    }

    /// How many resources fewer could be reached.
    fn gained(&self) -> usize {
        self.radius.map_or(0, |radius| radius.before.saturating_sub(radius.after))
    }
}

impl Evidence {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn of(text: impl Into<String>, items: impl IntoIterator<Item = String>) -> Self {
        Self { items: items.into_iter().collect(), ..Self::text(text) }
    }

    fn with_commits<'t>(mut self, touches: impl IntoIterator<Item = &'t Touch>) -> Self {
        let examples = touches.into_iter().take(EXAMPLES_MAX);
        self.commits = examples.map(CommitExample::of).collect();
        self
    }
}

impl CommitExample {
    fn of(touch: &Touch) -> Self {
        Self { id: touch.id.clone(), at_secs: touch.at_secs, subject: touch.subject.clone() }
    }
}

/// A part of a whole, from 0 to 1; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "nobody has so many commits or resources")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many commits or resources")]
fn number(of: usize) -> f64 {
    of as f64
}

/// `62 %`.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `1 resource`, `2 resources`.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The folders around a path, innermost first, the repository's root last.
fn folders_around(path: &str) -> impl Iterator<Item = &str> {
    let folder_of = |path: &str| path.rfind('/').unwrap_or(0);
    let mut rest = (!path.is_empty()).then_some(path);
    std::iter::from_fn(move || {
        let folder = &rest?[..folder_of(rest?)];
        rest = (!folder.is_empty()).then_some(folder);
        Some(folder)
    })
}
