//! How orders and events are written in the ledger: versioned JSON, apart from the domain's types, so that either can change without
//! the other.

mod assessment;
mod gate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terrace_domain::digest::{Digest, NotADigest};
use terrace_domain::name::{EnvironmentName, NameError, StackName};
use terrace_domain::plan::{Loss, LossKind};
use terrace_domain::rehearsal::{Kind, Lost};
use terrace_domain::run::{
    BreakGlass, ChangeRecord, Changes, CoverPart, Event, Failure, InstanceId, Mode, Moment, Order, OrderedStack,
    OrderedStage, PlanCover, Rehearsed, RunId, Standing, Step, TerraformDiagnostic,
};

/// What is stored cannot be read: written by another version, or damaged.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Not the JSON that is expected.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A name in it is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A digest in it is none.
    #[error(transparent)]
    Digest(#[from] NotADigest),
    /// A newer Terrace wrote it.
    #[error("it has version {found}, and this Terrace reads versions up to {VERSION}: a newer Terrace wrote it")]
    Newer {
        /// The version found.
        found: u32,
    },
    /// A kind of event that this Terrace does not know.
    #[error("it is an event `{0}`, which this Terrace does not know: a newer Terrace wrote it")]
    Stranger(String),
}

/// The newest version that is read. It grows when an old reader would misunderstand what is written.
const VERSION: u32 = 3;
/// The version of all that every reader understands.
const PLAIN: u32 = 1;
/// The version of an order that has stacks verified: for a reader that does not know of that, they would be done once they are applied.
const VERIFYING: u32 = 2;
/// The version of an order with gates that take something else than an earlier reader would.
const GATED: u32 = 3;

fn check_version(found: u32) -> Result<(), WireError> {
    if found > VERSION { Err(WireError::Newer { found }) } else { Ok(()) }
}

#[derive(Serialize, Deserialize)]
struct OrderWire {
    version: u32,
    mode: ModeWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    commit: Option<String>,
    parallelism: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_glass: Option<BreakGlassWire>,
    stages: Vec<StageWire>,
    stacks: Vec<StackWire>,
}

#[derive(Serialize, Deserialize)]
struct BreakGlassWire {
    by: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeWire {
    Plan,
    Deliver,
    Destroy,
}

#[derive(Serialize, Deserialize)]
struct StageWire {
    stage: String,
    environment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gates: Vec<gate::GateWire>,
    settings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StackWire {
    stack: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    upstream: BTreeMap<String, BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    only_if_upstream_changes: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    verifies: bool,
}

/// An order as text.
pub fn write_order(order: &Order) -> String {
    let text = |digest: &Digest| digest.to_string();
    let stage = |stage: &OrderedStage| StageWire {
        stage: stage.stage.to_string(),
        environment: stage.environment.to_string(),
        after: stage.after.as_ref().map(ToString::to_string),
        gates: stage.gates.iter().map(gate::write).collect(),
        settings: stage.settings.iter().map(text).collect(),
    };
    let stack = |stack: &OrderedStack| StackWire {
        stack: stack.stack.to_string(),
        release: stack.release.as_ref().map(text),
        upstream: stack.upstream.iter().map(|(name, outputs)| (name.to_string(), outputs.clone())).collect(),
        only_if_upstream_changes: stack.only_if_upstream_changes,
        verifies: stack.verifies,
    };
    let verifies = order.stacks.iter().any(|stack| stack.verifies);
    let is_gated = order.break_glass.is_some() || order.stages.iter().flat_map(|stage| &stage.gates).any(gate::is_new);
    let wire = OrderWire {
        version: if is_gated {
            GATED
        } else if verifies {
            VERIFYING
        } else {
            PLAIN
        },
        mode: match order.mode {
            Mode::Plan => ModeWire::Plan,
            Mode::Deliver => ModeWire::Deliver,
            Mode::Destroy => ModeWire::Destroy,
        },
        release: order.release.as_ref().map(text),
        commit: order.commit.clone(),
        parallelism: order.parallelism,
        again: order.again,
        break_glass: order.break_glass.clone().map(|BreakGlass { by, reason }| BreakGlassWire { by, reason }),
        stages: order.stages.iter().map(stage).collect(),
        stacks: order.stacks.iter().map(stack).collect(),
    };
    serde_json::to_string(&wire).expect("texts and numbers become JSON")
}

fn words<T>(all: impl IntoIterator<Item = T>, word: fn(T) -> &'static str) -> BTreeSet<String> {
    all.into_iter().map(|one| word(one).to_owned()).collect()
}

/// An order from its text.
pub fn read_order(text: &str) -> Result<Order, WireError> {
    let wire: OrderWire = serde_json::from_str(text)?;
    check_version(wire.version)?;
    Ok(Order {
        mode: match wire.mode {
            ModeWire::Plan => Mode::Plan,
            ModeWire::Deliver => Mode::Deliver,
            ModeWire::Destroy => Mode::Destroy,
        },
        release: digest(wire.release)?,
        commit: wire.commit,
        parallelism: wire.parallelism,
        again: wire.again,
        break_glass: wire.break_glass.map(|BreakGlassWire { by, reason }| BreakGlass { by, reason }),
        stages: wire.stages.into_iter().map(read_stage).collect::<Result<_, _>>()?,
        stacks: wire.stacks.into_iter().map(read_stack).collect::<Result<_, _>>()?,
    })
}

fn digest(text: Option<String>) -> Result<Option<Digest>, NotADigest> {
    text.map(|text| text.parse()).transpose()
}

fn read_stage(wire: StageWire) -> Result<OrderedStage, WireError> {
    Ok(OrderedStage {
        stage: wire.stage.parse()?,
        environment: wire.environment.parse()?,
        after: wire.after.map(|name| name.parse()).transpose()?,
        gates: wire.gates.into_iter().map(gate::read).collect::<Result<_, _>>()?,
        settings: wire.settings.iter().map(|text| text.parse()).collect::<Result<_, NotADigest>>()?,
    })
}

fn read_stack(wire: StackWire) -> Result<OrderedStack, WireError> {
    let upstream = wire.upstream.into_iter().map(|(name, outputs)| Ok((name.parse()?, outputs)));
    Ok(OrderedStack {
        stack: wire.stack.parse()?,
        release: digest(wire.release)?,
        upstream: upstream.collect::<Result<_, NameError>>()?,
        only_if_upstream_changes: wire.only_if_upstream_changes,
        verifies: wire.verifies,
    })
}

#[derive(Serialize, Deserialize)]
struct IdWire {
    environment: String,
    stack: String,
}

#[derive(Serialize, Deserialize)]
struct EventWire {
    version: u32,
    #[serde(flatten)]
    event: KindWire,
}

/// What of an event every version can read.
#[derive(Deserialize)]
struct Head {
    version: u32,
    event: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum KindWire {
    Started,
    Entered {
        environment: String,
        standings: BTreeMap<String, StandingWire>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        recovered: BTreeMap<String, i64>,
    },
    Prepared {
        instance: IdWire,
        #[serde(default)]
        provisional: bool,
    },
    InputsUnknown {
        instance: IdWire,
        upstream: BTreeSet<String>,
    },
    Planned {
        instance: IdWire,
        changes: ChangesWire,
        #[serde(default)]
        cover: Option<CoverWire>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        losses: Vec<LossWire>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assessment: Option<Box<assessment::AssessmentWire>>,
    },
    Approved {
        instance: IdWire,
        by: String,
        reason: String,
        cover: CoverWire,
    },
    Rejected {
        instance: IdWire,
        by: String,
        reason: String,
    },
    Stale {
        instance: IdWire,
        differs: BTreeSet<String>,
    },
    Applied {
        instance: IdWire,
    },
    Verified {
        instance: IdWire,
    },
    Settled {
        instance: IdWire,
    },
    Failed {
        instance: IdWire,
        failure: FailureWire,
    },
    Interrupted {
        instance: IdWire,
    },
    Resumed,
    Superseded {
        by: u64,
        stacks: BTreeSet<String>,
        environments: BTreeSet<String>,
    },
    Due,
    StopRequested,
    Cancelled {
        by: String,
        reason: String,
    },
    Abandoned,
}

/// The events that [`KindWire`] knows, by their words.
const KNOWN: [&str; 19] = [
    "started",
    "entered",
    "prepared",
    "inputs_unknown",
    "planned",
    "approved",
    "rejected",
    "stale",
    "applied",
    "settled",
    "failed",
    "interrupted",
    "resumed",
    "superseded",
    "stop_requested",
    "cancelled",
    "abandoned",
    "verified",
    "due",
];

#[derive(Serialize, Deserialize)]
struct StandingWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outputs_at: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    proven: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    rehearsed: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_since: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct LossWire {
    address: String,
    resource_type: String,
    replace: bool,
    stateful: bool,
    protected: bool,
    because: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct CoverWire {
    release: Option<String>,
    inputs: String,
    outputs: String,
    lineage: Option<String>,
    serial: Option<u64>,
    terraform: String,
    provider_lock: Option<String>,
    /// By address: action and digest.
    changes: BTreeMap<String, (String, String)>,
}

#[derive(Serialize, Deserialize)]
struct ChangesWire {
    add: u64,
    change: u64,
    destroy: u64,
    import: u64,
    state_only: u64,
    outputs: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct FailureWire {
    step: StepWire,
    summary: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<DiagnosticWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepWire {
    Prepare,
    Plan,
    Apply,
    Settle,
    Verify,
}

#[derive(Serialize, Deserialize)]
struct DiagnosticWire {
    is_error: bool,
    summary: String,
    detail: String,
    address: Option<String>,
    file: Option<String>,
    line: Option<u64>,
    code: Option<String>,
}

/// An event as text.
pub fn write_event(event: &Event) -> String {
    let wire = EventWire { version: PLAIN, event: kind_wire(event) };
    serde_json::to_string(&wire).expect("texts and numbers become JSON")
}

/// The word of an event, as it is written and as the ledger's kinds are made of it.
pub fn word(event: &Event) -> &'static str {
    let at = match event {
        Event::Started => 0,
        Event::Entered { .. } => 1,
        Event::Prepared { .. } => 2,
        Event::InputsUnknown { .. } => 3,
        Event::Planned { .. } => 4,
        Event::Approved { .. } => 5,
        Event::Rejected { .. } => 6,
        Event::Stale { .. } => 7,
        Event::Applied { .. } => 8,
        Event::Settled { .. } => 9,
        Event::Failed { .. } => 10,
        Event::Interrupted { .. } => 11,
        Event::Resumed => 12,
        Event::Superseded { .. } => 13,
        Event::StopRequested => 14,
        Event::Cancelled { .. } => 15,
        Event::Abandoned => 16,
        Event::Verified { .. } => 17,
        Event::Due => 18,
    };
    KNOWN[at]
}

fn kind_wire(event: &Event) -> KindWire {
    let names = |names: &BTreeSet<StackName>| names.iter().map(ToString::to_string).collect();
    match event.clone() {
        Event::Started => KindWire::Started,
        Event::Entered { environment, standings, recovered } => KindWire::Entered {
            environment: environment.to_string(),
            recovered: recovered.into_iter().map(|(lost, at)| (lost.as_str().to_owned(), at.0)).collect(),
            standings: standings.iter().map(|(name, standing)| (name.to_string(), standing_wire(standing))).collect(),
        },
        Event::Prepared { instance, provisional } => KindWire::Prepared { instance: id_wire(&instance), provisional },
        Event::InputsUnknown { instance, upstream } => {
            KindWire::InputsUnknown { instance: id_wire(&instance), upstream: names(&upstream) }
        }
        Event::Planned { instance, changes, cover, losses, assessment } => KindWire::Planned {
            instance: id_wire(&instance),
            assessment: assessment.map(|assessment| Box::new(assessment::write(*assessment))),
            losses: losses.into_iter().map(loss_wire).collect(),
            changes: changes_wire(&changes),
            cover: cover.as_deref().map(cover_wire),
        },
        Event::Approved { instance, by, reason, cover } => {
            KindWire::Approved { instance: id_wire(&instance), by, reason, cover: cover_wire(&cover) }
        }
        Event::Rejected { instance, by, reason } => KindWire::Rejected { instance: id_wire(&instance), by, reason },
        Event::Stale { instance, differs } => KindWire::Stale {
            instance: id_wire(&instance),
            differs: differs.into_iter().map(|part| part.as_str().to_owned()).collect(),
        },
        Event::Applied { instance } => KindWire::Applied { instance: id_wire(&instance) },
        Event::Verified { instance } => KindWire::Verified { instance: id_wire(&instance) },
        Event::Settled { instance } => KindWire::Settled { instance: id_wire(&instance) },
        Event::Failed { instance, failure } => {
            KindWire::Failed { instance: id_wire(&instance), failure: failure_wire(&failure) }
        }
        Event::Interrupted { instance } => KindWire::Interrupted { instance: id_wire(&instance) },
        Event::Resumed => KindWire::Resumed,
        Event::Superseded { by, stacks, environments } => KindWire::Superseded {
            by: by.0,
            stacks: names(&stacks),
            environments: environments.iter().map(ToString::to_string).collect(),
        },
        Event::Due => KindWire::Due,
        Event::StopRequested => KindWire::StopRequested,
        Event::Cancelled { by, reason } => KindWire::Cancelled { by, reason },
        Event::Abandoned => KindWire::Abandoned,
    }
}

fn id_wire(id: &InstanceId) -> IdWire {
    IdWire { environment: id.environment.to_string(), stack: id.stack.to_string() }
}

fn standing_wire(standing: &Standing) -> StandingWire {
    StandingWire {
        release: standing.release.map(|digest| digest.to_string()),
        settings: standing.settings.map(|digest| digest.to_string()),
        delivered_at: standing.delivered.map(|at| at.0),
        outputs_at: standing.outputs_changed.map(|at| at.0),
        proven: standing.proven,
        before_since: standing.before_since.map(|at| at.0),
        rehearsed: words(Kind::ALL.into_iter().filter(|kind| standing.rehearsed.has(*kind)), Kind::as_str),
    }
}

fn loss_wire(loss: Loss) -> LossWire {
    let Loss { address, resource_type, kind, is_stateful, is_protected, because } = loss;
    let replace = kind == LossKind::Replace;
    LossWire { address, resource_type, replace, stateful: is_stateful, protected: is_protected, because }
}

fn read_loss(wire: LossWire) -> Loss {
    let LossWire { address, resource_type, replace, stateful, protected, because } = wire;
    let kind = if replace { LossKind::Replace } else { LossKind::Destroy };
    Loss { address, resource_type, kind, is_stateful: stateful, is_protected: protected, because }
}

fn cover_wire(cover: &PlanCover) -> CoverWire {
    let change = |(address, record): (&String, &ChangeRecord)| {
        (address.clone(), (record.action.clone(), record.digest.to_string()))
    };
    CoverWire {
        release: cover.release.map(|digest| digest.to_string()),
        inputs: cover.inputs.to_string(),
        outputs: cover.outputs.to_string(),
        lineage: cover.lineage.clone(),
        serial: cover.serial,
        terraform: cover.terraform.clone(),
        provider_lock: cover.provider_lock.map(|digest| digest.to_string()),
        changes: cover.changes.iter().map(change).collect(),
    }
}

fn changes_wire(changes: &Changes) -> ChangesWire {
    let Changes { add, change, destroy, import, state_only, outputs } = changes.clone();
    ChangesWire { add, change, destroy, import, state_only, outputs }
}

fn failure_wire(failure: &Failure) -> FailureWire {
    FailureWire {
        step: match failure.step {
            Step::Prepare => StepWire::Prepare,
            Step::Plan => StepWire::Plan,
            Step::Apply => StepWire::Apply,
            Step::Settle => StepWire::Settle,
            Step::Verify => StepWire::Verify,
        },
        summary: failure.summary.clone(),
        diagnostics: failure.diagnostics.iter().cloned().map(diagnostic_wire).collect(),
        help: failure.help.clone(),
    }
}

fn diagnostic_wire(diagnostic: TerraformDiagnostic) -> DiagnosticWire {
    let TerraformDiagnostic { is_error, summary, detail, address, file, line, code } = diagnostic;
    DiagnosticWire { is_error, summary, detail, address, file, line, code }
}

/// An event from its text.
pub fn read_event(text: &str) -> Result<Event, WireError> {
    let head: Head = serde_json::from_str(text)?;
    check_version(head.version)?;
    if !KNOWN.contains(&head.event.as_str()) {
        return Err(WireError::Stranger(head.event));
    }
    let names = |names: BTreeSet<String>| names.iter().map(|name| name.parse()).collect::<Result<_, NameError>>();
    Ok(match serde_json::from_str::<KindWire>(text)? {
        KindWire::Started => Event::Started,
        KindWire::Entered { environment, standings, recovered } => {
            let known = |(word, at): (String, i64)| Some((Lost::from_word(&word)?, Moment(at)));
            let standings = standings.into_iter().map(|(name, wire)| Ok((name.parse()?, read_standing(wire)?)));
            Event::Entered {
                environment: environment.parse::<EnvironmentName>()?,
                standings: standings.collect::<Result<_, WireError>>()?,
                recovered: recovered.into_iter().filter_map(known).collect(),
            }
        }
        KindWire::Prepared { instance, provisional } => Event::Prepared { instance: read_id(&instance)?, provisional },
        KindWire::InputsUnknown { instance, upstream } => {
            Event::InputsUnknown { instance: read_id(&instance)?, upstream: names(upstream)? }
        }
        KindWire::Planned { instance, changes, cover, losses, assessment } => {
            let ChangesWire { add, change, destroy, import, state_only, outputs } = changes;
            Event::Planned {
                instance: read_id(&instance)?,
                changes: Changes { add, change, destroy, import, state_only, outputs },
                cover: cover.map(read_cover).transpose()?.map(Box::new),
                losses: losses.into_iter().map(read_loss).collect(),
                assessment: assessment.map(|wire| assessment::read(*wire)).transpose()?.map(Box::new),
            }
        }
        KindWire::Approved { instance, by, reason, cover } => {
            Event::Approved { instance: read_id(&instance)?, by, reason, cover: Box::new(read_cover(cover)?) }
        }
        KindWire::Rejected { instance, by, reason } => Event::Rejected { instance: read_id(&instance)?, by, reason },
        KindWire::Stale { instance, differs } => Event::Stale {
            instance: read_id(&instance)?,
            differs: differs.iter().filter_map(|word| CoverPart::from_word(word)).collect(),
        },
        KindWire::Applied { instance } => Event::Applied { instance: read_id(&instance)? },
        KindWire::Verified { instance } => Event::Verified { instance: read_id(&instance)? },
        KindWire::Settled { instance } => Event::Settled { instance: read_id(&instance)? },
        KindWire::Failed { instance, failure } => {
            Event::Failed { instance: read_id(&instance)?, failure: read_failure(failure) }
        }
        KindWire::Interrupted { instance } => Event::Interrupted { instance: read_id(&instance)? },
        KindWire::Resumed => Event::Resumed,
        KindWire::Superseded { by, stacks, environments } => {
            let environments = environments.iter().map(|name| name.parse()).collect::<Result<_, NameError>>()?;
            Event::Superseded { by: RunId(by), stacks: names(stacks)?, environments }
        }
        KindWire::Due => Event::Due,
        KindWire::StopRequested => Event::StopRequested,
        KindWire::Cancelled { by, reason } => Event::Cancelled { by, reason },
        KindWire::Abandoned => Event::Abandoned,
    })
}

fn read_id(wire: &IdWire) -> Result<InstanceId, NameError> {
    Ok(InstanceId { environment: wire.environment.parse()?, stack: wire.stack.parse()? })
}

fn read_standing(wire: StandingWire) -> Result<Standing, NotADigest> {
    let mut rehearsed = Rehearsed::default();
    wire.rehearsed.iter().filter_map(|word| Kind::from_word(word)).for_each(|kind| rehearsed.add(kind));
    Ok(Standing {
        rehearsed,
        release: digest(wire.release)?,
        settings: digest(wire.settings)?,
        delivered: wire.delivered_at.map(Moment),
        outputs_changed: wire.outputs_at.map(Moment),
        proven: wire.proven,
        before_since: wire.before_since.map(Moment),
    })
}

fn read_cover(wire: CoverWire) -> Result<PlanCover, NotADigest> {
    let change = |(address, (action, text)): (String, (String, String))| {
        Ok((address, ChangeRecord { action, digest: text.parse()? }))
    };
    Ok(PlanCover {
        release: digest(wire.release)?,
        inputs: wire.inputs.parse()?,
        outputs: wire.outputs.parse()?,
        lineage: wire.lineage,
        serial: wire.serial,
        terraform: wire.terraform,
        provider_lock: digest(wire.provider_lock)?,
        changes: wire.changes.into_iter().map(change).collect::<Result<_, NotADigest>>()?,
    })
}

fn read_failure(wire: FailureWire) -> Failure {
    let diagnostics = wire.diagnostics.into_iter().map(|wire| {
        let DiagnosticWire { is_error, summary, detail, address, file, line, code } = wire;
        TerraformDiagnostic { is_error, summary, detail, address, file, line, code }
    });
    Failure {
        step: match wire.step {
            StepWire::Prepare => Step::Prepare,
            StepWire::Plan => Step::Plan,
            StepWire::Apply => Step::Apply,
            StepWire::Settle => Step::Settle,
            StepWire::Verify => Step::Verify,
        },
        summary: wire.summary,
        diagnostics: diagnostics.collect(),
        help: wire.help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(verifies: bool) -> Order {
        let stack = OrderedStack {
            stack: "base".parse().unwrap(),
            release: None,
            upstream: BTreeMap::new(),
            only_if_upstream_changes: false,
            verifies,
        };
        Order {
            mode: Mode::Deliver,
            release: None,
            commit: None,
            parallelism: 1,
            again: false,
            break_glass: None,
            stages: Vec::new(),
            stacks: vec![stack],
        }
    }

    #[test]
    fn an_order_that_verifies_is_for_readers_that_know_of_it() {
        let text = write_order(&order(true));
        assert!(text.starts_with(r#"{"version":2,"#) && text.contains(r#""verifies":true"#), "{text}");
        assert!(read_order(&text).unwrap().stacks[0].verifies);
    }

    #[test]
    fn an_order_that_does_not_is_as_it_always_was() {
        let text = write_order(&order(false));
        let stack = r#"{"stack":"base"}"#;
        assert_eq!(
            text,
            format!(r#"{{"version":1,"mode":"deliver","commit":null,"parallelism":1,"stages":[],"stacks":[{stack}]}}"#)
        );
        assert!(!read_order(&text).unwrap().stacks[0].verifies);
    }

    #[test]
    fn a_verification_and_its_failure_are_read_as_they_were_written() {
        let instance: InstanceId = InstanceId { environment: "dev".parse().unwrap(), stack: "base".parse().unwrap() };
        let summary = "check `smoke` failed: exit code 3".to_owned();
        let failure = Failure { step: Step::Verify, summary, diagnostics: Vec::new(), help: None };
        for event in [Event::Verified { instance: instance.clone() }, Event::Failed { instance, failure }] {
            let text = write_event(&event);
            assert_eq!(read_event(&text).unwrap(), event);
            assert!(text.contains(&format!(r#""event":"{}""#, word(&event))), "{text}");
        }
    }
}
