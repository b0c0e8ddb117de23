//! Rehearsals: how one goes on, and what it came to.

use std::fmt::Write;

use console::style;
use serde::Serialize;
use serde_json::Value as Json;
use terrace_domain::rehearsal::{Ephemeral, Lost, Phase, PlanCount, Practice, Report, Role, Verdict};
use terrace_driver::rehearsals::{Kept, Recovered, wire};

use super::{count, print, print_json, say, table, time};
use crate::rehearsal::Swept;

/// How many lines of details a finding is told with.
const DETAILS_MAX: usize = 12;

/// That a rehearsal begins.
pub fn headline(environment: &Ephemeral, stacks: usize) {
    say(&format!(
        "{} {} of {} in {}, an ephemeral environment like {} that lives for {} at most",
        style("Rehearsal").for_stderr().bold(),
        environment.practice.in_words(),
        count(stacks, "stack"),
        style(&environment.name).for_stderr().bold(),
        environment.like,
        time::duration(environment.expires.millis_since(environment.created)),
    ));
}

/// That a phase begins.
pub fn phase(phase: Phase) {
    let what = match phase {
        Phase::Baseline => "deploying what runs today, from nothing",
        Phase::Deploy => "deploying the release",
        Phase::Lose => "losing it on purpose",
        Phase::Recover => "recovering: the time runs",
        Phase::Again => "planning all again: nothing may be left to do",
        Phase::Destroy => "destroying all of it, in reverse order",
        Phase::Look => "looking whether anything is left",
    };
    say(&format!("{} {}: {what}", style("▸").for_stderr().cyan(), phase.as_str()));
}

/// What a rehearsal came to, as data.
pub fn report(report: &Report) {
    print(&text(report));
}

/// The same beside other data: to people.
pub fn report_to_people(report: &Report) {
    say(text(report).trim_end());
}

fn text(report: &Report) -> String {
    let mut all = String::new();
    let is_upgrade = report.practice() == Practice::Upgrade;
    let headings = ["STACK", "ROLE", "FROM ZERO"].into_iter().chain(is_upgrade.then_some("UPGRADE")).chain(["TOOK"]);
    let mut out = table::with_headings(headings);
    let plan = |count: Option<&PlanCount>| count.map_or_else(|| "-".to_owned(), in_words);
    for (name, stack) in &report.stacks {
        let role = match &stack.role {
            Role::Rehearsed if is_upgrade && stack.baseline.is_none() => "new: nothing to upgrade from".to_owned(),
            Role::Rehearsed => "rehearsed".to_owned(),
            Role::Upstream => "upstream".to_owned(),
            Role::StoodIn(what) => format!("stood in for ({what})"),
        };
        let took = stack.took_ms.map_or_else(|| "-".to_owned(), time::duration);
        let mut row = vec![name.to_string(), role, plan(stack.from_zero.as_ref())];
        row.extend(is_upgrade.then(|| plan(stack.upgrade.as_ref())));
        row.push(took);
        out.add_row(row);
    }
    all.push_str(&table::to_text(&mut out));
    for finding in &report.findings {
        let whose = finding.stack.as_ref().map(|stack| format!("{stack}: ")).unwrap_or_default();
        let _ = writeln!(all, "{} {}  {whose}{}", style("✗").red(), finding.phase.as_str(), finding.summary);
        for detail in finding.details.iter().take(DETAILS_MAX) {
            let _ = writeln!(all, "    {detail}");
        }
        if finding.details.len() > DETAILS_MAX {
            let _ = writeln!(all, "    and {} more", finding.details.len() - DETAILS_MAX);
        }
    }
    if let Some(took) = report.recovery_ms() {
        let kept = match (report.rto_ms, report.keeps_objective()) {
            (Some(rto), Some(true)) => format!(", within the objective of {}", time::duration(rto)),
            (Some(rto), _) => format!(", and the objective is {}", time::duration(rto)),
            (None, _) => String::new(),
        };
        let _ = writeln!(all, "Recovered in {}{kept}.", time::duration(took));
    }
    if report.critical_path.len() > 1 {
        let path: Vec<_> = report.critical_path.iter().map(terrace_domain::name::StackName::as_str).collect();
        let _ = writeln!(all, "Critical path: {}", path.join(" → "));
    }
    all.push_str(&empty_states(&report.empty_states));
    let _ = writeln!(all, "{}", verdict(report));
    all
}

/// That states are left which have nothing in them, and where.
fn empty_states(places: &[String]) -> String {
    if places.is_empty() {
        return String::new();
    }
    let states =
        if places.len() == 1 { "An empty state is".to_owned() } else { format!("{} empty states are", places.len()) };
    let mut all = format!("{states} left where the backend keeps states, for Terraform removes none:\n");
    for place in places {
        let _ = writeln!(all, "    {place}");
    }
    all
}

fn verdict(report: &Report) -> String {
    let look = match report.verdict {
        Verdict::Passed => style("passed").green(),
        Verdict::Failed => style("failed").red(),
        Verdict::Interrupted => style("was interrupted").yellow(),
    };
    let (Some(first), Some(last)) = (report.phases.first(), report.phases.last()) else {
        return format!("{} {look}.", report.environment.name);
    };
    let took = time::duration(last.ended.millis_since(first.began));
    let Ephemeral { name, practice, .. } = &report.environment;
    let mut text = format!("Rehearsal {} in {name} {look}, in {took}.", practice.in_words());
    if report.environment.is_left_standing() {
        let _ = write!(
            text,
            " It is left standing until {}: `terrace sweep {name}` destroys it before.",
            time::rfc3339(report.environment.expires)
        );
    } else if !report.left.is_empty() {
        let _ = write!(
            text,
            " Something is left, and its states are kept: `terrace sweep {name}` tries again to destroy it; what it cannot, remove by hand."
        );
    }
    text
}

fn in_words(plan: &PlanCount) -> String {
    let parts = [('+', plan.add), ('~', plan.change), ('-', plan.destroy)];
    let parts: Vec<_> = parts.iter().filter(|(_, n)| *n > 0).map(|(sign, n)| format!("{sign}{n}")).collect();
    if parts.is_empty() { "=".to_owned() } else { parts.join(" ") }
}

/// Reports as JSON: the only one, `terrace.rehearsal/1`, or else all (where nothing was to be rehearsed none), `terrace.rehearsals/1`.
pub fn reports_json(reports: &[Report]) {
    match reports {
        [only] => raw_json(&wire::report(only)),
        all => {
            #[derive(Serialize)]
            struct All {
                rehearsals: Vec<Json>,
            }
            print_json("terrace.rehearsals/1", &All { rehearsals: all.iter().map(wire::report).collect() });
        }
    }
}

/// A stored report.
pub fn raw_json(report: &Json) {
    print(&format!("{report:#}\n"));
}

/// All rehearsals that are remembered.
pub fn list(all: &[Kept]) {
    if all.is_empty() {
        say("There was no rehearsal yet: `terrace rehearse zero` is one.");
        return;
    }
    let now = time::now();
    let mut out = table::with_headings(["ENVIRONMENT", "KIND", "VERDICT", "BEGAN", "STANDS"]);
    for kept in all {
        let verdict = kept.report.as_ref().and_then(|report| report["verdict"].as_str()).unwrap_or("no end");
        let stands = match (kept.is_standing, kept.environment.is_expired(now)) {
            (false, _) => "-".to_owned(),
            (true, true) => "outlived its time".to_owned(),
            (true, false) => format!("for {}", time::duration(kept.environment.expires.millis_since(now))),
        };
        out.add_row([
            kept.environment.name.to_string(),
            kept.environment.practice.in_words(),
            verdict.to_owned(),
            time::age(kept.environment.created, now),
            stands,
        ]);
    }
    print(&table::to_text(&mut out));
}

/// The same as JSON, `terrace.rehearsal-list/1`.
pub fn list_json(all: &[Kept]) {
    #[derive(Serialize)]
    struct List {
        rehearsals: Vec<Json>,
    }
    let one = |kept: &Kept| {
        let mut entry = wire::environment(&kept.environment);
        entry["standing"] = kept.is_standing.into();
        entry["verdict"] = kept.report.as_ref().map_or(Json::Null, |report| report["verdict"].clone());
        entry
    };
    print_json("terrace.rehearsal-list/1", &List { rehearsals: all.iter().map(one).collect() });
}

/// What a sweep came to.
pub fn swept(all: &[Swept]) {
    if all.is_empty() {
        say(
            "Nothing is to be swept: no ephemeral environment has outlived its time, or was left by a process that is gone.",
        );
    }
    for swept in all {
        if swept.is_clean() {
            print(&format!("{} {}: nothing is left\n", style("✓").green(), swept.name));
            print(&empty_states(&swept.empty_states));
            continue;
        }
        print(&format!("{} {}: not all of it could be destroyed\n", style("✗").red(), swept.name));
        for (stack, resources) in &swept.left {
            for resource in resources {
                print(&format!("    {stack}: {resource}\n"));
            }
        }
        if let Some(error) = &swept.error {
            print(&format!("    {error}\n"));
        }
    }
}

/// The same as JSON, `terrace.sweep/1`.
pub fn swept_json(all: &[Swept]) {
    #[derive(Serialize)]
    struct Sweep {
        swept: Vec<Json>,
    }
    let one = |swept: &Swept| {
        let left: serde_json::Map<_, _> =
            swept.left.iter().map(|(stack, resources)| (stack.to_string(), resources.clone().into())).collect();
        serde_json::json!({
            "environment": swept.name,
            "why": swept.why.in_words(),
            "clean": swept.is_clean(),
            "left": left,
            "empty_states": swept.empty_states,
            "error": swept.error,
        })
    };
    print_json("terrace.sweep/1", &Sweep { swept: all.iter().map(one).collect() });
}

/// When recoveries were last practised, for `status`: a line each.
pub fn recoveries(all: &std::collections::BTreeMap<Lost, Vec<Recovered>>, every_ms: Option<u64>) {
    let now = time::now();
    for (lost, recoveries) in all {
        let Some(newest) = recoveries.first() else { continue };
        let success = recoveries.iter().find_map(|recovered| Some((recovered.at, recovered.took_ms?)));
        let mut text = match success {
            Some((at, took)) => {
                format!("recovery of {}: practised {}, in {}", lost.as_str(), time::age(at, now), time::duration(took))
            }
            None => format!("recovery of {}: never with success", lost.as_str()),
        };
        if newest.took_ms.is_none() && success.is_some() {
            text.push_str("; the last one failed");
        }
        if let (Some((at, _)), Some(every)) = (success, every_ms)
            && now.millis_since(at) > every
        {
            text.push_str("; overdue");
        }
        say(&text);
    }
}
