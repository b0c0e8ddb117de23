//! `terrace rollback`.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::Args;
use terrace_domain::digest::Digest;
use terrace_domain::ledger::Entry;
use terrace_domain::name::StackName;
use terrace_domain::run::Mode;
use terrace_driver::ledger::{self, Filter};
use terrace_driver::store::Store;
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;

use super::deliver::{LOCK_WAIT_SECS, finish};
use crate::delivery::{Passage, Wishes, deliver, of_release};
use crate::error::{CommandError, CommandResult};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Delivers the release that ran there before, as a new plan: nothing is undone blindly. The ledger says which release that was. It is a run
as any other: its gates ask, and what was proven in the stage before still is.

Examples:
  terrace rollback aws-cluster --env staging
  terrace rollback aws-cluster --env prod --release 1f2e3d4c5b6a --confirm prod";

/// Deliver the release of a stack that ran in an environment before
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Rollback {
    /// The stack
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// The environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: String,
    /// The stack's release, by the beginning of its digest; by default the one that ran before the present one
    #[arg(long, value_name = "DIGEST")]
    release: Option<String>,
    /// Confirm the delivery to a protected environment, by its name
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Vec<String>,
    #[command(flatten)]
    passage: Passage,
    /// How long to wait for somebody else's lock on the state, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = LOCK_WAIT_SECS)]
    lock_timeout: u64,
    /// Print the run as JSON (terrace.run/2) when it is over, or waits
    #[arg(long)]
    json: bool,
}

impl Rollback {
    /// Rolls back.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        if !home.database().exists() {
            return Err(self.nothing_before());
        }
        let store = Store::open(&home.database(), &settings.actor())?;
        let (release, estate_release) = self.find(&store)?;
        let layout = Layout::open(&home.releases())?;
        let tree = Arc::new(ReleaseTree::open(&layout, &layout.resolve(&estate_release.to_string())?)?);
        let prospect = of_release(project, &tree, BTreeSet::from([self.stack.clone()]), &[self.env.as_str()])?;
        views::say(&format!(
            "Rolling {} in {} back to release {} (commit {})",
            self.stack,
            self.env,
            release.short(),
            views::run::short(&tree.release().commit)
        ));
        let break_glass = self.passage.break_glass(settings)?;
        let wishes = Wishes { mode: Mode::Deliver, confirmed: &self.confirm, again: false, break_glass };
        let conducted = deliver(prospect, settings, &wishes, Some(tree), (self.lock_timeout, self.passage.stay))?;
        finish(settings, &conducted, self.json)
    }

    /// The stack's release to go back to, and the newest estate release with it that was delivered there.
    fn find(&self, store: &Store) -> Result<(Digest, Digest), CommandError> {
        let rows = store.standings(&self.env)?;
        let standing = rows.get(&self.stack).ok_or_else(|| self.nothing_before())?;
        let sure = standing.release.ok_or_else(|| self.nothing_before())?;
        let filter = Filter {
            environment: Some(self.env.clone()),
            stack: Some(self.stack.to_string()),
            kind: Some("instance_*".to_owned()),
            newest_first: true,
            ..Filter::default()
        };
        let entries = ledger::log(store.connection(), &filter)?;
        let release_of = |entry: &Entry| entry.release.as_deref().and_then(|text| text.parse::<Digest>().ok());
        // What was begun after the last success, and failed, is to be left as well.
        let begun = entries.iter().find(|entry| entry.kind == "instance_planned").and_then(release_of);
        let now = if standing.settings.is_some() { sure } else { begun.unwrap_or(sure) };
        let is_wanted = |release: &Digest| match &self.release {
            Some(prefix) => release.hex().starts_with(prefix.strip_prefix("sha256:").unwrap_or(prefix)),
            None => *release != now,
        };
        let mut failed = BTreeSet::new();
        for entry in &entries {
            let Some(run) = entry.run else { continue };
            if matches!(entry.kind.as_str(), "instance_failed" | "instance_interrupted") {
                failed.insert(run);
            }
            let delivered = entry.kind == "instance_applied" && (self.release.is_some() || !failed.contains(&run));
            let Some(release) = release_of(entry).filter(|release| delivered && is_wanted(release)) else { continue };
            let row = store.run_row(run)?;
            let estate = row.and_then(|row| row.release).and_then(|text| text.parse::<Digest>().ok());
            if let Some(estate) = estate {
                return Ok((release, estate));
            }
        }
        Err(self.nothing_before())
    }

    fn nothing_before(&self) -> CommandError {
        let what = match &self.release {
            Some(release) => format!("no release `{release}` of {} was ever applied in {}", self.stack, self.env),
            None => format!("{} has no earlier release in {}", self.stack, self.env),
        };
        CommandError::usage(what).help(format!(
            "`terrace ledger log --stack {} --env {} --kind instance_applied` shows what was.",
            self.stack, self.env
        ))
    }
}
