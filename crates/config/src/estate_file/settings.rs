//! Reads the blocks of `estate`: `terraform` and `state`.

use std::collections::BTreeMap;

use hcl_edit::structure::Block;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{StateBackend, TerraformRequirement};

use super::second_block;
use crate::section::{File, Schema, quoted};

const TERRAFORM: Schema =
    Schema { what: "a `terraform` block", attributes: &["binary", "version", "pass_env"], blocks: &[] };

/// Terraform's and `OpenTofu`'s backends that keep a state (Terraform language, "Backend Configuration").
const BACKENDS: [&str; 11] =
    ["local", "azurerm", "consul", "cos", "gcs", "http", "inmem", "kubernetes", "oss", "pg", "s3"];

pub(super) fn terraform<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> TerraformRequirement {
    let mut terraform = TerraformRequirement { binary: None, version: None, pass_env: Vec::new(), version_span: None };
    let Some(block) = blocks.next() else { return terraform };
    for more in blocks {
        second_block(file, block, more, "an estate has one `terraform` block");
    }
    file.no_label(block);
    let section = file.section(&block.body, TERRAFORM);
    terraform.binary = file.text(&section, "binary").map(|binary| binary.value);
    if let Some(version) = file.text(&section, "version") {
        terraform.version_span = Some(version.span);
        if is_constraint(&version.value) {
            terraform.version = Some(version.value);
        } else {
            let summary = format!("`{}` is not a version constraint", version.value);
            file.error("wrong-value", version.span, summary, "write for example \">= 1.9, < 2.0\"");
        }
    }
    for variable in file.texts(&section, "pass_env") {
        if is_variable_pattern(&variable.value) {
            terraform.pass_env.push(variable.value);
        } else {
            let summary = format!("`{}` is not the name of an environment variable", variable.value);
            file.error("wrong-value", variable.span, summary, "letters, digits and `_`, perhaps with a `*` at the end");
        }
    }
    terraform
}

/// Terraform's syntax ("Version Constraints"): conditions with commas between, each an operator and a version.
fn is_constraint(text: &str) -> bool {
    text.split(',').all(|condition| {
        let condition = condition.trim();
        let version = ["!=", ">=", "<=", "~>", "=", ">", "<"]
            .iter()
            .find_map(|operator| condition.strip_prefix(operator))
            .unwrap_or(condition)
            .trim();
        let core = version.split(['-', '+']).next().unwrap_or("");
        let core = core.strip_prefix('v').unwrap_or(core);
        let numbers: Vec<_> = core.split('.').collect();
        numbers.len() <= 3
            && numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_variable_pattern(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(super) fn state<'b>(file: &mut File<'_>, mut blocks: impl Iterator<Item = &'b Block>) -> StateBackend {
    let mut state = StateBackend { kind: "local".to_owned(), settings: BTreeMap::new(), span: None };
    let Some(block) = blocks.next() else { return state };
    for more in blocks {
        second_block(file, block, more, "an estate has one `state` block");
    }
    if let Some(label) = file.label(block, "backend's type") {
        state.span = Some(label.span);
        label.value.clone_into(&mut state.kind);
        if !BACKENDS.contains(&label.value) {
            let help = nearest(label.value, BACKENDS)
                .map_or_else(|| format!("Known: {}.", quoted(&BACKENDS)), |near| format!("Did you mean `{near}`?"));
            let diagnostic =
                Diagnostic::error("unknown-backend", format!("there is no state backend `{}`", label.value))
                    .at(file.place(label.span), "unknown")
                    .help(help);
            file.report(diagnostic);
        }
    }
    let section = file.open_section(&block.body, "a `state` block");
    for attribute in section.attributes() {
        if let Some(setting) = file.lowered(attribute) {
            state.settings.insert(attribute.key.as_str().to_owned(), setting);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::{is_constraint, is_variable_pattern};

    #[test]
    fn constraints_are_recognised() {
        for good in [">= 1.9", "~> 1.9.0", ">= 1.5, < 2.0.0", "1.11.0-beta1", "!= 1.2.3"] {
            assert!(is_constraint(good), "{good}");
        }
        for bad in ["", "latest", ">= 1.x", ">= 1.9,", "1.2.3.4", "=> 1"] {
            assert!(!is_constraint(bad), "{bad}");
        }
    }

    #[test]
    fn variable_patterns_are_recognised() {
        assert!(is_variable_pattern("VAULT_*") && is_variable_pattern("HOME"));
        assert!(!is_variable_pattern("*") && !is_variable_pattern("A*B") && !is_variable_pattern("1A"));
    }
}
