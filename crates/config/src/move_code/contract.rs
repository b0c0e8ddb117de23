//! The contract between the two stacks: outputs that move with what they tell of, and new ones for what is read across the new boundary.

use std::collections::BTreeSet;

use terrace_domain::diagnostic::{Diagnostic, Place};
use terrace_domain::expression::ReferenceTarget;

use super::carry::{as_operand, word_of};
use super::folder::Kind;
use super::mover::Mover;
use super::references::Found;
use crate::source::place;

/// Names of resources that say nothing: their type says more.
const SAYING_NOTHING: [&str; 4] = ["this", "main", "default", "it"];

/// Parts of attributes' names whose values are secrets.
const SECRET_WORDS: [&str; 6] = ["password", "secret", "token", "private_key", "connection_string", "credentials"];

/// In which direction something is read across the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The moved code reads what stays.
    Back,
    /// What stays reads the moved code.
    Over,
}

impl Mover<'_> {
    /// Outputs of the giver that tell of moved code, and need nothing of what stays, move too; their readers are led there.
    pub(super) fn move_outputs(&mut self) {
        let outputs: Vec<usize> = (0..self.from.code.items.len()).filter(|at| self.moves_along(*at)).collect();
        for at in outputs {
            let name = self.from.code.items[at].key.trim_start_matches("output.").to_owned();
            let wanted = [name.clone(), format!("{}_{name}", word_of(self.from.stack.name.as_str()))];
            let new = self.to.take_name("output", &wanted);
            self.outputs.insert(at, new.clone());
            self.contract.outputs_moved.push((name, new));
        }
        self.lead_readers();
    }

    fn moves_along(&self, at: usize) -> bool {
        let item = &self.from.code.items[at];
        let is_moved = |found: &Found| self.keys.contains(&found.key);
        let goes = |found: &Found| {
            is_moved(found) || self.given(&found.key).is_none_or(|(needed, _)| self.carried.contains_key(&needed))
        };
        item.kind == Kind::Output
            && item.value.is_some()
            && item.references.iter().any(is_moved)
            && item.references.iter().all(goes)
    }

    /// Whoever reads a moved output reads it from the taker now.
    fn lead_readers(&mut self) {
        let giver = self.from.stack.name.as_str();
        let moved: Vec<(usize, String, String)> = self
            .outputs
            .iter()
            .map(|(at, new)| (*at, self.from.code.items[*at].key.trim_start_matches("output.").to_owned(), new.clone()))
            .collect();
        let new_name = |target: &ReferenceTarget| match target {
            ReferenceTarget::Stack { name, output: Some(output) } if name == giver => {
                moved.iter().find(|(_, old, _)| old == output).cloned()
            }
            _ => None,
        };
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for stack in self.estate.stacks.values() {
            for reference in &stack.references {
                let Some(found) = new_name(&reference.target) else { continue };
                if stack.name == self.to.stack.name {
                    own.push((found, reference.span));
                } else {
                    others.push((stack, found, reference.span));
                }
            }
            self.look_at_fixture(stack, &moved);
        }
        for ((at, old, _), span) in own {
            self.read_directly(at, &old, span);
        }
        for (stack, (_, _, new), span) in others {
            self.readers.push(super::mover::Reader { stack: stack.name.clone(), span: span.into(), new });
            self.contract.readers.push(stack.name.clone());
        }
        self.contract.readers.sort();
        self.contract.readers.dedup();
    }

    /// A fixture gives values of outputs that are of another stack now.
    fn look_at_fixture(&mut self, stack: &terrace_domain::estate::Stack, moved: &[(usize, String, String)]) {
        let Some(fixture) = stack.fixtures.get(&self.from.stack.name) else { return };
        let terrace_domain::rehearsal::FixtureSource::Outputs(values) = &fixture.source else { return };
        let stale: Vec<&str> =
            moved.iter().map(|(_, old, _)| old.as_str()).filter(|old| values.contains_key(*old)).collect();
        if !stale.is_empty() {
            let taker = &self.to.stack.name;
            let note =
                Diagnostic::warning("stale-fixture", format!("a fixture gives {}", crate::section::quoted(&stale)))
                    .at(place(&stack.file(), fixture.span), format!("of `{taker}` after the move"))
                    .help(format!("Move this to a `fixture \"{taker}\"` block by hand."));
            self.notes.push(note);
        }
    }

    /// The taker has what it read from the giver: it reads it in its own code now, and the variable goes.
    fn read_directly(&mut self, at: usize, old: &str, span: terrace_domain::expression::Span) {
        let range: std::ops::Range<usize> = span.into();
        let whole = format!("stack.{}.{old}", self.from.stack.name);
        let name = self
            .to
            .hcl
            .input_around(&range)
            .filter(|name| self.to.hcl.input(name) == Some(whole.as_str()))
            .map(str::to_owned);
        let variable = name.as_ref().and_then(|name| self.to.code.find(&format!("var.{name}")));
        let (Some(name), Some(variable)) = (name, variable) else {
            let diagnostic = Diagnostic::error("own-output", format!("`{}` reads what it takes over", self.to.stack.name))
                .at(place(&self.to.stack.file(), span), "a part of a larger expression")
                .help("Make this an input of its own first, `NAME = stack.STACK.OUTPUT`, and put the rest of the expression into the code.");
            self.wrong.push(diagnostic);
            return;
        };
        let item = self.from.code.items[at].clone();
        let value = item.value.clone().unwrap_or_default();
        let value = as_operand(&self.rewritten(&item, &value));
        let key = format!("var.{name}");
        for item in &self.to.code.items {
            for found in item.references.iter().filter(|found| found.key == key) {
                self.to.splices[item.file].replace(found.named.clone(), value.clone());
            }
        }
        let declaration = &self.to.code.items[variable];
        let text = &self.to.code.files[declaration.file].text;
        self.to.splices[declaration.file].replace(super::splice::with_gap(text, &declaration.whole), "");
        self.to.hcl.remove_input(&name);
    }

    /// What is read across the new boundary is told by outputs, and read through variables.
    pub(super) fn cross(&mut self) {
        let goes: BTreeSet<usize> =
            self.moved.iter().chain(self.outputs.keys()).copied().chain(self.copied()).collect();
        let dropped = self.dropped();
        for at in 0..self.from.code.items.len() {
            let item = self.from.code.items[at].clone();
            if goes.contains(&at) {
                for found in &item.references {
                    if self.stays_behind(&found.key) {
                        self.cross_one(&item, found, Direction::Back);
                    }
                }
            }
            if !self.moved.contains(&at) && !self.outputs.contains_key(&at) && !dropped.contains(&at) {
                for found in &item.references {
                    if !self.keys.contains(&found.key) {
                        continue;
                    }
                    if let Some(variable) = self.cross_one(&item, found, Direction::Over) {
                        self.from.splices[item.file].replace(found.fixed.clone(), format!("var.{variable}"));
                    }
                }
            }
        }
    }

    /// What is copied to the taker.
    fn copied(&self) -> impl Iterator<Item = usize> {
        use super::carry::Fate;
        self.carried.iter().filter(|(_, fate)| matches!(fate, Fate::Copied | Fate::Renamed(_))).map(|(at, _)| *at)
    }

    /// Whether this is a resource or module of the giver that does not move.
    fn stays_behind(&self, key: &str) -> bool {
        let is_thing = |(_, item): (usize, &super::folder::Item)| matches!(item.kind, Kind::Resource | Kind::Module);
        !self.keys.contains(key) && self.given(key).is_some_and(is_thing)
    }

    /// Lets one side read what the other has; the name of the variable.
    fn cross_one(&mut self, item: &super::folder::Item, found: &Found, direction: Direction) -> Option<String> {
        if let Some(why) = uncrossable(found) {
            let diagnostic = Diagnostic::error("boundary", format!("`{}` would be read across the stacks", found.key))
                .at(self.from.code.place(item, &found.fixed), why.0)
                .help(why.1);
            self.wrong.push(diagnostic);
            return None;
        }
        let text = self.from.code.text(item, &found.fixed).trim_end().to_owned();
        let known = if direction == Direction::Back { &self.read_back } else { &self.read_over };
        if let Some(known) = known.get(&text) {
            return Some(known.clone());
        }
        let output = self.output_for(&text, found, direction);
        let variable = self.variable_for(&output, found, direction);
        let known = if direction == Direction::Back { &mut self.read_back } else { &mut self.read_over };
        known.insert(text, variable.clone());
        self.crossings.push((
            direction == Direction::Back,
            self.from.code.place(item, &found.fixed),
            found.key.clone(),
        ));
        Some(variable)
    }

    /// The output that tells this: one that there is, or a new one.
    fn output_for(&mut self, text: &str, found: &Found, direction: Direction) -> String {
        let tells = |at: &usize| {
            let item = &self.from.code.items[*at];
            item.value.as_ref().is_some_and(|value| self.from.code.text(item, value).trim() == text)
        };
        let known = match direction {
            Direction::Back => (0..self.from.code.items.len())
                .filter(|at| self.from.code.items[*at].kind == Kind::Output)
                .find(tells)
                .map(|at| self.from.code.items[at].key.trim_start_matches("output.").to_owned()),
            Direction::Over => self.outputs.iter().find(|(at, _)| tells(at)).map(|(_, name)| name.clone()),
        };
        if let Some(known) = known {
            return known;
        }
        let wanted = names_for(found);
        let is_secret = is_secret(found);
        let (side, added) = match direction {
            Direction::Back => (&mut self.from, &mut self.contract.outputs_of_giver),
            Direction::Over => (&mut self.to, &mut self.contract.outputs_of_taker),
        };
        let name = side.take_name("output", &wanted);
        let block = if is_secret {
            format!("output \"{name}\" {{\n  value     = {text}\n  sensitive = true\n}}\n")
        } else {
            format!("output \"{name}\" {{\n  value = {text}\n}}\n")
        };
        side.add_piece("outputs.tf", "outputs.tf", 9, block);
        added.push(name.clone());
        name
    }

    /// The variable by which this output is read: one that there is, or a new one.
    fn variable_for(&mut self, output: &str, found: &Found, direction: Direction) -> String {
        let (side, other, added) = match direction {
            Direction::Back => (&mut self.to, &self.from.stack.name, &mut self.contract.variables_of_taker),
            Direction::Over => (&mut self.from, &self.to.stack.name, &mut self.contract.variables_of_giver),
        };
        let input = format!("stack.{other}.{output}");
        if let Some(known) = side.hcl.input_of(&input).map(str::to_owned)
            && side.code.has(&format!("var.{known}"))
        {
            return known;
        }
        let name = side.take_name("var", &[output.to_owned(), format!("{}_{output}", word_of(other.as_str()))]);
        let body = if is_secret(found) { "\n  sensitive = true\n" } else { "" };
        side.add_piece("variables.tf", "variables.tf", 0, format!("variable \"{name}\" {{{body}}}\n"));
        side.hcl.add_input(&name, &input);
        added.push((name.clone(), Some(input)));
        name
    }

    /// Two stacks that read from each other could never be delivered.
    pub(super) fn look_out_for_cycle(&mut self) {
        let places = |back: bool| {
            self.crossings.iter().filter(move |(direction, ..)| *direction == back).cloned().collect::<Vec<_>>()
        };
        let (back, over) = (places(true), places(false));
        if back.is_empty() || over.is_empty() {
            return;
        }
        let (giver, taker) = (&self.from.stack.name, &self.to.stack.name);
        let mut diagnostic = Diagnostic::error("cycle", format!("`{giver}` and `{taker}` would read from each other"));
        let label = |back: bool, key: &str| {
            if back {
                format!("what moves reads `{key}`, which stays")
            } else {
                format!("what stays reads `{key}`, which moves")
            }
        };
        for (back, place, key) in back.into_iter().chain(over) {
            diagnostic = pointed(diagnostic, place, label(back, &key));
        }
        let diagnostic = diagnostic
            .help("Move what is read as well, or leave what reads it where it is: all of these go one way then.");
        self.wrong.push(diagnostic);
    }
}

fn pointed(diagnostic: Diagnostic, place: Place, label: String) -> Diagnostic {
    if diagnostic.primary.is_none() { diagnostic.at(place, label) } else { diagnostic.also(place, label) }
}

/// Why a reference cannot go through an output, and what to do.
fn uncrossable(found: &Found) -> Option<(&'static str, &'static str)> {
    if found.argument.ends_with("depends_on") {
        return Some((
            "in `depends_on`",
            "Take it out: stacks are delivered one after the other, in the order in which they read from each other.",
        ));
    }
    if found.argument.ends_with("replace_triggered_by") {
        return Some((
            "in `replace_triggered_by`",
            "Terraform takes only resources of the same stack there: move both, or take it out.",
        ));
    }
    let has_name = found.attributes.iter().any(|name| !name.is_empty() && name.parse::<u64>().is_err());
    if found.computed && !has_name {
        return Some((
            "by a computed index",
            "Write the index out, or tell all of them in an output by hand (`[*]`), and read that.",
        ));
    }
    if !has_name {
        return Some((
            "as a whole",
            "Name the attributes that are read: an output of a whole resource tells more than anybody should know.",
        ));
    }
    None
}

/// Names for an output that tells this, the first the best.
fn names_for(found: &Found) -> Vec<String> {
    let parts: Vec<&str> = found.key.split('.').collect();
    let name = parts.last().copied().unwrap_or_default();
    let kind = parts.first().copied().unwrap_or_default();
    let last_of_kind = kind.rsplit('_').next().unwrap_or_default();
    let attributes =
        found.attributes.iter().filter(|one| !one.is_empty()).map(|one| word_of(one)).collect::<Vec<_>>().join("_");
    let about = if SAYING_NOTHING.contains(&name) && kind != "module" { last_of_kind } else { name };
    let long =
        if kind == "module" { format!("{name}_{attributes}") } else { format!("{last_of_kind}_{name}_{attributes}") };
    vec![format!("{about}_{attributes}"), long]
}

fn is_secret(found: &Found) -> bool {
    found.attributes.iter().any(|name| SECRET_WORDS.iter().any(|word| name.contains(word)))
}
