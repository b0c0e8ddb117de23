//! Reads the `pipeline` block: stages and their gates.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Environment, GATE_KINDS, Gate, Stage};
use terrace_domain::expression::Span;
use terrace_domain::name::{EnvironmentName, StageName};
use terrace_domain::rehearsal::{Kind, Lost};
use terrace_domain::value::Value;

use super::{second_block, taken};
use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section, quoted, with_article};

const PIPELINE: Schema = Schema { what: "a `pipeline` block", attributes: &[], blocks: &["stage"] };
const STAGE: Schema = Schema { what: "a `stage` block", attributes: &["environment", "rehearse"], blocks: &["gate"] };

/// The kinds of rehearsals.
const REHEARSALS: [&str; 3] = [Kind::ALL[0].as_str(), Kind::ALL[1].as_str(), Kind::ALL[2].as_str()];
/// Those that prove something of a release; a recovery is practised with what runs already, and has a gate of its own.
const PROVABLE: [&str; 2] = [Kind::Zero.as_str(), Kind::Upgrade.as_str()];
/// What can be lost.
const LOSSES: [&str; 3] = [Lost::ALL[0].as_str(), Lost::ALL[1].as_str(), Lost::ALL[2].as_str()];

/// What a gate's setting may be.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Rehearsals,
    Losses,
    Duration,
    WholeNumber,
    Share,
    Scalar,
    Any,
}

/// The settings of each kind of gate.
fn gate_schema(kind: &str) -> (Schema, &'static [Type]) {
    let (what, attributes, types): (_, &'static [&'static str], &'static [Type]) = match kind {
        "evidence" => ("an `evidence` gate", &["of"], &[Type::Rehearsals]),
        "blast_radius" => (
            "a `blast_radius` gate",
            &["max_destroys", "max_share", "stateful", "max_level"],
            &[Type::WholeNumber, Type::Share, Type::Text, Type::Scalar],
        ),
        "policy" => ("a `policy` gate", &["path", "paths"], &[Type::Text, Type::Texts]),
        "approval" => ("an `approval` gate", &["by", "count"], &[Type::Texts, Type::WholeNumber]),
        "window" => (
            "a `window` gate",
            &["days", "from", "to", "time_zone", "freeze"],
            &[Type::Texts, Type::Text, Type::Text, Type::Text, Type::Any],
        ),
        "soak" => ("a `soak` gate", &["for"], &[Type::Text]),
        "recovery" => ("a `recovery` gate", &["younger_than", "of"], &[Type::Duration, Type::Losses]),
        _ => ("a `clean` gate", &[], &[]),
    };
    (Schema { what, attributes, blocks: &[] }, types)
}

pub(super) fn read<'b>(
    file: &mut File<'_>,
    mut blocks: impl Iterator<Item = &'b Block>,
    environments: &BTreeMap<EnvironmentName, Environment>,
) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let first = blocks.next();
    if let Some(block) = first {
        for more in blocks {
            second_block(file, block, more, "terrace.hcl has one `pipeline` block");
        }
        file.no_label(block);
        let section = file.section(&block.body, PIPELINE);
        let mut delivered: BTreeMap<EnvironmentName, Span> = BTreeMap::new();
        for block in section.blocks("stage") {
            let Some(stage) = read_stage(file, block, environments, &mut delivered) else { continue };
            match stages.iter().find(|earlier| earlier.name == stage.name) {
                Some(earlier) => taken(file, "stages", stage.name.as_str(), stage.span, earlier.span),
                None => stages.push(stage),
            }
        }
        if section.blocks("stage").next().is_some() {
            idle_gates(file, &stages);
            return stages;
        }
    }
    let example = environments.keys().next().map_or("dev", |name| name.as_str());
    let span = first.map(|block| span_of(&block.ident)).unwrap_or_default();
    let missing = Diagnostic::error("missing-block", "the pipeline has no stage")
        .at(file.place(span), "")
        .help(format!("Add `stage \"{example}\" {{ environment = \"{example}\" }}` to a `pipeline` block."));
    file.report(missing);
    stages
}

/// An `evidence` gate that names no rehearsal asks for those of the pipeline: without any it would ask for nothing, and let everything through.
fn idle_gates(file: &mut File<'_>, stages: &[Stage]) {
    let is_provable = |kind: &Kind| PROVABLE.contains(&kind.as_str());
    if stages.iter().any(|stage| stage.rehearse.iter().any(is_provable)) {
        return;
    }
    for gate in stages.iter().flat_map(|stage| &stage.gates).filter(|gate| gate.kind == "evidence") {
        let names_none = match gate.settings.get("of") {
            Some(Value::List(kinds)) => kinds.is_empty(),
            said => said.is_none(),
        };
        if names_none {
            let diagnostic =
                Diagnostic::error("idle-gate", "the gate asks for nothing: no stage rehearses zero or upgrade")
                    .at(file.place(gate.span), "lets everything through")
                    .help("Say which rehearsals it asks for: `of = [\"zero\", \"upgrade\"]`.");
            file.report(diagnostic);
        }
    }
}

fn read_stage(
    file: &mut File<'_>,
    block: &Block,
    environments: &BTreeMap<EnvironmentName, Environment>,
    delivered: &mut BTreeMap<EnvironmentName, Span>,
) -> Option<Stage> {
    let label = file.label(block, "stage's name");
    let section = file.section(&block.body, STAGE);
    let environment = read_environment(file, &section, environments, delivered);
    let mut rehearse = Vec::new();
    for kind in file.texts(&section, "rehearse") {
        match Kind::from_word(&kind.value) {
            Some(known) => rehearse.push(known),
            None => no_rehearsal(file, &kind),
        }
    }
    if section.attributes().next().is_none() {
        let span = label.as_ref().map_or(span_of(&block.ident), |label| label.span);
        let diagnostic = Diagnostic::error("missing-attribute", "the stage neither delivers nor rehearses")
            .at(file.place(span), "does nothing")
            .help("Give it an `environment`, or `rehearse = [\"zero\"]`.");
        file.report(diagnostic);
    }
    let gates = section.blocks("gate").filter_map(|gate| read_gate(file, gate)).collect();
    let label = label?;
    let name: StageName = file.name(&label)?;
    Some(Stage { name, environment, rehearse, gates, span: label.span })
}

fn read_environment(
    file: &mut File<'_>,
    section: &Section<'_>,
    environments: &BTreeMap<EnvironmentName, Environment>,
    delivered: &mut BTreeMap<EnvironmentName, Span>,
) -> Option<EnvironmentName> {
    let named = file.text(section, "environment")?;
    let Some(environment) = environments.get(named.value.as_str()) else {
        let known = environments.keys().map(EnvironmentName::as_str);
        let help = nearest(&named.value, known).map_or_else(
            || format!("Add `environment \"{}\" {{}}` to terrace.hcl.", named.value),
            |near| format!("Did you mean `{near}`?"),
        );
        let diagnostic = Diagnostic::error("unknown-environment", format!("there is no environment `{}`", named.value))
            .at(file.place(named.span), "not in terrace.hcl")
            .help(help);
        file.report(diagnostic);
        return None;
    };
    if let Some(first) = delivered.insert(environment.name.clone(), named.span) {
        let summary = format!("two stages deliver to the environment `{}`", named.value);
        let diagnostic = Diagnostic::error("duplicate-environment", summary)
            .at(file.place(named.span), "the second one")
            .also(file.place(first), "the first one")
            .help("An environment has one stage, so that it is always clear which release it should run.");
        file.report(diagnostic);
    }
    Some(environment.name.clone())
}

fn no_rehearsal(file: &mut File<'_>, kind: &Placed<String>) {
    let summary = format!("there is no rehearsal `{}`", kind.value);
    file.error("wrong-value", kind.span, summary, format!("must be one of {}", quoted(&REHEARSALS)));
}

fn read_gate(file: &mut File<'_>, block: &Block) -> Option<Gate> {
    let label = file.label(block, "gate's kind")?;
    if !GATE_KINDS.contains(&label.value) {
        let help = nearest(label.value, GATE_KINDS)
            .map_or_else(|| format!("Known: {}.", quoted(&GATE_KINDS)), |near| format!("Did you mean `{near}`?"));
        let diagnostic = Diagnostic::error("unknown-gate", format!("there is no gate `{}`", label.value))
            .at(file.place(label.span), "unknown")
            .help(help);
        file.report(diagnostic);
        return None;
    }
    let (schema, types) = gate_schema(label.value);
    let section = file.section(&block.body, schema);
    let mut settings = BTreeMap::new();
    for attribute in section.attributes() {
        let key = attribute.key.as_str();
        let Some(setting) = file.lowered(attribute) else { continue };
        let Some(value) = file.constant(&setting) else { continue };
        let expected = schema.attributes.iter().position(|known| *known == key).map_or(Type::Any, |at| types[at]);
        match expected.mismatch(&value) {
            None => {
                settings.insert(key.to_owned(), expected.read(value));
            }
            Some(expected) => {
                let summary = format!("expected {expected}, found {}", with_article(&value));
                file.error("wrong-type", setting.span, summary, format!("must be {expected}"));
                // Something was said, though nobody knows what.
                settings.insert(key.to_owned(), Value::Null);
            }
        }
    }
    Some(Gate { kind: label.value.to_owned(), settings, span: label.span })
}

impl Type {
    /// The value as gates have it: durations in milliseconds.
    fn read(self, value: Value) -> Value {
        match (self, &value) {
            (Self::Duration, Value::String(text)) => {
                crate::duration::millis(text).map_or(value, |millis| Value::Number(millis.into()))
            }
            _ => value,
        }
    }

    /// What is expected, when the value is not that.
    fn mismatch(self, value: &Value) -> Option<&'static str> {
        let all_texts = |items: &[Value], fits: &dyn Fn(&str) -> bool| {
            items.iter().all(|item| matches!(item, Value::String(text) if fits(text)))
        };
        let (fits, expected) = match (self, value) {
            (Self::Any, _) => (true, ""),
            (Self::Text, value) => (matches!(value, Value::String(_)), "a string"),
            (Self::Texts, Value::List(items)) => (all_texts(items, &|_| true), "a list of strings"),
            (Self::Texts, _) => (false, "a list of strings"),
            (Self::Rehearsals, Value::List(items)) => {
                (all_texts(items, &|text| PROVABLE.contains(&text)), "a list of \"zero\" or \"upgrade\"")
            }
            (Self::Losses, Value::List(items)) => (
                all_texts(items, &|text| LOSSES.contains(&text)),
                "a list of \"infrastructure\", \"state\" or \"code\"",
            ),
            (Self::Losses, _) => (false, "a list of \"infrastructure\", \"state\" or \"code\""),
            (Self::Duration, value) => (
                matches!(value, Value::String(text) if crate::duration::millis(text).is_ok()),
                "a duration such as \"30m\" or \"7d\"",
            ),
            (Self::Rehearsals, _) => (false, "a list of \"zero\" or \"upgrade\""),
            (Self::WholeNumber, value) => {
                (matches!(value, Value::Number(number) if number.is_u64()), "a whole number from 0")
            }
            (Self::Share, value) => {
                let share =
                    |number: &serde_json::Number| number.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share));
                (matches!(value, Value::Number(number) if share(number)), "a number from 0 to 1")
            }
            (Self::Scalar, value) => (matches!(value, Value::String(_) | Value::Number(_)), "a string or a number"),
        };
        (!fits).then_some(expected)
    }
}
