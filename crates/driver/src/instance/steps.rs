//! The steps of an instance: prepare, plan, apply.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, Value as Json};
use terrace_domain::name::StackName;
use terrace_domain::run::{Changes, Mode, Step, TerraformDiagnostic};
use terrace_domain::value::Value;
use terrace_sandbox::Attachment;
use terrace_world::terraform::{Environment, Exit, Invocation, Message, ProcessError};
use terrace_world::tree::SourceDigest;
use terrace_world::workspace::Workspace;
use tokio::sync::watch;

use super::folder::InstanceFolder;
use super::halt::{Halt, StepResult, failed, failure, terraform_failure};
use super::init::initialise;
use super::inputs::{Inputs, Outputs, evaluate_inputs};
use super::outputs::{OutputBook, add_nulls, read_plan, read_state, render_plan};
use super::{backend, backend_of};
use crate::context::Context;
use crate::home::make_private;

/// An instance that is ready to be planned.
pub struct Prepared {
    /// The digest of its source.
    pub source: SourceDigest,
    /// Whether its inputs rest on planned outputs.
    pub provisional: bool,
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
    stack: &StackName,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<Prepared> {
    let (outputs, provisional) = upstream_outputs(ctx, stack, book, &stop).await?;
    let inputs = match evaluate_inputs(&ctx.estate, ctx.environment(), ctx.stack(stack), &outputs) {
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
                    ctx.environment
                )),
                None => error.source.help(),
            };
            return Err(failure.into());
        }
    };
    let place = lay_out(ctx, stack)?;
    let source = SourceDigest::of(&*ctx.tree, &ctx.sources[stack].files).map_err(failed(Step::Prepare))?;
    let initialised_now = place.initialise(ctx, stack, false, stop).await?;
    Ok(Prepared { source, provisional, inputs, place, initialised_now })
}

impl Prepared {
    /// Where Terraform runs.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The inputs for variables that are marked `ephemeral`. One that is null counts as not set, and must not be set at the apply either.
    fn ephemeral_inputs(&self, ctx: &Context, stack: &StackName) -> Map<String, Json> {
        let variables = ctx.sources[stack].modules.first().map(|(_, facts)| &facts.variables);
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
        stack: &StackName,
        force: bool,
        stop: watch::Receiver<bool>,
    ) -> StepResult<bool> {
        let backend = (self.backend.0.as_str(), &self.backend.1);
        initialise(ctx, stack, backend, &self.environment, force, stop).await
    }
}

/// The outputs of all direct upstream stacks, and whether some of them are only planned.
async fn upstream_outputs(
    ctx: &Context,
    stack: &StackName,
    book: &OutputBook,
    stop: &watch::Receiver<bool>,
) -> StepResult<(Outputs, bool)> {
    let mut outputs = BTreeMap::new();
    let mut provisional = false;
    for (upstream, why) in ctx.graph.upstream_of(stack.as_str()) {
        if why.outputs.is_empty() {
            continue;
        }
        if let Some(planned) = book.planned(upstream) {
            provisional = true;
            outputs.insert(upstream.clone(), (*planned).clone());
            continue;
        }
        let read = async || {
            let place = lay_out(ctx, upstream)?;
            place.initialise(ctx, upstream, false, stop.clone()).await?;
            read_applied(ctx, upstream, &place.environment, book, stop.clone()).await
        };
        let values = book.applied(upstream, read).await.map_err(|halt| match halt {
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
fn is_applied(ctx: &Context, stack: &StackName, book: &OutputBook) -> StepResult<bool> {
    if book.is_current(stack) {
        return Ok(true);
    }
    let Some(delivered) = ctx.delivered.get(stack) else { return Ok(false) };
    let source = SourceDigest::of(&*ctx.tree, &ctx.sources[stack].files).map_err(failed(Step::Prepare))?;
    Ok(source.to_string() == *delivered)
}

/// Makes the work folder hold what the stack is made of, with the override file for its backend.
pub(super) fn lay_out(ctx: &Context, stack: &StackName) -> StepResult<Place> {
    let folder = ctx.folder(stack);
    // A process that was killed may have left its plan.
    clean(ctx, stack).map_err(failed(Step::Prepare))?;
    refuse_unsaved_state(&folder, stack)?;
    let (kind, settings) =
        backend_of(&ctx.estate, ctx.environment(), ctx.stack(stack)).map_err(failed(Step::Prepare))?;
    make_private(folder.root()).map_err(failed(Step::Prepare))?;
    let workspace = Workspace::new(folder.tree(), [folder.override_path()]);
    let files = &ctx.sources[stack].files;
    tokio::task::block_in_place(|| workspace.lay_out(&*ctx.tree, files)).map_err(failed(Step::Prepare))?;
    let text = backend::override_text(&kind, &settings, folder.depth());
    write_private(&folder.override_file(), text.as_bytes()).map_err(failed(Step::Prepare))?;
    let mut environment = ctx.process_environment.clone();
    if environment.get("TF_PLUGIN_CACHE_DIR").is_none() && ctx.sources[stack].installs_providers() {
        make_private(&ctx.home.plugin_cache()).map_err(failed(Step::Prepare))?;
        environment = environment.with("TF_PLUGIN_CACHE_DIR", ctx.home.plugin_cache());
    }
    let mut sandbox = None;
    if let Some(server) = ctx.sandbox.as_ref().filter(|_| ctx.sources[stack].uses_sandbox()) {
        let attachment = server.attach(&ctx.identity(stack)).map_err(failed(Step::Prepare))?;
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
}

/// Plans, and saves the plan. In a run that only plans, notes what the plan says of outputs.
pub async fn plan(
    ctx: &Context,
    stack: &StackName,
    prepared: &mut Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    on_message: &(dyn Fn(&Message) + Sync),
) -> StepResult<Planned> {
    let mut told = run_plan(ctx, stack, prepared, stop.clone(), on_message).await?;
    if told.needs_init() && !prepared.initialised_now {
        // Something that was installed is gone: somebody cleared a cache, perhaps.
        prepared.initialised_now = prepared.place.initialise(ctx, stack, true, stop.clone()).await?;
        told = run_plan(ctx, stack, prepared, stop.clone(), on_message).await?;
    }
    if !matches!(told.exit.status.code(), Some(0 | 2)) {
        return Err(told.halt(ctx, stack, Step::Plan, "plan"));
    }
    let mut changes = told.changes;
    if told.exit.status.code() == Some(2) && changes.is_empty() {
        // Terraform says that there is something to apply which its messages do not count.
        changes.state_only = 1;
    }
    if ctx.mode == Mode::Plan && !changes.is_empty() && is_read_downstream(ctx, stack) {
        book.note_planned(stack, read_plan(ctx, stack, &prepared.place.environment, stop.clone()).await?);
    }
    if changes.is_empty() {
        book.note_current(stack);
        read_ahead(ctx, stack, prepared, book, stop.clone()).await;
    }
    let renders = ctx.renders_plans && !changes.is_empty();
    let rendering =
        if renders { Some(render_plan(ctx, stack, &prepared.place.environment, stop).await?) } else { None };
    Ok(Planned { changes, rendering })
}

/// Removes what an instance's steps left that may hold secrets: the saved plan, the inputs, a state that was to be pushed.
pub fn clean(ctx: &Context, stack: &StackName) -> std::io::Result<()> {
    let folder = ctx.folder(stack);
    remove(&folder.plan())?;
    remove(&folder.pushed_state())?;
    remove(&folder.inputs())
}

fn is_read_downstream(ctx: &Context, stack: &StackName) -> bool {
    ctx.graph.downstream_of(stack.as_str()).values().any(|why| !why.outputs.is_empty())
}

async fn run_plan(
    ctx: &Context,
    stack: &StackName,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
    on_message: &(dyn Fn(&Message) + Sync),
) -> StepResult<Told> {
    let folder = ctx.folder(stack);
    write_inputs(&folder, &prepared.inputs).map_err(failed(Step::Plan))?;
    let arguments = vec![
        "plan".into(),
        "-input=false".into(),
        "-json".into(),
        "-detailed-exitcode".into(),
        with_path("-out=", &folder.plan()),
        with_path("-var-file=", &folder.inputs()),
    ];
    let told = run_terraform(ctx, stack, prepared, "plan", arguments, stop, on_message).await;
    // The inputs may hold secrets; the saved plan has its own copy.
    remove(&folder.inputs()).map_err(failed(Step::Plan))?;
    told.map_err(failed(Step::Plan))
}

/// Applies the saved plan.
pub async fn apply(
    ctx: &Context,
    stack: &StackName,
    prepared: &Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    on_message: &(dyn Fn(&Message) + Sync),
) -> StepResult<()> {
    let folder = ctx.folder(stack);
    let mut arguments: Vec<OsString> = vec!["apply".into(), "-input=false".into(), "-json".into()];
    let ephemeral = prepared.ephemeral_inputs(ctx, stack);
    if !ephemeral.is_empty() {
        // No plan keeps them, so they are told again.
        write_inputs(&folder, &ephemeral).map_err(failed(Step::Apply))?;
        arguments.push(with_path("-var-file=", &folder.inputs()));
    }
    arguments.push(folder.plan().into());
    let stop_reading = stop.clone();
    let told = run_terraform(ctx, stack, prepared, "apply", arguments, stop, on_message).await;
    let told = told.map_err(failed(Step::Apply))?;
    if !told.exit.status.success() {
        return Err(told.halt(ctx, stack, Step::Apply, "apply"));
    }
    book.note_current(stack);
    read_ahead(ctx, stack, prepared, book, stop_reading).await;
    Ok(())
}

/// Reads the outputs of a stack that is done, if they are sure to be read in this run. What goes wrong is told to those who read them.
async fn read_ahead(
    ctx: &Context,
    stack: &StackName,
    prepared: &Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) {
    if ctx.read.contains(stack) && !*stop.borrow() {
        let environment = &prepared.place.environment;
        let _ = book.applied(stack, async || read_applied(ctx, stack, environment, book, stop).await).await;
    }
}

/// The outputs in a stack's state, with those that are null.
async fn read_applied(
    ctx: &Context,
    stack: &StackName,
    environment: &Environment,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<BTreeMap<String, Value>> {
    let mut outputs = read_state(ctx, stack, environment, stop).await?;
    if is_applied(ctx, stack, book)? {
        add_nulls(ctx, stack, &mut outputs);
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
    fn halt(mut self, ctx: &Context, stack: &StackName, step: Step, command: &str) -> Halt {
        if self.exit.interrupted {
            self.diagnostics.retain(|diagnostic| !STOPPED.contains(&diagnostic.summary.as_str()));
            if !self.diagnostics.iter().any(|diagnostic| diagnostic.is_error) {
                return Halt::Interrupted;
            }
        }
        let folder = &ctx.stack(stack).folder;
        Halt::Failed(terraform_failure(step, command, self.exit.status, self.diagnostics, &self.exit.errors, folder))
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

async fn run_terraform(
    ctx: &Context,
    stack: &StackName,
    prepared: &Prepared,
    command: &str,
    arguments: Vec<OsString>,
    stop: watch::Receiver<bool>,
    on_message: &(dyn Fn(&Message) + Sync),
) -> Result<Told, ProcessError> {
    let work = ctx.folder(stack).work();
    let invocation = Invocation {
        program: &ctx.terraform.program,
        arguments,
        folder: &work,
        environment: &prepared.place.environment,
        log: ctx.logs.join(format!("{stack}.{command}.jsonl")),
        errors: ctx.folder(stack).errors(),
    };
    let nothing = Exit { status: std::process::ExitStatus::default(), errors: String::new(), interrupted: false };
    let mut told = Told { exit: nothing, changes: Changes::default(), diagnostics: Vec::new() };
    let mut strange = String::new();
    let exit = invocation.run(stop, |line| match Message::parse(line) {
        Ok(Some(message)) => {
            told.note(&message);
            on_message(&message);
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

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
