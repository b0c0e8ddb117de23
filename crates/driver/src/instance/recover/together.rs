//! Imports together what depends on nothing that is missing.

use std::collections::BTreeSet;
use std::ffi::OsString;

use terrace_config::ImportBlocks;
use terrace_domain::run::Step;
use terrace_domain::state::import::{Importable, apart_from};

use super::unchanged::Overrides;
use super::{Recovery, is_planned};
use crate::instance::halt::{Halt, StepResult, failed};
use crate::instance::import_file::ImportFile;

impl Recovery<'_> {
    /// Plans the import of those that depend on none of what is `missing`, and applies the plan if it does nothing else. Returns the addresses
    /// of what was imported.
    pub(super) async fn import_together<'b>(
        &mut self,
        list: &[Importable],
        missing: impl Iterator<Item = &'b str>,
    ) -> StepResult<BTreeSet<String>> {
        let chosen: Vec<Importable> = apart_from(list, missing).into_iter().cloned().collect();
        if chosen.is_empty() {
            return Ok(BTreeSet::new());
        }
        let folder = self.ctx.folder(self.id);
        let blocks = ImportBlocks::of(&chosen, self.knows_identities());
        let file = ImportFile::write(&folder, &blocks).map_err(failed(Step::Plan))?;
        let overrides = Overrides::write(&folder, &chosen).map_err(failed(Step::Plan))?;
        let targets: Vec<OsString> = chosen.iter().map(|one| format!("-target={}", one.address).into()).collect();
        let told = self.plan(&targets).await?;
        overrides.remove().map_err(failed(Step::Plan))?;
        file.remove().map_err(failed(Step::Plan))?;
        if told.exit.interrupted {
            return Err(Halt::Interrupted);
        }
        if !is_planned(&told) {
            // What the matter is, each import tells for itself.
            return Ok(BTreeSet::new());
        }
        let plan = self.read_plan().await?;
        if !plan.is_pure() || plan.imports.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.apply().await?;
        Ok(plan.imports)
    }
}
