//! Finds the facts in a `.tf` file. Parses it only when a look at its bytes says that it has a block that matters.

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use terrace_domain::expression::Span;

use super::facts::{BackendFact, FileFacts, ModuleFact, OutputFact, ProviderFact, VariableFact};
use crate::lower::span_of;

/// The blocks that matter.
const BLOCKS: [&str; 5] = ["module", "variable", "output", "terraform", "check"];

/// The facts of a `.tf` file's text.
pub(super) fn facts_of(text: &str) -> FileFacts {
    let resources = resources_in(text);
    if let Some(resources) = resources.filter(|_| !may_hold_facts(text)) {
        return FileFacts { resources, ..FileFacts::default() };
    }
    match hcl_edit::parser::parse_body(text) {
        Ok(body) => of_body(&body, text),
        Err(error) => {
            let at = u32::try_from(error.location().offset()).unwrap_or(u32::MAX);
            FileFacts::unreadable(error.message(), Span { start: at, end: at })
        }
    }
}

/// The argument of a resource's `lifecycle` block by which Terraform refuses to destroy it.
const PREVENT_DESTROY: &str = "prevent_destroy";

/// Whether a line begins with a block that matters, or a resource may be protected. A block stands at the beginning of a line, or after a comment that ends there.
pub(super) fn may_hold_facts(text: &str) -> bool {
    let begins_block = |rest: &str| {
        BLOCKS.iter().any(|word| {
            rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    text.contains(PREVENT_DESTROY)
        || text.lines().any(|line| line.split("*/").any(|rest| begins_block(rest.trim_start())))
}

/// The managed resources of a text, found by its lines alone: as `terraform fmt` leaves them, a block's head has a line. `None` where a line
/// begins one and cannot be understood so. One that is commented out between the lines of a long comment is taken for real.
fn resources_in(text: &str) -> Option<Vec<String>> {
    let heads = text.lines().flat_map(|line| line.split("*/")).filter_map(|rest| {
        let after = rest.trim_start().strip_prefix("resource")?;
        after.starts_with([' ', '\t', '"']).then_some(after)
    });
    let labels = heads.filter(|after| !after.trim_start().starts_with('=')).map(|after| {
        let (kind, rest) = after.trim_start().strip_prefix('"')?.split_once('"')?;
        let (name, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(format!("{kind}.{name}"))
    });
    labels.collect()
}

fn of_body(body: &Body, text: &str) -> FileFacts {
    let mut facts = FileFacts::default();
    for block in body.blocks() {
        match (block.ident.as_str(), &block.labels[..]) {
            ("variable", [name]) => facts.variables.push(VariableFact {
                name: name.as_str().to_owned(),
                type_constraint: written(&block.body, "type", text),
                has_default: block.body.has_attribute("default"),
                sensitive: boolean(&block.body, "sensitive"),
                ephemeral: boolean(&block.body, "ephemeral"),
                at: span_of(name).into(),
            }),
            ("output", [name]) => facts.outputs.push(OutputFact {
                name: name.as_str().to_owned(),
                sensitive: boolean(&block.body, "sensitive"),
                at: span_of(name).into(),
            }),
            ("check", [name]) => facts.checks.push(name.as_str().to_owned()),
            ("module", [name]) => facts.modules.push(module(name.as_str(), block)),
            ("resource", [kind, name]) => {
                let resource = format!("{}.{}", kind.as_str(), name.as_str());
                if is_protected(&block.body) {
                    facts.protected.push(resource.clone());
                }
                facts.resources.push(resource);
            }
            ("terraform", []) => of_terraform(&block.body, &mut facts),
            _ => {}
        }
    }
    facts
}

fn is_protected(resource: &Body) -> bool {
    let mut lifecycles = resource.get_blocks("lifecycle");
    lifecycles.any(|lifecycle| boolean(&lifecycle.body, PREVENT_DESTROY) == Some(true))
}

fn module(name: &str, block: &Block) -> ModuleFact {
    let source = block.body.get_attribute("source");
    ModuleFact {
        name: name.to_owned(),
        source: plain(&block.body, "source"),
        version: plain(&block.body, "version"),
        at: source.map_or_else(|| span_of(&block.ident), |source| span_of(&source.value)).into(),
    }
}

fn of_terraform(body: &Body, facts: &mut FileFacts) {
    facts.required_version.extend(plain(body, "required_version"));
    for block in body.blocks() {
        match (block.ident.as_str(), &block.labels[..]) {
            ("required_providers", []) => facts
                .providers
                .extend(block.body.attributes().map(|attribute| provider(attribute.key.as_str(), &attribute.value))),
            ("backend", [kind]) => {
                facts.backend = Some(BackendFact { kind: kind.as_str().to_owned(), at: span_of(&block.ident).into() });
            }
            ("cloud", _) => facts.cloud = true,
            _ => {}
        }
    }
}

/// `name = { source = ..., version = ... }`, or `name = "VERSION"` as Terraform 0.12 had it.
fn provider(name: &str, value: &Expression) -> ProviderFact {
    let entry = |key: &str| {
        let entries = value.as_object()?;
        let (_, value) = entries.iter().find(|(name, _)| match name {
            hcl_edit::expr::ObjectKey::Ident(ident) => ident.as_str() == key,
            hcl_edit::expr::ObjectKey::Expression(name) => name.as_str() == Some(key),
        })?;
        value.expr().as_str().map(str::to_owned)
    };
    ProviderFact {
        name: name.to_owned(),
        source: entry("source"),
        version: entry("version").or_else(|| value.as_str().map(str::to_owned)),
    }
}

fn plain(body: &Body, key: &str) -> Option<String> {
    body.get_attribute(key)?.value.as_str().map(str::to_owned)
}

fn boolean(body: &Body, key: &str) -> Option<bool> {
    let value = &body.get_attribute(key)?.value;
    value.as_bool().or_else(|| bool_in(value.as_str()?))
}

/// Terraform takes a text for a boolean where it wants one (Terraform language, "Type Conversion").
pub(super) fn bool_in(text: &str) -> Option<bool> {
    text.parse().ok()
}

fn written(body: &Body, key: &str, text: &str) -> Option<String> {
    let range: std::ops::Range<usize> = span_of(&body.get_attribute(key)?.value).into();
    text.get(range).map(|written| written.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{facts_of, may_hold_facts};

    #[test]
    fn only_blocks_that_matter_are_parsed() {
        assert!(may_hold_facts("# x\n  variable \"a\" {}\n"));
        assert!(may_hold_facts("/* note */ module \"a\" {}"));
        assert!(may_hold_facts("terraform {\n}"));
        assert!(!may_hold_facts("resource \"x\" \"output\" {\n  outputs = 1\n  modules = 2\n}\n"));
    }

    #[test]
    fn a_block_is_seen_between_comments() {
        assert!(may_hold_facts("/* note */ terraform { /* its state */\n}"));
        assert!(may_hold_facts("/* a */ /* b */ terraform {}"));
    }

    #[test]
    fn facts_are_found() {
        let facts = facts_of(
            r#"
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
    old = "1.0"
  }
  backend "s3" {}
}
variable "names" {
  type      = map(list(string))
  sensitive = true
}
variable "size" { default = null }
variable "token" { ephemeral = "true" }
module "net" {
  source = "../modules/net"
}
output "id" { value = module.net.id }
check "healthy" {
  assert {
    condition     = true
    error_message = "It is not."
  }
}
"#,
        );
        assert_eq!(facts.variables[0].type_constraint.as_deref(), Some("map(list(string))"));
        assert!(!facts.variables[0].has_default && facts.variables[1].has_default);
        let ephemeral: Vec<_> = facts.variables.iter().map(|variable| variable.ephemeral).collect();
        assert_eq!(ephemeral, [None, None, Some(true)]);
        assert_eq!(facts.modules[0].source.as_deref(), Some("../modules/net"));
        assert_eq!(facts.providers[0].source.as_deref(), Some("hashicorp/aws"));
        assert_eq!(facts.providers[1].version.as_deref(), Some("1.0"));
        assert_eq!(
            (facts.backend.as_ref().map(|backend| backend.kind.as_str()), facts.outputs[0].name.as_str()),
            (Some("s3"), "id")
        );
        assert_eq!(facts.checks, ["healthy"]);
        assert_eq!(super::FileFacts::decode(&facts.encode()), Some(facts));
    }

    #[test]
    fn resources_are_found_with_and_without_parsing() {
        let plain = "resource \"a_b\" \"c\" {\n  resource = 1\n}\n/* x */ resource \"a_b\" \"d\" {}\n# resource \"no\" \"e\" {}\n";
        assert!(!may_hold_facts(plain));
        assert_eq!(facts_of(plain).resources, ["a_b.c", "a_b.d"]);
        assert_eq!(facts_of(&format!("{plain}variable \"v\" {{}}\n")).resources, ["a_b.c", "a_b.d"]);
        assert_eq!(facts_of("resource a_b c {}\n").resources, ["a_b.c"], "labels without quotes are for the parser");
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where() {
        let facts = facts_of("variable \"a\" {\n  default = \n}\n");
        assert!(facts.unreadable.is_some());
    }
}
