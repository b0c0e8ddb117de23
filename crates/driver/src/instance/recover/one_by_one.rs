//! Imports one object after the other with `terraform import`, which writes nothing but the state.

use std::ffi::OsString;

use terrace_domain::run::{Step, TerraformDiagnostic};
use terrace_domain::state::import::{Blame, Importable, blame};

use super::{Recovery, Refusal, Refused, words};
use crate::instance::command::with_path;
use crate::instance::halt::{Halt, StepResult, failed};
use crate::instance::locked::run_unlocked;
use crate::instance::prepare::write_inputs;
use crate::instance::private_file::remove;

impl Recovery<'_> {
    /// Imports these, and what was only suspected of a refusal; returns the addresses of what was imported, and what was refused. What is
    /// refused is tried again as long as others succeed: a provider may be configured by what is not imported yet.
    pub(super) async fn import_each(
        &self,
        list: Vec<Importable>,
        refusals: Vec<Refusal>,
    ) -> StepResult<(Vec<String>, Vec<Refused>)> {
        let (certain, suspected): (Vec<_>, Vec<_>) = refusals.into_iter().partition(|refusal| refusal.is_certain);
        let mut refused: Vec<_> = certain.into_iter().map(|refusal| refusal.refused).collect();
        let mut waiting: Vec<_> = list.into_iter().chain(suspected.into_iter().map(|refusal| refusal.one)).collect();
        let mut imported = Vec::new();
        loop {
            let (before, mut failed) = (waiting.len(), Vec::new());
            for one in waiting {
                match self.import(&one).await? {
                    None => imported.push(one.address),
                    Some(why) => failed.push(Refusal::of(one, why, true)),
                }
            }
            if failed.is_empty() || failed.len() == before {
                refused.extend(failed.into_iter().map(|refusal| refusal.refused));
                return Ok((imported, refused));
            }
            waiting = failed.into_iter().map(|refusal| refusal.one).collect();
        }
    }

    /// Imports one; says why not, where it is refused.
    async fn import(&self, one: &Importable) -> StepResult<Option<String>> {
        let Some(id) = &one.by.id else {
            return Ok(Some("it has an identity and no id, and `terraform import` takes ids alone".to_owned()));
        };
        if *self.stop.borrow() {
            return Err(Halt::Interrupted);
        }
        let folder = self.ctx.folder(self.id);
        write_inputs(&folder, &self.prepared.inputs).map_err(failed(Step::Apply))?;
        let arguments: [OsString; 7] = [
            "import".into(),
            "-input=false".into(),
            "-no-color".into(),
            with_path("-var-file=", &folder.inputs()),
            // An id may begin with a hyphen.
            "--".into(),
            one.address.clone().into(),
            id.into(),
        ];
        let told =
            run_unlocked(self.ctx, self.id, &self.prepared, "import", &arguments, self.stop.clone(), self.teller).await;
        remove(&folder.inputs()).map_err(failed(Step::Apply))?;
        let told = told.map_err(failed(Step::Apply))?;
        if told.exit.status.success() {
            return Ok(None);
        }
        let is_locked = told.diagnostics.iter().any(|error| error.summary.contains("acquiring the state lock"));
        let why = words(told.diagnostics.iter());
        if told.exit.interrupted && told.diagnostics.iter().all(|error| is_about(error, one)) {
            return Err(Halt::Interrupted);
        }
        if told.exit.interrupted || is_locked || why.is_empty() {
            return Err(told.halt(self.ctx, self.id, Step::Apply, "import"));
        }
        Ok(Some(why))
    }
}

/// Whether a diagnostic says no more than that this is not imported.
fn is_about(error: &TerraformDiagnostic, one: &Importable) -> bool {
    !error.is_error || blame(error, None, std::slice::from_ref(one)) != Blame::Nobody
}
