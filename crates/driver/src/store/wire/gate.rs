//! How gates are written in a run's order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terrace_domain::blast::Level;
use terrace_domain::name::{NameError, StackName};
use terrace_domain::rehearsal::{Kind, Lost, UpgradeAllowance};
use terrace_domain::run::{Answer, Approvers, Gate, RadiusLimits, Who};
use terrace_domain::window::{Calendar, Freeze, Window};

use super::words;

#[derive(Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "snake_case")]
pub(super) enum GateWire {
    Approval {
        approvers: Option<BTreeSet<String>>,
        by: Vec<String>,
        count: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owners: Option<BTreeMap<String, BTreeSet<String>>>,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        authors: BTreeSet<String>,
    },
    Evidence {
        of: BTreeSet<String>,
    },
    Recovery {
        of: BTreeSet<String>,
        younger_than_ms: u64,
    },
    Losses {
        allowed: BTreeMap<String, AllowanceWire>,
    },
    BlastRadius {
        max_destroys: Option<u64>,
        max_share: Option<f64>,
        max_level: Option<String>,
        approve_from: Option<String>,
        stateful: String,
        irreversible: String,
        owners: BTreeMap<String, BTreeSet<String>>,
        count: u32,
        authors: BTreeSet<String>,
    },
    Policy {
        paths: Vec<String>,
        namespaces: Vec<String>,
    },
    Window {
        windows: Vec<WindowWire>,
    },
    Soak {
        for_ms: u64,
    },
    Clean,
    Undecidable {
        kind: String,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct AllowanceWire {
    allow: Vec<String>,
    budget: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WindowWire {
    /// 0 is Monday.
    days: BTreeSet<u8>,
    /// In minutes of the day, as `to` is.
    from: u16,
    to: u16,
    zone: String,
    freezes: Vec<FreezeWire>,
}

/// Its moments are by the clock of the window's zone.
#[derive(Serialize, Deserialize)]
struct FreezeWire {
    from: String,
    to: String,
    reason: String,
}

/// Whether a reader of earlier orders would take the gate for something else, or for nothing.
pub(super) fn is_new(gate: &Gate) -> bool {
    match gate {
        Gate::Approval(approvers) => matches!(approvers.who, Who::Owners { .. }) || !approvers.authors.is_empty(),
        Gate::BlastRadius(_) | Gate::Policy { .. } | Gate::Window(_) | Gate::Soak { .. } | Gate::Clean => true,
        Gate::Evidence { .. } | Gate::Recovery { .. } | Gate::Losses { .. } | Gate::Undecidable(_) => false,
    }
}

/// A gate as it is written.
pub(super) fn write(gate: &Gate) -> GateWire {
    match gate.clone() {
        Gate::Approval(Approvers { who, count, authors }) => {
            let (approvers, by, owners) = match who {
                Who::Everybody => (None, Vec::new(), None),
                Who::Named { people, by } => (Some(people), by, None),
                Who::Owners { people } => (None, Vec::new(), Some(people)),
            };
            GateWire::Approval { approvers, by, count, owners, authors }
        }
        Gate::Evidence { of } => GateWire::Evidence { of: words(of, Kind::as_str) },
        Gate::Recovery { of, younger_than_ms } => GateWire::Recovery { of: words(of, Lost::as_str), younger_than_ms },
        Gate::Losses { allowed } => {
            let allowance = |(stack, UpgradeAllowance { allow, budget }): (StackName, UpgradeAllowance)| {
                (stack.to_string(), AllowanceWire { allow, budget })
            };
            GateWire::Losses { allowed: allowed.into_iter().map(allowance).collect() }
        }
        Gate::BlastRadius(limits) => {
            let RadiusLimits { max_destroys, max_share, max_level, approve_from, stateful, irreversible, approvers } =
                limits;
            let level = |level: Option<Level>| level.map(|level| level.as_str().to_owned());
            let Approvers { who, count, authors } = approvers;
            GateWire::BlastRadius {
                max_destroys,
                max_share,
                max_level: level(max_level),
                approve_from: level(approve_from),
                stateful: stateful.as_str().to_owned(),
                irreversible: irreversible.as_str().to_owned(),
                owners: if let Who::Owners { people } = who { people } else { BTreeMap::new() },
                count,
                authors,
            }
        }
        Gate::Policy { paths, namespaces } => GateWire::Policy { paths, namespaces },
        Gate::Window(Calendar(windows)) => GateWire::Window { windows: windows.into_iter().map(window).collect() },
        Gate::Soak { for_ms } => GateWire::Soak { for_ms },
        Gate::Clean => GateWire::Clean,
        Gate::Undecidable(kind) => GateWire::Undecidable { kind },
    }
}

fn window(window: Window) -> WindowWire {
    let Window { days, from, to, zone, freezes } = window;
    let freeze =
        |Freeze { from, to, reason }: Freeze| FreezeWire { from: from.to_string(), to: to.to_string(), reason };
    WindowWire { days, from, to, zone: zone.name().to_owned(), freezes: freezes.into_iter().map(freeze).collect() }
}

/// A gate from its wire. What a newer Terrace asks for and this one does not know refuses.
pub(super) fn read(wire: GateWire) -> Result<Gate, NameError> {
    Ok(match wire {
        GateWire::Approval { approvers, by, count, owners, authors } => {
            let who = match (approvers, owners) {
                (Some(people), _) => Who::Named { people, by },
                (None, Some(people)) => Who::Owners { people },
                (None, None) => Who::Everybody,
            };
            Gate::Approval(Approvers { who, count, authors })
        }
        GateWire::Evidence { of } => match of.iter().map(|word| Kind::from_word(word)).collect() {
            Some(of) => Gate::Evidence { of },
            None => Gate::Undecidable("evidence".to_owned()),
        },
        GateWire::Recovery { of, younger_than_ms } => match of.iter().map(|word| Lost::from_word(word)).collect() {
            Some(of) => Gate::Recovery { of, younger_than_ms },
            None => Gate::Undecidable("recovery".to_owned()),
        },
        GateWire::Losses { allowed } => {
            let allowance = |(stack, wire): (String, AllowanceWire)| {
                Ok((stack.parse()?, UpgradeAllowance { allow: wire.allow, budget: wire.budget }))
            };
            Gate::Losses { allowed: allowed.into_iter().map(allowance).collect::<Result<_, NameError>>()? }
        }
        GateWire::BlastRadius { .. } => limits(wire).map_or_else(unknown("blast_radius"), Gate::BlastRadius),
        GateWire::Policy { paths, namespaces } => Gate::Policy { paths, namespaces },
        GateWire::Window { windows } => windows
            .into_iter()
            .map(read_window)
            .collect::<Option<Vec<_>>>()
            .map_or_else(unknown("window"), |windows| Gate::Window(Calendar(windows))),
        GateWire::Soak { for_ms } => Gate::Soak { for_ms },
        GateWire::Clean => Gate::Clean,
        GateWire::Undecidable { kind } => Gate::Undecidable(kind),
    })
}

fn unknown(kind: &'static str) -> impl FnOnce() -> Gate {
    move || Gate::Undecidable(kind.to_owned())
}

fn limits(wire: GateWire) -> Option<RadiusLimits> {
    let GateWire::BlastRadius {
        max_destroys,
        max_share,
        max_level,
        approve_from,
        stateful,
        irreversible,
        owners,
        count,
        authors,
    } = wire
    else {
        return None;
    };
    let level = |word: Option<String>| match word {
        None => Some(None),
        Some(word) => Level::from_word(&word).map(Some),
    };
    Some(RadiusLimits {
        max_destroys,
        max_share,
        max_level: level(max_level)?,
        approve_from: level(approve_from)?,
        stateful: Answer::from_word(&stateful)?,
        irreversible: Answer::from_word(&irreversible)?,
        approvers: Approvers { who: Who::Owners { people: owners }, count, authors },
    })
}

fn read_window(wire: WindowWire) -> Option<Window> {
    let WindowWire { days, from, to, zone, freezes } = wire;
    let freeze = |FreezeWire { from, to, reason }: FreezeWire| {
        Some(Freeze { from: from.parse().ok()?, to: to.parse().ok()?, reason })
    };
    let freezes = freezes.into_iter().map(freeze).collect::<Option<_>>()?;
    Some(Window { days, from, to, zone: zone.parse().ok()?, freezes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_is_read_as_it_was_written() {
        let people =
            || -> BTreeMap<String, BTreeSet<String>> { [("team-a".to_owned(), ["ada".to_owned()].into())].into() };
        let authors: BTreeSet<String> = ["bob".to_owned()].into();
        let mut window = Window::always("Europe/Berlin".parse().unwrap());
        (window.days, window.from, window.to) = ([0, 4].into(), 480, 1020);
        window.freezes.push(Freeze {
            from: "2026-12-20T00:00".parse().unwrap(),
            to: "2027-01-03T00:00".parse().unwrap(),
            reason: "holidays".to_owned(),
        });
        let owners = Approvers { who: Who::Owners { people: people() }, count: 2, authors };
        let gates = [
            Gate::Approval(Approvers::default()),
            Gate::Approval(owners.clone()),
            Gate::Approval(Approvers {
                who: Who::Named { people: ["ada".to_owned()].into(), by: vec!["team-a".to_owned()] },
                ..owners.clone()
            }),
            Gate::Evidence { of: [Kind::Zero].into() },
            Gate::Recovery { of: [Lost::State].into(), younger_than_ms: 7 },
            Gate::BlastRadius(RadiusLimits {
                max_destroys: Some(0),
                max_share: Some(0.25),
                max_level: Some(Level::High),
                approve_from: Some(Level::Low),
                stateful: Answer::Approve,
                irreversible: Answer::Refuse,
                approvers: owners,
            }),
            Gate::Policy { paths: vec!["policy".to_owned()], namespaces: vec!["main".to_owned()] },
            Gate::Window(Calendar(vec![window])),
            Gate::Soak { for_ms: 9 },
            Gate::Clean,
            Gate::Undecidable("later".to_owned()),
        ];
        for gate in gates {
            let text = serde_json::to_string(&write(&gate)).unwrap();
            assert_eq!(read(serde_json::from_str(&text).unwrap()).unwrap(), gate, "{text}");
        }
    }

    #[test]
    fn a_gate_in_words_that_are_not_known_refuses() {
        let text = r#"{"gate":"window","windows":[{"days":[0],"from":0,"to":60,"zone":"Mars/Olympus","freezes":[]}]}"#;
        assert_eq!(read(serde_json::from_str(text).unwrap()).unwrap(), Gate::Undecidable("window".to_owned()));
    }
}
