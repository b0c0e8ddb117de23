//! The steps of an instance: prepare, plan, apply.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};
use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::run::{Changes, CoverPart, InstanceId, Mode, Moment, PlanCover, Step, TerraformDiagnostic};
use terrace_domain::settings::settings_digest;
use terrace_domain::state::LockInfo;
use terrace_domain::value::Value;
use terrace_sandbox::Attachment;
use terrace_world::terraform::{Environment, Exit, Invocation, Message, ProcessError, process};
use terrace_world::tree::SourceDigest;
use terrace_world::workspace::Workspace;
use tokio::sync::watch;

use super::cover::{cover_of, moved_ground};
use super::folder::InstanceFolder;
use super::halt::{Halt, StepResult, failed, failure, terraform_failure};
use super::init::initialise;
use super::inputs::{Inputs, Outputs, evaluate_inputs};
use super::outputs::{OutputBook, add_nulls, read_plan, read_state, render_plan};
use super::raw_state::state_of;
use super::teller::{Noted, Teller};
use super::trace::{self, LeftBehind};
use super::{backend, backend_of};
use crate::context::{Context, installs_providers, uses_sandbox};
use crate::home::make_private;
use crate::snapshots::{self, Taken};
use crate::witness::Delivered;

/// An instance that is ready to be planned.
pub struct Prepared {
    /// The digest of its source.
    pub source: SourceDigest,
    /// Whether its inputs rest on planned outputs.
    pub provisional: bool,
    /// The keyed digest of the upstream outputs that its inputs read.
    pub(super) outputs: Digest,
    /// The digest of its settings.
    pub settings: Digest,
    inputs: Map<String, Json>,
    place: Place,
    initialised_now: bool,
}

/// A work folder that Terraform can run in.
pub(super) struct Place {
    environment: Environment,
    backend: (String, Map<String, Json>),
    /// Keeps the instance's way to the sandbox cloud open.
    _sandbox: Option<Attachment>,
}

/// Lays out the work folder, evaluates the inputs and initialises Terraform.
pub async fn prepare(
    ctx: &Context,
    id: &InstanceId,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<Prepared> {
    let (outputs, provisional) = upstream_outputs(ctx, id, book, &stop).await?;
    let inputs = match evaluate_inputs(&ctx.estate, ctx.environment(id), ctx.stack(id), &outputs) {
        Ok(Inputs::Known(inputs)) => inputs,
        Ok(Inputs::Unknown(stacks)) => return Err(Halt::InputsUnknown(stacks)),
        Err(error) if ctx.mode == Mode::Plan && !error.missing.is_empty() => {
            return Err(Halt::InputsUnknown(error.missing.into_iter().map(|(stack, _)| stack).collect()));
        }
        Err(error) => {
            let mut failure = failure(Step::Prepare, error.to_string());
            failure.help = match error.missing.first() {
                Some((upstream, _)) => Some(format!(
                    "Deliver `{upstream}` to {} first, or let it take part: `--upstream`.",
                    id.environment
                )),
                None => error.source.help(),
            };
            return Err(failure.into());
        }
    };
    let place = lay_out(ctx, id)?;
    let source = SourceDigest::of(&*ctx.tree, &ctx.source(id).files).map_err(failed(Step::Prepare))?;
    let initialised_now = place.initialise(ctx, id, false, stop).await?;
    let settings = settings_digest(&ctx.estate, ctx.environment(id), ctx.stack(id));
    let outputs = digest_of_outputs(ctx, id, &outputs);
    Ok(Prepared { source, provisional, outputs, settings, inputs, place, initialised_now })
}

/// The keyed digest of the outputs that the inputs read, and of no others.
fn digest_of_outputs(ctx: &Context, id: &InstanceId, outputs: &Outputs) -> Digest {
    let mut read = Map::new();
    for (upstream, why) in ctx.graph.upstream_of(id.stack.as_str()) {
        for name in &why.outputs {
            let value = outputs.get(upstream).and_then(|outputs| outputs.get(name)).and_then(Value::to_json);
            read.insert(format!("{upstream}.{name}"), value.unwrap_or(Json::Null));
        }
    }
    ctx.digest_key.digest(Json::Object(read).to_string().as_bytes())
}

impl Prepared {
    /// Where Terraform runs.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The inputs for variables that are marked `ephemeral`. One that is null counts as not set, and must not be set at the apply either.
    fn ephemeral_inputs(&self, ctx: &Context, id: &InstanceId) -> Map<String, Json> {
        let variables = ctx.source(id).modules.first().map(|(_, facts)| &facts.variables);
        let is_ephemeral = |name: &str| variables.and_then(|all| all.get(name)).is_some_and(|found| found.ephemeral);
        let inputs = self.inputs.iter().filter(|(name, value)| is_ephemeral(name) && !value.is_null());
        inputs.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn write_inputs(folder: &InstanceFolder, inputs: &Map<String, Json>) -> std::io::Result<()> {
    write_private(&folder.inputs(), &serde_json::to_vec(inputs).expect("JSON becomes text"))
}

impl Place {
    /// What Terraform's processes see there.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The backend's type and settings.
    pub(super) fn backend(&self) -> (&str, &Map<String, Json>) {
        (&self.backend.0, &self.backend.1)
    }

    pub(super) async fn initialise(
        &self,
        ctx: &Context,
        id: &InstanceId,
        force: bool,
        stop: watch::Receiver<bool>,
    ) -> StepResult<bool> {
        let backend = (self.backend.0.as_str(), &self.backend.1);
        initialise(ctx, id, backend, &self.environment, force, stop).await
    }
}

/// The outputs of all direct upstream stacks, and whether some of them are only planned.
async fn upstream_outputs(
    ctx: &Context,
    id: &InstanceId,
    book: &OutputBook,
    stop: &watch::Receiver<bool>,
) -> StepResult<(Outputs, bool)> {
    let mut outputs = BTreeMap::new();
    let mut provisional = false;
    for (upstream, why) in ctx.graph.upstream_of(id.stack.as_str()) {
        if why.outputs.is_empty() {
            continue;
        }
        let of = InstanceId { environment: id.environment.clone(), stack: upstream.clone() };
        if let Some(planned) = book.planned(&of) {
            provisional = true;
            outputs.insert(upstream.clone(), (*planned).clone());
            continue;
        }
        let read = async || {
            let place = lay_out(ctx, &of)?;
            place.initialise(ctx, &of, false, stop.clone()).await?;
            read_applied(ctx, &of, &place.environment, book, stop.clone()).await
        };
        let values = book.applied(&of, read).await.map_err(|halt| match halt {
            Halt::Failed(mut failure) => {
                failure.summary = format!("the outputs of {upstream} cannot be read: {}", failure.summary);
                Halt::Failed(failure)
            }
            other => other,
        })?;
        outputs.insert(upstream.clone(), (*values).clone());
    }
    Ok((outputs, provisional))
}

/// Whether what a stack's code says now is known to be applied: in this run, or by an earlier one with the same source.
fn is_applied(ctx: &Context, id: &InstanceId, book: &OutputBook) -> StepResult<bool> {
    if book.is_current(id) {
        return Ok(true);
    }
    let Some(delivered) = ctx.delivered.get(id) else { return Ok(false) };
    let source = SourceDigest::of(&*ctx.tree, &ctx.source(id).files).map_err(failed(Step::Prepare))?;
    Ok(source.to_string() == *delivered)
}

/// Makes the work folder hold what the stack is made of, with the override file for its backend.
pub(super) fn lay_out(ctx: &Context, id: &InstanceId) -> StepResult<Place> {
    let folder = ctx.folder(id);
    // A process that was killed may have left its plan.
    clean(ctx, id).map_err(failed(Step::Prepare))?;
    refuse_unsaved_state(&folder, &id.stack)?;
    let (kind, settings) =
        backend_of(&ctx.estate, ctx.environment(id), ctx.stack(id)).map_err(failed(Step::Prepare))?;
    make_private(folder.root()).map_err(failed(Step::Prepare))?;
    let workspace = Workspace::new(folder.tree(), [folder.override_path()]);
    let files = &ctx.source(id).files;
    tokio::task::block_in_place(|| workspace.lay_out(&*ctx.tree, files)).map_err(failed(Step::Prepare))?;
    if let Some(release) = &ctx.release
        && let Some(modules) = release.vendored(&id.stack).map_err(failed(Step::Prepare))?
    {
        tokio::task::block_in_place(|| modules.lay_out(workspace.folder())).map_err(failed(Step::Prepare))?;
    }
    let text = backend::override_text(&kind, &settings, folder.depth());
    write_private(&folder.override_file(), text.as_bytes()).map_err(failed(Step::Prepare))?;
    let mut environment = ctx.process_environment.clone();
    if environment.get("TF_PLUGIN_CACHE_DIR").is_none() && installs_providers(ctx.source(id)) {
        make_private(&ctx.home.plugin_cache()).map_err(failed(Step::Prepare))?;
        environment = environment.with("TF_PLUGIN_CACHE_DIR", ctx.home.plugin_cache());
    }
    let mut sandbox = None;
    if let Some(server) = ctx.sandbox.as_ref().filter(|_| uses_sandbox(ctx.source(id))) {
        let attachment = server.attach(&ctx.identity(id)).map_err(failed(Step::Prepare))?;
        environment = environment.with("TF_REATTACH_PROVIDERS", attachment.reattach_providers());
        sandbox = Some(attachment);
    }
    Ok(Place { environment, backend: (kind, settings), _sandbox: sandbox })
}

/// A state that Terraform could not save holds resources that no other state knows: to go on without it would build them anew.
fn refuse_unsaved_state(folder: &InstanceFolder, stack: &StackName) -> StepResult<()> {
    let unsaved = folder.errored_state();
    if !unsaved.exists() {
        return Ok(());
    }
    let mut failure = failure(Step::Prepare, format!("an earlier apply of {stack} could not save its state"));
    failure.help = Some(format!(
        "It is in {}. In that folder run `terraform state push errored.tfstate`, remove the file, and deliver again. Without it \
         everything in it would be built a second time.",
        unsaved.display()
    ));
    Err(failure.into())
}

/// What planning came to.
pub struct Planned {
    /// What the plan is to change.
    pub changes: Changes,
    /// The plan in Terraform's own rendering, where that was asked for and something is to be changed.
    pub rendering: Option<String>,
    /// What an approval of it covers, where people are asked.
    pub cover: Option<Box<PlanCover>>,
}

/// Plans, and saves the plan. In a run that only plans, notes what the plan says of outputs.
pub async fn plan(
    ctx: &Context,
    id: &InstanceId,
    prepared: &mut Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Planned> {
    let mut told = run_plan(ctx, id, prepared, stop.clone(), teller).await?;
    if told.needs_init() && !prepared.initialised_now {
        // Something that was installed is gone: somebody cleared a cache, perhaps.
        prepared.initialised_now = prepared.place.initialise(ctx, id, true, stop.clone()).await?;
        told = run_plan(ctx, id, prepared, stop.clone(), teller).await?;
    }
    if !matches!(told.exit.status.code(), Some(0 | 2)) {
        return Err(told.halt(ctx, id, Step::Plan, "plan"));
    }
    let mut changes = told.changes;
    if told.exit.status.code() == Some(2) && changes.is_empty() {
        // Terraform says that there is something to apply which its messages do not count.
        changes.state_only = 1;
    }
    if ctx.mode == Mode::Plan && !changes.is_empty() && is_read_downstream(ctx, id) {
        book.note_planned(id, read_plan(ctx, id, &prepared.place.environment, stop.clone()).await?);
    }
    if changes.is_empty() {
        book.note_current(id);
        read_ahead(ctx, id, prepared, book, stop.clone()).await;
    }
    if changes.is_empty() && ctx.mode == Mode::Deliver {
        // Also this is evidence: what runs is what the release says.
        conclude(ctx, id, prepared, teller, stop.clone()).await?;
    }
    let renders = ctx.renders_plans && !changes.is_empty();
    let rendering =
        if renders { Some(render_plan(ctx, id, &prepared.place.environment, stop.clone()).await?) } else { None };
    let mut cover = None;
    if ctx.mode == Mode::Deliver && ctx.asks_people(id) && !changes.is_empty() {
        cover = Some(Box::new(cover_of(ctx, id, prepared, stop).await?));
        // It may lie there for days until people have decided.
        let folder = ctx.folder(id);
        let sealed = tokio::task::block_in_place(|| ctx.vault.seal_file(&folder.plan(), &folder.sealed_plan()));
        sealed.map_err(failed(Step::Plan))?;
    }
    Ok(Planned { changes, rendering, cover })
}

/// Removes what an instance's steps left that may hold secrets: the saved plan, the inputs, a state that was to be pushed.
pub fn clean(ctx: &Context, id: &InstanceId) -> std::io::Result<()> {
    clean_folder(&ctx.folder(id))
}

fn clean_folder(folder: &InstanceFolder) -> std::io::Result<()> {
    remove(&folder.plan())?;
    remove(&folder.pushed_state())?;
    remove(&folder.inputs())
}

/// Removes all that an instance's steps left when it has come to its end: also a plan that waited for people.
pub fn clean_up(ctx: &Context, id: &InstanceId) -> std::io::Result<()> {
    discard(ctx.folder(id).root())
}

/// The same, for the folder of an instance of which no more is known.
pub fn discard(root: &Path) -> std::io::Result<()> {
    let folder = InstanceFolder::new(root.to_owned(), RepoPath::root());
    remove(&folder.sealed_plan())?;
    clean_folder(&folder)
}

fn is_read_downstream(ctx: &Context, id: &InstanceId) -> bool {
    ctx.graph.downstream_of(id.stack.as_str()).values().any(|why| !why.outputs.is_empty())
}

async fn run_plan(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Told> {
    let folder = ctx.folder(id);
    write_inputs(&folder, &prepared.inputs).map_err(failed(Step::Plan))?;
    let arguments = vec![
        "plan".into(),
        "-input=false".into(),
        "-json".into(),
        "-detailed-exitcode".into(),
        with_path("-out=", &folder.plan()),
        with_path("-var-file=", &folder.inputs()),
    ];
    let told = run_unlocked(ctx, id, prepared, "plan", &arguments, stop, teller).await;
    // The inputs may hold secrets; the saved plan has its own copy.
    remove(&folder.inputs()).map_err(failed(Step::Plan))?;
    told.map_err(failed(Step::Plan))
}

/// What applying came to.
pub enum Applied {
    /// The plan is applied.
    Done,
    /// The saved plan does not serve any more, and nothing of it was applied: it is not there, or these parts are not as they were.
    Stale(BTreeSet<CoverPart>),
}

/// Applies the saved plan. `approved`: what was approved of it, where people were asked: if anything else was changed since, it is not applied.
pub async fn apply(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    approved: Option<&PlanCover>,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Applied> {
    let folder = ctx.folder(id);
    if let Some(approved) = approved {
        let differs = moved_ground(ctx, id, prepared, approved).map_err(failed(Step::Apply))?;
        if !differs.is_empty() || !folder.sealed_plan().exists() {
            return Ok(Applied::Stale(differs.into_iter().collect()));
        }
        let opened = tokio::task::block_in_place(|| ctx.vault.open_file(&folder.sealed_plan(), &folder.plan()));
        if opened.is_err() {
            // Whatever is the matter with it: a new one is made, and held against what was approved.
            return Ok(Applied::Stale(BTreeSet::new()));
        }
    }
    let mut arguments: Vec<OsString> = vec!["apply".into(), "-input=false".into(), "-json".into()];
    let ephemeral = prepared.ephemeral_inputs(ctx, id);
    if !ephemeral.is_empty() {
        // No plan keeps them, so they are told again.
        write_inputs(&folder, &ephemeral).map_err(failed(Step::Apply))?;
        arguments.push(with_path("-var-file=", &folder.inputs()));
    }
    arguments.push(folder.plan().into());
    let told = run_unlocked(ctx, id, prepared, "apply", &arguments, stop.clone(), teller).await;
    let told = told.map_err(failed(Step::Apply))?;
    if !told.exit.status.success() {
        if let Some(part) = told.stale() {
            return Ok(Applied::Stale([part].into()));
        }
        // What it did until then is in the state: that is kept, too.
        keep_state(ctx, id, prepared, teller, stop).await?;
        return Err(told.halt(ctx, id, Step::Apply, "apply"));
    }
    book.note_current(id);
    conclude(ctx, id, prepared, teller, stop.clone()).await?;
    read_ahead(ctx, id, prepared, book, stop).await;
    Ok(Applied::Done)
}

/// What ends a delivery with success: a snapshot of the state, and evidence attached to the release.
async fn conclude(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<()> {
    let taken = keep_state(ctx, id, prepared, teller, stop).await?;
    let (Some(witness), Some(release)) = (&ctx.witness, ctx.releases.get(&id.stack)) else { return Ok(()) };
    let delivered =
        Delivered { id, release, settings: prepared.settings, terraform: &ctx.terraform.named(), state: taken };
    tokio::task::block_in_place(|| witness.attest(&delivered)).map_err(failed(Step::Apply))
}

/// Takes a snapshot of the state as it is now.
async fn keep_state(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<Option<Taken>> {
    // A stop must not keep a snapshot from being taken of what was just applied.
    let _ = stop;
    let (_keep, going_on) = watch::channel(false);
    let Some(bytes) = state_of(ctx, id, prepared, going_on).await? else { return Ok(None) };
    let taken = tokio::task::block_in_place(|| snapshots::take(&ctx.vault, &bytes));
    let taken =
        taken.map_err(|error| failure(Step::Apply, format!("the state of {} cannot be kept: {error}", id.stack)))?;
    teller.note(Noted::Snapshot { instance: id.clone(), taken: taken.clone() });
    Ok(Some(taken))
}

/// Reads the outputs of a stack that is done, if they are sure to be read in this run. What goes wrong is told to those who read them.
async fn read_ahead(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) {
    if ctx.read.contains(&id.stack) && !*stop.borrow() {
        let environment = &prepared.place.environment;
        let _ = book.applied(id, async || read_applied(ctx, id, environment, book, stop).await).await;
    }
}

/// The outputs in a stack's state, with those that are null.
async fn read_applied(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<BTreeMap<String, Value>> {
    let mut outputs = read_state(ctx, id, environment, stop).await?;
    if is_applied(ctx, id, book)? {
        add_nulls(ctx, id, &mut outputs);
    }
    Ok(outputs)
}

/// An argument that ends with a path, which need not be UTF-8.
fn with_path(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// What a Terraform command said.
struct Told {
    exit: Exit,
    changes: Changes,
    diagnostics: Vec<TerraformDiagnostic>,
}

impl Told {
    fn needs_init(&self) -> bool {
        const SIGNS: [&str; 5] = [
            "initialization required",
            "Required plugins are not installed",
            "Inconsistent dependency lock file",
            "Module not installed",
            "Module source has changed",
        ];
        let is_sign = |diagnostic: &TerraformDiagnostic| SIGNS.iter().any(|sign| diagnostic.summary.contains(sign));
        self.diagnostics.iter().any(is_sign)
    }

    /// Why the command did not succeed: it was stopped, or it failed. One that was stopped has failed, too, when it reports more than
    /// that: a state that could not be saved must not go unheard.
    fn halt(mut self, ctx: &Context, id: &InstanceId, step: Step, command: &str) -> Halt {
        if self.exit.interrupted {
            self.diagnostics.retain(|diagnostic| !STOPPED.contains(&diagnostic.summary.as_str()));
            if !self.diagnostics.iter().any(|diagnostic| diagnostic.is_error) {
                return Halt::Interrupted;
            }
        }
        let folder = &ctx.stack(id).folder;
        Halt::Failed(terraform_failure(step, command, self.exit.status, self.diagnostics, &self.exit.errors, folder))
    }

    /// The lock on the state that kept the command, which was started at `began`, from its work.
    fn lock(&self, began: Moment) -> Option<LockInfo> {
        let is_lock = |diagnostic: &&TerraformDiagnostic| diagnostic.summary.contains("acquiring the state lock");
        let found = self.diagnostics.iter().filter(|_| !self.exit.status.success()).find(is_lock)?;
        Some(LockInfo::from_text(&found.detail)?.of_holder(&found.detail, began))
    }

    /// Why a saved plan was not applied at all, where the state is not the one that it was made on.
    fn stale(&self) -> Option<CoverPart> {
        let has = |sign: &str| self.diagnostics.iter().any(|diagnostic| diagnostic.summary.contains(sign));
        if has("Saved plan is stale") {
            Some(CoverPart::Serial)
        } else if has("Saved plan does not match the given state") {
            Some(CoverPart::Lineage)
        } else {
            None
        }
    }

    fn note(&mut self, message: &Message) {
        match message {
            Message::Summary { add, change, remove, import, .. } => {
                (self.changes.add, self.changes.change) = (*add, *change);
                (self.changes.destroy, self.changes.import) = (*remove, *import);
            }
            Message::PlannedChange { action, .. } if matches!(action.as_str(), "move" | "remove") => {
                self.changes.state_only += 1;
            }
            Message::Outputs(outputs) => {
                let changed =
                    outputs.iter().filter(|(_, action)| action.as_deref().is_some_and(|action| action != "noop"));
                self.changes.outputs = changed.map(|(name, _)| name.clone()).collect();
            }
            Message::Diagnostic(diagnostic) => self.diagnostics.push(diagnostic.clone()),
            Message::PlannedChange { .. } | Message::Resource { .. } | Message::Note(_) => {}
        }
    }
}

/// Runs a command that locks the state. A lock that a Terraform of this very instance left when it died is released; one of somebody else
/// is waited for, and named.
async fn run_unlocked(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    command: &str,
    arguments: &[OsString],
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> Result<Told, ProcessError> {
    let folder = ctx.folder(id);
    let deadline = Instant::now() + Duration::from_secs(ctx.lock_wait_secs);
    let (mut pause, mut named, mut released) = (LOCK_PAUSE_MIN, None, false);
    loop {
        // That it was at work is no reason to stop: only a lock that is found later cannot be told from somebody else's then.
        let began = trace::now();
        let _ = trace::begin(&folder, command, &ctx.log(id, &format!("{command}.jsonl")));
        let told = run_terraform(ctx, id, prepared, command, arguments.to_vec(), stop.clone(), teller).await?;
        if told.exit.status.code().is_none() {
            // It was killed: its lock, if it had one, is still there, and its trace tells that it is its own.
            return Ok(told);
        }
        let _ = trace::end(&folder);
        let Some(lock) = told.lock(began) else {
            let _ = trace::forget(&folder);
            return Ok(told);
        };
        let is_own = trace::left_behind(&folder).into_iter().any(|left| is_left_by(&lock, left, &ctx.lockers));
        if !released && is_own {
            released = release_lock(ctx, id, prepared, &lock, stop.clone()).await;
            if released {
                teller.note(Noted::LockReleased { instance: id.clone(), lock });
                continue;
            }
        }
        if Instant::now() >= deadline || *stop.borrow() {
            return Ok(told);
        }
        if named.as_ref() != Some(&lock.id) {
            named = Some(lock.id.clone());
            teller.waits(&lock);
        }
        let mut asked = stop.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(_) = asked.wait_for(|stop| *stop) => {}
        }
        pause = (pause * 2).min(LOCK_PAUSE_MAX);
    }
}

/// The pauses between two attempts to lock a state that somebody else has locked: short at first, for those who are just ending.
const LOCK_PAUSE_MIN: Duration = Duration::from_millis(500);
const LOCK_PAUSE_MAX: Duration = Duration::from_secs(10);
/// How far clocks of one machine's processes may be apart, in milliseconds: a lock's time comes from another program, in whole seconds.
const CLOCK_SLACK_MS: i64 = 2_000;

/// Whether a lock is the one that a Terraform left which died: made by this user on this machine, while that was at work.
fn is_left_by(lock: &LockInfo, left: LeftBehind, lockers: &[String]) -> bool {
    let Some(created) = lock.created_at() else { return false };
    lockers.contains(&lock.who)
        && created.0 >= left.began.0.saturating_sub(CLOCK_SLACK_MS)
        && created.0 <= left.heard.0.saturating_add(CLOCK_SLACK_MS)
}

/// Releases a lock by its id, so that no other than the one that was looked at is released.
async fn release_lock(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    lock: &LockInfo,
    stop: watch::Receiver<bool>,
) -> bool {
    let arguments = [OsStr::new("force-unlock"), OsStr::new("-force"), OsStr::new(&lock.id)];
    let work = ctx.folder(id).work();
    let done = process::capture(&ctx.terraform.program, &arguments, &work, &prepared.place.environment, stop).await;
    done.is_ok_and(|done| done.status.success())
}

/// Puts in order what an apply left that Terrace did not see the end of: waits for a Terraform that is still at work. What it has done is in
/// the state then, and the next plan tells what is left. A lock that one left which died is met, and known, when the state is locked next.
/// A stop is passed on to that Terraform, once, and it is waited for all the same.
pub async fn settle(
    ctx: &Context,
    id: &InstanceId,
    mut stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<()> {
    let errors = ctx.folder(id).errors();
    let (mut told, mut asked) = (false, false);
    while process::is_at_work(&errors).map_err(failed(teller.step))? {
        if !std::mem::replace(&mut told, true) {
            teller.outlived();
        }
        tokio::select! {
            () = tokio::time::sleep(SETTLE_PAUSE) => {}
            Ok(_) = stop.wait_for(|stop| *stop), if !asked => {
                asked = true;
                process::interrupt_in(&ctx.folder(id).work());
            }
        }
    }
    if asked { Err(Halt::Interrupted) } else { Ok(()) }
}

/// How often it is looked whether a Terraform that outlived its Terrace has come to its end.
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

async fn run_terraform(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    command: &str,
    arguments: Vec<OsString>,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> Result<Told, ProcessError> {
    let work = ctx.folder(id).work();
    let invocation = Invocation {
        program: &ctx.terraform.program,
        arguments,
        folder: &work,
        environment: &prepared.place.environment,
        log: ctx.log(id, &format!("{command}.jsonl")),
        errors: ctx.folder(id).errors(),
    };
    let nothing = Exit { status: std::process::ExitStatus::default(), errors: String::new(), interrupted: false };
    let mut told = Told { exit: nothing, changes: Changes::default(), diagnostics: Vec::new() };
    let mut strange = String::new();
    let exit = invocation.run(stop, |line| match Message::parse(line) {
        Ok(Some(message)) => {
            told.note(&message);
            teller.say(&message);
        }
        Ok(None) => {}
        // Not the format: a crash report, most likely. Its beginning is kept, for the case that the command fails.
        Err(_) => {
            if strange.len() < STRANGE_BYTES_MAX {
                strange.push_str(&String::from_utf8_lossy(line));
                strange.push('\n');
            }
        }
    });
    told.exit = exit.await?;
    told.exit.errors = format!("{strange}{}", told.exit.errors);
    Ok(told)
}

/// What Terraform reports of a command that was asked to stop.
const STOPPED: [&str; 2] = ["execution halted", "Operation cancelled"];
/// How much of an output that is not in Terraform's format is kept.
const STRANGE_BYTES_MAX: usize = 16 << 10;

/// Writes a file that nobody else may read.
pub(super) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
