//! Finds the parts of Terraform code and what they refer to. Apart from the facts, which every command reads: this takes a whole syntax
//! tree of each file, and only few commands ask for it.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::expr::{Expression, TraversalOperator};
use hcl_edit::structure::{Block, Body};
use hcl_edit::template::ForTemplateExpr;
use hcl_edit::visit::{self, Visit};
use rayon::prelude::*;
use serde_json::Value as Json;
use terrace_domain::code::part::{Part, PartKind, address_of};
use terrace_domain::estate::Estate;
use terrace_domain::expression::Span;
use terrace_domain::path::RepoPath;

use super::json::Whole;
use super::language::{Language, is_json};
use super::{Code, follow};
use crate::lower::span_of;
use crate::source::{CODE_SIZE_MAX, read_text};
use crate::tree::{FileEntry, FileTree};

/// The parts of every folder that was loaded: of stacks and of the local modules that they reach. Files that cannot be read have none: what
/// is wrong with them, the code's diagnostics say.
pub fn load_parts(tree: &dyn FileTree, estate: &Estate, code: &Code) -> BTreeMap<RepoPath, Vec<Part>> {
    let language = Language::of(estate);
    let folders: Vec<&RepoPath> = code.modules.keys().collect();
    folders.par_iter().map(|folder| ((*folder).clone(), folder_parts(tree, folder, language))).collect()
}

/// The parts of one folder, each address once: an override file adds to what it changes.
fn folder_parts(tree: &dyn FileTree, folder: &RepoPath, language: Language) -> Vec<Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for entry in language.files(tree, folder) {
        for part in file_parts(tree, entry, folder).unwrap_or_default() {
            match parts.get_mut(&part.address) {
                Some(known) => known.references.extend(part.references),
                None => drop(parts.insert(part.address.clone(), part)),
            }
        }
    }
    parts.into_values().collect()
}

fn file_parts(tree: &dyn FileTree, entry: &FileEntry, folder: &RepoPath) -> Option<Vec<Part>> {
    let target = follow(tree, entry.path.clone())?;
    let text = read_text(tree, tree.find(&target)?, CODE_SIZE_MAX).ok()?;
    let module = |source: &str| folder.join(source).ok().and_then(|path| follow(tree, path));
    let file = File { path: &entry.path, module: &module, lines: Lines::of(&text) };
    if is_json(&entry.path) {
        let Whole(root) = serde_json::from_str(&text).ok()?;
        Some(file.of_json(&root))
    } else {
        Some(file.of_body(&hcl_edit::parser::parse_body(&text).ok()?))
    }
}

/// Where lines begin.
struct Lines(Vec<u32>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(ends.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect())
    }

    /// The line of an offset, from 1.
    fn line(&self, offset: u32) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < offset)).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn lines(&self, span: Span) -> (u32, u32) {
        (self.line(span.start), self.line(span.end.saturating_sub(1).max(span.start)))
    }
}

struct File<'a> {
    path: &'a RepoPath,
    /// The folder that a module's source leads to.
    module: &'a dyn Fn(&str) -> Option<RepoPath>,
    lines: Lines,
}

impl File<'_> {
    fn part(&self, address: String, kind: PartKind, span: Option<Span>, references: BTreeSet<String>) -> Part {
        Part { address, kind, file: self.path.clone(), lines: span.map(|span| self.lines.lines(span)), references }
    }

    fn module_kind(&self, source: Option<&str>) -> PartKind {
        let local = source.filter(|source| source.starts_with('.'));
        PartKind::Module(local.and_then(|source| (self.module)(source)))
    }

    fn of_body(&self, body: &Body) -> Vec<Part> {
        let mut parts = Vec::new();
        for block in body.blocks() {
            let span = || Some(span_of(block));
            let (address, kind) = match (block.ident.as_str(), &block.labels[..]) {
                ("resource", [kind, name]) => {
                    (format!("{}.{}", kind.as_str(), name.as_str()), PartKind::Resource(kind.as_str().to_owned()))
                }
                ("data", [kind, name]) => {
                    (format!("data.{}.{}", kind.as_str(), name.as_str()), PartKind::Data(kind.as_str().to_owned()))
                }
                ("module", [name]) => {
                    let source = block.body.get_attribute("source").and_then(|source| source.value.as_str());
                    (format!("module.{}", name.as_str()), self.module_kind(source))
                }
                ("locals", []) => {
                    parts.extend(block.body.attributes().map(|local| {
                        let references = References::of_expression(&local.value);
                        let address = format!("local.{}", local.key.as_str());
                        self.part(address, PartKind::Local, Some(span_of(local)), references)
                    }));
                    continue;
                }
                _ => continue,
            };
            parts.push(self.part(address, kind, span(), References::of_block(block)));
        }
        parts
    }

    fn of_json(&self, root: &Json) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut add = |address: String, kind: PartKind, body: &Json| {
            parts.push(self.part(address, kind, None, References::of_json(body)));
        };
        for (kind, bodies) in entries(root.get("resource")) {
            for (name, body) in entries(Some(bodies)) {
                add(format!("{kind}.{name}"), PartKind::Resource(kind.clone()), body);
            }
        }
        for (kind, bodies) in entries(root.get("data")) {
            for (name, body) in entries(Some(bodies)) {
                add(format!("data.{kind}.{name}"), PartKind::Data(kind.clone()), body);
            }
        }
        for (name, body) in entries(root.get("module")) {
            let source = entries(Some(body)).find(|(key, _)| *key == "source").and_then(|(_, source)| source.as_str());
            add(format!("module.{name}"), self.module_kind(source), body);
        }
        for (name, value) in entries(root.get("locals")) {
            add(format!("local.{name}"), PartKind::Local, value);
        }
        parts
    }
}

/// The entries of an object, or of each of a list of objects (Terraform language, "JSON Configuration Syntax").
fn entries(value: Option<&Json>) -> impl Iterator<Item = (&String, &Json)> {
    let objects = match value {
        Some(Json::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    objects.iter().filter_map(Json::as_object).flatten()
}

/// Collects what expressions refer to.
#[derive(Default)]
struct References(BTreeSet<String>);

impl References {
    fn of_block(block: &Block) -> BTreeSet<String> {
        let mut references = Self::default();
        references.visit_body(&block.body);
        references.0
    }

    fn of_expression(expression: &Expression) -> BTreeSet<String> {
        let mut references = Self::default();
        references.visit_expr(expression);
        references.0
    }

    fn of_json(value: &Json) -> BTreeSet<String> {
        let mut references = Self::default();
        references.json(value, false);
        references.0
    }

    /// Every text may be a template; those of `depends_on` and `replace_triggered_by` are references as they are.
    fn json(&mut self, value: &Json, is_bare: bool) {
        match value {
            Json::String(text) if is_bare => {
                if let Ok(expression) = text.parse::<Expression>() {
                    self.visit_expr(&expression);
                }
            }
            Json::String(text) if text.contains("${") || text.contains("%{") => {
                if let Ok(template) = text.parse::<hcl_edit::template::Template>() {
                    self.visit_template(&template);
                }
            }
            Json::Array(items) => items.iter().for_each(|item| self.json(item, is_bare)),
            Json::Object(entries) => {
                for (key, value) in entries {
                    self.json(value, matches!(key.as_str(), "depends_on" | "replace_triggered_by"));
                }
            }
            _ => {}
        }
    }
}

impl Visit for References {
    fn visit_traversal(&mut self, traversal: &hcl_edit::expr::Traversal) {
        if let Expression::Variable(root) = &traversal.expr {
            let names = traversal.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                // `local["x"]` means the same as `local.x`.
                TraversalOperator::Index(Expression::String(name)) => Some(name.as_str()),
                _ => None,
            });
            self.0.extend(address_of(root.as_str(), names));
        }
        visit::visit_traversal(self, traversal);
    }

    /// The visitor of the crate passes over what a template loops over.
    fn visit_for_template_expr(&mut self, node: &ForTemplateExpr) {
        self.visit_expr(&node.collection_expr);
        visit::visit_for_template_expr(self, node);
    }
}
