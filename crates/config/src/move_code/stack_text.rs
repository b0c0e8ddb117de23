//! Changes the text of a `stack.hcl`: its inputs, its blocks, and what it refers to. Everything else stays as it was written.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, Body};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::Stack;
use terrace_domain::path::RepoPath;

use super::splice::{Splices, with_surroundings};
use crate::source::{FILE_SIZE_MAX, parse, read_text};
use crate::tree::FileTree;

/// A `stack.hcl` that is being changed.
#[derive(Debug)]
pub(super) struct StackText {
    pub path: RepoPath,
    pub text: String,
    /// The `stack` block.
    block: Range<usize>,
    /// The object of `inputs`, and the whole argument.
    object: Option<(Range<usize>, Range<usize>)>,
    inputs: BTreeMap<String, Entry>,
    /// The lists `resources` of its `move` blocks, by the stack that they are from: the place of the list, and what is in it.
    moves: Vec<(String, Range<usize>, usize)>,
    splices: Splices,
    added: Vec<(String, String)>,
    removed: Vec<String>,
    blocks: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    whole: Range<usize>,
    value: Range<usize>,
}

impl StackText {
    /// Reads it.
    pub(super) fn read(tree: &dyn FileTree, stack: &Stack) -> Result<Self, Vec<Diagnostic>> {
        let path = stack.file();
        let entry =
            tree.find(&path).ok_or_else(|| vec![Diagnostic::error("unreadable", format!("there is no `{path}`"))])?;
        let text = read_text(tree, entry, FILE_SIZE_MAX).map_err(|error| vec![*error])?;
        let body = parse(&path, &text).map_err(|error| vec![*error])?;
        let mut read = Self {
            path,
            text,
            block: 0..0,
            object: None,
            inputs: BTreeMap::new(),
            moves: Vec::new(),
            splices: Splices::default(),
            added: Vec::new(),
            removed: Vec::new(),
            blocks: Vec::new(),
        };
        read.take_apart(&body);
        Ok(read)
    }

    fn take_apart(&mut self, body: &Body) {
        let Some(block) = body.get_blocks("stack").next() else { return };
        self.block = block.span().unwrap_or_default();
        if let Some(inputs) = block.body.get_attribute("inputs")
            && let Expression::Object(object) = &inputs.value
        {
            self.object = inputs.value.span().zip(inputs.span());
            for (key, value) in object {
                let name = match key {
                    ObjectKey::Ident(name) => name.as_str().to_owned(),
                    ObjectKey::Expression(name) => name.as_str().unwrap_or_default().to_owned(),
                };
                let (Some(key), Some(value)) = (key.span(), value.expr().span()) else { continue };
                self.inputs.insert(name, Entry { whole: key.start..value.end, value });
            }
        }
        self.moves = block.body.get_blocks("move").filter_map(|block| taken(&self.text, block)).collect();
    }

    /// The expression of an input, as it is written.
    pub(super) fn input(&self, name: &str) -> Option<&str> {
        self.inputs.get(name).map(|entry| self.text[entry.value.clone()].trim())
    }

    /// Where the expression of an input begins.
    pub(super) fn input_start(&self, name: &str) -> Option<usize> {
        self.inputs.get(name).map(|entry| entry.value.start)
    }

    /// The inputs whose expressions a range of the file lies in.
    pub(super) fn input_around(&self, range: &Range<usize>) -> Option<&str> {
        let around = |entry: &Entry| entry.value.start <= range.start && range.end <= entry.value.end;
        self.inputs.iter().find(|(_, entry)| around(entry)).map(|(name, _)| name.as_str())
    }

    /// The name of the input with exactly this expression.
    pub(super) fn input_of(&self, expression: &str) -> Option<&str> {
        self.inputs.keys().find(|name| self.input(name) == Some(expression)).map(String::as_str)
    }

    /// Gives a variable a value.
    pub(super) fn add_input(&mut self, name: &str, expression: &str) {
        self.added.push((name.to_owned(), expression.to_owned()));
    }

    /// Gives a variable no value any more.
    pub(super) fn remove_input(&mut self, name: &str) {
        self.removed.push(name.to_owned());
    }

    /// Puts a text in the place of a range.
    pub(super) fn replace(&mut self, range: Range<usize>, text: &str) {
        self.splices.replace(range, text);
    }

    /// Lets the stack take resources over from another.
    pub(super) fn take_over(&mut self, from: &str, addresses: &[String]) {
        let quoted: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
        if let Some((_, list, present)) = self.moves.iter().find(|(known, ..)| known == from) {
            let comma = if *present == 0 { "" } else { ", " };
            let inside = self.text[list.start + 1..list.end - 1].trim_end().trim_end_matches(',').len();
            let at = list.start + 1 + inside;
            self.splices.replace(at..list.end - 1, format!("{comma}{}", quoted.join(", ")));
            return;
        }
        let text = format!("move {{\n  from      = stack.{from}\n  resources = [{}]\n}}", quoted.join(", "));
        self.blocks.push(text);
    }

    /// The text with all changes.
    pub(super) fn finish(mut self) -> String {
        self.finish_inputs();
        let end = self.block.end - 1;
        let outer = indent_of(&self.text, self.block.start);
        let mut tail = String::new();
        for block in &self.blocks {
            tail.push_str(&indented(block, &format!("{outer}  ")));
        }
        if !tail.is_empty() {
            let line = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
            if self.text[line..end].trim().is_empty() {
                self.splices.replace(line..line, tail);
            } else {
                // All of it stands on one line.
                let before = self.text[..end].trim_end().len();
                self.splices.replace(before..end, format!("\n{tail}{outer}"));
            }
        }
        self.splices.apply(&self.text)
    }

    /// How wide the names of the inputs are written, so that what is added lines up.
    fn name_width(&self) -> usize {
        let width = |entry: &Entry| {
            let before = &self.text[entry.whole.start..entry.value.start];
            before.find('=').filter(|_| !before.contains('\n')).map_or(0, |at| at.saturating_sub(1))
        };
        self.inputs.values().map(width).max().unwrap_or(0)
    }

    fn finish_inputs(&mut self) {
        if self.added.is_empty() && self.removed.is_empty() {
            return;
        }
        let Some((object, argument)) = self.object.clone() else {
            let line_of = |(name, value): &(String, String)| format!("  {name} = {value}\n");
            let lines: String = self.added.iter().map(line_of).collect();
            self.blocks.insert(0, format!("inputs = {{\n{lines}}}"));
            return;
        };
        let is_left = |name: &String| !self.removed.contains(name);
        if self.added.is_empty() && !self.inputs.keys().any(is_left) {
            let whole = with_surroundings(&self.text, &argument);
            self.splices.replace(whole, "");
            return;
        }
        let indent = indent_of(&self.text, argument.start);
        let close = object.end - 1;
        let line = self.text[..close].rfind('\n').map_or(0, |at| at + 1);
        if line <= object.start || !self.text[line..close].trim().is_empty() {
            // Written on one line: it gets a line for each input.
            let kept = self.inputs.iter().filter(|(name, _)| is_left(name));
            let mut entries: Vec<(usize, String)> = kept
                .map(|(_, entry)| (entry.whole.start, self.splices.within(&self.text, entry.whole.clone())))
                .collect();
            entries.sort();
            let entries = entries.into_iter().map(|(_, text)| text);
            let added = self.added.iter().map(|(name, value)| format!("{name} = {value}"));
            let line_of = |text| format!("{indent}  {text}\n");
            let lines: String = entries.chain(added).map(line_of).collect();
            self.splices.replace(object, format!("{{\n{lines}{indent}}}"));
            return;
        }
        for name in &self.removed {
            if let Some(entry) = self.inputs.get(name) {
                self.splices.replace(entry_line(&self.text, &entry.whole), "");
            }
        }
        let width = self.name_width();
        let line_of = |(name, value): &(String, String)| format!("{indent}  {name:width$} = {value}\n");
        let lines: String = self.added.iter().map(line_of).collect();
        if !lines.is_empty() {
            self.splices.replace(line..line, lines);
        }
    }
}

/// Of a `move` block: the stack, where the list is, and how many are in it.
fn taken(text: &str, block: &Block) -> Option<(String, Range<usize>, usize)> {
    let from = block.body.get_attribute("from")?.value.span()?;
    let list = &block.body.get_attribute("resources")?.value;
    let count = list.as_array()?.len();
    Some((text[from].trim().strip_prefix("stack.")?.to_owned(), list.span()?, count))
}

/// An entry of an object that stands on lines of its own, with its comma and its comments.
fn entry_line(text: &str, entry: &Range<usize>) -> Range<usize> {
    let after = &text[entry.end..];
    let comma = after.len() - after.trim_start_matches([' ', '\t']).len();
    let end = if after[comma..].starts_with(',') { entry.end + comma + 1 } else { entry.end };
    with_surroundings(text, &(entry.start..end))
}

/// The white space at the beginning of the line with this place.
fn indent_of(text: &str, at: usize) -> String {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[line..at].chars().take_while(|one| one.is_whitespace()).collect()
}

fn indented(text: &str, indent: &str) -> String {
    let line_of = |line| format!("{indent}{line}\n");
    text.lines().map(line_of).collect()
}

#[cfg(test)]
mod tests {
    use terrace_domain::path::RepoPath;

    use super::*;
    use crate::fixture::MemoryTree;
    use crate::load::load_estate;

    fn changed(text: &str, change: impl FnOnce(&mut StackText)) -> String {
        let tree = MemoryTree::parse(&format!("//- terrace.hcl\nestate \"e\" {{}}\n//- s/stack.hcl\n{text}"));
        let estate = load_estate(&tree, &RepoPath::root()).estate.unwrap();
        let mut read = StackText::read(&tree, &estate.stacks["s"]).unwrap();
        change(&mut read);
        read.finish()
    }

    #[test]
    fn inputs_come_and_go_line_by_line() {
        let text = "stack \"s\" {\n  inputs = {\n    # the name\n    name = \"x\", # here\n    size   = 1\n  }\n}\n";
        let new = changed(text, |stack| {
            assert_eq!(stack.input("size"), Some("1"));
            assert_eq!(stack.input_of("\"x\""), Some("name"));
            stack.remove_input("name");
            stack.add_input("zone", "env.zone");
        });
        assert_eq!(new, "stack \"s\" {\n  inputs = {\n    size   = 1\n    zone   = env.zone\n  }\n}\n");
        let none = changed(text, |stack| {
            stack.remove_input("name");
            stack.remove_input("size");
        });
        assert_eq!(none, "stack \"s\" {\n}\n");
    }

    #[test]
    fn what_is_on_one_line_gets_lines() {
        let text = "stack \"s\" {\n  inputs = { a = 1, b = 2 }\n}\n";
        let new = changed(text, |stack| {
            stack.remove_input("a");
            stack.add_input("c", "3");
        });
        assert_eq!(new, "stack \"s\" {\n  inputs = {\n    b = 2\n    c = 3\n  }\n}\n");
        let new = changed("stack \"s\" {}\n", |stack| {
            stack.add_input("c", "3");
            stack.take_over("net", &["a.b".to_owned()]);
        });
        assert_eq!(
            new,
            "stack \"s\" {\n  inputs = {\n    c = 3\n  }\n  move {\n    from      = stack.net\n    resources = [\"a.b\"]\n  }\n}\n"
        );
    }

    #[test]
    fn a_second_move_from_the_same_stack_joins_the_first() {
        let text = "stack \"s\" {\n  move {\n    from      = stack.net\n    resources = [\"a.b\"]\n  }\n}\n";
        let new = changed(text, |stack| stack.take_over("net", &["a.c".to_owned(), "module.m".to_owned()]));
        assert_eq!(new, text.replace("\"a.b\"", "\"a.b\", \"a.c\", \"module.m\""));
    }
}
