//! A move at work: the two sides, what moves, and what goes along. Owns the sequence of the work; each part of it has a file of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use terrace_domain::diagnostic::{Diagnostic, Place, nearest};
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::name::StackName;

use super::carry::Fate;
use super::folder::{Folder, Item, Kind};
use super::splice::Splices;
use super::stack_text::StackText;
use super::{ContractChanges, MoveRequest, MovedCode};
use crate::tree::FileTree;

/// One of the two stacks.
pub(super) struct Side<'a> {
    pub stack: &'a Stack,
    pub code: Folder,
    pub hcl: StackText,
    /// Replacements in its code, by file.
    pub splices: Vec<Splices>,
    /// Pieces that its code is given, by the name of the file.
    pub pieces: BTreeMap<String, Vec<Piece>>,
    /// Names of variables, local values and outputs that are taken, with `var.`, `local.` and `output.` before them.
    pub taken: BTreeSet<String>,
}

/// A piece of code that is added.
pub(super) struct Piece {
    /// Pieces of a file come in this sequence.
    pub rank: u8,
    pub text: String,
}

/// A place of a `stack.hcl` that reads a moved output.
pub(super) struct Reader {
    pub stack: StackName,
    pub span: Range<usize>,
    /// The output's name at the taker.
    pub new: String,
}

/// A move at work.
pub(super) struct Mover<'a> {
    pub tree: &'a dyn FileTree,
    pub estate: &'a Estate,
    pub from: Side<'a>,
    pub to: Side<'a>,
    /// The items of the giver that move, by position.
    pub moved: BTreeSet<usize>,
    /// The same by their keys.
    pub keys: BTreeSet<String>,
    /// The outputs that move, by position, each with its name at the taker.
    pub outputs: BTreeMap<usize, String>,
    /// What goes along: variables, local values, data sources, providers; by position.
    pub carried: BTreeMap<usize, Fate>,
    /// What the moved code reads of the code that stays: the text, and the taker's variable for it.
    pub read_back: BTreeMap<String, String>,
    /// What the code that stays reads of the moved code: the text, and the giver's variable for it.
    pub read_over: BTreeMap<String, String>,
    /// Who reads moved outputs, and where.
    pub readers: Vec<Reader>,
    /// Where something is read across the new boundary: whether the moved code reads, the place, and what is read.
    pub crossings: Vec<(bool, Place, String)>,
    pub contract: ContractChanges,
    pub wrong: Vec<Diagnostic>,
    pub notes: Vec<Diagnostic>,
}

impl<'a> Side<'a> {
    fn read(tree: &dyn FileTree, estate: &Estate, stack: &'a Stack) -> Result<Self, Vec<Diagnostic>> {
        let code = Folder::read(tree, estate, &stack.folder)?;
        let hcl = StackText::read(tree, stack)?;
        let splices = vec![Splices::default(); code.files.len()];
        let named = code.items.iter().filter(|item| matches!(item.kind, Kind::Variable | Kind::Local | Kind::Output));
        let taken = named.map(|item| item.key.clone()).collect();
        Ok(Self { stack, code, hcl, splices, pieces: BTreeMap::new(), taken })
    }

    /// A name that nothing of this sort has here yet: the first of these, or the last with a number. Takes it.
    pub(super) fn take_name(&mut self, word: &str, wanted: &[String]) -> String {
        let numbered = (2_u32..).map(|number| format!("{}_{number}", wanted.last().map_or("", String::as_str)));
        let free = wanted.iter().cloned().chain(numbered).find(|name| !self.taken.contains(&format!("{word}.{name}")));
        let name = free.unwrap_or_default();
        self.taken.insert(format!("{word}.{name}"));
        name
    }

    /// Adds a piece of code to a file, or to another that is for just such pieces, where there is one.
    pub(super) fn add_piece(&mut self, file: &str, better: &str, rank: u8, text: String) {
        let is_there = |name: &str| self.code.files.iter().any(|file| file.path.file_name() == name);
        let file = if is_there(better) { better } else { file };
        self.pieces.entry(file.to_owned()).or_default().push(Piece { rank, text });
    }
}

impl<'a> Mover<'a> {
    /// Reads both sides, and finds what is to move.
    pub(super) fn begin(
        tree: &'a dyn FileTree,
        estate: &'a Estate,
        request: MoveRequest<'a>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let from = Side::read(tree, estate, request.from)?;
        let to = Side::read(tree, estate, request.to)?;
        let mut mover = Self {
            tree,
            estate,
            from,
            to,
            moved: BTreeSet::new(),
            keys: BTreeSet::new(),
            outputs: BTreeMap::new(),
            carried: BTreeMap::new(),
            read_back: BTreeMap::new(),
            read_over: BTreeMap::new(),
            readers: Vec::new(),
            crossings: Vec::new(),
            contract: ContractChanges::default(),
            wrong: Vec::new(),
            notes: Vec::new(),
        };
        for address in request.addresses {
            mover.choose(&address.to_string());
        }
        mover.sound()
    }

    /// Itself, if nothing is wrong yet.
    fn sound(mut self) -> Result<Self, Vec<Diagnostic>> {
        if self.wrong.is_empty() { Ok(self) } else { Err(std::mem::take(&mut self.wrong)) }
    }

    /// Works it all out.
    pub(super) fn run(mut self) -> Result<MovedCode, Vec<Diagnostic>> {
        self.refuse_what_no_machine_can_move();
        let mut mover = self.sound()?;
        mover.carry();
        mover.carry_providers();
        let mut mover = mover.sound()?;
        mover.move_outputs();
        mover.cross();
        let mut mover = mover.sound()?;
        mover.look_out_for_cycle();
        let mover = mover.sound()?;
        Ok(mover.write())
    }

    fn choose(&mut self, key: &str) {
        if let Some(at) = self.from.code.find(key) {
            self.refuse_clash(key, at);
            self.moved.insert(at);
            self.keys.insert(key.to_owned());
            return;
        }
        let stack = &self.from.stack.name;
        let mut diagnostic = Diagnostic::error("unknown-address", format!("the code of `{stack}` has no `{key}`"));
        let known = || self.from.code.items.iter().filter(|item| matches!(item.kind, Kind::Resource | Kind::Module));
        let in_json = self
            .from
            .code
            .json
            .iter()
            .find(|file| key.split('.').all(|word| file.text.contains(&format!("\"{word}\""))));
        diagnostic = if let Some(file) = in_json {
            diagnostic.help(format!("It may be in {}: what is written in JSON has to be moved by hand.", file.path))
        } else if let Some(other) = self.who_has(key) {
            diagnostic.help(format!("`{other}` has one: `--from {other}`."))
        } else if let Some(near) = nearest(key, known().map(|item| item.key.as_str())) {
            diagnostic.help(format!("Did you mean `{near}`?"))
        } else {
            let names: Vec<_> = known().map(|item| item.key.as_str()).take(10).collect();
            let names = if names.is_empty() { "nothing that could move".to_owned() } else { names.join(", ") };
            diagnostic.help(format!("It has: {names}."))
        };
        self.wrong.push(diagnostic);
    }

    /// Another stack whose code has it.
    fn who_has(&self, key: &str) -> Option<&'a str> {
        let name = key.rsplit('.').next().unwrap_or_default();
        let others = self.estate.stacks.values().filter(|stack| stack.name != self.from.stack.name);
        // Only where a look at the bytes says that it may be there, the code is read.
        let mut others = others.filter(|stack| {
            self.tree.below(&stack.folder).iter().any(|entry| {
                crate::code::is_directly_in(&entry.path, &stack.folder)
                    && entry.path.file_name().contains(".tf")
                    && self.tree.read(entry).is_ok_and(|bytes| has_bytes(&bytes, name.as_bytes()))
            })
        });
        let found =
            others.find(|stack| Folder::read(self.tree, self.estate, &stack.folder).is_ok_and(|code| code.has(key)))?;
        Some(found.name.as_str())
    }

    fn refuse_clash(&mut self, key: &str, at: usize) {
        let item = &self.from.code.items[at];
        let here = self.from.code.place(item, &item.name_at);
        let (giver, taker) = (&self.from.stack.name, &self.to.stack.name);
        if let Some(there) = self.to.code.find(key) {
            let other = &self.to.code.items[there];
            let diagnostic = Diagnostic::error("name-clash", format!("`{taker}` has a `{key}` of its own"))
                .at(here.clone(), "to be moved")
                .also(self.to.code.place(other, &other.name_at), "there already")
                .help("Rename one of them first, with a `moved` block, and deliver that.");
            self.wrong.push(diagnostic);
        }
        let forgets = self
            .to
            .code
            .items
            .iter()
            .find(|other| other.key == "removed" && other.references.iter().any(|found| found.key == key));
        if let Some(other) = forgets {
            let diagnostic = Diagnostic::error("name-clash", format!("`{taker}` gave `{key}` away before"))
                .at(self.to.code.place(other, &other.span), "it is forgotten here")
                .help(format!(
                    "Take this block out, and `{key}` out of the `move` block of `{giver}`, once that move is delivered everywhere; then move it back."
                ));
            self.wrong.push(diagnostic);
        }
        for (stack, again) in [(self.from.stack, true), (self.to.stack, false)] {
            let taken = stack.moves.iter().flat_map(|one| one.resources.iter().map(move |resource| (one, resource)));
            let Some((one, resource)) = taken.into_iter().find(|(_, resource)| resource.address.to_string() == key)
            else {
                continue;
            };
            let place = crate::source::place(&stack.file(), resource.span);
            let from = &one.from.name;
            let summary = if again {
                format!("`{giver}` still takes `{key}` over from `{from}`")
            } else {
                format!("`{taker}` takes `{key}` over from `{from}` already")
            };
            let diagnostic = Diagnostic::error("unfinished-move", summary)
                .at(place, "by this `move` block")
                .help("Deliver that move everywhere, and take the address out of the block; then move it on.");
            self.wrong.push(diagnostic);
        }
    }

    /// Refuses what would come out wrong.
    fn refuse_what_no_machine_can_move(&mut self) {
        let mut wrong = Vec::new();
        for &at in &self.moved {
            let item = &self.from.code.items[at];
            if let Some(place) = &item.provisioner {
                let diagnostic = Diagnostic::error("provisioner", format!("`{}` has a provisioner", item.key))
                    .at(self.from.code.place(item, place), "it runs when the resource is made, and may read anything")
                    .help("Move this resource by hand, or do without the provisioner first.");
                wrong.push(diagnostic);
            }
            for found in &item.references {
                if found.argument == "provider" || found.argument.starts_with("providers") {
                    let diagnostic = Diagnostic::error(
                        "provider-alias",
                        format!("`{}` uses another configuration of its provider", item.key),
                    )
                    .at(self.from.code.place(item, &found.fixed), "an alias")
                    .help("Move it by hand: which configuration the other stack has for it, only you know.");
                    wrong.push(diagnostic);
                }
            }
        }
        for file in
            self.from.code.files.iter().chain(&self.to.code.files).enumerate().filter(|(_, file)| file.is_override)
        {
            let (_, file) = file;
            for key in &self.keys {
                if key.split('.').all(|word| file.text.contains(&format!("\"{word}\""))) {
                    let diagnostic = Diagnostic::error("override", format!("`{key}` is in an override file"))
                        .at(crate::source::place(&file.path, terrace_domain::expression::Span::default()), "")
                        .help("Move it by hand: what an override file changes is written in two places.");
                    wrong.push(diagnostic);
                }
            }
        }
        for file in &self.from.code.json {
            for key in self.keys.iter().filter(|key| file.text.contains(key.as_str())) {
                let diagnostic = Diagnostic::error("json", format!("{} refers to `{key}`", file.path))
                    .at(crate::source::place(&file.path, terrace_domain::expression::Span::default()), "")
                    .help("What is written in JSON has to be changed by hand: write this file in HCL first.");
                wrong.push(diagnostic);
            }
        }
        // What names the resource for Terraform alone has to go with it, or to be thought about.
        for item in self.from.code.items.iter().filter(|item| item.kind == Kind::Other) {
            if let Some(found) = item.references.iter().find(|found| self.keys.contains(&found.key)) {
                let diagnostic =
                    Diagnostic::error("named-elsewhere", format!("a `{}` block names `{}`", item.key, found.key))
                        .at(self.from.code.place(item, &found.fixed), "here")
                        .help(format!(
                            "Take the `{}` block out first (deliver it where it is still needed), or move it by hand.",
                            item.key
                        ));
                wrong.push(diagnostic);
            }
        }
        self.wrong.extend(wrong);
    }

    /// The item of the giver with this key.
    pub(super) fn given(&self, key: &str) -> Option<(usize, &Item)> {
        self.from.code.find(key).map(|at| (at, &self.from.code.items[at]))
    }

    /// A part of the text of one of the giver's items, as it is written at the taker.
    pub(super) fn rewritten(&self, item: &Item, part: &Range<usize>) -> String {
        let mut splices = Splices::default();
        for found in &item.references {
            let text = self.from.code.text(item, &found.fixed);
            if let Some(variable) = self.read_back.get(text.trim_end()) {
                splices.replace(found.fixed.clone(), format!("var.{variable}"));
            } else if let Some(fate) = self.given(&found.key).and_then(|(at, _)| self.carried.get(&at)) {
                match fate {
                    Fate::Renamed(name) => splices.replace(found.named.clone(), name.clone()),
                    Fate::Direct(expression) => splices.replace(found.named.clone(), expression.clone()),
                    Fate::Shared | Fate::Copied => {}
                }
            }
        }
        if let Some((source, place)) = &item.source
            && let Some(source) = self.source_from_there(source)
        {
            splices.replace(place.clone(), format!("\"{source}\""));
        }
        splices.within(&self.from.code.files[item.file].text, part.clone())
    }

    /// A module's source as the taker writes it, where it is a folder of the repository.
    fn source_from_there(&self, source: &str) -> Option<String> {
        if !(source.starts_with("./") || source.starts_with("../")) {
            return None;
        }
        let relative = self.from.stack.folder.join(source).ok()?.relative_to(&self.to.stack.folder);
        Some(if relative.starts_with('.') { relative } else { format!("./{relative}") })
    }
}

fn has_bytes(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window == word)
}
