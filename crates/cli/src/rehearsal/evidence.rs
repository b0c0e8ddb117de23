//! Evidence of rehearsals: which stacks of a release have it already, and attaching what a rehearsal came to.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Kind, Report, Role, Scope, Verdict};
use terrace_domain::run::RunId;
use terrace_driver::witness::{Known, Witness};
use terrace_evidence::statement::{Outcome, Rehearsed};
use terrace_release::layout::Layout;

use super::{Baseline, Candidate};
use crate::error::CommandError;
use crate::keys;
use crate::project::Project;
use crate::settings::Settings;

/// What is to be rehearsed still.
pub struct Needed {
    /// The stacks without evidence.
    pub stacks: BTreeSet<StackName>,
    /// Those that have it.
    pub proven: BTreeSet<StackName>,
}

fn witness(settings: &Settings, project: &Project, candidate: &Candidate) -> Result<Witness, CommandError> {
    Ok(Witness {
        layout: Layout::open_or_create(&project.home().releases())?,
        key: keys::signing_key(settings)?,
        trusted: keys::trusted_keys(settings, &candidate.opened.estate)?,
        run: RunId(0),
        stages: BTreeMap::new(),
        actor: settings.actor(),
        known: Known::default(),
    })
}

/// The releases that a stack rests on when it is rehearsed so.
fn rests_on(candidate: &Candidate, scope: &Scope, stack: &StackName) -> BTreeMap<StackName, Digest> {
    let releases = &candidate.release.release().stacks;
    let all = scope.rests_on(&candidate.opened.graph, stack);
    all.into_iter().filter_map(|name| releases.get(&name).map(|digest| (name, *digest))).collect()
}

/// Which of the candidate's stacks have no evidence yet of a rehearsal of this kind, with the releases that they rest on now.
pub fn needed(
    settings: &Settings,
    project: &Project,
    candidate: &Candidate,
    baseline: Option<&Baseline>,
    kind: Kind,
) -> Result<Needed, CommandError> {
    let witness = witness(settings, project, candidate)?;
    let releases = &candidate.release.release().stacks;
    let of_stacks = candidate.stacks.iter().filter_map(|stack| releases.get_key_value(stack));
    let ways = |stack: &StackName| -> Vec<BTreeMap<StackName, Digest>> {
        let chosen = [stack.clone()].into();
        let scope = |fixtures| Scope::of(&candidate.opened.estate, &candidate.opened.graph, &chosen, fixtures).ok();
        [false, true].into_iter().filter_map(scope).map(|scope| rests_on(candidate, &scope, stack)).collect()
    };
    let from = |stack: &StackName| baseline.and_then(|baseline| baseline.releases.get(stack).copied());
    let found = witness.find_rehearsed(of_stacks, &ways, &from)?;
    let (proven, stacks) =
        candidate.stacks.iter().cloned().partition(|stack| found.get(stack).is_some_and(|kinds| kinds.has(kind)));
    Ok(Needed { stacks, proven })
}

/// Attaches what a rehearsal came to, to each release that was rehearsed, if it came to its end.
pub fn prove(
    settings: &Settings,
    project: &Project,
    candidate: &Candidate,
    baseline: Option<&Baseline>,
    report: &Report,
) -> Result<usize, CommandError> {
    let result = match report.verdict {
        Verdict::Passed => Outcome::Passed,
        Verdict::Failed => Outcome::Failed,
        Verdict::Interrupted => return Ok(0),
    };
    if report.environment.is_left_standing() {
        // What was not destroyed may be what cannot be.
        return Ok(0);
    }
    let Some(last) = report.phases.last() else { return Ok(0) };
    let at = jiff::Timestamp::from_millisecond(last.ended.0)
        .map_err(|error| CommandError::failed(format!("the clock is out of bounds: {error}")))?;
    let kind = report.practice().kind();
    let scope = Scope::of(
        &candidate.opened.estate,
        &candidate.opened.graph,
        &candidate.stacks,
        report.stacks.values().any(|stack| matches!(stack.role, Role::StoodIn(_))),
    )
    .map_err(|error| CommandError::usage(error.to_string()))?;
    let witness = witness(settings, project, candidate)?;
    let mut attached = 0;
    for (stack, seen) in report.stacks.iter().filter(|(_, seen)| seen.role == Role::Rehearsed) {
        let from = baseline.and_then(|baseline| baseline.releases.get(stack).copied());
        let (Some(release), true) = (seen.release, kind != Kind::Upgrade || from.is_some()) else { continue };
        let said = Rehearsed {
            kind,
            result,
            at,
            from: from.filter(|_| kind == Kind::Upgrade),
            upstream: rests_on(candidate, &scope, stack),
        };
        witness.attest_rehearsed(stack, release, said).map_err(|error| CommandError::failed(error.to_string()))?;
        attached += 1;
    }
    witness.layout.settle()?;
    Ok(attached)
}
