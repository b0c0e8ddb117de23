//! Prospects of releases that were built before: to deliver one again, or to go back to one. No commit is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrace_domain::name::StackName;
use terrace_domain::run::Run;
use terrace_release::tree::ReleaseTree;

use super::{Prospect, checked_code, in_words, legs, unknown};
use crate::error::CommandError;
use crate::project::Project;
use crate::selection::Selected;
use crate::settings::default_parallelism;

/// Some stacks of a release, to these environments.
pub fn of_release(
    project: Project,
    release: &Arc<ReleaseTree>,
    stacks: BTreeSet<StackName>,
    environments: &[&str],
) -> Result<Prospect, CommandError> {
    let opened = project.open_release(release)?;
    if let Some(missing) = stacks.iter().find(|stack| !opened.estate.stacks.contains_key(*stack)) {
        return Err(unknown("stack", missing.as_str(), opened.estate.stacks.keys().map(StackName::as_str)));
    }
    let mut legs = legs(&opened.estate);
    legs.retain(|leg| environments.contains(&leg.environment.as_str()));
    if legs.is_empty() {
        return Err(CommandError::usage(format!(
            "no stage of the release's pipeline delivers to `{}`",
            environments.join("`, `")
        )));
    }
    let selected = Selected { stacks, downstream: BTreeSet::new(), change: None };
    let code = checked_code(&project, &opened, &selected)?;
    let what = Some(in_words(release));
    Ok(Prospect {
        project,
        opened,
        selected,
        legs,
        code,
        parallelism: default_parallelism(),
        verbose: false,
        what,
        drill: None,
    })
}

/// What an earlier run was to do, once more.
pub fn retried(
    project: Project,
    release: &Arc<ReleaseTree>,
    run: &Run,
    parallelism: Option<usize>,
    verbose: bool,
) -> Result<Prospect, CommandError> {
    let order = run.order();
    let (downstream, stacks): (Vec<_>, Vec<_>) =
        order.stacks.iter().partition(|ordered| ordered.only_if_upstream_changes);
    let names = |some: Vec<&terrace_domain::run::OrderedStack>| -> BTreeSet<StackName> {
        some.into_iter().map(|ordered| ordered.stack.clone()).collect()
    };
    let (downstream, stacks) = (names(downstream), names(stacks));
    let environments: Vec<_> = order.stages.iter().map(|stage| stage.environment.as_str()).collect();
    let all = stacks.union(&downstream).cloned().collect();
    let mut prospect = of_release(project, release, all, &environments)?;
    prospect.selected = Selected { stacks, downstream, change: None };
    prospect.parallelism = parallelism.unwrap_or(order.parallelism);
    prospect.verbose = verbose;
    Ok(prospect)
}
