//! What a rehearsal is asked to do, and what of: a release, some of its stacks.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrace_domain::name::StackName;
use terrace_domain::rehearsal::Practice;
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;

use crate::commands::release::build::build_opened;
use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views;

/// What a rehearsal is asked to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is practised.
    pub practice: Practice,
    /// The environment whose values the ephemeral one has; `None`: as the estate says.
    pub like: Option<String>,
    /// The name of the ephemeral environment; `None`: one is made.
    pub name: Option<String>,
    /// How long it lives, in milliseconds; `None`: as the estate says.
    pub ttl_ms: Option<u64>,
    /// Whether it is left standing.
    pub keeps: bool,
    /// Whether fixtures stand in for stacks.
    pub fixtures: bool,
    /// How many instances work at once.
    pub parallelism: usize,
    /// Whether it is said what Terraform does to each resource.
    pub verbose: bool,
    /// How long somebody else's lock on a state is waited for, in seconds.
    pub lock_wait_secs: u64,
}

/// A release, and which of its stacks it is about.
pub struct Candidate {
    /// The release.
    pub release: Arc<ReleaseTree>,
    /// The estate as it has it.
    pub opened: Opened,
    /// The stacks.
    pub stacks: BTreeSet<StackName>,
}

impl Candidate {
    /// The release of a commit, which is built unless it is there.
    pub fn of_commit(
        settings: &Settings,
        project: &Project,
        selection: &Selection,
        commit: &str,
    ) -> Result<Self, CommandError> {
        let (opened, selected) =
            selection.resolve(project, || project.open_commit(project.repository()?.resolve(commit)?))?;
        project.home().create()?;
        let layout = Layout::open_or_create(&project.home().releases())?;
        let built = build_opened(settings, project, &opened, &layout, (false, false))?;
        views::release::built_line(&built);
        let release = Arc::new(ReleaseTree::open(&layout, &built.descriptor)?);
        let opened = project.open_release(&release)?;
        let stacks = selected.stacks.union(&selected.downstream).cloned().collect();
        Ok(Self { release, opened, stacks })
    }

    /// A release that was built before.
    pub fn of_release(
        project: &Project,
        selection: &Selection,
        release: Arc<ReleaseTree>,
    ) -> Result<Self, CommandError> {
        let opened = project.open_release(&release)?;
        let stacks = selection.named(&opened.estate)?;
        Ok(Self { release, opened, stacks })
    }
}
