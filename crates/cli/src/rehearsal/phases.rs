//! Performs the phases of a rehearsal, and gathers what is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::plan::Difference;
use terrace_domain::rehearsal::{
    Finding, Known, Lost, Outcome, Phase, PlanCount, Practice, Progress, Report, Role, Scope, StackReport, TimedPhase,
    UpgradeAllowance, Verdict, undoing,
};
use terrace_domain::run::{Gate, Instance, InstanceState, Mode, Outcome as RunOutcome, Run};
use terrace_driver::rehearsals;
use terrace_driver::store::Store;
use terrace_release::tree::ReleaseTree;

use super::ground::Ground;
use super::{Baseline, Candidate, Request, look, recovery};
use crate::delivery::{Conducted, Drill, Stay, Told, Wishes, asked_to_stop, deliver, plan};
use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;

/// A rehearsal that goes on.
pub(super) struct Rehearsal<'a> {
    pub(super) settings: &'a Settings,
    pub(super) ground: Ground,
    pub(super) candidate: Option<&'a Candidate>,
    pub(super) baseline: Option<&'a Baseline>,
    pub(super) scope: Scope,
    pub(super) report: Report,
    /// The estate releases that were deployed from, by digest.
    deployed_from: Vec<String>,
    lock_wait_secs: u64,
}

/// Some stacks of a release that are worked on together.
pub(super) struct Part<'a> {
    pub(super) release: &'a Arc<ReleaseTree>,
    pub(super) opened: &'a Opened,
    pub(super) stacks: BTreeSet<StackName>,
}

/// Rehearses, and cleans up. What fails in it is in the report; an error is what kept it from beginning.
pub fn rehearse(
    settings: &Settings,
    project: &Project,
    candidate: Option<&Candidate>,
    baseline: Option<&Baseline>,
    request: &Request,
) -> Result<Report, CommandError> {
    let scope = scope(candidate, baseline, request)?;
    let opened = candidate.map(|candidate| &candidate.opened);
    let opened = opened.or_else(|| Some(&baseline?.batches.last()?.opened));
    let opened = opened.ok_or_else(|| CommandError::usage("there is nothing to rehearse"))?;
    let chosen: BTreeSet<StackName> =
        scope.roles.iter().filter(|(_, role)| **role == Role::Rehearsed).map(|(name, _)| name.clone()).collect();
    let request = Request { fixtures: scope.has_stand_ins(), ..request.clone() };
    let ground = Ground::choose(settings, project, &opened.estate, &request, &chosen)?;
    let mut stacks = BTreeMap::new();
    for (name, role) in &scope.roles {
        let release = candidate.and_then(|candidate| candidate.release.release().stacks.get(name).copied());
        let baseline = baseline.and_then(|baseline| baseline.releases.get(name).copied());
        let real = !matches!(role, Role::StoodIn(_));
        stacks.insert(
            name.clone(),
            StackReport {
                role: role.clone(),
                release: release.filter(|_| real),
                baseline: baseline.filter(|_| real),
                from_zero: None,
                upgrade: None,
                losses: Vec::new(),
                differences: Vec::new(),
                took_ms: None,
            },
        );
    }
    let is_recovery = matches!(request.practice, Practice::Recovery(_));
    let report = Report {
        environment: ground.environment.clone(),
        release: candidate.map(|candidate| candidate.release.release().digest),
        baseline: baseline.and_then(Baseline::release),
        stacks,
        phases: Vec::new(),
        findings: Vec::new(),
        critical_path: Vec::new(),
        rto_ms: opened.estate.recovery.rto_ms.filter(|_| is_recovery),
        left: BTreeMap::new(),
        empty_states: Vec::new(),
        verdict: Verdict::Passed,
    };
    let rehearsal = Rehearsal {
        settings,
        ground,
        candidate,
        baseline,
        scope,
        report,
        deployed_from: Vec::new(),
        lock_wait_secs: request.lock_wait_secs,
    };
    if let Err(error) = rehearsal.check() {
        // Nothing was made: nothing is kept.
        let folder = rehearsal.ground.home.rehearsal(rehearsal.ground.environment.name.as_str());
        let _ = std::fs::remove_dir_all(folder);
        return Err(error);
    }
    views::rehearsal::headline(&rehearsal.ground.environment, rehearsal.scope.real().len());
    rehearsal.run()
}

/// Which stacks take part, and how.
fn scope(candidate: Option<&Candidate>, baseline: Option<&Baseline>, request: &Request) -> Result<Scope, CommandError> {
    let Some(candidate) = candidate else {
        let all = baseline.into_iter().flat_map(|baseline| baseline.releases.keys());
        return Ok(Scope { roles: all.map(|name| (name.clone(), Role::Rehearsed)).collect(), ..Scope::default() });
    };
    let Opened { estate, graph, .. } = &candidate.opened;
    let of = |fixtures: bool| Scope::of(estate, graph, &candidate.stacks, fixtures);
    let differ = |error: terrace_domain::rehearsal::FixturesDiffer| {
        CommandError::usage(error.to_string())
            .help("Rehearse them one at a time, or without fixtures: `--no-fixtures`.")
    };
    let scope = of(request.fixtures).map_err(differ)?;
    // A folder stands in for what the candidate needs; what ran before may have needed something else.
    let scope = if request.practice == Practice::Upgrade && !scope.folders.is_empty() {
        of(false).map_err(differ)?
    } else {
        scope
    };
    check_fixtures(candidate, &scope)?;
    Ok(scope)
}

/// Values that stand in for outputs are of outputs that there are.
fn check_fixtures(candidate: &Candidate, scope: &Scope) -> Result<(), CommandError> {
    for ((reader, upstream), values) in &scope.values {
        let Some(contract) = candidate.release.contract(upstream) else { continue };
        let strange = values.keys().find(|output| !contract.outputs.contains_key(*output));
        if let Some(strange) = strange {
            let known: Vec<_> = contract.outputs.keys().map(String::as_str).collect();
            return Err(CommandError::usage(format!(
                "the fixture of `{reader}` for `{upstream}` has the output `{strange}`, which `{upstream}` has not"
            ))
            .help(format!("Its outputs: {}.", known.join(", "))));
        }
    }
    Ok(())
}

impl<'a> Rehearsal<'a> {
    /// Checks the configuration of all that is deployed, before anything is.
    fn check(&self) -> Result<(), CommandError> {
        for part in self.baseline_parts().into_iter().chain(self.candidate_part()) {
            self.ground.refuse_unlike(part.release, &part.opened.estate)?;
            self.ground.prospect(self.settings, part.opened, &self.scope, part.stacks, Drill::default())?;
        }
        Ok(())
    }

    fn run(mut self) -> Result<Report, CommandError> {
        let home = self.ground.home.clone();
        let mut store = Store::open(&home.database(), &self.settings.actor())?;
        let release = self.report.release.or(self.report.baseline).map(|digest| digest.to_string());
        store.rehearsal_began(views::time::now(), &self.ground.environment, release.as_deref())?;
        // Also between two phases somebody may ask to stop.
        let watch = Watch::begin()?;
        let mut progress = Progress::new(self.report.practice(), self.ground.environment.keeps);
        while let Some(phase) = progress.next() {
            if watch.is_stopped() && !matches!(phase, Phase::Destroy | Phase::Look) {
                let at = views::time::now();
                let outcome = Outcome::Interrupted;
                self.report.phases.push(TimedPhase { phase, began: at, ended: at, outcome });
                progress.done.push((phase, outcome));
                continue;
            }
            views::rehearsal::phase(phase);
            let began = views::time::now();
            let outcome = self.perform(phase).unwrap_or_else(|error| {
                self.report.findings.push(Finding {
                    phase,
                    stack: None,
                    summary: error.message.clone(),
                    details: error.help.iter().cloned().collect(),
                });
                views::error::show(&error);
                Outcome::Failed
            });
            self.report.phases.push(TimedPhase { phase, began, ended: views::time::now(), outcome });
            progress.done.push((phase, outcome));
        }
        self.report.verdict = match progress.outcome() {
            Outcome::Interrupted => Verdict::Interrupted,
            Outcome::Failed => Verdict::Failed,
            Outcome::Passed if self.report.keeps_objective() == Some(false) => {
                self.report.findings.push(recovery::too_slow(&self.report));
                Verdict::Failed
            }
            Outcome::Passed => Verdict::Passed,
        };
        store.rehearsal_ended(views::time::now(), &self.report)?;
        rehearsals::keep_report(&home, &self.report).map_err(failed)?;
        let is_clean = progress.done.contains(&(Phase::Look, Outcome::Passed));
        let made_nothing = !progress.done.iter().any(|(phase, _)| phase.makes());
        if is_clean || made_nothing || self.report.practice() == Practice::Recovery(Lost::Code) {
            rehearsals::discard(&home, self.ground.environment.name.as_str()).map_err(failed)?;
        }
        Ok(self.report)
    }

    fn perform(&mut self, phase: Phase) -> Result<Outcome, CommandError> {
        match (phase, self.report.practice()) {
            (Phase::Baseline, _) => self.deploy_baseline(phase, false),
            (Phase::Deploy, _) => self.deploy_candidate(),
            (Phase::Lose, Practice::Recovery(Lost::State)) => recovery::lose_states(self),
            (Phase::Recover, Practice::Recovery(Lost::State)) => recovery::recover_states(self),
            (Phase::Recover, Practice::Recovery(Lost::Code)) => recovery::recover_code(self),
            (Phase::Recover, _) => self.deploy_baseline(phase, true),
            (Phase::Again, _) => self.look_again(),
            (Phase::Lose | Phase::Destroy, _) => self.destroy(phase),
            (Phase::Look, _) => self.look(),
        }
    }

    /// The baseline, part by part, in the sequence in which it is deployed.
    pub(super) fn baseline_parts(&self) -> Vec<Part<'a>> {
        let batches = self.baseline.into_iter().flat_map(|baseline| &baseline.batches);
        let is_stood_in = |name: &StackName| matches!(self.scope.roles.get(name), Some(Role::StoodIn(_)));
        let parts = batches.map(|batch| Part {
            release: &batch.release,
            opened: &batch.opened,
            stacks: batch.stacks.iter().filter(|name| !is_stood_in(name)).cloned().collect(),
        });
        parts.filter(|part| !part.stacks.is_empty()).collect()
    }

    fn candidate_part(&self) -> Option<Part<'a>> {
        let candidate = self.candidate?;
        Some(Part { release: &candidate.release, opened: &candidate.opened, stacks: self.scope.deployed() })
    }

    fn deploy_baseline(&mut self, phase: Phase, again: bool) -> Result<Outcome, CommandError> {
        let parts = self.baseline_parts();
        if parts.is_empty() {
            views::say("Nothing runs yet that could be upgraded.");
        }
        let mut path = Vec::new();
        for part in parts {
            let conducted = self.work(&part, Mode::Deliver, again, Drill::default())?;
            let outcome = self.take_in(phase, &conducted.run);
            for instance in conducted.run.instances() {
                let report = self.report.stacks.get_mut(instance.stack());
                if let (Some(report), Some(changes)) = (report, &instance.changes) {
                    report.from_zero = Some(PlanCount::of(changes));
                    report.took_ms = took(instance);
                }
            }
            path.extend(critical_path(&conducted.run));
            if outcome != Outcome::Passed {
                return Ok(outcome);
            }
        }
        if phase == Phase::Recover {
            self.report.critical_path = path;
        }
        Ok(Outcome::Passed)
    }

    fn deploy_candidate(&mut self) -> Result<Outcome, CommandError> {
        let Some(part) = self.candidate_part() else { return Ok(Outcome::Passed) };
        let is_upgrade = self.report.practice() == Practice::Upgrade;
        let mut drill = Drill::default();
        if is_upgrade {
            let allowed: BTreeMap<StackName, UpgradeAllowance> = part
                .stacks
                .iter()
                .filter_map(|name| Some((name.clone(), part.opened.estate.stacks.get(name)?.upgrade.clone())))
                .collect();
            drill.gates.push(Gate::Losses { allowed });
            drill.protected = self.protected_before()?;
        }
        let conducted = self.work(&part, Mode::Deliver, false, drill)?;
        let outcome = self.take_in(Phase::Deploy, &conducted.run);
        for instance in conducted.run.instances() {
            let Some(report) = self.report.stacks.get_mut(instance.stack()) else { continue };
            report.losses.clone_from(&instance.losses);
            report.took_ms = took(instance).or(report.took_ms);
            let count = instance.changes.as_ref().map(PlanCount::of);
            let was_there = report.baseline.is_some() && is_upgrade;
            if was_there { report.upgrade = count } else { report.from_zero = count }
        }
        if outcome == Outcome::Passed {
            self.report.critical_path = critical_path(&conducted.run);
        }
        Ok(outcome)
    }

    /// The resources that are protected in what runs.
    fn protected_before(&self) -> Result<BTreeMap<StackName, BTreeSet<String>>, CommandError> {
        let mut protected: BTreeMap<StackName, BTreeSet<String>> = BTreeMap::new();
        for part in self.baseline_parts() {
            let project = Project::find(self.settings)?;
            let stacks = part.stacks.iter().filter_map(|name| part.opened.estate.stacks.get(name));
            let code = project.load_code(part.opened, stacks);
            for name in &part.stacks {
                let reached = code.reached(name).into_iter().map(|(folder, _)| folder);
                let own = part.opened.estate.stacks.get(name).map(|stack| stack.folder.clone());
                let modules = own.into_iter().chain(reached).filter_map(|folder| code.modules.get(&folder).cloned());
                let found = protected.entry(name.clone()).or_default();
                modules.for_each(|facts| found.extend(facts.protected.iter().cloned()));
            }
        }
        Ok(protected)
    }

    /// Plans everything again: nothing may be left to do.
    fn look_again(&mut self) -> Result<Outcome, CommandError> {
        let parts = self.candidate_part().map_or_else(|| self.baseline_parts(), |part| vec![part]);
        let mut outcome = Outcome::Passed;
        for part in parts {
            let drill = Drill { compares: true, ..Drill::default() };
            let prospect = self.ground.prospect(self.settings, part.opened, &self.scope, part.stacks.clone(), drill)?;
            let conducted = plan(&prospect, self.settings, Some(Arc::clone(part.release)), Told::default())?;
            let run = self.take_in(Phase::Again, &conducted.run);
            outcome = worse(outcome, run);
            for (stack, differences) in conducted.plans.differences() {
                self.report.findings.push(not_idempotent(&stack, &differences));
                if let Some(report) = self.report.stacks.get_mut(&stack) {
                    report.differences = differences;
                }
                outcome = worse(outcome, Outcome::Failed);
            }
        }
        Ok(outcome)
    }

    /// The stacks of which something may exist, each with the estate release that was applied last.
    fn begun(&self) -> Result<BTreeMap<StackName, Digest>, CommandError> {
        Ok(rehearsals::begun(&self.ground.own_home(), &self.settings.actor())?)
    }

    /// What is destroyed, part by part, in sequence: each stack by what was last applied of it.
    fn parts_to_destroy(&self) -> Result<Vec<Part<'a>>, CommandError> {
        let parts: Vec<Part<'a>> = self.baseline_parts().into_iter().chain(self.candidate_part()).collect();
        let known: Vec<_> = parts.iter().map(|part| known(part.release, part.opened, &part.stacks)).collect();
        let sequence = undoing(&self.begun()?, &known);
        let part = |(at, stacks): (usize, BTreeSet<StackName>)| Part {
            release: parts[at].release,
            opened: parts[at].opened,
            stacks,
        };
        Ok(sequence.into_iter().map(part).collect())
    }

    fn put_back_states(&self, parts: &[Part<'_>]) -> Result<(), CommandError> {
        let store = Store::open(&self.ground.own_home().database(), &self.settings.actor())?;
        for part in parts {
            let (stacks, drill) = (part.stacks.clone(), Drill::default());
            let prospect = self.ground.prospect(self.settings, part.opened, &self.scope, stacks, drill)?;
            recovery::put_back_states(&prospect, self.settings, part.release, &store)?;
        }
        Ok(())
    }

    /// Destroys all parts, and once more those that failed: what one part could not give up may have been in use by a later one.
    fn destroy(&mut self, phase: Phase) -> Result<Outcome, CommandError> {
        let (mut outcome, mut again) = (Outcome::Passed, Vec::new());
        let parts = self.parts_to_destroy()?;
        if self.report.practice() == Practice::Recovery(Lost::State) {
            self.put_back_states(&parts)?;
        }
        for part in parts {
            let conducted = self.work(&part, Mode::Destroy, true, Drill::default())?;
            match conducted.run.outcome() {
                RunOutcome::Failed => again.push(part),
                _ => outcome = worse(outcome, self.take_in(phase, &conducted.run)),
            }
        }
        if !again.is_empty() && outcome != Outcome::Interrupted {
            views::say("Trying once more to destroy what is left.");
        }
        for part in again {
            let conducted = self.work(&part, Mode::Destroy, true, Drill::default())?;
            outcome = worse(outcome, self.take_in(phase, &conducted.run));
        }
        Ok(outcome)
    }

    /// Looks whether anything is left.
    fn look(&mut self) -> Result<Outcome, CommandError> {
        let mut left: BTreeMap<StackName, Vec<String>> = BTreeMap::new();
        for part in self.parts_to_destroy()? {
            let prospect =
                self.ground.prospect(self.settings, part.opened, &self.scope, part.stacks.clone(), Drill::default())?;
            let held = look::in_states(&prospect, self.settings, part.release)?;
            self.report.empty_states.extend(look::empty_states(&prospect, &held));
            left.extend(held);
        }
        for (stack, resources) in look::in_sandbox(&self.ground, &self.begun()?)? {
            left.entry(stack).or_insert(resources);
        }
        for (stack, resources) in &left {
            self.report.findings.push(Finding {
                phase: Phase::Look,
                stack: Some(stack.clone()),
                summary: format!("{} left", views::count(resources.len(), "resource")),
                details: resources.clone(),
            });
        }
        let outcome = if left.is_empty() { Outcome::Passed } else { Outcome::Failed };
        self.report.left = left;
        Ok(outcome)
    }

    /// Delivers or destroys some stacks there, in a run of its own.
    fn work(&mut self, part: &Part<'_>, mode: Mode, again: bool, drill: Drill) -> Result<Conducted, CommandError> {
        let drill = Drill { begun: self.begun()?.into_keys().collect(), ..drill };
        let digest = part.release.release().digest.to_string();
        if !self.deployed_from.contains(&digest) {
            // Before anything of it is made: a sweep destroys by it what a crash leaves.
            self.deployed_from.push(digest);
            rehearsals::begin(&self.ground.home, &self.ground.environment, &self.deployed_from).map_err(failed)?;
        }
        let prospect = self.ground.prospect(self.settings, part.opened, &self.scope, part.stacks.clone(), drill)?;
        let wishes = Wishes { mode, confirmed: &[], again, break_glass: None };
        deliver(
            prospect,
            self.settings,
            &wishes,
            Some(Arc::clone(part.release)),
            (self.lock_wait_secs, Stay::default()),
        )
    }

    /// What a run came to, with its failures among the findings.
    fn take_in(&mut self, phase: Phase, run: &Run) -> Outcome {
        for instance in run.instances() {
            self.report.findings.extend(finding(phase, instance));
        }
        match run.outcome() {
            RunOutcome::Succeeded => Outcome::Passed,
            RunOutcome::Interrupted | RunOutcome::Cancelled => Outcome::Interrupted,
            _ => Outcome::Failed,
        }
    }
}

/// What a release knows of some of its stacks: what each rests on.
pub(super) fn known(release: &ReleaseTree, opened: &Opened, stacks: &BTreeSet<StackName>) -> Known {
    let upstream = |name: &StackName| opened.graph.upstream_of(name.as_str()).into_keys().cloned().collect();
    (release.release().digest, stacks.iter().map(|name| (name.clone(), upstream(name))).collect())
}

/// Listens for signals as long as the rehearsal lasts.
struct Watch {
    stop: tokio::sync::watch::Receiver<bool>,
    _runtime: tokio::runtime::Runtime,
}

impl Watch {
    fn begin() -> Result<Self, CommandError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| CommandError::failed(format!("threads cannot be started: {error}")))?;
        let stop = runtime.block_on(async { asked_to_stop(|| {}) })?;
        Ok(Self { stop, _runtime: runtime })
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }
}

pub(super) fn failed(error: impl std::error::Error) -> CommandError {
    CommandError::failed(CommandError::chain(&error))
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Interrupted, _) | (_, Outcome::Interrupted) => Outcome::Interrupted,
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        _ => Outcome::Passed,
    }
}

fn took(instance: &Instance) -> Option<u64> {
    Some(instance.finished?.millis_since(instance.started?))
}

fn finding(phase: Phase, instance: &Instance) -> Option<Finding> {
    let (summary, details) = match &instance.state {
        InstanceState::Failed(failure) => {
            let errors = failure.diagnostics.iter().filter(|diagnostic| diagnostic.is_error);
            let details = errors.map(|diagnostic| {
                let place = diagnostic.file.as_ref().map(|file| match diagnostic.line {
                    Some(line) => format!(" ({file}:{line})"),
                    None => format!(" ({file})"),
                });
                let place = place.unwrap_or_default();
                match &diagnostic.address {
                    Some(address) if diagnostic.summary == failure.summary => format!("with {address}{place}"),
                    Some(address) => format!("{address}: {}{place}", diagnostic.summary),
                    None => format!("{}{place}", diagnostic.summary),
                }
            });
            (failure.summary.clone(), details.chain(failure.help.clone()).collect())
        }
        InstanceState::Refused(terrace_domain::run::Refusal::Losses(why)) => {
            ("the upgrade would take away what it may not".to_owned(), why.clone())
        }
        InstanceState::Blocked(upstream) => {
            let names: Vec<_> = upstream.iter().map(StackName::as_str).collect();
            (format!("it cannot be planned again: {} would change", names.join(", ")), Vec::new())
        }
        _ => return None,
    };
    Some(Finding { phase, stack: Some(instance.stack().clone()), summary, details })
}

fn not_idempotent(stack: &StackName, differences: &[Difference]) -> Finding {
    let details = differences.iter().flat_map(|difference| {
        let head = format!("{} ({})", difference.address, difference.action);
        let attributes: Vec<_> = difference
            .attributes
            .iter()
            .map(|one| format!("{}.{}: {} -> {}", difference.address, one.path, one.before, one.after))
            .collect();
        if attributes.is_empty() { vec![head] } else { attributes }
    });
    Finding {
        phase: Phase::Again,
        stack: Some(stack.clone()),
        summary: "a second plan is not empty: what was just applied would be changed again".to_owned(),
        details: details.collect(),
    }
}

/// The chain of stacks that decided how long a run took: from the last that ended back through what each waited for longest.
fn critical_path(run: &Run) -> Vec<StackName> {
    let by_name: BTreeMap<&StackName, &Instance> =
        run.instances().iter().map(|instance| (instance.stack(), instance)).collect();
    let order: BTreeMap<&StackName, _> =
        run.order().stacks.iter().map(|ordered| (&ordered.stack, &ordered.upstream)).collect();
    let mut path: Vec<StackName> = Vec::new();
    let mut at =
        by_name.values().filter(|instance| instance.finished.is_some()).max_by_key(|instance| instance.finished);
    while let Some(instance) = at {
        path.push(instance.stack().clone());
        let upstream = order.get(instance.stack()).into_iter().flat_map(|upstream| upstream.keys());
        at = upstream.filter_map(|name| by_name.get(name)).max_by_key(|instance| instance.finished);
    }
    path.reverse();
    path
}
