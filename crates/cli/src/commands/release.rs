//! `terrace release`: build releases, look at them, check them, move them through registries, and restore the source from them.

pub mod build;
mod diff;
mod evidence;
mod exchange;
mod list;
mod provenance;
mod pull;
mod push;
mod restore;
mod shelf;
mod show;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use terrace_domain::name::StackName;
use terrace_release::layout::{Layout, LayoutError};
use terrace_release::oci::Descriptor;
use terrace_release::stored::{self, StoredError, StoredEstateRelease};

use crate::error::{CommandError, CommandResult};
use crate::project::Project;
use crate::settings::Settings;

/// The word for the newest release, where a stack's name follows.
const LATEST: &str = "latest";

/// Build releases, look at them, push and pull them, and restore from them
#[derive(Debug, Subcommand)]
pub enum Release {
    Build(build::Build),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    Verify(verify::Verify),
    Push(push::Push),
    Pull(pull::Pull),
    Restore(restore::Restore),
}

/// Where releases are kept.
#[derive(Debug, Args)]
pub struct Place {
    /// The folder of releases, an OCI image layout [default: .terrace/releases]
    #[arg(long, value_name = "DIR")]
    layout: Option<PathBuf>,
}

/// Which stack, of releases that are kept somewhere.
#[derive(Debug, Args)]
struct Part {
    /// Only this stack
    #[arg(value_name = "STACK")]
    stack: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// An estate release that is looked at, or one stack of it.
#[derive(Debug, Args)]
struct Subject {
    /// The estate release [default: the newest]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    #[command(flatten)]
    part: Part,
}

/// What is looked at, found.
struct Found {
    layout: Layout,
    descriptor: Descriptor,
    release: StoredEstateRelease,
    /// A stack that the release has.
    stack: Option<StackName>,
}

impl Subject {
    fn find(&self, settings: &Settings) -> Result<Found, CommandError> {
        let layout = self.part.place.open(settings)?;
        let descriptor = find(settings, &layout, self.release.as_deref())?;
        let release = stored::estate_release(&layout, &descriptor)?;
        let stack = self.part.stack_of(&[&release])?;
        Ok(Found { layout, descriptor, release, stack })
    }
}

impl Part {
    /// The stack that was named, which one of these releases must have.
    fn stack_of(&self, releases: &[&StoredEstateRelease]) -> Result<Option<StackName>, CommandError> {
        let Some(text) = &self.stack else { return Ok(None) };
        let stack: StackName =
            text.parse().map_err(|error| CommandError::usage(format!("`{text}` is not a stack's name: {error}")))?;
        match releases.last() {
            Some(last) if releases.iter().all(|release| !release.stacks.contains_key(&stack)) => {
                Err(StoredError::NoStack { release: last.release.digest, stack: stack.to_string() }.into())
            }
            _ => Ok(Some(stack)),
        }
    }
}

impl Release {
    /// Runs the subcommand.
    pub fn run(self, settings: &Settings) -> CommandResult {
        match self {
            Self::Build(build) => build.run(settings),
            Self::List(list) => list.run(settings),
            Self::Show(show) => show.run(settings),
            Self::Diff(diff) => diff.run(settings),
            Self::Verify(verify) => verify.run(settings),
            Self::Push(push) => push.run(settings),
            Self::Pull(pull) => pull.run(settings),
            Self::Restore(restore) => restore.run(settings),
        }
    }
}

impl Place {
    /// The layout to write to; it is made where there is none.
    fn create(&self, settings: &Settings, project: &Project) -> Result<Layout, CommandError> {
        let folder = if let Some(named) = &self.layout {
            settings.folder.join(named)
        } else {
            let home = project.home();
            home.create()?;
            home.path().join("releases")
        };
        Ok(Layout::open_or_create(&folder)?)
    }

    /// The layout to write to what comes from elsewhere; with `--layout` no estate is needed around.
    fn receive(&self, settings: &Settings) -> Result<Layout, CommandError> {
        match &self.layout {
            Some(named) => Ok(Layout::open_or_create(&settings.folder.join(named))?),
            None => self.create(settings, &Project::find(settings)?),
        }
    }

    /// The layout to read; with `--layout` no estate is needed around.
    fn open(&self, settings: &Settings) -> Result<Layout, CommandError> {
        let Some(folder) = self.existing(settings)? else { return Err(no_release_yet()) };
        Ok(Layout::open(&folder)?)
    }

    /// The layout's folder; `None` where nobody named one and nothing was built yet.
    fn existing(&self, settings: &Settings) -> Result<Option<PathBuf>, CommandError> {
        if let Some(named) = &self.layout {
            return Ok(Some(settings.folder.join(named)));
        }
        let folder = Project::find(settings)?.home().path().join("releases");
        Ok(folder.exists().then_some(folder))
    }
}

fn no_release_yet() -> CommandError {
    CommandError::usage("there is no release yet").help("`terrace release build` makes the first.")
}

/// The estate release that a word names: a tag, a digest or its beginning, a commit in git's words; the newest where there is none.
pub fn find(settings: &Settings, layout: &Layout, named: Option<&str>) -> Result<Descriptor, CommandError> {
    let Some(name) = named.filter(|name| *name != LATEST) else { return Ok(stored::newest(layout)?) };
    let unknown = match layout.resolve(name) {
        Err(error @ LayoutError::Unknown { .. }) => error,
        found => return Ok(found?),
    };
    let project = Project::find(settings).ok();
    let commit = project.and_then(|project| project.repository().ok()?.resolve(name).ok());
    let Some(commit) = commit else { return Err(unknown.into()) };
    match layout.resolve(&commit.id.to_string()) {
        Err(LayoutError::Unknown { .. }) => {
            Err(CommandError::usage(format!("there is no release of the commit {}", commit.short_id))
                .help(format!("Build it: `terrace release build {name}`.")))
        }
        found => Ok(found?),
    }
}
