//! The Terraform code of one stack's folder, taken apart: every block, and every local value, with its name, its place and what it refers to.
//! Decides nothing.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, BlockLabel, Structure};
use terrace_domain::diagnostic::{Diagnostic, Place};
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;

use super::references::{Found, in_body, in_expression};
use super::splice::with_surroundings;
use crate::code::{Language, is_directly_in, is_json, is_override};
use crate::source::{CODE_SIZE_MAX, parse, read_text};
use crate::tree::FileTree;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Resource,
    Data,
    Module,
    Variable,
    Output,
    Local,
    /// A `provider` block.
    Provider,
    /// An entry of `required_providers`.
    Required,
    /// Any other block.
    Other,
}

/// A block, a local value, or an entry of `required_providers`.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub kind: Kind,
    /// By what it is known in its folder: `TYPE.NAME`, `data.TYPE.NAME`, `module.NAME`, `var.NAME`, `output.NAME`, `local.NAME`, `provider.NAME`,
    /// `required.NAME`; of others, the block's own word.
    pub key: String,
    /// Its file, by position.
    pub file: usize,
    /// Its place.
    pub span: Range<usize>,
    /// With the comments above it and the rest of its line.
    pub whole: Range<usize>,
    /// Where its name is: the last label, or what is before the `=`.
    pub name_at: Range<usize>,
    /// What is after the `=` of a local value or an entry, and the value of an output.
    pub value: Option<Range<usize>>,
    /// What it refers to.
    pub references: Vec<Found>,
    /// The `source` of a module call, where it is a plain text: the text and its place.
    pub source: Option<(String, Range<usize>)>,
    /// The first `provisioner` or `connection` block in it.
    pub provisioner: Option<Range<usize>>,
    /// Whether there is a `default` among its arguments.
    pub has_default: bool,
}

/// A file of the folder.
#[derive(Debug, Clone)]
pub(super) struct CodeFile {
    pub path: RepoPath,
    pub text: String,
    /// Whether it changes what others declare.
    pub is_override: bool,
}

/// A folder's code.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub files: Vec<CodeFile>,
    pub items: Vec<Item>,
    /// The `locals` blocks: the file, the block with its surroundings, its values by position.
    pub locals: Vec<(usize, Range<usize>, Vec<usize>)>,
    /// The first `required_providers` block: the file and its place.
    pub required: Option<(usize, Range<usize>)>,
    /// Code in JSON: it is not taken apart.
    pub json: Vec<CodeFile>,
}

impl Folder {
    /// Reads a folder's code.
    pub(super) fn read(tree: &dyn FileTree, estate: &Estate, folder: &RepoPath) -> Result<Self, Vec<Diagnostic>> {
        let (mut read, mut wrong) = (Self::default(), Vec::new());
        let language = Language::of(estate);
        for entry in tree
            .below(folder)
            .iter()
            .filter(|entry| is_directly_in(&entry.path, folder) && language.is_code(&entry.path))
        {
            match read_text(tree, entry, CODE_SIZE_MAX) {
                Ok(text) => {
                    let file = CodeFile { path: entry.path.clone(), text, is_override: is_override(&entry.path) };
                    if let Err(diagnostic) = read.add(file) {
                        wrong.push(*diagnostic);
                    }
                }
                Err(diagnostic) => wrong.push(*diagnostic),
            }
        }
        if wrong.is_empty() { Ok(read) } else { Err(wrong) }
    }

    fn add(&mut self, file: CodeFile) -> Result<(), Box<Diagnostic>> {
        if is_json(&file.path) {
            self.json.push(file);
            return Ok(());
        }
        let body = parse(&file.path, &file.text)?;
        let at = self.files.len();
        for structure in &body {
            if let Structure::Block(block) = structure {
                self.add_block(at, &file.text, block);
            }
        }
        self.files.push(file);
        Ok(())
    }

    fn add_block(&mut self, file: usize, text: &str, block: &Block) {
        let labels: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
        let (kind, key) = match (block.ident.as_str(), &labels[..]) {
            ("resource", [kind, name]) => (Kind::Resource, format!("{kind}.{name}")),
            ("data", [kind, name]) => (Kind::Data, format!("data.{kind}.{name}")),
            ("module", [name]) => (Kind::Module, format!("module.{name}")),
            ("variable", [name]) => (Kind::Variable, format!("var.{name}")),
            ("output", [name]) => (Kind::Output, format!("output.{name}")),
            ("provider", [name]) => {
                let alias = block.body.get_attribute("alias").and_then(|alias| alias.value.as_str());
                (
                    Kind::Provider,
                    alias.map_or_else(|| format!("provider.{name}"), |alias| format!("provider.{name}.{alias}")),
                )
            }
            ("locals", []) => return self.add_locals(file, text, block),
            ("terraform", []) => return self.add_terraform(file, text, block),
            (other, _) => (Kind::Other, other.to_owned()),
        };
        let span = block.span().unwrap_or_default();
        let attribute = |name: &str| block.body.get_attribute(name);
        let source =
            attribute("source").and_then(|source| Some((source.value.as_str()?.to_owned(), source.value.span()?)));
        let inner = |word: &str| block.body.get_blocks(word).next().and_then(hcl_edit::Span::span);
        self.items.push(Item {
            kind,
            key,
            file,
            whole: with_surroundings(text, &span),
            name_at: block.labels.last().and_then(hcl_edit::Span::span).unwrap_or_default(),
            span,
            value: attribute("value").and_then(|value| value.value.span()),
            references: in_body(&block.body),
            source: source.filter(|_| kind == Kind::Module),
            provisioner: inner("provisioner").or_else(|| inner("connection")).filter(|_| kind == Kind::Resource),
            has_default: attribute("default").is_some(),
        });
    }

    fn add_locals(&mut self, file: usize, text: &str, block: &Block) {
        let first = self.items.len();
        for attribute in block.body.attributes() {
            self.add_attribute(Kind::Local, "local", file, text, attribute);
        }
        let whole = with_surroundings(text, &block.span().unwrap_or_default());
        self.locals.push((file, whole, (first..self.items.len()).collect()));
    }

    fn add_terraform(&mut self, file: usize, text: &str, block: &Block) {
        for required in block.body.get_blocks("required_providers") {
            for attribute in required.body.attributes() {
                self.add_attribute(Kind::Required, "required", file, text, attribute);
            }
            self.required.get_or_insert((file, required.span().unwrap_or_default()));
        }
    }

    fn add_attribute(
        &mut self,
        kind: Kind,
        word: &str,
        file: usize,
        text: &str,
        attribute: &hcl_edit::structure::Attribute,
    ) {
        let span = attribute.span().unwrap_or_default();
        self.items.push(Item {
            kind,
            key: format!("{word}.{}", attribute.key.as_str()),
            file,
            whole: with_surroundings(text, &span),
            name_at: attribute.key.span().unwrap_or_default(),
            span,
            value: attribute.value.span(),
            references: in_expression(&attribute.value),
            source: None,
            provisioner: None,
            has_default: false,
        });
    }

    /// The item that is known by this; what override files say of it does not count.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.items
            .iter()
            .position(|item| item.key == key && item.kind != Kind::Other && !self.files[item.file].is_override)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// A part of an item's file.
    pub(super) fn text(&self, item: &Item, range: &Range<usize>) -> &str {
        &self.files[item.file].text[range.clone()]
    }

    /// A place in an item's file.
    pub(super) fn place(&self, item: &Item, range: &Range<usize>) -> Place {
        Place { path: self.files[item.file].path.clone(), range: range.clone() }
    }

    /// A text without what does not count: how it is indented, and where its lines break.
    pub(super) fn plain(&self, item: &Item, range: &Range<usize>) -> String {
        self.text(item, range).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
