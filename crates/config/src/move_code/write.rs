//! Writes what a move has worked out: cuts the moved code out of the giver's files, puts it into the taker's, and changes both `stack.hcl` and those
//! of the readers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use terrace_domain::path::RepoPath;

use super::carry::Fate;
use super::folder::{Item, Kind};
use super::mover::{Mover, Side};
use super::splice::{Splices, appended, in_line_ends_of, with_gap};
use super::{ChangedText, MovedCode};
use crate::source::{FILE_SIZE_MAX, read_text};

impl Mover<'_> {
    /// The texts afterwards.
    pub(super) fn write(mut self) -> MovedCode {
        self.put_into_taker();
        self.cut_out_of_giver();
        let addresses: Vec<String> = self.keys.iter().cloned().collect();
        self.to.hcl.take_over(self.from.stack.name.as_str(), &addresses);
        let mut files = self.readers_changed();
        let Self { from, to, contract, mut notes, tree, .. } = self;
        notes.extend(to.lock_file_note(tree));
        for side in [from, to] {
            files.extend(side.finish());
        }
        MovedCode { files, contract, notes }
    }

    fn put_into_taker(&mut self) {
        let mut pieces: Vec<(String, &str, u8, String)> = Vec::new();
        let mut locals: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut required: Vec<String> = Vec::new();
        for (at, item) in self.from.code.items.iter().enumerate() {
            let file = self.from.code.files[item.file].path.file_name().to_owned();
            let fate = self.carried.get(&at);
            let is_copied = matches!(fate, Some(Fate::Copied | Fate::Renamed(_)));
            match item.kind {
                Kind::Resource | Kind::Module if self.moved.contains(&at) => {
                    pieces.push((file, "", 4, self.rewritten(item, &item.whole)));
                }
                Kind::Data if is_copied => pieces.push((file, "", 3, self.rewritten(item, &item.whole))),
                Kind::Provider if is_copied => pieces.push((file, "", 1, self.rewritten(item, &item.whole))),
                Kind::Required if is_copied => required.push(self.from.code.text(item, &item.whole).to_owned()),
                Kind::Local if is_copied => {
                    let value = item.value.clone().unwrap_or_default();
                    let name = name_at_taker(item, fate);
                    locals
                        .entry(file)
                        .or_default()
                        .push(format!("  {name} = {}\n", self.rewritten(item, &value).trim()));
                }
                Kind::Variable if is_copied => {
                    let text = self.renamed(item, &name_at_taker(item, fate));
                    pieces.push((file, "variables.tf", 0, text));
                }
                Kind::Output => {
                    if let Some(name) = self.outputs.get(&at) {
                        pieces.push((file, "outputs.tf", 9, self.renamed(item, name)));
                    }
                }
                _ => {}
            }
        }
        for (file, lines) in locals {
            pieces.push((file, "", 2, format!("locals {{\n{}}}\n", lines.concat())));
        }
        for (file, better, rank, text) in pieces {
            self.to.add_piece(&file, better, rank, text);
        }
        self.to.require(&required);
    }

    /// A block as the taker has it, under another name perhaps.
    fn renamed(&self, item: &Item, name: &str) -> String {
        let text = self.rewritten(item, &(item.name_at.end..item.whole.end));
        let head = self.from.code.text(item, &(item.whole.start..item.name_at.start));
        format!("{head}\"{name}\"{text}")
    }

    fn cut_out_of_giver(&mut self) {
        let dropped = self.dropped();
        let gone: BTreeSet<usize> = self
            .outputs
            .keys()
            .chain(&dropped)
            .copied()
            .filter(|at| self.from.code.items[*at].kind != Kind::Required)
            .collect();
        for &at in &self.moved {
            let item = &self.from.code.items[at];
            let removed = format!("removed {{\n  from = {}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n", item.key);
            let text = &self.from.code.files[item.file].text;
            self.from.splices[item.file].replace(item.whole.clone(), in_line_ends_of(text, &removed));
        }
        let whole_blocks: Vec<&(usize, Range<usize>, Vec<usize>)> = self
            .from
            .code
            .locals
            .iter()
            .filter(|(_, _, values)| !values.is_empty() && values.iter().all(|at| gone.contains(at)))
            .collect();
        for (file, range, _) in &whole_blocks {
            let text = &self.from.code.files[*file].text;
            self.from.splices[*file].replace(with_gap(text, range), "");
        }
        for &at in &gone {
            let item = &self.from.code.items[at];
            let text = &self.from.code.files[item.file].text;
            let range = if item.kind == Kind::Local { item.whole.clone() } else { with_gap(text, &item.whole) };
            self.from.splices[item.file].replace(range, "");
            if let Some(name) = item.key.strip_prefix("var.") {
                if self.from.hcl.input(name).is_some() {
                    self.from.hcl.remove_input(name);
                }
                self.contract.variables_dropped.push(name.to_owned());
            }
        }
    }

    /// The files of the stacks that read moved outputs.
    fn readers_changed(&mut self) -> Vec<ChangedText> {
        let mut others: BTreeMap<RepoPath, (String, Splices)> = BTreeMap::new();
        let (giver, taker) = (self.from.stack.name.as_str(), self.to.stack.name.as_str());
        for reader in &self.readers {
            let Some(stack) = self.estate.stacks.get(&reader.stack) else { continue };
            let new = format!("stack.{taker}.{}", reader.new);
            if stack.name == self.from.stack.name {
                self.from.hcl.replace(reader.span.clone(), &new);
                continue;
            }
            let path = stack.file();
            let Some(text) = self.tree.find(&path).and_then(|entry| read_text(self.tree, entry, FILE_SIZE_MAX).ok())
            else {
                continue;
            };
            let (_, splices) = others.entry(path).or_insert_with(|| (text, Splices::default()));
            debug_assert_ne!(giver, stack.name.as_str());
            splices.replace(reader.span.clone(), new);
        }
        others
            .into_iter()
            .map(|(path, (before, splices))| ChangedText {
                path,
                after: Some(splices.apply(&before)),
                before: Some(before),
            })
            .collect()
    }
}

fn name_at_taker(item: &Item, fate: Option<&Fate>) -> String {
    let own = item.key.split_once('.').map_or(item.key.as_str(), |(_, name)| name);
    match fate {
        Some(Fate::Renamed(new)) => new.split_once('.').map_or(new.as_str(), |(_, name)| name).to_owned(),
        _ => own.to_owned(),
    }
}

impl Side<'_> {
    /// Adds entries to the `required_providers` block, or a block with them.
    fn require(&mut self, entries: &[String]) {
        if entries.is_empty() {
            return;
        }
        let lines: String = entries
            .iter()
            .map(|entry| if entry.ends_with('\n') { entry.clone() } else { format!("{entry}\n") })
            .collect();
        let Some((file, block)) = self.code.required.clone() else {
            let block = format!("terraform {{\n  required_providers {{\n{lines}  }}\n}}\n");
            self.add_piece("versions.tf", "versions.tf", 0, block);
            return;
        };
        let text = &self.code.files[file].text;
        let close = block.end - 1;
        let line = text[..close].rfind('\n').map_or(0, |at| at + 1);
        if text[line..close].trim().is_empty() {
            self.splices[file].replace(line..line, in_line_ends_of(text, &lines));
        } else {
            let inside = text[..close].trim_end().len();
            self.splices[file].replace(inside..close, format!("\n{lines}"));
        }
    }

    /// A committed lock file may not know a provider that is required now.
    fn lock_file_note(&self, tree: &dyn crate::tree::FileTree) -> Option<terrace_domain::diagnostic::Diagnostic> {
        let lock = self.stack.folder.join(".terraform.lock.hcl").ok()?;
        tree.find(&lock)?;
        let requires = self.pieces.values().flatten().any(|piece| piece.text.contains("required_providers"))
            || self.code.required.as_ref().is_some_and(|(file, _)| !self.splices[*file].is_empty());
        requires.then(|| {
            terrace_domain::diagnostic::Diagnostic::warning(
                "provider-lock",
                format!("{lock} may lack a provider that is required now"),
            )
            .help("Run `terraform providers lock` in that folder, and commit the file.")
        })
    }

    /// The files that change.
    fn finish(self) -> Vec<ChangedText> {
        let Self { stack, code, hcl, splices, mut pieces, .. } = self;
        let mut changed = Vec::new();
        for (file, splices) in code.files.into_iter().zip(splices) {
            let added = pieces.remove(file.path.file_name());
            if splices.is_empty() && added.is_none() {
                continue;
            }
            let after = with_pieces(splices.apply(&file.text), added, &file.text);
            let after = Some(after).filter(|text| !text.trim().is_empty());
            changed.push(ChangedText { path: file.path, before: Some(file.text), after });
        }
        for (name, added) in pieces {
            if let Ok(path) = stack.folder.join(&name) {
                changed.push(ChangedText {
                    path,
                    before: None,
                    after: Some(with_pieces(String::new(), Some(added), "")),
                });
            }
        }
        let (path, before) = (hcl.path.clone(), hcl.text.clone());
        let after = hcl.finish();
        if after != before {
            changed.push(ChangedText { path, before: Some(before), after: Some(after) });
        }
        changed
    }
}

fn with_pieces(text: String, pieces: Option<Vec<super::mover::Piece>>, like: &str) -> String {
    let mut pieces = pieces.unwrap_or_default();
    pieces.sort_by_key(|piece| piece.rank);
    // What was taken out at the end leaves no gap there.
    let end = text.trim_end_matches(['\r', '\n', ' ', '\t']).len();
    let break_at = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    let text = if like.ends_with("\n\n") { text } else { text[..break_at].to_owned() };
    pieces.iter().fold(text, |text, piece| appended(&text, &in_line_ends_of(like, &piece.text)))
}
