//! What goes along with moved code because it needs it: variables with their inputs, local values and data sources. They are copied; what the giver
//! needs no more is taken out there.

use terrace_domain::diagnostic::Diagnostic;

use super::folder::{Item, Kind};
use super::mover::Mover;

/// What becomes of something that goes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The taker has just the same.
    Shared,
    /// It is copied.
    Copied,
    /// It is copied under another name, as it is referred to: `var.NAME`.
    Renamed(String),
    /// The taker has what it stands for: this expression.
    Direct(String),
}

impl Mover<'_> {
    /// Finds all that goes along.
    pub(super) fn carry(&mut self) {
        let mut open: Vec<usize> = self.moved.iter().copied().collect();
        while let Some(at) = open.pop() {
            let item = self.from.code.items[at].clone();
            for found in &item.references {
                if found.key.starts_with("path.") {
                    let diagnostic = Diagnostic::error(
                        "own-path",
                        format!("`{}` reads a path of its own stack", item.key),
                    )
                    .at(self.from.code.place(&item, &found.fixed), "another folder after the move")
                    .help("Move it and the files that it reads by hand, or put the files where both stacks read them.");
                    self.wrong.push(diagnostic);
                }
                let Some((needed, _)) = self.given(&found.key) else { continue };
                if self.carry_one(needed) {
                    open.push(needed);
                }
            }
        }
    }

    /// Takes something along; whether that was new, and what it needs goes along too.
    pub(super) fn carry_one(&mut self, at: usize) -> bool {
        if self.carried.contains_key(&at) || self.moved.contains(&at) {
            return false;
        }
        let item = self.from.code.items[at].clone();
        let fate = match item.kind {
            Kind::Variable => self.fate_of_variable(&item),
            Kind::Local => self.fate_of_local(&item),
            Kind::Data => self.fate_of_data(&item),
            _ => None,
        };
        let Some(fate) = fate else { return false };
        let goes_on = matches!(fate, Fate::Copied | Fate::Renamed(_));
        self.carried.insert(at, fate);
        goes_on
    }

    fn fate_of_variable(&mut self, item: &Item) -> Option<Fate> {
        let name = item.key.strip_prefix("var.")?;
        let input = self.from.hcl.input(name).map(str::to_owned);
        if input.is_none() && !item.has_default {
            let diagnostic =
                Diagnostic::error("values-file", format!("the variable `{name}` gets its value from a file"))
                    .at(self.from.code.place(item, &item.name_at), "no input, and no default")
                    .help(format!("Give `{}` an input `{name}` in its stack.hcl first.", self.from.stack.name));
            self.wrong.push(diagnostic);
            return None;
        }
        if let Some(expression) = input.as_deref().and_then(|input| self.own_output_of_taker(input)) {
            return Some(Fate::Direct(expression));
        }
        let value = input.as_deref().map(|input| self.input_at_taker(name, input));
        let same = self.to.code.find(&item.key).filter(|there| {
            let other = &self.to.code.items[*there];
            self.to.code.plain(other, &other.span) == self.from.code.plain(item, &item.span)
                && self.to.hcl.input(name) == value.as_deref()
        });
        if same.is_some() {
            return Some(Fate::Shared);
        }
        let wanted = [name.to_owned(), format!("{}_{name}", word_of(self.from.stack.name.as_str()))];
        let new = self.to.take_name("var", &wanted);
        if let Some(value) = &value {
            self.to.hcl.add_input(&new, value);
        }
        self.contract.variables_of_taker.push((new.clone(), value));
        Some(if new == name { Fate::Copied } else { Fate::Renamed(format!("var.{new}")) })
    }

    /// What an input reads of the taker itself, where it is one of its outputs as a whole.
    fn own_output_of_taker(&self, input: &str) -> Option<String> {
        let output = input.strip_prefix(&format!("stack.{}.", self.to.stack.name))?;
        let item = &self.to.code.items[self.to.code.find(&format!("output.{output}"))?];
        Some(as_operand(self.to.code.text(item, item.value.as_ref()?)))
    }

    /// An input's expression, as the taker writes it: what it says of its own stack stays that of the giver.
    fn input_at_taker(&self, name: &str, input: &str) -> String {
        let Some(known) = self.from.stack.inputs.get(name) else { return input.to_owned() };
        let Some(start) = self.from.hcl.input_start(name) else { return input.to_owned() };
        let mut splices = super::splice::Splices::default();
        for reference in terrace_domain::expression::references(&known.expression) {
            if let terrace_domain::expression::ReferenceTarget::Own(what) = &reference.target {
                let value =
                    if what == "name" { self.from.stack.name.as_str() } else { self.from.stack.folder.as_str() };
                let range: std::ops::Range<usize> = reference.span.into();
                splices.replace(range.start - start..range.end - start, terrace_domain::state::hcl_string(value));
            }
        }
        if splices.is_empty() {
            return input.to_owned();
        }
        // A template of a text is that text.
        let own = |value: &str| (format!("${{{}}}", terrace_domain::state::hcl_string(value)), value.to_owned());
        let mut text = splices.apply(input);
        for (template, value) in [own(self.from.stack.name.as_str()), own(self.from.stack.folder.as_str())] {
            text = text.replace(&template, &value);
        }
        text
    }

    fn fate_of_local(&mut self, item: &Item) -> Option<Fate> {
        let name = item.key.strip_prefix("local.")?;
        let value = item.value.clone()?;
        if let Some(there) = self.to.code.find(&item.key) {
            let other = &self.to.code.items[there];
            let is_plain = item.references.is_empty() && other.references.is_empty();
            let same = other.value.as_ref().is_some_and(|value_there| {
                self.to.code.plain(other, value_there) == self.from.code.plain(item, &value)
            });
            if same && is_plain {
                return Some(Fate::Shared);
            }
        }
        let wanted = [name.to_owned(), format!("{}_{name}", word_of(self.from.stack.name.as_str()))];
        let new = self.to.take_name("local", &wanted);
        Some(if new == name { Fate::Copied } else { Fate::Renamed(format!("local.{new}")) })
    }

    fn fate_of_data(&mut self, item: &Item) -> Option<Fate> {
        let Some(there) = self.to.code.find(&item.key) else { return Some(Fate::Copied) };
        let other = &self.to.code.items[there];
        let is_plain = item.references.is_empty() && other.references.is_empty();
        if is_plain && self.to.code.plain(other, &other.span) == self.from.code.plain(item, &item.span) {
            return Some(Fate::Shared);
        }
        let diagnostic =
            Diagnostic::error("name-clash", format!("`{}` has another `{}`", self.to.stack.name, item.key))
                .at(self.from.code.place(item, &item.name_at), "needed by what is moved")
                .also(self.to.code.place(other, &other.name_at), "there already")
                .help("Rename one of the two: a data source can be renamed at any time.");
        self.wrong.push(diagnostic);
        None
    }

    /// Whether something of the giver is needed there no more, once the moved code is gone.
    pub(super) fn dropped(&self) -> Vec<usize> {
        let mut dropped: Vec<usize> =
            self.carried.keys().copied().filter(|at| self.from.code.items[*at].kind != Kind::Provider).collect();
        loop {
            let stays =
                |at: usize| !self.moved.contains(&at) && !self.outputs.contains_key(&at) && !dropped.contains(&at);
            let is_used = |at: &usize| {
                let key = &self.from.code.items[*at].key;
                let items = self.from.code.items.iter().enumerate();
                items
                    .filter(|(other, _)| stays(*other))
                    .any(|(_, other)| other.references.iter().any(|found| found.key == *key))
                    || self.from.code.json.iter().any(|file| file.text.contains(key.as_str()))
            };
            let used: Vec<usize> = dropped.iter().copied().filter(is_used).collect();
            if used.is_empty() {
                return dropped;
            }
            dropped.retain(|at| !used.contains(at));
        }
    }
}

/// A stack's name as part of a name of Terraform.
pub(super) fn word_of(name: &str) -> String {
    name.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' }).collect()
}

/// An expression as a part of a larger one.
pub(super) fn as_operand(expression: &str) -> String {
    let expression = expression.trim();
    let is_simple =
        expression.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-' | '.' | '[' | ']' | '"' | '*'));
    if is_simple && !expression.starts_with('"') { expression.to_owned() } else { format!("({expression})") }
}
