//! The stored forms of rehearsals: what one is for, and its report, which is also what `--json` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use terrace_domain::plan::{Difference, Loss, LossKind};
use terrace_domain::rehearsal::{
    Ephemeral, Finding, Kind, Lost, PlanCount, Practice, Report, Role, StackReport, TimedPhase,
};
use terrace_domain::run::Moment;
use terrace_domain::value::Value;

use super::lost_in;

/// The name and version of the report's form.
pub const REPORT_SCHEMA: &str = "terrace.rehearsal/1";
/// The version of what is written about an environment.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct DefinitionWire {
    version: u32,
    name: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
    like: String,
    #[serde(default)]
    vars: BTreeMap<String, Json>,
    owner: String,
    created_at: i64,
    expires_at: i64,
    #[serde(default)]
    keeps: bool,
    #[serde(default)]
    stacks: Vec<String>,
    #[serde(default)]
    fixtures: bool,
    #[serde(default)]
    releases: Vec<String>,
}

/// What is written about an environment before anything is made there.
pub(super) fn definition(environment: &Ephemeral, releases: &[String]) -> String {
    let wire = DefinitionWire {
        version: VERSION,
        name: environment.name.to_string(),
        kind: environment.practice.kind().as_str().to_owned(),
        lost: lost_in(environment.practice).map(|lost| lost.as_str().to_owned()),
        like: environment.like.to_string(),
        vars: environment.vars.iter().filter_map(|(name, value)| Some((name.clone(), value.to_json()?))).collect(),
        owner: environment.owner.clone(),
        created_at: environment.created.0,
        expires_at: environment.expires.0,
        keeps: environment.keeps,
        stacks: environment.stacks.iter().map(ToString::to_string).collect(),
        fixtures: environment.fixtures,
        releases: releases.to_vec(),
    };
    serde_json::to_string(&wire).expect("texts and numbers become JSON")
}

/// Reads that back.
pub(super) fn read_definition(text: &[u8]) -> Result<(Ephemeral, Vec<String>), String> {
    let wire: DefinitionWire = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if wire.version > VERSION {
        return Err(format!("it has version {}: a newer Terrace wrote it", wire.version));
    }
    let kind = Kind::from_word(&wire.kind).ok_or_else(|| format!("there is no rehearsal `{}`", wire.kind))?;
    let practice = match kind {
        Kind::Zero => Practice::Zero,
        Kind::Upgrade => Practice::Upgrade,
        Kind::Recovery => {
            let lost = wire.lost.as_deref().and_then(Lost::from_word);
            Practice::Recovery(lost.ok_or("it does not say what is lost")?)
        }
    };
    let stacks = wire.stacks.iter().map(|name| name.parse()).collect::<Result<_, _>>();
    let environment = Ephemeral {
        name: wire.name.parse().map_err(|error| format!("{error}"))?,
        practice,
        like: wire.like.parse().map_err(|error| format!("{error}"))?,
        vars: wire.vars.into_iter().map(|(name, value)| (name, Value::from(value))).collect(),
        owner: wire.owner,
        created: Moment(wire.created_at),
        expires: Moment(wire.expires_at),
        keeps: wire.keeps,
        stacks: stacks.map_err(|error| format!("{error}"))?,
        fixtures: wire.fixtures,
    };
    Ok((environment, wire.releases))
}

/// An environment, for people and programs.
pub fn environment(environment: &Ephemeral) -> Json {
    json!({
        "name": environment.name.as_str(),
        "kind": environment.practice.kind().as_str(),
        "lost": lost_in(environment.practice).map(Lost::as_str),
        "like": environment.like.as_str(),
        "owner": environment.owner,
        "created_at_ms": environment.created.0,
        "expires_at_ms": environment.expires.0,
        "kept": environment.keeps,
        "stacks": environment.stacks.iter().map(terrace_domain::name::StackName::as_str).collect::<Vec<_>>(),
    })
}

/// What of a report goes into the ledger.
pub(super) fn summary(report: &Report) -> Json {
    json!({
        "kind": report.practice().kind().as_str(),
        "lost": lost_in(report.practice()).map(Lost::as_str),
        "verdict": report.verdict.as_str(),
        "recovery_ms": report.recovery_ms(),
        "rto_ms": report.rto_ms,
        "keeps_objective": report.keeps_objective(),
        "baseline": report.baseline.map(|digest| digest.to_string()),
        "stacks": report.stacks.iter().map(|(name, stack)| {
            (name.to_string(), stack.release.map(|digest| digest.to_string()).into())
        }).collect::<serde_json::Map<_, _>>(),
        "phases": report.phases.iter().map(phase).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "left": left(report),
    })
}

/// A report as JSON.
pub fn report(report: &Report) -> Json {
    let stacks = report.stacks.iter().map(|(name, one)| stack(name.as_str(), one));
    json!({
        "schema": REPORT_SCHEMA,
        "environment": environment(&report.environment),
        "release": report.release.map(|digest| digest.to_string()),
        "baseline": report.baseline.map(|digest| digest.to_string()),
        "verdict": report.verdict.as_str(),
        "phases": report.phases.iter().map(phase).collect::<Vec<_>>(),
        "stacks": stacks.collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "recovery": {
            "took_ms": report.recovery_ms(),
            "rto_ms": report.rto_ms,
            "keeps_objective": report.keeps_objective(),
        },
        "critical_path": report.critical_path.iter().map(terrace_domain::name::StackName::as_str).collect::<Vec<_>>(),
        "left": left(report),
        "empty_states": report.empty_states,
    })
}

fn left(report: &Report) -> Json {
    report
        .left
        .iter()
        .map(|(name, resources)| (name.to_string(), json!(resources)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn phase(timed: &TimedPhase) -> Json {
    json!({
        "phase": timed.phase.as_str(),
        "began_at_ms": timed.began.0,
        "ended_at_ms": timed.ended.0,
        "outcome": timed.outcome.as_str(),
    })
}

fn finding(finding: &Finding) -> Json {
    json!({
        "phase": finding.phase.as_str(),
        "stack": finding.stack.as_ref().map(terrace_domain::name::StackName::as_str),
        "summary": finding.summary,
        "details": finding.details,
    })
}

fn stack(name: &str, report: &StackReport) -> Json {
    let (role, fixture) = match &report.role {
        Role::Rehearsed => ("rehearsed", None),
        Role::Upstream => ("upstream", None),
        Role::StoodIn(what) => ("stood_in", Some(what.as_str())),
    };
    json!({
        "stack": name,
        "role": role,
        "fixture": fixture,
        "release": report.release.map(|digest| digest.to_string()),
        "baseline": report.baseline.map(|digest| digest.to_string()),
        "from_zero": report.from_zero.as_ref().map(count),
        "upgrade": report.upgrade.as_ref().map(count),
        "losses": report.losses.iter().map(loss).collect::<Vec<_>>(),
        "differences": report.differences.iter().map(difference).collect::<Vec<_>>(),
        "took_ms": report.took_ms,
    })
}

fn count(count: &PlanCount) -> Json {
    json!({ "add": count.add, "change": count.change, "destroy": count.destroy })
}

fn loss(loss: &Loss) -> Json {
    json!({
        "address": loss.address,
        "action": match loss.kind { LossKind::Replace => "replace", LossKind::Destroy => "destroy" },
        "stateful": loss.is_stateful,
        "protected": loss.is_protected,
        "because": loss.because,
    })
}

fn difference(difference: &Difference) -> Json {
    let attributes = difference.attributes.iter();
    let attributes = attributes.map(|one| json!({ "path": one.path, "before": one.before, "after": one.after }));
    json!({
        "address": difference.address,
        "action": difference.action,
        "attributes": attributes.collect::<Vec<_>>(),
        "more": difference.more,
    })
}
