//! How orders and events are written in the store: versioned JSON, apart from the domain's types, so that either can change without
//! the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terrace_domain::name::{NameError, StackName};
use terrace_domain::run::{Changes, Event, Failure, Mode, Order, OrderedInstance, Step, TerraformDiagnostic};

/// What is stored cannot be read: written by another version, or damaged.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Not the JSON that is expected.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A name in it is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

#[derive(Serialize, Deserialize)]
struct OrderWire {
    mode: ModeWire,
    stage: String,
    environment: String,
    commit: Option<String>,
    parallelism: usize,
    instances: Vec<InstanceWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeWire {
    Plan,
    Deliver,
}

#[derive(Serialize, Deserialize)]
struct InstanceWire {
    stack: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    upstream: BTreeMap<String, BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    only_if_upstream_changes: bool,
}

/// An order as text.
pub fn write_order(order: &Order) -> String {
    let wire = OrderWire {
        mode: match order.mode {
            Mode::Plan => ModeWire::Plan,
            Mode::Deliver => ModeWire::Deliver,
        },
        stage: order.stage.to_string(),
        environment: order.environment.to_string(),
        commit: order.commit.clone(),
        parallelism: order.parallelism,
        instances: order.instances.iter().map(instance_wire).collect(),
    };
    serde_json::to_string(&wire).expect("texts and numbers become JSON")
}

fn instance_wire(instance: &OrderedInstance) -> InstanceWire {
    InstanceWire {
        stack: instance.stack.to_string(),
        upstream: instance.upstream.iter().map(|(name, outputs)| (name.to_string(), outputs.clone())).collect(),
        only_if_upstream_changes: instance.only_if_upstream_changes,
    }
}

/// An order from its text.
pub fn read_order(text: &str) -> Result<Order, WireError> {
    let wire: OrderWire = serde_json::from_str(text)?;
    Ok(Order {
        mode: match wire.mode {
            ModeWire::Plan => Mode::Plan,
            ModeWire::Deliver => Mode::Deliver,
        },
        stage: wire.stage.parse()?,
        environment: wire.environment.parse()?,
        commit: wire.commit,
        parallelism: wire.parallelism,
        instances: wire.instances.into_iter().map(read_instance).collect::<Result<_, _>>()?,
    })
}

fn read_instance(wire: InstanceWire) -> Result<OrderedInstance, NameError> {
    let upstream = wire.upstream.into_iter().map(|(name, outputs)| Ok((name.parse()?, outputs)));
    Ok(OrderedInstance {
        stack: wire.stack.parse()?,
        upstream: upstream.collect::<Result<_, NameError>>()?,
        only_if_upstream_changes: wire.only_if_upstream_changes,
    })
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventWire {
    Started,
    Prepared {
        stack: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        provisional: bool,
    },
    InputsUnknown {
        stack: String,
        upstream: BTreeSet<String>,
    },
    Planned {
        stack: String,
        changes: ChangesWire,
    },
    Applied {
        stack: String,
    },
    Failed {
        stack: String,
        failure: FailureWire,
    },
    Interrupted {
        stack: String,
    },
    StopRequested,
    Abandoned,
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
    let wire = match event {
        Event::Started => EventWire::Started,
        Event::Prepared { stack, provisional } => {
            EventWire::Prepared { stack: stack.to_string(), provisional: *provisional }
        }
        Event::InputsUnknown { stack, upstream } => EventWire::InputsUnknown {
            stack: stack.to_string(),
            upstream: upstream.iter().map(ToString::to_string).collect(),
        },
        Event::Planned { stack, changes } => {
            EventWire::Planned { stack: stack.to_string(), changes: changes_wire(changes) }
        }
        Event::Applied { stack } => EventWire::Applied { stack: stack.to_string() },
        Event::Failed { stack, failure } => {
            EventWire::Failed { stack: stack.to_string(), failure: failure_wire(failure) }
        }
        Event::Interrupted { stack } => EventWire::Interrupted { stack: stack.to_string() },
        Event::StopRequested => EventWire::StopRequested,
        Event::Abandoned => EventWire::Abandoned,
    };
    serde_json::to_string(&wire).expect("texts and numbers become JSON")
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
    Ok(match serde_json::from_str(text)? {
        EventWire::Started => Event::Started,
        EventWire::Prepared { stack, provisional } => Event::Prepared { stack: stack.parse()?, provisional },
        EventWire::InputsUnknown { stack, upstream } => Event::InputsUnknown {
            stack: stack.parse()?,
            upstream: upstream.iter().map(|name| name.parse()).collect::<Result<BTreeSet<StackName>, _>>()?,
        },
        EventWire::Planned { stack, changes } => {
            let ChangesWire { add, change, destroy, import, state_only, outputs } = changes;
            Event::Planned {
                stack: stack.parse()?,
                changes: Changes { add, change, destroy, import, state_only, outputs },
            }
        }
        EventWire::Applied { stack } => Event::Applied { stack: stack.parse()? },
        EventWire::Failed { stack, failure } => Event::Failed { stack: stack.parse()?, failure: read_failure(failure) },
        EventWire::Interrupted { stack } => Event::Interrupted { stack: stack.parse()? },
        EventWire::StopRequested => Event::StopRequested,
        EventWire::Abandoned => Event::Abandoned,
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
        },
        summary: wire.summary,
        diagnostics: diagnostics.collect(),
        help: wire.help,
    }
}
