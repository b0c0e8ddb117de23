//! Reads `terrace.hcl`. What it says about stacks by name is checked elsewhere, when all stacks are known.

mod gate;
mod pipeline;
mod rehearsals;
mod resource_types;
mod settings;
mod trust;

use std::collections::{BTreeMap, HashMap, HashSet};

use hcl_edit::structure::{Block, Body};
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Capability, Environment, Estate, Layer};
use terrace_domain::expression::{Expression, ExpressionKind, Span};
use terrace_domain::name::{CapabilityName, EnvironmentName, EstateName};
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

use crate::lower::span_of;
use crate::section::{File, Placed, Schema, Section, with_article};

const TOP: Schema = Schema {
    what: "terrace.hcl",
    attributes: &[],
    blocks: &[
        "estate",
        "environment",
        "capability",
        "pipeline",
        "team",
        "trust",
        "encryption",
        "rehearsals",
        "recovery",
        "resource_types",
    ],
};
const ESTATE: Schema = Schema { what: "an `estate` block", attributes: &[], blocks: &["terraform", "state"] };
const ENVIRONMENT: Schema = Schema { what: "an `environment` block", attributes: &["vars", "protected"], blocks: &[] };
const CAPABILITY: Schema =
    Schema { what: "a `capability` block", attributes: &["layer", "owner", "description", "needs"], blocks: &[] };

/// The word that `env.` takes for the environment's own name.
const ENVIRONMENT_NAME_KEY: &str = "name";

/// What `terrace.hcl` says.
pub(crate) struct EstateFile {
    /// The estate without its stacks; `None` when it has no usable name.
    pub estate: Option<Estate>,
    /// The environments whose values are not all known, because they could not be read.
    pub incomplete: HashSet<EnvironmentName>,
    /// Where each capability names each that it needs.
    pub needs: HashMap<(CapabilityName, CapabilityName), Span>,
}

/// Reads the syntax of `terrace.hcl`.
pub(crate) fn read(file: &mut File<'_>, root: &RepoPath, body: &Body) -> EstateFile {
    let top = file.section(body, TOP);
    let (environments, incomplete) = read_environments(file, top.blocks("environment"));
    let (capabilities, needs) = read_capabilities(file, top.blocks("capability"));
    let stages = pipeline::read(file, top.blocks("pipeline"), &environments);
    let teams = trust::teams(file, top.blocks("team"));
    let keys = trust::keys(file, top.blocks("trust"));
    let recipients = trust::recipients(file, top.blocks("encryption"));
    let rehearsals = rehearsals::settings(file, top.blocks("rehearsals"), &environments);
    let recovery = rehearsals::objective(file, top.blocks("recovery"));
    let resource_types = resource_types::read(file, top.blocks("resource_types"));
    let estate = read_estate_block(file, top.blocks("estate")).map(|(name, terraform, state)| Estate {
        name,
        root: root.clone(),
        terraform,
        state,
        environments,
        capabilities,
        stages,
        teams,
        trust: keys,
        recipients,
        rehearsals,
        recovery,
        resource_types,
        stacks: BTreeMap::new(),
    });
    EstateFile { estate, incomplete, needs }
}

type EstateBlock = (EstateName, terrace_domain::estate::TerraformRequirement, terrace_domain::estate::StateBackend);

fn read_estate_block<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> Option<EstateBlock> {
    let Some(block) = blocks.next() else {
        let missing = Diagnostic::error("missing-block", "terrace.hcl has no `estate` block")
            .at(file.place(Span::default()), "")
            .help("Begin with `estate \"NAME\" {}`.");
        file.report(missing);
        return None;
    };
    for more in blocks {
        second_block(file, block, more, "terrace.hcl has one `estate` block");
    }
    let name = file.label(block, "estate's name").and_then(|label| file.name(&label));
    let section = file.section(&block.body, ESTATE);
    let terraform = settings::terraform(file, section.blocks("terraform"));
    let state = settings::state(file, section.blocks("state"));
    Some((name?, terraform, state))
}

/// Reports a block that may stand once only.
pub(crate) fn second_block(file: &mut File<'_>, first: &Block, second: &Block, summary: &str) {
    let diagnostic = Diagnostic::error("duplicate-block", summary)
        .at(file.place(span_of(&second.ident)), "the second one")
        .also(file.place(span_of(&first.ident)), "the first one");
    file.report(diagnostic);
}

/// Reports a name that is taken.
pub(super) fn taken(file: &mut File<'_>, what: &str, name: &str, second: Span, first: Span) {
    let diagnostic = Diagnostic::error("duplicate-name", format!("two {what} are called `{name}`"))
        .at(file.place(second), "the second one")
        .also(file.place(first), "the first one");
    file.report(diagnostic);
}

fn read_environments<'b>(
    file: &mut File<'_>,
    blocks: impl Iterator<Item = &'b Block>,
) -> (BTreeMap<EnvironmentName, Environment>, HashSet<EnvironmentName>) {
    let mut environments: BTreeMap<EnvironmentName, Environment> = BTreeMap::new();
    let mut incomplete = HashSet::new();
    for block in blocks {
        let label = file.label(block, "environment's name");
        let section = file.section(&block.body, ENVIRONMENT);
        let vars = read_vars(file, &section);
        let protected = file.boolean(&section, "protected").is_some_and(|protected| protected.value);
        let Some(label) = label else { continue };
        let Some(name) = file.name::<EnvironmentName>(&label) else { continue };
        if let Some(first) = environments.get(&name) {
            taken(file, "environments", label.value, label.span, first.span);
            continue;
        }
        if vars.is_none() {
            incomplete.insert(name.clone());
        }
        let vars = vars.unwrap_or_default();
        environments.insert(name.clone(), Environment { name, vars, protected, span: label.span });
    }
    if environments.is_empty() {
        let missing = Diagnostic::error("missing-block", "the estate has no environment")
            .at(file.place(Span::default()), "")
            .help("Add `environment \"dev\" {}` and a stage that delivers to it.");
        file.report(missing);
    }
    (environments, incomplete)
}

/// The values of an environment; `None` when they cannot be known. Written out, as they mostly are, each is looked at by itself:
/// one that is wrong hides no other.
fn read_vars(file: &mut File<'_>, section: &Section<'_>) -> Option<BTreeMap<String, Value>> {
    if !section.has("vars") {
        return Some(BTreeMap::new());
    }
    let setting = file.setting(section, "vars")?;
    let ExpressionKind::Object(entries) = &setting.kind else { return computed_vars(file, &setting) };
    let mut vars = BTreeMap::new();
    for (key, expression) in entries {
        let (Some(name), value) = (file.constant(key), file.constant(expression)) else { continue };
        let Value::String(name) = name else {
            let summary = format!("expected a string, found {}", with_article(&name));
            file.error("wrong-type", key.span, summary, "must be a word");
            continue;
        };
        if name == ENVIRONMENT_NAME_KEY {
            reserved_key(file, key.span);
        } else {
            // A value that is wrong is kept as unknown, so that what reads it is not reported too.
            vars.insert(name, value.unwrap_or(Value::Unknown));
        }
    }
    Some(vars)
}

fn computed_vars(file: &mut File<'_>, setting: &Expression) -> Option<BTreeMap<String, Value>> {
    match file.constant(setting)? {
        Value::Object(mut vars) => {
            if vars.remove(ENVIRONMENT_NAME_KEY).is_some() {
                reserved_key(file, setting.span);
            }
            Some(vars)
        }
        other => {
            let summary = format!("expected an object, found {}", with_article(&other));
            file.error("wrong-type", setting.span, summary, "must be `{ key = value }`");
            None
        }
    }
}

fn reserved_key(file: &mut File<'_>, span: Span) {
    let summary = "an environment's values cannot have the key `name`";
    file.error("reserved-name", span, summary, "`env.name` is the environment's own name");
}

type Needs = HashMap<(CapabilityName, CapabilityName), Span>;

fn read_capabilities<'b>(
    file: &mut File<'_>,
    blocks: impl Iterator<Item = &'b Block>,
) -> (BTreeMap<CapabilityName, Capability>, Needs) {
    let mut capabilities: BTreeMap<CapabilityName, Capability> = BTreeMap::new();
    let mut needed: Vec<(CapabilityName, Placed<String>)> = Vec::new();
    for block in blocks {
        let Some((capability, needs)) = read_capability(file, block) else { continue };
        if let Some(first) = capabilities.get(&capability.name) {
            taken(file, "capabilities", capability.name.as_str(), capability.span, first.span);
            continue;
        }
        needed.extend(needs.into_iter().map(|need| (capability.name.clone(), need)));
        capabilities.insert(capability.name.clone(), capability);
    }
    let mut places = Needs::new();
    for (name, need) in needed {
        let Some((known, _)) = capabilities.get_key_value(need.value.as_str()) else {
            unknown_capability(file, &need, capabilities.keys());
            continue;
        };
        let known = known.clone();
        if places.insert((name.clone(), known.clone()), need.span).is_none()
            && let Some(capability) = capabilities.get_mut(&name)
        {
            capability.needs.push(known);
        }
    }
    (capabilities, places)
}

fn read_capability(file: &mut File<'_>, block: &Block) -> Option<(Capability, Vec<Placed<String>>)> {
    let label = file.label(block, "capability's name");
    let section = file.section(&block.body, CAPABILITY);
    let layer = file.text(&section, "layer");
    let owner = file.text(&section, "owner").map(|owner| owner.value);
    let description = file.text(&section, "description").map(|description| description.value);
    let needs = file.texts(&section, "needs");
    if !section.has("layer") {
        let span = label.as_ref().map_or(span_of(&block.ident), |label| label.span);
        file.error(
            "missing-attribute",
            span,
            "the capability has no `layer`",
            "add `layer = \"business\"` or `\"technology\"`",
        );
    }
    let layer = match layer.as_ref().map(|layer| layer.value.as_str()) {
        Some("business") => Layer::Business,
        Some("technology") | None => Layer::Technology,
        Some(other) => {
            let summary = format!("there is no layer `{other}`");
            let span = layer.map(|layer| layer.span).unwrap_or_default();
            file.error("wrong-value", span, summary, "must be \"business\" or \"technology\"");
            Layer::Technology
        }
    };
    let label = label?;
    let name = file.name(&label)?;
    Some((Capability { name, layer, owner, description, needs: Vec::new(), span: label.span }, needs))
}

/// Reports a capability that does not exist.
pub(crate) fn unknown_capability<'n>(
    file: &mut File<'_>,
    named: &Placed<String>,
    known: impl Iterator<Item = &'n CapabilityName> + Clone,
) {
    let mut diagnostic = Diagnostic::error("unknown-capability", format!("there is no capability `{}`", named.value))
        .at(file.place(named.span), "not in terrace.hcl");
    diagnostic = match nearest(&named.value, known.map(CapabilityName::as_str)) {
        Some(near) => diagnostic.help(format!("Did you mean `{near}`?")),
        None => diagnostic.help(format!("Add `capability \"{}\" {{ ... }}` to terrace.hcl.", named.value)),
    };
    file.report(diagnostic);
}
