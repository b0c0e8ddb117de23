//! `terrace release pull`.

use clap::Args;
use terrace_registry::{Target, pull};

use super::Place;
use super::exchange::{Connection, complete};
use super::shelf::Shelf;
use crate::error::{CommandError, CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Evidence that is attached to the releases comes with them; `terrace release verify` says whose it is. Every content is checked against its
digest before it is kept. What is here already and sound is not fetched; what is damaged here is fetched again. The release has the full
commit id for its tag, as one that was built here.

Credentials are those of `docker login` (DOCKER_CONFIG, else ~/.docker/config.json). A registry on this machine is asked without TLS.

Examples:
  terrace release pull registry.example.com/estates/harbour:v1.4
  terrace release pull registry.example.com/estates/harbour@sha256:4be1f0…
  terrace release pull localhost:5000/harbour:v1.4 --layout /backup/releases --json";

/// Pull an estate release and its evidence from an OCI registry
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Pull {
    /// What to pull: REGISTRY/REPOSITORY:TAG, or REGISTRY/REPOSITORY@DIGEST
    #[arg(value_name = "REGISTRY/REPOSITORY[:TAG|@DIGEST]")]
    from: Target,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    connection: Connection,
    /// Print JSON (terrace.release-pull/1)
    #[arg(long)]
    json: bool,
}

impl Pull {
    /// Pulls.
    pub fn run(self, settings: &Settings) -> CommandResult {
        if self.from.tag().is_none() && self.from.digest().is_none() {
            return Err(CommandError::usage(format!("`{}` names neither a tag nor a digest", self.from)).help(
                "`terrace release push` prints what to name: REGISTRY/REPOSITORY@DIGEST. Its default tag is the full commit id.",
            ));
        }
        let options = self.connection.options(settings, &self.from)?;
        let layout = self.place.receive(settings)?;
        let view = views::exchange::Exchange::new(settings.is_interactive, "pulling");
        let shelf = Shelf::to_fill(&layout);
        let note = |progress| view.note(&progress);
        // The shelf lists it by its commit, which is not known before it is there.
        let pulled = complete(pull(&self.from, &shelf, "", &options, &note));
        view.end();
        let pulled = pulled?;
        let received = shelf.received().ok_or_else(|| CommandError::failed("nothing was received"))?;
        if let Some(displaced) = &received.displaced {
            views::exchange::warn_of_displaced(&received.release.release, displaced);
        }
        let release = &received.release.release;
        if self.json {
            views::exchange::pulled_json(release, &self.from, layout.folder(), &pulled);
        } else {
            views::exchange::pulled(release, &self.from, &pulled);
        }
        Ok(Exit::Done)
    }
}
