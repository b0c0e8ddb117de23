//! `terrace release push`.

use clap::Args;
use terrace_driver::attached::Evidenced;
use terrace_registry::{Target, push};
use terrace_release::stored;
use terrace_release::verify::verify;

use super::exchange::{Connection, complete};
use super::shelf::Shelf;
use super::{Place, find};
use crate::error::{CommandError, CommandResult, Exit};
use crate::keys::known_keys;
use crate::settings::Settings;
use crate::views;
use crate::views::release::verification::Report;

const AFTER_HELP: &str = "\
Evidence that is attached to the releases goes with them. What the registry has already is not sent again; the tag comes last, when all that it
stands for is there. Credentials are those of `docker login` (DOCKER_CONFIG, else ~/.docker/config.json). A registry on this machine
is asked without TLS.

Prints the release by its digest, as `terrace release pull` takes it.

Examples:
  terrace release push --to registry.example.com/estates/harbour           the newest release; its tag is the full commit id
  terrace release push v1.4 --to registry.example.com/estates/harbour:v1.4
  terrace release push HEAD --to localhost:5000/harbour --json";

/// Push an estate release and its evidence to an OCI registry
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Push {
    /// The estate release: a digest or its beginning, a tag, a commit [default: the newest]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,
    /// Where to; without a tag it is the full commit id
    #[arg(long, value_name = "REGISTRY/REPOSITORY[:TAG]")]
    to: Target,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    connection: Connection,
    /// Print JSON (terrace.release-push/1)
    #[arg(long)]
    json: bool,
}

impl Push {
    /// Pushes.
    pub fn run(self, settings: &Settings) -> CommandResult {
        if self.to.digest().is_some() {
            return Err(CommandError::usage(format!("`{}` names a digest: a push gives a tag", self.to))
                .help("Name a tag (`REGISTRY/REPOSITORY:TAG`), or none: then it is the commit's id."));
        }
        let layout = self.place.open(settings)?;
        let descriptor = find(settings, &layout, self.release.as_deref())?;
        let stored = stored::estate_release(&layout, &descriptor)?;
        // Whose evidence it is does not matter here: what is whole is sent.
        let evidenced = Evidenced::all(&layout, &stored, None, &known_keys(settings, None)?)?;
        let found = verify(&layout, &descriptor, None)?;
        if let Some((place, _, what)) = Report::new(&descriptor, &found, &evidenced, false).problems().next() {
            return Err(CommandError::failed(format!("the release is damaged, {place}: {what}"))
                .help("`terrace release verify` shows all that is wrong. Nothing was sent."));
        }
        let release = stored.release;
        let target = match self.to.tag() {
            Some(_) => self.to,
            None => format!("{}:{}", self.to, release.commit).parse().map_err(terrace_registry::RegistryError::from)?,
        };
        let options = self.connection.options(settings, &target)?;
        let view = views::exchange::Exchange::new(settings.is_interactive, "pushing");
        let shelf = Shelf::to_read(&layout);
        let name = descriptor.digest.to_string();
        let note = |progress| view.note(&progress);
        let pushed = complete(push(&shelf, &name, &target, &options, &note));
        view.end();
        let pushed = pushed?;
        if self.json {
            views::exchange::pushed_json(&release, &target, &pushed);
        } else {
            views::exchange::pushed(&release, &target, &pushed);
        }
        Ok(Exit::Done)
    }
}
