//! Plans with import blocks, in rounds: what is refused is taken out, all that one round tells of at once, and the rest is planned again.

use std::collections::BTreeMap;

use terrace_config::ImportBlocks;
use terrace_domain::run::{Step, TerraformDiagnostic};
use terrace_domain::state::import::{Blame, ImportPlan, Importable, blame};

use super::{Recovery, Refusal, is_planned, words};
use crate::instance::command::Told;
use crate::instance::halt::{Halt, StepResult, failed};
use crate::instance::import_file::ImportFile;

/// So many rounds are made at most. One round tells of all that it finds refused; more than a few come of providers that stop at the first.
const ROUNDS_MAX: usize = 20;

impl Recovery<'_> {
    /// Plans the import of all of these, but for what is refused.
    pub(super) async fn plan_imports(
        &mut self,
        mut list: Vec<Importable>,
    ) -> StepResult<(Vec<Importable>, Vec<Refusal>, ImportPlan)> {
        let mut refusals = Vec::new();
        for round in 1.. {
            let blocks = ImportBlocks::of(&list, self.knows_identities());
            let folder = self.ctx.folder(self.id);
            let file = ImportFile::write(&folder, &blocks).map_err(failed(Step::Plan))?;
            let told = self.plan(&[]).await?;
            let blamed = blamed(&told, &file, &blocks, &list);
            file.remove().map_err(failed(Step::Plan))?;
            if is_planned(&told) {
                break;
            }
            if told.exit.interrupted && !blamed.is_empty() {
                return Err(Halt::Interrupted);
            }
            if blamed.is_empty() || round == ROUNDS_MAX {
                return Err(told.halt(self.ctx, self.id, Step::Plan, "plan"));
            }
            list = take_out(list, blamed, &mut refusals);
        }
        let plan = self.read_plan().await?;
        Ok((list, refusals, plan))
    }
}

/// What is said against an instance, by its position, and whether it is sure that it is meant.
type Blamed<'a> = BTreeMap<usize, (Vec<&'a TerraformDiagnostic>, bool)>;

fn blamed<'a>(told: &'a Told, file: &ImportFile, blocks: &ImportBlocks, list: &[Importable]) -> Blamed<'a> {
    let mut found = Blamed::new();
    for error in told.diagnostics.iter().filter(|diagnostic| diagnostic.is_error) {
        let is_here = error.file.as_deref().is_some_and(|name| file.is(name));
        let block = error.line.filter(|_| is_here).and_then(|line| blocks.at_line(line));
        let (positions, is_certain) = match blame(error, block, list) {
            Blame::Nobody => (Vec::new(), false),
            Blame::Certain(at) => (vec![at], true),
            Blame::Suspected(positions) => (positions, false),
        };
        for at in positions {
            let entry = found.entry(at).or_default();
            entry.0.push(error);
            entry.1 |= is_certain;
        }
    }
    found
}

fn take_out(list: Vec<Importable>, mut blamed: Blamed<'_>, refusals: &mut Vec<Refusal>) -> Vec<Importable> {
    let mut left = Vec::new();
    for (at, one) in list.into_iter().enumerate() {
        match blamed.remove(&at) {
            Some((errors, is_certain)) => refusals.push(Refusal::of(one, words(errors.into_iter()), is_certain)),
            None => left.push(one),
        }
    }
    left
}
