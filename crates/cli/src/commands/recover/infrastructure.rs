//! Lost infrastructure: what runs in an environment, by the ledger, is built again.

use std::sync::Arc;

use terrace_domain::run::{Mode, Outcome};

use super::Recover;
use crate::commands::deliver::exit_of;
use crate::commands::rehearse::what_runs;
use crate::delivery::{Conducted, Prospect, Stay, Told, Wishes, deliver, of_release, plan};
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::rehearsal::{Baseline, Batch};
use crate::settings::Settings;
use crate::views;

impl Recover {
    /// Shows what is to be built, asks, and builds it, batch by batch.
    pub(super) fn infrastructure(&self, settings: &Settings) -> CommandResult {
        let environment = self.env.as_deref().unwrap_or_default();
        let baseline = what_runs(settings, &Project::find(settings)?, Some(environment))?;
        if baseline.is_empty() {
            return Err(CommandError::usage(format!("the ledger says of nothing that it runs in {environment}"))
                .help("`terrace status` shows what runs where; where the ledger is lost, deliver a release: `terrace deliver --release`."));
        }
        self.show(settings, &baseline)?;
        self.ask(environment)?;
        let began = views::time::now();
        for batch in &baseline.batches {
            let prospect = self.prospect(settings, &baseline, batch)?;
            let wishes =
                Wishes { mode: Mode::Deliver, confirmed: &[environment.to_owned()], again: true, break_glass: None };
            let release = Some(Arc::clone(&batch.release));
            let Conducted { run, id, .. } =
                deliver(prospect, settings, &wishes, release, (self.lock_timeout, Stay::default()))?;
            views::run::summary(&run, id);
            if run.outcome() != Outcome::Succeeded {
                views::say("Mend what failed, then recover again: what is there already is left as it is.");
                return Ok(exit_of(run.outcome()));
            }
        }
        let took = views::time::now().millis_since(began);
        views::say(&format!("{environment} runs again what the ledger says, after {}.", views::time::duration(took)));
        Ok(Exit::Done)
    }

    /// Plans all of it, and shows the plans.
    fn show(&self, settings: &Settings, baseline: &Baseline) -> Result<(), CommandError> {
        let stacks = views::count(baseline.releases.len(), "stack");
        views::say(&format!("{} runs {stacks}, by the ledger. What is missing of them:", baseline.environment));
        for batch in &baseline.batches {
            let prospect = self.prospect(settings, baseline, batch)?;
            let conducted = plan(&prospect, settings, Some(Arc::clone(&batch.release)), Told::default())?;
            conducted.plans.text(&conducted.run);
            if conducted.run.outcome() == Outcome::Interrupted {
                return Err(CommandError::failed("interrupted: nothing was done"));
            }
        }
        Ok(())
    }

    /// Some stacks of a release, to the environment. They ran there before: no gate decides about them again.
    pub(super) fn prospect(
        &self,
        settings: &Settings,
        baseline: &Baseline,
        batch: &Batch,
    ) -> Result<Prospect, CommandError> {
        let project = Project::find(settings)?;
        let environments = [baseline.environment.as_str()];
        let mut prospect = of_release(project, &batch.release, batch.stacks.clone(), &environments)?;
        for leg in &mut prospect.legs {
            leg.stage.gates.clear();
            leg.after = None;
        }
        prospect.parallelism = self.parallelism();
        prospect.verbose = self.verbose;
        Ok(prospect)
    }
}
