//! Reads the `pipeline` block: its stages, and what they do.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Environment, Stage};
use terrace_domain::expression::Span;
use terrace_domain::name::{EnvironmentName, StageName};
use terrace_domain::rehearsal::Kind;

use super::{gate, second_block, taken};
use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section, quoted};

const PIPELINE: Schema = Schema { what: "a `pipeline` block", attributes: &[], blocks: &["stage"] };
const STAGE: Schema = Schema { what: "a `stage` block", attributes: &["environment", "rehearse"], blocks: &["gate"] };

/// The kinds of rehearsals.
const REHEARSALS: [&str; 3] = [Kind::ALL[0].as_str(), Kind::ALL[1].as_str(), Kind::ALL[2].as_str()];

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
            gate::check_idle(file, &stages);
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
    let gates = gate::read(file, section.blocks("gate"));
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
