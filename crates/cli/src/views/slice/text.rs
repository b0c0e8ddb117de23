//! Findings for people: the gravest first, each with what it was found by and what to do.

use std::fmt::Write;

use console::style;
use terrace_domain::run::Moment;
use terrace_domain::slice::{Evidence, Finding, Gravity};

use super::super::{count, print, say, time};
use super::{Holding, Report, Seen, harmless, proposal};

/// How many lines of evidence are shown to who does not ask why.
const EVIDENCE_SHOWN: usize = 3;
/// How many addresses and files of one line of evidence are shown to who does.
const ITEMS_SHOWN: usize = 20;
/// So few are shown to everybody.
const ITEMS_BRIEF: usize = 2;
/// As much of a commit's id as people compare.
const ID_CHARS: usize = 8;

/// As text; `why` shows all evidence.
pub fn text(report: &Report<'_>, why: bool) {
    let mut text = String::new();
    for finding in report.findings {
        one(&mut text, report, finding, why);
    }
    print(&text);
    say(&summary(report));
    if !why && report.findings.iter().any(has_more) {
        say("`--why` shows all evidence.");
    }
}

fn has_more(finding: &Finding) -> bool {
    finding.evidence.len() > EVIDENCE_SHOWN
        || finding.evidence.iter().any(|evidence| !evidence.items.is_empty() || !evidence.commits.is_empty())
}

fn one(text: &mut String, report: &Report<'_>, finding: &Finding, why: bool) {
    let gravity = match finding.gravity {
        Gravity::High => style("high").red().bold(),
        Gravity::Medium => style("medium").yellow(),
        Gravity::Low => style("low").dim(),
    };
    let stack = finding.stacks.first().map(ToString::to_string).unwrap_or_default();
    let rule = style(format!("[{}: {}]", finding.criterion.as_str(), finding.rule)).dim();
    let _ = writeln!(text, "{gravity}  {} {} {rule}", style(stack).bold(), harmless(&finding.summary));
    let shown = if why { usize::MAX } else { EVIDENCE_SHOWN };
    for found in finding.evidence.iter().take(shown) {
        evidence(text, found, why);
    }
    if finding.evidence.len() > shown {
        let _ = writeln!(text, "  - and {} more", finding.evidence.len() - shown);
    }
    for (at, line) in proposal::lines(&finding.proposal).iter().enumerate() {
        let mark = if at == 0 { format!("  {} ", style("->").cyan()) } else { "     ".to_owned() };
        let _ = writeln!(text, "{mark}{}", harmless(line));
    }
    if let Some(radius) = proposal::radius(finding) {
        let _ = writeln!(text, "     {radius}{}", holding(report, finding));
    }
    text.push('\n');
}

/// What the stack holds, where Terrace has delivered it: code says less where it counts and loops.
fn holding(report: &Report<'_>, finding: &Finding) -> String {
    let largest =
        finding.stacks.iter().filter_map(|stack| report.holdings.get(stack)).max_by_key(|held| held.resources);
    largest.map_or_else(String::new, |Holding { environment, resources }| {
        format!(" (as the code has them; {environment} holds {resources})")
    })
}

fn evidence(text: &mut String, evidence: &Evidence, why: bool) {
    let is_brief = !why && (1..=ITEMS_BRIEF).contains(&evidence.items.len());
    let brief = if is_brief { format!(": {}", evidence.items.join("; ")) } else { String::new() };
    let _ = writeln!(text, "  - {}{}", harmless(&evidence.text), harmless(&brief));
    if !why {
        return;
    }
    for item in evidence.items.iter().take(ITEMS_SHOWN) {
        let _ = writeln!(text, "      {}", harmless(item));
    }
    if evidence.items.len() > ITEMS_SHOWN {
        let _ = writeln!(text, "      and {} more", evidence.items.len() - ITEMS_SHOWN);
    }
    for commit in &evidence.commits {
        let id: String = commit.id.chars().take(ID_CHARS).collect();
        let day: String = time::rfc3339(Moment(commit.at_secs * 1000)).chars().take(10).collect();
        let _ = writeln!(text, "      {id} {day} {}", harmless(&commit.subject));
    }
}

fn summary(report: &Report<'_>) -> String {
    let looked = format!("{} judged", count(report.stacks, "stack"));
    let history = report.seen.map(history).unwrap_or_default();
    let found = match report.findings.len() {
        0 => "Nothing to cut otherwise".to_owned(),
        number => count(number, "finding"),
    };
    format!("{found}: {looked}{history}.")
}

/// ` by 812 commits since 2025-11-28 (left out: 3 sweeping, 12 of programs)`.
fn history(seen: &Seen) -> String {
    let walked = &seen.walked;
    let left = [
        (walked.sweeping, "sweeping"),
        (walked.automatic, "of programs"),
        (walked.formatting, "of white space or names alone"),
    ];
    let left: Vec<String> =
        left.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let left = if left.is_empty() { String::new() } else { format!(" (left out: {})", left.join(", ")) };
    let day: String = time::rfc3339(seen.since).chars().take(10).collect();
    format!(" by {} since {day}{left}", count(walked.counted, "commit"))
}
