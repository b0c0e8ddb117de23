//! What gates say of the instances of a run: as text and as JSON.

use std::fmt::Write;

use console::{Style, style};
use serde::Serialize;
use terrace_domain::run::{Instance, InstanceState, Judged, Run, RunId, Verdict};

use super::{instance, print, print_json, time};

/// An instance with what the gates of its stage say of it.
pub struct Explained<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// The gates.
    pub gates: Vec<Judged<'a>>,
}

/// `terrace gate explain`.
pub fn text(id: RunId, run: &Run, explained: &[Explained<'_>]) {
    let mut text = format!("Gates of run {id}\n");
    if let Some(broken) = &run.order().break_glass {
        let _ = writeln!(text, "{} by {}: {}", style("GLASS BROKEN").red().bold(), broken.by, broken.reason);
    }
    for Explained { instance: one, gates } in explained {
        let (mark, colour) = instance::mark(&one.state);
        let _ = writeln!(text, "\n{} {}  {}", colour.apply_to(mark), style(&one.id).bold(), instance::line(one));
        if gates.is_empty() {
            text.push_str("    its stage has no gate\n");
        }
        for judged in gates {
            let verdict = Shown::of(one, &judged.verdict);
            let _ = writeln!(
                text,
                "  {} {:<12}  {}{}",
                verdict.colour.apply_to(verdict.mark),
                judged.gate.kind(),
                verdict.word,
                verdict.because()
            );
        }
    }
    print(&text);
}

/// A verdict as it is shown.
struct Shown {
    mark: &'static str,
    colour: Style,
    word: &'static str,
    why: Vec<String>,
    until: Option<String>,
}

impl Shown {
    fn of(one: &Instance, verdict: &Verdict) -> Self {
        let is_approved = one.approved().is_some();
        let (mark, colour, word, why, until) = match verdict {
            Verdict::Pass(why) => ("✓", Style::new().green(), "pass", vec![why.clone()], None),
            Verdict::NeedsPlan => ("·", Style::new().dim(), "open", vec!["seen when it is planned".to_owned()], None),
            Verdict::Wait { until, why } => {
                ("?", Style::new().yellow(), "wait", vec![why.clone()], until.map(time::rfc3339))
            }
            Verdict::Ask(_) if is_approved => ("✓", Style::new().green(), "pass", approvals(one), None),
            Verdict::Ask(why) => ("?", Style::new().yellow(), "ask", [why.clone(), approvals(one)].concat(), None),
            Verdict::Refuse(refusal) => ("✗", Style::new().red(), "refuse", vec![refusal.to_string()], None),
        };
        Self { mark, colour, word, why, until }
    }

    fn because(&self) -> String {
        let until = self.until.as_ref().map_or(String::new(), |until| format!(" until {until}"));
        if self.why.is_empty() { until } else { format!("{until}: {}", self.why.join("; ")) }
    }
}

/// Who approved, and how many are missing.
fn approvals(one: &Instance) -> Vec<String> {
    let (given, missing) = match (&one.state, one.approved()) {
        (_, Some((_, approvals))) => (approvals, 0),
        (InstanceState::Awaiting(awaiting), None) => (awaiting.approvals.as_slice(), awaiting.missing()),
        _ => return Vec::new(),
    };
    let names: Vec<_> = given.iter().map(|approval| approval.by.as_str()).collect();
    let mut words = Vec::new();
    if !names.is_empty() {
        words.push(format!("approved by {}", names.join(", ")));
    }
    if let (InstanceState::Awaiting(awaiting), true) = (&one.state, missing > 0) {
        let whom = if awaiting.asked.by.is_empty() { "anybody".to_owned() } else { awaiting.asked.by.join(", ") };
        words.push(format!("{} of {whom} missing", super::count(missing, "approval")));
    }
    words
}

#[derive(Serialize)]
struct GatesJson<'a> {
    run: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    break_glass: Option<BreakGlassJson<'a>>,
    instances: Vec<InstanceJson<'a>>,
}

#[derive(Serialize)]
struct BreakGlassJson<'a> {
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct InstanceJson<'a> {
    stack: &'a str,
    environment: &'a str,
    state: &'static str,
    gates: Vec<GateJson<'a>>,
}

#[derive(Serialize)]
struct GateJson<'a> {
    gate: &'a str,
    verdict: &'static str,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// The same as JSON, `terrace.gates/1`.
pub fn json(id: RunId, run: &Run, explained: &[Explained<'_>]) {
    let broken = run.order().break_glass.as_ref();
    let instances = explained.iter().map(|Explained { instance: one, gates }| InstanceJson {
        stack: one.id.stack.as_str(),
        environment: one.id.environment.as_str(),
        state: one.state.word(),
        gates: gates
            .iter()
            .map(|judged| {
                let shown = Shown::of(one, &judged.verdict);
                GateJson { gate: judged.gate.kind(), verdict: shown.word, reasons: shown.why, until: shown.until }
            })
            .collect(),
    });
    print_json(
        "terrace.gates/1",
        &GatesJson {
            run: id.0,
            break_glass: broken.map(|broken| BreakGlassJson { by: &broken.by, reason: &broken.reason }),
            instances: instances.collect(),
        },
    );
}
