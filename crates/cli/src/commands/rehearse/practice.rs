//! `terrace rehearse zero` and `terrace rehearse upgrade`, and the same for a stage of the pipeline.

use std::sync::Arc;

use clap::Args;
use terrace_domain::rehearsal::{Kind, Practice, Report, Verdict, upgraded_environment};
use terrace_driver::store::Store;

use crate::commands::deliver::{LOCK_WAIT_SECS, checked_release};
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::rehearsal::{Baseline, Candidate, Request, baseline_of, needed, prove, rehearse};
use crate::selection::Selection;
use crate::settings::{Settings, default_parallelism};
use crate::views;

const ZERO_HELP: &str = "\
Everything that the stacks rest on is deployed, too, or what fixtures put in its place. What has evidence already is passed over.

Examples:
  terrace rehearse zero                     all stacks of the last commit
  terrace rehearse zero shop --no-fixtures  one stack, with all that it rests on for real
  terrace rehearse zero shop --keep         leave it standing, to look at";

const UPGRADE_HELP: &str = "\
A plan that would replace or destroy what holds data, or has `prevent_destroy`, is refused, unless the stack's `upgrade` block allows it.

Examples:
  terrace rehearse upgrade                  all stacks of the last commit, over what production runs
  terrace rehearse upgrade --affected main  what changed since main
  terrace rehearse upgrade --from staging   over what staging runs";

/// Options of all rehearsals.
#[derive(Debug, Args)]
pub struct Common {
    /// The environment whose values the ephemeral one has [default: `like` of the `rehearsals` block, or else the first stage's]
    #[arg(long, value_name = "ENVIRONMENT")]
    pub like: Option<String>,
    /// The ephemeral environment's name: at most 12 small letters, digits and dashes [default: one is made]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How long it may live, such as `30m` [default: `ttl` of the `rehearsals` block, or else 2h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub ttl: Option<u64>,
    /// Leave it standing, to look at; `terrace sweep` destroys it when it has outlived its time
    #[arg(long)]
    pub keep: bool,
    /// How many instances work at once [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: Option<u16>,
    /// Say what Terraform does to each resource
    #[arg(long, short)]
    pub verbose: bool,
    /// Print the report as JSON (terrace.rehearsal/1)
    #[arg(long)]
    pub json: bool,
}

fn duration(text: &str) -> Result<u64, String> {
    terrace_config::duration_millis(text)
}

impl Common {
    /// What is asked for.
    pub fn request(&self, practice: Practice, fixtures: bool) -> Request {
        Request {
            practice,
            like: self.like.clone(),
            name: self.name.clone(),
            ttl_ms: self.ttl,
            keeps: self.keep,
            fixtures,
            parallelism: self.parallelism.map_or_else(default_parallelism, usize::from),
            verbose: self.verbose,
            lock_wait_secs: LOCK_WAIT_SECS,
        }
    }
}

/// What is rehearsed.
#[derive(Debug, Args)]
struct What {
    #[command(flatten)]
    selection: Selection,
    /// The commit
    #[arg(long, value_name = "COMMIT", default_value = "HEAD", conflicts_with_all = ["affected", "release"])]
    commit: String,
    /// A release that was built before: a digest or its beginning, a tag, or a commit
    #[arg(long, value_name = "RELEASE", conflicts_with = "affected")]
    release: Option<String>,
    /// Deploy also what fixtures could stand in for
    #[arg(long)]
    no_fixtures: bool,
    /// Rehearse also what has evidence already
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    common: Common,
}

/// Deploy a release from nothing, plan it again, and destroy it
#[derive(Debug, Args)]
#[command(after_help = ZERO_HELP)]
pub struct Zero {
    #[command(flatten)]
    what: What,
}

/// Deploy what production runs from nothing, then the release over it
#[derive(Debug, Args)]
#[command(after_help = UPGRADE_HELP)]
pub struct Upgrade {
    #[command(flatten)]
    what: What,
    /// The environment that is upgraded [default: the last protected one of the pipeline]
    #[arg(long, value_name = "ENVIRONMENT")]
    from: Option<String>,
}

impl Zero {
    /// Rehearses.
    pub fn run(self, settings: &Settings) -> CommandResult {
        self.what.run(settings, Practice::Zero, None)
    }
}

impl Upgrade {
    /// Rehearses.
    pub fn run(self, settings: &Settings) -> CommandResult {
        self.what.run(settings, Practice::Upgrade, self.from.as_deref())
    }
}

impl What {
    fn run(self, settings: &Settings, practice: Practice, from: Option<&str>) -> CommandResult {
        let project = Project::find(settings)?;
        let mut candidate = match &self.release {
            Some(named) => Candidate::of_release(&project, &self.selection, checked_release(settings, named)?)?,
            None => Candidate::of_commit(settings, &project, &self.selection, &self.commit)?,
        };
        let request = self.common.request(practice, !self.no_fixtures);
        let report = attempt(settings, &project, &mut candidate, &request, from, self.again)?;
        Ok(finish(report.as_ref(), self.common.json))
    }
}

/// Tells what a rehearsal came to.
pub fn finish(report: Option<&Report>, json: bool) -> Exit {
    if json {
        views::rehearsal::reports_json(report.map_or(&[], std::slice::from_ref));
    }
    let Some(report) = report else { return Exit::Done };
    if !json {
        views::rehearsal::report(report);
    }
    if report.verdict == Verdict::Passed { Exit::Done } else { Exit::Failed }
}

/// Rehearses those of the candidate's stacks that have no evidence yet, and attaches what came of it. `None` where there was nothing to do.
fn attempt(
    settings: &Settings,
    project: &Project,
    candidate: &mut Candidate,
    request: &Request,
    from: Option<&str>,
    again: bool,
) -> Result<Option<Report>, CommandError> {
    let kind = request.practice.kind();
    if candidate.stacks.is_empty() {
        views::say("Nothing to rehearse: no stack is selected.");
        return Ok(None);
    }
    let baseline = match kind {
        Kind::Upgrade => Some(upgraded(settings, project, candidate, from)?),
        Kind::Zero | Kind::Recovery => None,
    };
    let known = needed(settings, project, candidate, baseline.as_ref(), kind)?;
    if !again && !known.proven.is_empty() {
        for stack in &known.proven {
            let is_new = baseline.as_ref().is_some_and(|baseline| !baseline.releases.contains_key(stack));
            views::say(&if is_new {
                format!("= {stack}  new: it has nothing to upgrade from")
            } else {
                format!("= {stack}  {} is proven already for this release and what it rests on", kind.as_str())
            });
        }
        candidate.stacks = known.stacks;
    }
    if candidate.stacks.is_empty() {
        return Ok(None);
    }
    if let Some(baseline) = baseline.as_ref().filter(|baseline| baseline.is_empty()) {
        views::say(&format!("Nothing runs in {} yet: there is nothing to upgrade from.", baseline.environment));
        return Ok(None);
    }
    let report = rehearse(settings, project, Some(candidate), baseline.as_ref(), request)?;
    prove(settings, project, candidate, baseline.as_ref(), &report)?;
    Ok(Some(report))
}

/// What runs where it is to be upgraded: of the candidate's stacks and all that they rest on.
fn upgraded(
    settings: &Settings,
    project: &Project,
    candidate: &Candidate,
    from: Option<&str>,
) -> Result<Baseline, CommandError> {
    let estate = &candidate.opened.estate;
    let environment = match from {
        Some(named) if estate.environments.contains_key(named) => named,
        Some(named) => {
            let known: Vec<_> = estate.environments.keys().map(terrace_domain::name::EnvironmentName::as_str).collect();
            return Err(CommandError::usage(format!("there is no environment `{named}`"))
                .help(format!("There is: {}.", known.join(", "))));
        }
        None => upgraded_environment(estate).as_str(),
    };
    let home = project.home();
    let store = home.database().exists().then(|| Store::open(&home.database(), &settings.actor())).transpose()?;
    let needed: std::collections::BTreeSet<_> = candidate
        .opened
        .graph
        .upstream_closure(&candidate.stacks)
        .into_keys()
        .chain(candidate.stacks.iter().cloned())
        .collect();
    baseline_of(project, store.as_ref(), environment, Some(&needed))
}

/// Rehearses for a stage of the pipeline what has no evidence yet. Whether all that was to be rehearsed passed.
pub fn rehearse_for_stage(
    settings: &Settings,
    project: &Project,
    kind: Kind,
    release: &Arc<terrace_release::tree::ReleaseTree>,
    stacks: &std::collections::BTreeSet<terrace_domain::name::StackName>,
    (parallelism, verbose, lock_wait_secs): (usize, bool, u64),
) -> Result<bool, CommandError> {
    let practice = match kind {
        Kind::Zero => Practice::Zero,
        Kind::Upgrade => Practice::Upgrade,
        Kind::Recovery => Practice::Recovery(terrace_domain::rehearsal::Lost::Infrastructure),
    };
    let request = Request {
        practice,
        like: None,
        name: None,
        ttl_ms: None,
        keeps: false,
        fixtures: true,
        parallelism,
        verbose,
        lock_wait_secs,
    };
    if kind == Kind::Recovery {
        return super::recovery::for_stage(settings, project, &request);
    }
    let opened = project.open_release(release)?;
    let mut candidate = Candidate { release: Arc::clone(release), opened, stacks: stacks.clone() };
    let report = attempt(settings, project, &mut candidate, &request, None, false)?;
    if let Some(report) = &report {
        views::rehearsal::report_to_people(report);
    }
    Ok(report.is_none_or(|report| report.verdict == Verdict::Passed))
}
