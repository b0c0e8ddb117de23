//! The facts of a folder: those of its files put together as Terraform does, with override files last (Terraform language,
//! "Override Files").

use std::sync::Arc;

use terrace_domain::code::{ModuleCall, ModuleFacts, Output, RequiredProvider, Variable};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::path::RepoPath;

use super::facts::{At, FactsCache, FactsKey, FileFacts};
use super::language::{Language, is_json, is_override};
use super::{extract, extract_json, follow};
use crate::source::{CODE_SIZE_MAX, place, read_text};
use crate::tree::{FileEntry, FileTree};

/// The facts of a folder, and what is wrong with its files.
pub(super) fn read(
    tree: &dyn FileTree,
    folder: &RepoPath,
    language: Language,
    cache: &dyn FactsCache,
) -> (ModuleFacts, Vec<Diagnostic>) {
    let files = language.files(tree, folder).into_iter();
    let (overrides, plain): (Vec<_>, Vec<_>) = files.partition(|entry| is_override(&entry.path));
    let (mut module, mut diagnostics) = (ModuleFacts::default(), Vec::new());
    for (entry, changes) in plain.iter().map(|entry| (entry, false)).chain(overrides.iter().map(|entry| (entry, true)))
    {
        let facts = match file_facts(tree, entry, cache) {
            Ok(facts) => facts,
            Err(mut diagnostic) => {
                diagnostic.severity = terrace_domain::diagnostic::Severity::Warning;
                module.unreadable.insert(entry.path.clone());
                diagnostics.push(*diagnostic);
                continue;
            }
        };
        if let Some(unreadable) = &facts.unreadable {
            module.unreadable.insert(entry.path.clone());
            diagnostics.push(cannot_read(&entry.path, &unreadable.reason, unreadable.at));
        }
        if !changes {
            diagnostics.extend(facts.modules.iter().filter(|fact| fact.source.is_none()).map(|fact| {
                Diagnostic::warning(
                    "computed-source",
                    format!("the source of the module `{}` is not a plain text", fact.name),
                )
                .at(place(&entry.path, fact.at.into()), "not known before Terraform runs")
                .help("Write the source out: what the module is made of is otherwise not part of the stack's release.")
            }));
        }
        let mut merge = Merge { module: &mut module, path: &entry.path };
        if changes { merge.change(&facts) } else { merge.add(&facts) }
    }
    let unread = overrides.iter().filter(|entry| module.unreadable.contains(&entry.path));
    module.unreadable_overrides = unread.map(|entry| entry.path.clone()).collect();
    for entry in language.foreign_overrides(tree, folder) {
        foreign_override(&mut module, entry, file_facts(tree, entry, cache).ok().as_deref());
    }
    (module, diagnostics)
}

/// Takes from an override file only what would be dangerous if the other program were to run: it may, where the estate names none.
fn foreign_override(module: &mut ModuleFacts, entry: &FileEntry, facts: Option<&FileFacts>) {
    match facts.filter(|facts| facts.unreadable.is_none()) {
        Some(facts) => {
            module.cloud |= facts.cloud;
            let backend = facts.backend.as_ref().map(|backend| (entry.path.clone(), backend.at.into()));
            module.backend_overrides.extend(backend);
        }
        None => {
            module.unreadable_overrides.insert(entry.path.clone());
        }
    }
}

fn cannot_read(path: &RepoPath, reason: &str, at: At) -> Diagnostic {
    Diagnostic::warning("unreadable-code", format!("cannot read `{path}`: {reason}"))
        .at(place(path, at.into()), "here")
        .help("Terraform may still understand it. What it declares is not known here, so inputs and outputs of this folder are not checked.")
}

fn file_facts(
    tree: &dyn FileTree,
    entry: &FileEntry,
    cache: &dyn FactsCache,
) -> Result<Arc<FileFacts>, Box<Diagnostic>> {
    // How a link is read goes by its own name.
    let json = is_json(&entry.path);
    let entry = if entry.kind.is_file() {
        entry
    } else {
        let target = follow(tree, entry.path.clone()).and_then(|path| tree.find(&path));
        target.filter(|target| target.kind.is_file()).ok_or_else(|| {
            Diagnostic::warning(
                "broken-link",
                format!("`{}` is a symbolic link that leads to no file of the repository", entry.path),
            )
            .at(place(&entry.path, terrace_domain::expression::Span::default()), "")
        })?
    };
    let key = entry.id.map(|id| FactsKey { id, json });
    if let Some(known) = key.and_then(|key| cache.get(key)) {
        return Ok(known);
    }
    let text = read_text(tree, entry, CODE_SIZE_MAX)?;
    let facts = Arc::new(if json { extract_json::facts_of(&text) } else { extract::facts_of(&text) });
    if let Some(key) = key {
        cache.put(key, &facts);
    }
    Ok(facts)
}

/// Puts a file's facts into a module's.
struct Merge<'m> {
    module: &'m mut ModuleFacts,
    path: &'m RepoPath,
}

impl Merge<'_> {
    fn place(&self, at: At) -> (RepoPath, terrace_domain::expression::Span) {
        (self.path.clone(), at.into())
    }

    fn add(&mut self, facts: &FileFacts) {
        for fact in &facts.variables {
            let variable = Variable {
                type_constraint: fact.type_constraint.clone(),
                has_default: fact.has_default,
                sensitive: fact.sensitive.unwrap_or(false),
                ephemeral: fact.ephemeral.unwrap_or(false),
                declared: self.place(fact.at),
            };
            self.module.variables.entry(fact.name.clone()).or_insert(variable);
        }
        for fact in &facts.outputs {
            let output = Output { sensitive: fact.sensitive.unwrap_or(false), declared: self.place(fact.at) };
            self.module.outputs.entry(fact.name.clone()).or_insert(output);
        }
        self.module.checks.extend(facts.checks.iter().cloned());
        for fact in &facts.modules {
            if let Some(source) = fact.source.clone() {
                let (name, version) = (fact.name.clone(), fact.version.clone());
                let place = self.place(fact.at);
                self.module.module_calls.push(ModuleCall { name, source, version, place });
            }
        }
        self.terraform(facts);
        self.module.required_version.extend_from_slice(&facts.required_version);
        self.module.cloud |= facts.cloud;
        self.module.resources.extend(facts.resources.iter().cloned());
        self.module.protected.extend(facts.protected.iter().cloned());
        if let Some(backend) = &facts.backend {
            self.module.backend = Some(backend.kind.clone());
        }
    }

    /// An override file changes what other files declare, argument by argument; it declares nothing of its own.
    fn change(&mut self, facts: &FileFacts) {
        for fact in &facts.variables {
            if let Some(variable) = self.module.variables.get_mut(&fact.name) {
                variable.has_default |= fact.has_default;
                variable.sensitive = fact.sensitive.unwrap_or(variable.sensitive);
                variable.ephemeral = fact.ephemeral.unwrap_or(variable.ephemeral);
                if fact.type_constraint.is_some() {
                    variable.type_constraint.clone_from(&fact.type_constraint);
                }
            }
        }
        for fact in &facts.outputs {
            if let Some(output) = self.module.outputs.get_mut(&fact.name) {
                output.sensitive = fact.sensitive.unwrap_or(output.sensitive);
            }
        }
        for fact in &facts.modules {
            let place = self.place(fact.at);
            for call in self.module.module_calls.iter_mut().filter(|call| call.name == fact.name) {
                if let Some(source) = &fact.source {
                    call.source.clone_from(source);
                    call.place = place.clone();
                }
                if fact.version.is_some() {
                    call.version.clone_from(&fact.version);
                }
            }
        }
        self.terraform(facts);
        let backend = facts.backend.as_ref().map(|backend| self.place(backend.at));
        self.module.backend_overrides.extend(backend);
        if !facts.required_version.is_empty() {
            self.module.required_version.clone_from(&facts.required_version);
        }
        if facts.backend.is_some() || facts.cloud {
            self.module.backend = facts.backend.as_ref().map(|backend| backend.kind.clone());
            self.module.cloud = facts.cloud;
        }
    }

    fn terraform(&mut self, facts: &FileFacts) {
        for fact in &facts.providers {
            let required = RequiredProvider { source: fact.source.clone(), version: fact.version.clone() };
            self.module.required_providers.insert(fact.name.clone(), required);
        }
    }
}
