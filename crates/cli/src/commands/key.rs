//! `terrace key new` and `terrace key show`.

use clap::{Args, Subcommand};
use terrace_domain::name::KeyName;
use terrace_evidence::keys::SigningKey;

use crate::error::{CommandResult, Exit};
use crate::settings::Settings;
use crate::views;

/// Under what name a key is trusted where the user's own name does not do.
const NAME: &str = "signing-key";

/// Make and show the key that signs your releases and their evidence
#[derive(Debug, Subcommand)]
pub enum Key {
    New(New),
    Show(Show),
}

/// Make a signing key, and print the block that makes an estate trust it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  terrace key new\n  terrace key new --name release-bot >> terrace.hcl\n\n\
                  The key is in $TERRACE_CONFIG_HOME, else $XDG_CONFIG_HOME/terrace, else ~/.config/terrace.")]
pub struct New {
    #[command(flatten)]
    options: Options,
}

/// Show the public half of your signing key, and the block that makes an estate trust it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  terrace key show\n  terrace key show --json | jq -r .public_key")]
pub struct Show {
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// What the `trust` block calls the key; your user name by default
    #[arg(long, value_name = "NAME")]
    name: Option<KeyName>,
    /// Print JSON (terrace.key/1)
    #[arg(long)]
    json: bool,
}

impl Key {
    /// Makes or shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let path = settings.signing_key()?;
        let (key, options, is_new) = match self {
            Self::New(New { options }) => {
                let key = SigningKey::generate()?;
                key.save_new(&path)?;
                (key, options, true)
            }
            Self::Show(Show { options }) => (SigningKey::load(&path)?, options, false),
        };
        let own = || settings.user.parse().or_else(|_| NAME.parse());
        let name = options.name.map_or_else(own, Ok).expect("the constant is a name");
        let shown = views::key::Shown { name: &name, id: key.id(), public_key: key.public_key(), path: &path };
        if options.json {
            views::key::json(&shown);
        } else {
            views::key::text(&shown, is_new);
        }
        Ok(Exit::Done)
    }
}
