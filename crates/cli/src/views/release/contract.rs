//! One stack's release: what it promises, and its files.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use terrace_domain::release::{Contract, FileRecord, VariableContract};
use terrace_release::contract::to_bytes;
use terrace_release::stored::{StoredStack, source_of};
use terrace_release::verify::Place;

use super::evidence::Around;
use crate::views::{print, print_json};

/// As text.
pub fn text(stack: &StoredStack, around: &Around<'_>) {
    let Contract { stack: name, folder, capability, owner, .. } = &stack.contract;
    let mut text = String::new();
    let _ = writeln!(text, "{}", stack.descriptor.digest);
    let _ = writeln!(text, "stack {name} in {folder}");
    for (what, value) in [("capability", capability.as_ref().map(ToString::to_string)), ("owner", owner.clone())] {
        if let Some(value) = value {
            let _ = writeln!(text, "{what} {value}");
        }
    }
    if let Some(source) = source_of(&stack.manifest) {
        let _ = writeln!(text, "source {source}");
    }
    section(&mut text, "Variables", variables(&stack.contract));
    section(&mut text, "Outputs", outputs(&stack.contract));
    section(&mut text, "Providers", providers(&stack.contract));
    section(&mut text, "Terraform", stack.contract.required_version.iter().cloned().collect());
    section(&mut text, "Modules from elsewhere", modules(&stack.contract));
    section(&mut text, "Files", files(&stack.contract.files));
    section(&mut text, "Files of modules from elsewhere", files(&stack.contract.vendored));
    section(&mut text, "Runs in", around.runs(&stack.descriptor.digest));
    section(&mut text, "Evidence", around.lines(&Place::Stack(name.clone())));
    print(&text);
}

fn section(text: &mut String, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        let _ = writeln!(text, "\n{}", console::style(title).bold());
    }
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

/// `number, required, sensitive`.
pub(super) fn variable(variable: &VariableContract) -> String {
    let mut words = vec![variable.type_constraint.as_deref().unwrap_or("any")];
    let marks = [(variable.required, "required"), (variable.sensitive, "sensitive"), (variable.ephemeral, "ephemeral")];
    words.extend(marks.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word));
    // A type may be written over several lines.
    words.join(", ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn variables(contract: &Contract) -> Vec<String> {
    contract.variables.iter().map(|(name, own)| format!("{name}: {}", variable(own))).collect()
}

fn outputs(contract: &Contract) -> Vec<String> {
    let line = |(name, output): (&String, &terrace_domain::release::OutputContract)| {
        if output.sensitive { format!("{name}: sensitive") } else { name.clone() }
    };
    contract.outputs.iter().map(line).collect()
}

fn providers(contract: &Contract) -> Vec<String> {
    let line = |(source, versions): (&String, &terrace_domain::release::ProviderVersions)| {
        format!("{source} {}", versions.iter().cloned().collect::<Vec<_>>().join(", ")).trim_end().to_owned()
    };
    contract.providers.iter().map(line).collect()
}

fn modules(contract: &Contract) -> Vec<String> {
    let line = |module: &terrace_domain::release::VendoredModule| {
        let version = module.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}: {}{version}", module.key, module.source)
    };
    contract.modules.iter().map(line).collect()
}

fn files(files: &[FileRecord]) -> Vec<String> {
    let line = |file: &FileRecord| format!("{} {} {:>9}  {}", file.mode.as_str(), file.blob, file.size, file.path);
    files.iter().map(line).collect()
}

/// As JSON, `terrace.release/1`: the contract as it is stored, with its digests, where it runs and the evidence for it.
pub fn json(stack: &StoredStack, around: &Around<'_>) {
    let mut fields: Map<String, Value> = serde_json::from_slice(&to_bytes(&stack.contract)).unwrap_or_default();
    fields.remove("schema");
    fields.insert("digest".to_owned(), stack.descriptor.digest.to_string().into());
    fields.insert("contract".to_owned(), stack.manifest.config.digest.to_string().into());
    let layers: Vec<String> = stack.manifest.layers.iter().map(|layer| layer.digest.to_string()).collect();
    fields.insert("layers".to_owned(), layers.into());
    fields.insert("source".to_owned(), source_of(&stack.manifest).into());
    let (runs_in, evidence) = (around.runs_json(&stack.descriptor.digest), around.evidence_json());
    // What is attached to the estate release as a whole is shown with that.
    let of_stack = evidence.into_iter().filter(|evidence| evidence.stack.is_some());
    for (name, value) in [("runs_in", json!(runs_in)), ("evidence", json!(of_stack.collect::<Vec<_>>()))] {
        fields.insert(name.to_owned(), value);
    }
    print_json("terrace.release/1", &fields);
}
