//! `terrace deliver`.

use std::sync::Arc;

use clap::Args;
use terrace_domain::run::{Mode, Outcome};
use terrace_driver::store::Store;
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;
use terrace_release::verify::verify;

use super::rehearse::rehearse_for_stage;
use super::release::find;
use crate::delivery::{Conducted, Passage, Prospect, Reach, Target, Wishes, deliver, retried};
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Builds the commit's release once and carries it, unchanged, through the stages of the pipeline: plans each stack with Terraform and
applies exactly that plan, each after what it depends on, as many at once as the graph and --parallelism allow. A stack enters a stage
when the same release of it succeeded in the stage before. What already runs with the same inputs is skipped. Where people must approve,
the run stops (exit code 3) and waits without a process: `terrace run approve`, then `terrace resume`. The same where a window is closed
or a release has not soaked long enough; `terrace gate explain` says what each gate wants.

Examples:
  terrace deliver                           through the whole pipeline, as far as gates let it
  terrace deliver --to staging              up to staging
  terrace deliver --env dev 'aws-*'         some stacks to dev alone
  terrace deliver --affected HEAD~1         what the last commit changed; downstream only if what it reads changes
  terrace deliver --release 94645fde --to prod   a release that was built before, or pulled
  terrace deliver --retry                   the last run's release again: what succeeded is kept
  terrace deliver --wait                    stay until windows open and soak times are over
  terrace deliver --env prod --break-glass 'the shop is down, ticket 4711'

Ctrl-C: Terraform is asked once to stop, and waited for. Delivering again goes on from there.";

/// Deliver a commit through the pipeline: plan and apply its stacks in graph order
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Deliver {
    #[command(flatten)]
    target: Target,
    /// How far: a stage, or an environment
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["stage", "env"])]
    to: Option<String>,
    /// A release that was built before, here or elsewhere: a digest or its beginning, a tag, or a commit
    #[arg(long, value_name = "RELEASE", conflicts_with_all = ["commit", "affected"])]
    release: Option<String>,
    /// Deliver the release of the last run again, to the same stages; what succeeded there is kept
    #[arg(long, conflicts_with_all = ["to", "stage", "env", "commit", "affected", "stacks", "upstream", "release"])]
    retry: bool,
    /// Plan also what already runs with the same inputs: what was changed by hand is changed back
    #[arg(long)]
    again: bool,
    /// Confirm a delivery to a protected environment, by its name: its plans are not waited with
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Vec<String>,
    #[command(flatten)]
    passage: Passage,
    /// How long to wait for somebody else's lock on a state, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = LOCK_WAIT_SECS)]
    lock_timeout: u64,
    /// Print the run as JSON (terrace.run/2) when it is over, or waits
    #[arg(long)]
    json: bool,
}

/// Long enough for a colleague's apply, short enough for a pipeline's own time limit.
pub const LOCK_WAIT_SECS: u64 = 600;

impl Deliver {
    /// Delivers.
    pub fn run(self, settings: &Settings) -> CommandResult {
        if self.retry {
            return self.retry(settings);
        }
        let reach = Reach::Through(self.to.as_deref());
        let mut release = self.release.as_deref().map(|named| checked_release(settings, named)).transpose()?;
        let mut prospect = match &release {
            Some(release) => self.target.resolve_release(settings, release, reach)?,
            None => self.target.resolve(settings, false, reach)?,
        };
        self.check_confirmations(&prospect.legs, prospect.estate())?;
        prospect.warn_of_removed(settings)?;
        if prospect.is_idle("deliver") {
            return Ok(Exit::Done);
        }
        prospect.warn_of_states_apart();
        if !self.rehearse(settings, &mut prospect, &mut release)? {
            return Ok(Exit::Failed);
        }
        views::say(&prospect.headline("Delivering"));
        let conducted =
            deliver(prospect, settings, &self.wishes(settings)?, release, (self.lock_timeout, self.passage.stay))?;
        finish(settings, &conducted, self.json)
    }

    /// Does the rehearsals of the stages that lead to where this goes, as far as there is no evidence of them yet; the release is built for that.
    /// Whether all passed.
    fn rehearse(
        &self,
        settings: &Settings,
        prospect: &mut Prospect,
        release: &mut Option<Arc<ReleaseTree>>,
    ) -> Result<bool, CommandError> {
        let last = prospect.legs.last().map(|leg| leg.stage.name.clone());
        let stages = &prospect.estate().stages;
        let until = stages.iter().position(|stage| Some(&stage.name) == last.as_ref()).map_or(0, |at| at + 1);
        let rehearsing: Vec<_> = stages[..until].iter().filter(|stage| !stage.rehearse.is_empty()).cloned().collect();
        if rehearsing.is_empty() {
            return Ok(true);
        }
        let built = match release.take() {
            Some(release) => release,
            None => prospect.release(settings)?,
        };
        let built = release.insert(built);
        let stacks = prospect.selected.stacks.union(&prospect.selected.downstream).cloned().collect();
        let project = Project::find(settings)?;
        let how = (prospect.parallelism, prospect.verbose, self.lock_timeout);
        for stage in rehearsing {
            for kind in &stage.rehearse {
                if !rehearse_for_stage(settings, &project, *kind, built, &stacks, how)? {
                    views::say(&format!(
                        "The stage {} failed: the rehearsal {} did not pass. Nothing is delivered.",
                        stage.name,
                        kind.as_str()
                    ));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn retry(&self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        let none = || CommandError::usage("there is no run yet").help("`terrace deliver` makes the first.");
        if !home.database().exists() {
            return Err(none());
        }
        let store = Store::open(&home.database(), &settings.actor())?;
        let last = store.runs(None, 1)?.into_iter().next().ok_or_else(none)?;
        if matches!(last.outcome, Outcome::Running | Outcome::Waiting) {
            return Err(CommandError::usage(format!("run {} is not over: it is {}", last.id, last.outcome.as_str()))
                .help(format!("Go on with it: `terrace resume {}`.", last.id)));
        }
        let (run, _) = store.replay(last.id)?.ok_or_else(none)?;
        let digest = run.order().release.ok_or_else(|| CommandError::failed("the last run delivered no release"))?;
        let layout = Layout::open(&home.releases())?;
        let release = Arc::new(ReleaseTree::open(&layout, &layout.resolve(&digest.to_string())?)?);
        let prospect = retried(project, &release, &run, self.target.parallelism.map(usize::from), self.target.verbose)?;
        views::say(&prospect.headline(&format!("Delivering again what run {} did:", last.id)));
        let conducted = deliver(
            prospect,
            settings,
            &self.wishes(settings)?,
            Some(release),
            (self.lock_timeout, self.passage.stay),
        )?;
        finish(settings, &conducted, self.json)
    }

    fn wishes(&self, settings: &Settings) -> Result<Wishes<'_>, CommandError> {
        let break_glass = self.passage.break_glass(settings)?;
        Ok(Wishes { mode: Mode::Deliver, confirmed: &self.confirm, again: self.again, break_glass })
    }

    /// A name that is said and means nothing is a mistake.
    fn check_confirmations(
        &self,
        legs: &[crate::delivery::Leg],
        estate: &terrace_domain::estate::Estate,
    ) -> Result<(), CommandError> {
        for said in &self.confirm {
            let leg = legs.iter().find(|leg| leg.environment.as_str() == said);
            let is_protected = leg.is_some_and(|leg| estate.environments[&leg.environment].protected);
            if !is_protected {
                let names: Vec<_> = legs
                    .iter()
                    .filter(|leg| estate.environments[&leg.environment].protected)
                    .map(|leg| format!("`{}`", leg.environment))
                    .collect();
                let error = CommandError::usage(format!(
                    "`{said}` is no protected environment of this delivery: nothing was done"
                ));
                return Err(if names.is_empty() {
                    error
                } else {
                    error.help(format!("Protected: {}.", names.join(", ")))
                });
            }
        }
        Ok(())
    }
}

/// A release that was built before, with every byte of it checked.
pub fn checked_release(settings: &Settings, named: &str) -> Result<Arc<ReleaseTree>, CommandError> {
    let layout = Layout::open(&Project::find(settings)?.home().releases())?;
    let descriptor = find(settings, &layout, Some(named))?;
    let verification = verify(&layout, &descriptor, None)?;
    if let Some(first) = verification.problems.first() {
        let more = verification.problems.len() - 1;
        let more = if more > 0 { format!(" (and {})", views::count(more, "more problem")) } else { String::new() };
        return Err(CommandError::refused(format!(
            "the release {} is not what it should be: {}: {}{more}",
            descriptor.digest.short(),
            first.place,
            CommandError::chain(&first.fault)
        ))
        .help(format!("`terrace release verify {named}` shows all that is wrong; nothing was done.")));
    }
    Ok(Arc::new(ReleaseTree::open(&layout, &descriptor)?))
}

/// What is said and printed when a run is over, or rests.
pub fn finish(settings: &Settings, conducted: &Conducted, json: bool) -> CommandResult {
    let Conducted { run, id, .. } = conducted;
    if let Some(id) = id.filter(|_| json) {
        let home = Project::find(settings)?.home();
        if let Some(row) = Store::open(&home.database(), &settings.actor())?.run_row(id)? {
            views::run::json(&row, run);
        }
    }
    views::run::summary(run, *id);
    Ok(exit_of(run.outcome()))
}

/// The exit code of what a run came to.
pub fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Succeeded => Exit::Done,
        Outcome::Waiting => Exit::Waiting,
        Outcome::Refused => Exit::Refused,
        Outcome::Running
        | Outcome::Failed
        | Outcome::Interrupted
        | Outcome::Cancelled
        | Outcome::Superseded
        | Outcome::Abandoned => Exit::Failed,
    }
}
