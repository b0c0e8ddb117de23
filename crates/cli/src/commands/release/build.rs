//! `terrace release build`.

use std::path::Path;
use std::sync::OnceLock;

use clap::Args;
use terrace_config::Watches;
use terrace_domain::estate::TerraformRequirement;
use terrace_release::build::{BuildOptions, Built, CommitFacts, Recipe, build};
use terrace_release::layout::Layout;
use terrace_release::vendor::{InstallError, ModuleInstaller, TerraformGet};
use terrace_world::git::Commit;
use terrace_world::terraform::{Environment, Terraform};

use super::{Place, provenance};
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
A release is what the commit has; the work tree is not looked at. A stack that did not change keeps its release. Modules from a registry
or another repository are fetched once, when the stack is built.

Examples:
  terrace release build                    the checked out commit
  terrace release build v1.4 --json
  terrace release build HEAD~1 --mend      make again what `verify` found damaged, and sign what nobody trusted has signed
  terrace release build --refresh-modules  fetch modules again whose tag has moved";

/// Build the releases of a commit's stacks
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Build {
    /// The commit
    #[arg(value_name = "COMMIT", default_value = "HEAD")]
    commit: String,
    #[command(flatten)]
    place: Place,
    /// Fetch modules from elsewhere again, also for stacks that did not change
    #[arg(long)]
    refresh_modules: bool,
    /// Read what was built before in full, make again what is damaged, and sign what no trusted key has signed
    #[arg(long)]
    mend: bool,
    /// Print JSON (terrace.release-build/1)
    #[arg(long)]
    json: bool,
}

impl Build {
    /// Builds.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let commit = project.repository()?.resolve(&self.commit)?;
        let opened = project.open_commit(commit)?;
        let (_, warnings) = project.checked_code(&opened, opened.estate.stacks.values())?;
        views::diagnostics::say_from(&*opened.tree, &warnings);
        let layout = self.place.create(settings, &project)?;
        let built = build_opened(settings, &project, &opened, &layout, (self.refresh_modules, self.mend))?;
        if self.json {
            views::release::built_json(&built);
        } else {
            views::release::built(&built);
        }
        Ok(Exit::Done)
    }
}

/// Builds the estate release of a commit that was opened, and attaches to each new release what it was built from.
pub fn build_opened(
    settings: &Settings,
    project: &Project,
    opened: &Opened,
    layout: &Layout,
    (refresh, mend): (bool, bool),
) -> Result<Built, CommandError> {
    let started_at = jiff::Timestamp::now();
    let commit = opened.commit.as_ref().expect("a release is built from a commit");
    let facts = facts_of(commit);
    // What Terraform would refuse is not released. Warnings are told by who looks at single stacks.
    let (code, _) = project.checked_code(opened, opened.estate.stacks.values())?;
    let watches = Watches::of(&opened.estate);
    let (tree, estate) = (&*opened.tree, &*opened.estate);
    let recipe = Recipe { tree, estate, code: &code, watches: &watches, commit: &facts };
    let installer = Installer::new(settings, &project.root, &estate.terraform);
    let options = BuildOptions { installer: &installer, scratch: &settings.temporary, refresh, mend };
    let built = build(layout, &recipe, &options)?;
    views::release::warn_of_links(&built);
    provenance::attach(settings, estate, layout, &built, &facts, (started_at, mend))?;
    provenance::enter(settings, project, &built, &facts)?;
    Ok(built)
}

fn facts_of(commit: &Commit) -> CommitFacts {
    CommitFacts {
        id: commit.id.to_string(),
        committed_at_secs: commit.committed_at_secs,
        subject: Some(commit.subject.clone()).filter(|subject| !subject.is_empty()),
        author: Some(format!("{} <{}>", commit.author_name, commit.author_email)),
    }
}

/// Looks for Terraform when the first module is to be fetched: most builds need none.
pub struct Installer<'a> {
    settings: &'a Settings,
    root: &'a Path,
    requirement: &'a TerraformRequirement,
    found: OnceLock<Result<TerraformGet, InstallError>>,
}

impl<'a> Installer<'a> {
    /// One that looks for the Terraform that the estate requires.
    pub fn new(settings: &'a Settings, root: &'a Path, requirement: &'a TerraformRequirement) -> Self {
        Self { settings, root, requirement, found: OnceLock::new() }
    }
}

impl ModuleInstaller for Installer<'_> {
    fn install(&self, folder: &Path) -> Result<(), InstallError> {
        self.found.get_or_init(|| self.find()).as_ref().map_err(Clone::clone)?.install(folder)
    }
}

impl Installer<'_> {
    fn find(&self) -> Result<TerraformGet, InstallError> {
        let TerraformRequirement { binary, version, pass_env, .. } = self.requirement;
        let environment = Environment::scrubbed(self.settings.environment.clone(), pass_env, &self.settings.folder);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| InstallError(error.to_string()))?;
        let found = Terraform::find(binary.as_deref(), version.as_deref(), self.root, &environment);
        let found = runtime.block_on(found).map_err(|error| InstallError(error.to_string()))?;
        Ok(TerraformGet { program: found.program, environment })
    }
}
