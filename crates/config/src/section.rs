//! Reads the body of a block: which attributes and blocks it may have, and what types its values have. Says what is wrong with
//! each, and goes on.

use hcl_edit::structure::{Attribute, Block, Body, Structure};
use terrace_domain::diagnostic::{Diagnostic, Place, nearest};
use terrace_domain::expression::{Constants, EvaluateError, Expression, ExpressionKind, Span, evaluate};
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

use crate::lower::{TooDeep, lower, span_of};
use crate::source::place;

/// What a block may hold.
#[derive(Clone, Copy)]
pub(crate) struct Schema {
    /// What the block is called in messages, such as "a `stage` block".
    pub what: &'static str,
    /// Its attributes.
    pub attributes: &'static [&'static str],
    /// Its blocks.
    pub blocks: &'static [&'static str],
}

/// A file being read: its path, for places, and what is wrong with it so far.
pub(crate) struct File<'d> {
    pub path: &'d RepoPath,
    pub diagnostics: Vec<Diagnostic>,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub value: T,
    pub span: Span,
}

/// A block's attributes and blocks.
pub(crate) struct Section<'b> {
    attributes: Vec<&'b Attribute>,
    blocks: Vec<&'b Block>,
}

impl<'b> Section<'b> {
    /// The blocks of a kind.
    pub(crate) fn blocks(&self, kind: &str) -> impl Iterator<Item = &'b Block> {
        self.blocks.iter().copied().filter(move |block| block.ident.as_str() == kind)
    }

    /// All attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'b Attribute> {
        self.attributes.iter().copied()
    }

    /// Whether an attribute is there, right or wrong.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.attribute(key).is_some()
    }

    /// Where an attribute's key is, when it is there.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.attribute(key).map(|attribute| span_of(&attribute.key))
    }

    fn attribute(&self, key: &str) -> Option<&'b Attribute> {
        self.attributes.iter().copied().find(|attribute| attribute.key.as_str() == key)
    }
}

impl<'d> File<'d> {
    pub(crate) fn new(path: &'d RepoPath) -> Self {
        Self { path, diagnostics: Vec::new() }
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        place(self.path, span)
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports an error at a place, with a fragment for the place.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        summary: impl Into<String>,
        label: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::error(code, summary).at(self.place(span), label);
        self.report(diagnostic);
    }

    /// Sorts a body's contents, reporting what does not belong there.
    pub(crate) fn section<'b>(&mut self, body: &'b Body, schema: Schema) -> Section<'b> {
        let mut section = Section { attributes: Vec::new(), blocks: Vec::new() };
        for structure in body {
            match structure {
                Structure::Attribute(attribute) if schema.attributes.contains(&attribute.key.as_str()) => {
                    section.attributes.push(attribute);
                }
                Structure::Block(block) if schema.blocks.contains(&block.ident.as_str()) => section.blocks.push(block),
                Structure::Attribute(attribute) => {
                    self.unknown("attribute", attribute.key.as_str(), span_of(&attribute.key), schema);
                }
                Structure::Block(block) => self.unknown("block", block.ident.as_str(), span_of(&block.ident), schema),
            }
        }
        section
    }

    /// Takes all attributes as they come; blocks do not belong here.
    pub(crate) fn open_section<'b>(&mut self, body: &'b Body, what: &'static str) -> Section<'b> {
        let mut section = Section { attributes: Vec::new(), blocks: Vec::new() };
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => section.attributes.push(attribute),
                Structure::Block(block) => {
                    let schema = Schema { what, attributes: &[], blocks: &[] };
                    self.unknown("block", block.ident.as_str(), span_of(&block.ident), schema);
                }
            }
        }
        section
    }

    fn unknown(&mut self, found: &'static str, name: &str, span: Span, schema: Schema) {
        let (same, other, other_kind) = match found {
            "block" => (schema.blocks, schema.attributes, "an attribute"),
            _ => (schema.attributes, schema.blocks, "a block"),
        };
        let code = if found == "block" { "unknown-block" } else { "unknown-attribute" };
        let mut diagnostic = Diagnostic::error(code, format!("{} has no {found} `{name}`", schema.what))
            .at(self.place(span), format!("unknown {found}"));
        if other.contains(&name) {
            diagnostic = diagnostic.help(format!(
                "`{name}` is {other_kind}, not {}.",
                if found == "block" { "a block" } else { "an attribute" }
            ));
        } else if let Some(near) = nearest(name, same.iter().chain(other).copied()) {
            diagnostic = diagnostic.help(format!("Did you mean `{near}`?"));
        } else if let Some(home) = home_of(name) {
            diagnostic = diagnostic.help(format!("`{name}` belongs in {home}."));
        } else if !same.is_empty() {
            diagnostic = diagnostic.help(format!("Known here: {}.", quoted(same)));
        } else if !other.is_empty() {
            let kinds = if found == "block" { "attributes" } else { "blocks" };
            diagnostic = diagnostic.help(format!("Known here: the {kinds} {}.", quoted(other)));
        }
        self.report(diagnostic);
    }

    /// A block's only label.
    pub(crate) fn label<'b>(&mut self, block: &'b Block, of: &str) -> Option<Placed<&'b str>> {
        let kind = block.ident.as_str();
        match &block.labels[..] {
            [label] => Some(Placed { value: label.as_str(), span: span_of(label) }),
            [] => {
                let summary = format!("{} `{kind}` block needs a label: the {of}", article(kind));
                self.error("missing-label", span_of(&block.ident), summary, format!("write `{kind} \"...\" {{`"));
                None
            }
            [_, extra, ..] => {
                let summary = format!("{} `{kind}` block has one label: the {of}", article(kind));
                self.error("extra-label", span_of(extra), summary, "one too many");
                None
            }
        }
    }

    /// Reports the labels of a block that has none.
    pub(crate) fn no_label(&mut self, block: &Block) {
        if let Some(label) = block.labels.first() {
            let kind = block.ident.as_str();
            let summary = format!("{} `{kind}` block has no label", article(kind));
            self.error("extra-label", span_of(label), summary, "one too many");
        }
    }

    /// A name, checked.
    pub(crate) fn name<N: std::str::FromStr<Err = terrace_domain::name::NameError>>(
        &mut self,
        text: &Placed<impl AsRef<str>>,
    ) -> Option<N> {
        match text.value.as_ref().parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.error("invalid-name", text.span, error.to_string(), "not a name");
                None
            }
        }
    }

    /// An attribute's expression, when it is there.
    pub(crate) fn setting(&mut self, section: &Section<'_>, key: &str) -> Option<Expression> {
        section.attribute(key).and_then(|attribute| self.lowered(attribute))
    }

    pub(crate) fn lowered(&mut self, attribute: &Attribute) -> Option<Expression> {
        match lower(&attribute.value) {
            Ok(value) => Some(value),
            Err(TooDeep(span)) => {
                self.error("too-deep", span, "the expression is nested too deeply", "too deep here");
                None
            }
        }
    }

    /// Evaluates an expression that must be a constant.
    pub(crate) fn constant(&mut self, expression: &Expression) -> Option<Value> {
        match evaluate(expression, &Constants) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(evaluation(self.path, &error));
                None
            }
        }
    }

    fn typed<T>(
        &mut self,
        value: &Value,
        span: Span,
        expected: &str,
        take: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let taken = take(value);
        if taken.is_none() {
            let summary = format!("expected {expected}, found {}", with_article(value));
            self.error("wrong-type", span, summary, format!("must be {expected}"));
        }
        taken
    }

    fn typed_setting<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        expected: &str,
        take: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<Placed<T>> {
        let setting = self.setting(section, key)?;
        let (value, span) = (self.constant(&setting)?, setting.span);
        self.typed(&value, span, expected, take).map(|value| Placed { value, span })
    }

    /// A constant text.
    pub(crate) fn text(&mut self, section: &Section<'_>, key: &str) -> Option<Placed<String>> {
        self.typed_setting(section, key, "a string", as_text)
    }

    /// A constant boolean.
    pub(crate) fn boolean(&mut self, section: &Section<'_>, key: &str) -> Option<Placed<bool>> {
        self.typed_setting(section, key, "a bool", |value| match value {
            Value::Bool(known) => Some(*known),
            _ => None,
        })
    }

    /// A constant list of texts, each with its place as far as it is written out.
    pub(crate) fn texts(&mut self, section: &Section<'_>, key: &str) -> Vec<Placed<String>> {
        let Some(setting) = self.setting(section, key) else { return Vec::new() };
        let span = setting.span;
        if let ExpressionKind::List(items) = &setting.kind {
            return items.iter().filter_map(|item| self.one_text(item)).collect();
        }
        let Some(value) = self.constant(&setting) else { return Vec::new() };
        let texts = self.typed(&value, span, "a list of strings", |value| match value {
            Value::List(items) => items.iter().map(as_text).collect::<Option<Vec<_>>>(),
            _ => None,
        });
        texts.into_iter().flatten().map(|value| Placed { value, span }).collect()
    }

    fn one_text(&mut self, item: &Expression) -> Option<Placed<String>> {
        let value = self.constant(item)?;
        self.typed(&value, item.span, "a string", as_text).map(|value| Placed { value, span: item.span })
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn article(word: &str) -> &'static str {
    // Spelled out: an aitch.
    if word == "http" || word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A value's type with its article, for sentences.
pub(crate) fn with_article(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Unknown => "an unknown value".to_owned(),
        other => format!("a {}", other.type_name()),
    }
}

/// What is wrong with an expression, as a diagnostic on its file.
pub(crate) fn evaluation(path: &RepoPath, error: &EvaluateError) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("expression", error.to_string()).at(place(path, error.span), "");
    diagnostic.help = error.help();
    diagnostic
}

/// Names in back quotes, with commas.
pub(crate) fn quoted<'n>(names: impl IntoIterator<Item = &'n (impl AsRef<str> + ?Sized + 'n)>) -> String {
    names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Where a word belongs that was found elsewhere.
fn home_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "terraform" | "state" => "the `estate` block of terrace.hcl",
        "stage" => "the `pipeline` block of terrace.hcl",
        "gate" => "a `stage` block of the pipeline",
        "stack" => "a `stack.hcl` in the stack's own folder",
        "estate" | "environment" | "capability" | "pipeline" | "team" | "trust" | "encryption" | "rehearsals"
        | "recovery" | "resource_types" => "terrace.hcl, at the top level",
        "stateful" | "irreversible" | "disposable" => "the `resource_types` block of terrace.hcl",
        "check" | "fixture" | "inputs" | "move" | "upgrade" => "the `stack` block of a stack.hcl",
        "http" => "a `check` block of a stack.hcl",
        _ => return None,
    })
}
