//! Findings for programs: `terrace.slice/1`.

use std::collections::BTreeMap;

use serde::Serialize;
use terrace_domain::run::Moment;
use terrace_domain::slice::{Criterion, Evidence, Finding, Piece, Proposal};

use super::super::{print_json, time};
use super::{Report, Seen};

#[derive(Serialize)]
struct ReportJson<'a> {
    estate: &'a str,
    stacks: usize,
    criteria: Vec<&'static str>,
    history: Option<HistoryJson>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct HistoryJson {
    since: String,
    commits: usize,
    counted: usize,
    sweeping: usize,
    automatic: usize,
    formatting: usize,
    shallow: bool,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    rule: &'static str,
    criterion: &'static str,
    gravity: &'static str,
    stacks: Vec<&'a str>,
    summary: &'a str,
    measures: &'a BTreeMap<&'static str, f64>,
    evidence: Vec<EvidenceJson<'a>>,
    proposal: ProposalJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    radius: Option<RadiusJson>,
    /// What the last snapshots hold, by stack: in the environment where it is most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    holdings: BTreeMap<&'a str, HoldingJson<'a>>,
}

#[derive(Serialize)]
struct HoldingJson<'a> {
    environment: &'a str,
    resources: u64,
}

#[derive(Serialize)]
struct EvidenceJson<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    items: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commits: Vec<CommitJson<'a>>,
}

#[derive(Serialize)]
struct CommitJson<'a> {
    id: &'a str,
    at: String,
    subject: &'a str,
}

#[derive(Serialize)]
struct RadiusJson {
    before: usize,
    after: usize,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ProposalJson<'a> {
    Split { stack: &'a str, pieces: Vec<PieceJson<'a>>, crossing: usize, obstacles: &'a [String] },
    Merge { stacks: Vec<&'a str>, into: &'a str, obstacles: &'a [String] },
    Share { stacks: Vec<&'a str> },
    Move { from: &'a str, addresses: &'a [String], capability: &'a str, to: Vec<&'a str> },
    Own { stacks: Vec<&'a str>, owner: &'a str },
}

#[derive(Serialize)]
struct PieceJson<'a> {
    name: &'a str,
    new: bool,
    about: &'a str,
    resources: usize,
    addresses: &'a [String],
}

/// As JSON, `terrace.slice/1`.
pub fn json(report: &Report<'_>) {
    let report = ReportJson {
        estate: report.estate.name.as_str(),
        stacks: report.stacks,
        criteria: report.criteria.iter().copied().map(Criterion::as_str).collect(),
        history: report.seen.map(history),
        findings: report.findings.iter().map(|finding| of_finding(report, finding)).collect(),
    };
    print_json("terrace.slice/1", &report);
}

fn history(seen: &Seen) -> HistoryJson {
    let walked = seen.walked;
    HistoryJson {
        since: time::rfc3339(seen.since),
        commits: walked.commits,
        counted: walked.counted,
        sweeping: walked.sweeping,
        automatic: walked.automatic,
        formatting: walked.formatting,
        shallow: seen.is_shallow,
    }
}

fn of_finding<'a>(report: &Report<'a>, finding: &'a Finding) -> FindingJson<'a> {
    let holding = |stack: &'a terrace_domain::name::StackName| {
        let held = report.holdings.get(stack)?;
        Some((stack.as_str(), HoldingJson { environment: &held.environment, resources: held.resources }))
    };
    FindingJson {
        rule: finding.rule,
        criterion: finding.criterion.as_str(),
        gravity: finding.gravity.as_str(),
        stacks: names(&finding.stacks),
        summary: &finding.summary,
        measures: &finding.measures,
        evidence: finding.evidence.iter().map(of_evidence).collect(),
        proposal: of_proposal(&finding.proposal),
        radius: finding.radius.map(|radius| RadiusJson { before: radius.before, after: radius.after }),
        holdings: finding.stacks.iter().filter_map(holding).collect(),
    }
}

fn of_evidence(evidence: &Evidence) -> EvidenceJson<'_> {
    let commits = evidence.commits.iter().map(|commit| CommitJson {
        id: &commit.id,
        at: time::rfc3339(Moment(commit.at_secs * 1000)),
        subject: &commit.subject,
    });
    EvidenceJson { text: &evidence.text, items: &evidence.items, commits: commits.collect() }
}

fn of_proposal(proposal: &Proposal) -> ProposalJson<'_> {
    match proposal {
        Proposal::Split { stack, pieces, crossing, obstacles } => ProposalJson::Split {
            stack: stack.as_str(),
            pieces: pieces.iter().map(of_piece).collect(),
            crossing: *crossing,
            obstacles,
        },
        Proposal::Merge { stacks, into, obstacles } => {
            ProposalJson::Merge { stacks: names(stacks), into: into.as_str(), obstacles }
        }
        Proposal::Share { stacks } => ProposalJson::Share { stacks: names(stacks) },
        Proposal::Move { from, addresses, capability, to } => {
            ProposalJson::Move { from: from.as_str(), addresses, capability: capability.as_str(), to: names(to) }
        }
        Proposal::Own { stacks, owner } => ProposalJson::Own { stacks: names(stacks), owner },
    }
}

fn of_piece(piece: &Piece) -> PieceJson<'_> {
    let Piece { name, is_rest, about, addresses, resources } = piece;
    PieceJson { name, new: !is_rest, about, resources: *resources, addresses }
}

fn names(stacks: &[terrace_domain::name::StackName]) -> Vec<&str> {
    stacks.iter().map(terrace_domain::name::StackName::as_str).collect()
}
