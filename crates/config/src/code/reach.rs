//! Which module folders each stack reaches, and through which calls.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use terrace_domain::code::ModuleFacts;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;

use crate::circle::{circles, way};
use crate::source::place;

/// The Terraform code of stacks.
#[derive(Debug, Default)]
pub struct Code {
    /// The facts of every stack's folder, and of every local module that one of them reaches.
    pub modules: BTreeMap<RepoPath, Arc<ModuleFacts>>,
    /// What is wrong with the code, in order of file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The local modules that each folder calls.
    pub(super) calls: BTreeMap<RepoPath, Vec<RepoPath>>,
    pub(super) folders: BTreeMap<StackName, RepoPath>,
}

impl Code {
    /// The facts of a stack's folder or of a local module; `None` where it was not loaded.
    pub fn facts(&self, folder: &RepoPath) -> Option<&ModuleFacts> {
        self.modules.get(folder).map(|facts| &**facts)
    }

    /// The local modules that a folder calls itself.
    pub fn calls(&self, folder: &RepoPath) -> &[RepoPath] {
        self.calls.get(folder).map_or(&[], Vec::as_slice)
    }

    /// The module folders that a stack reaches, nearest first, each with the shortest chain of module folders that leads there:
    /// from the one that the stack calls to the folder itself.
    pub fn reached(&self, stack: &StackName) -> Vec<(RepoPath, Vec<RepoPath>)> {
        let Some(start) = self.folders.get(stack) else { return Vec::new() };
        let mut seen: HashSet<&RepoPath> = HashSet::from([start]);
        let mut queue: VecDeque<(&RepoPath, Vec<RepoPath>)> = VecDeque::from([(start, Vec::new())]);
        let mut reached = Vec::new();
        while let Some((folder, chain)) = queue.pop_front() {
            for called in self.calls(folder) {
                if seen.insert(called) {
                    let mut further = chain.clone();
                    further.push(called.clone());
                    reached.push((called.clone(), further.clone()));
                    queue.push_back((called, further));
                }
            }
        }
        reached
    }

    pub(super) fn report_circles(&mut self) {
        let calls = &self.calls;
        let found = circles(calls.keys(), |folder| calls.get(folder).map_or(&[], Vec::as_slice));
        for circle in found {
            let names: Vec<String> = circle.iter().map(|folder| format!("`{folder}`")).collect();
            let summary = match &names[..] {
                [only] => format!("the module {only} calls itself"),
                _ => format!("modules call each other in a circle: {}", way(&names)),
            };
            let mut diagnostic = Diagnostic::error("cycle", summary);
            for (at, folder) in circle.iter().enumerate() {
                let called = circle[(at + 1) % circle.len()];
                let Some(call) = self.call_of(folder, called) else { continue };
                let (here, label) = (place(&call.0, call.1), format!("calls `{called}`"));
                diagnostic = if diagnostic.primary.is_none() {
                    diagnostic.at(here, label)
                } else {
                    diagnostic.also(here, label)
                };
            }
            self.diagnostics.push(diagnostic);
        }
    }

    fn call_of(&self, folder: &RepoPath, called: &RepoPath) -> Option<&(RepoPath, terrace_domain::expression::Span)> {
        let mut local = self.modules.get(folder)?.module_calls.iter().filter(|call| call.is_local());
        let direct = local.clone().find(|call| folder.join(&call.source).is_ok_and(|target| target == *called));
        direct.or_else(|| local.next()).map(|call| &call.place)
    }
}
