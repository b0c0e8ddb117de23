//! `terraform init`, only when something that it depends on has changed.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use terrace_config::is_test;
use terrace_domain::check::CheckKind;
use terrace_domain::run::{Failure, InstanceId, Step};
use terrace_world::terraform::{Environment, Invocation};
use terrace_world::workspace::PROVIDER_LOCK_FILE;
use tokio::sync::watch;

use super::halt::{Halt, StepResult, failed, failure, terraform_failure};
use super::place;
use crate::context::{Context, installs_providers};
use crate::home::make_private;

/// What an `init` was made for; kept beside the work folder.
#[derive(Serialize, Deserialize, PartialEq)]
struct Initialised {
    version: u32,
    fingerprint: String,
    backend: Json,
}

const VERSION: u32 = 1;

/// Runs `terraform init` if it must be run (or `force`), and says whether it was.
pub(super) async fn initialise(
    ctx: &Context,
    id: &InstanceId,
    backend: (&str, &Map<String, Json>),
    environment: &Environment,
    force: bool,
    stop: watch::Receiver<bool>,
) -> StepResult<bool> {
    let folder = ctx.folder(id);
    let now = what_for(ctx, id, backend).map_err(failed(Step::Prepare))?;
    let before = read(&folder.initialised());
    if let Some(before) = &before {
        let moved = place::moved(&before.backend, &now.backend);
        if !moved.is_empty() {
            return Err(moved_state(ctx, id, &moved).into());
        }
        if *before == now && !force && folder.work().join(".terraform").is_dir() {
            return Ok(false);
        }
    }
    forget_own_lock_file(ctx, id).map_err(failed(Step::Prepare))?;
    let _one_at_a_time = wait_for_plugins(ctx, id).map_err(failed(Step::Prepare))?;
    let work = folder.work();
    let mut arguments = vec!["init", "-input=false", "-no-color"];
    if before.is_some_and(|before| before.backend != now.backend) {
        // The place is the same, as was found above; how it is reached is another.
        arguments.push("-reconfigure");
    }
    let invocation = Invocation {
        program: &ctx.terraform.program,
        arguments: arguments.iter().map(Into::into).collect(),
        folder: &work,
        environment,
        log: ctx.log(id, "init.log"),
        errors: folder.errors(),
    };
    let exit = invocation.run(stop, |_| {}).await.map_err(failed(Step::Prepare))?;
    if !exit.status.success() {
        if exit.interrupted {
            return Err(Halt::Interrupted);
        }
        let stack_folder = &ctx.stack(id).folder;
        let failure = terraform_failure(Step::Prepare, "init", exit.status, Vec::new(), &exit.errors, stack_folder);
        return Err(failure.into());
    }
    refuse_other_backend(ctx, id, &now.backend)?;
    let text = serde_json::to_vec(&now).expect("texts become JSON");
    let unwritten = |error| format!("cannot write {}: {error}", folder.initialised().display());
    fs::write(folder.initialised(), text).map_err(unwritten).map_err(failed(Step::Prepare))?;
    Ok(true)
}

fn read(path: &Path) -> Option<Initialised> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Everything that `init` looks at: program, backend, module sources, providers asked for, lock file. Files whose blocks could not be
/// read count whole.
fn what_for(
    ctx: &Context,
    id: &InstanceId,
    (kind, settings): (&str, &Map<String, Json>),
) -> Result<Initialised, String> {
    let source = ctx.source(id);
    let mut text = format!("{}\n{}\n", ctx.terraform.program.display(), ctx.terraform.version);
    for (folder, facts) in &source.modules {
        let _ = writeln!(text, "module {folder}");
        for call in &facts.module_calls {
            let _ = writeln!(text, "call {:?} {:?} {:?}", call.name, call.source, call.version);
        }
        for (name, provider) in &facts.required_providers {
            let _ = writeln!(text, "provider {name:?} {:?} {:?}", provider.source, provider.version);
        }
    }
    let unreadable = |path: &_| source.modules.iter().any(|(_, facts)| facts.unreadable.contains(path));
    let runs_tests = ctx.stack(id).checks.iter().any(|check| matches!(check.kind, CheckKind::TerraformTest));
    // What tests call is installed by `init`, too.
    let tests = |path: &_| runs_tests && is_test(path);
    let lock_file = ctx.stack(id).folder.join(PROVIDER_LOCK_FILE).map_err(|error| error.to_string())?;
    for entry in
        source.files.iter().filter(|entry| entry.path == lock_file || unreadable(&entry.path) || tests(&entry.path))
    {
        let id = ctx.content_id(entry).map_err(|error| error.to_string())?;
        let _ = writeln!(text, "file {} {id}", entry.path);
    }
    let fingerprint = Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(Initialised { version: VERSION, fingerprint, backend: json!({ kind: settings }) })
}

/// Providers are installed into one cache for all instances, which Terraform does not guard against two at once: wait for the turn.
/// `None` where nothing is to be installed.
fn wait_for_plugins(ctx: &Context, id: &InstanceId) -> Result<Option<File>, String> {
    if !installs_providers(ctx.source(id)) {
        return Ok(None);
    }
    let folder = ctx.home.plugin_cache();
    make_private(&folder).map_err(|error| error.to_string())?;
    let path = folder.join("lock");
    let lock = || {
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    let wrong = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
    tokio::task::block_in_place(lock).map(Some).map_err(wrong)
}

/// Where the source has no lock file, the one that an earlier `init` made must not hold back new constraints.
fn forget_own_lock_file(ctx: &Context, id: &InstanceId) -> std::io::Result<()> {
    let folder = ctx.folder(id);
    let is_committed = ctx.source(id).files.iter().any(|entry| {
        entry.path.file_name() == PROVIDER_LOCK_FILE && entry.path.parent().as_ref() == Some(&ctx.stack(id).folder)
    });
    if is_committed {
        return Ok(());
    }
    match fs::remove_file(folder.provider_lock()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Terraform merges override files in the order of their names: one that the configuration could not read might name another backend, and
/// environments would share a state. So what Terraform was initialised for is held against what it should be.
fn refuse_other_backend(ctx: &Context, id: &InstanceId, expected: &Json) -> StepResult<()> {
    let record = ctx.folder(id).backend_record();
    let kind = fs::read(&record).ok().and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok()).and_then(|state| {
        Some((state.pointer("/backend/type")?.as_str()?.to_owned(), state["backend"]["config"].clone()))
    });
    let expected = expected.as_object().and_then(|backend| backend.iter().next());
    let (Some((kind, found)), Some((wanted, settings))) = (kind, expected) else { return Ok(()) };
    let differs = |(key, value): (&String, &Json)| {
        let is_plain = value.is_string() && !found[key].is_null();
        // A local path is led to the work folder before Terraform sees it.
        let is_led = wanted == "local" && key == "path";
        is_plain && if is_led { !ends_alike(&found[key], value) } else { found[key] != *value }
    };
    let is_other = kind != *wanted || settings.as_object().into_iter().flatten().any(differs);
    if !is_other {
        return Ok(());
    }
    let mut failure =
        failure(Step::Prepare, format!("Terraform uses another backend for {} than the estate's `{wanted}`", id.stack));
    failure.help = Some("Look for a `backend` block in an override file of the stack, and take it out.".to_owned());
    Err(failure.into())
}

fn ends_alike(found: &Json, wanted: &Json) -> bool {
    let (Some(found), Some(wanted)) = (found.as_str(), wanted.as_str()) else { return false };
    found.ends_with(wanted.trim_start_matches("./"))
}

/// The state block names another place than the one where this instance's state was kept: going on would build all of it anew. The
/// settings' values are not told: there may be passwords among them.
fn moved_state(ctx: &Context, id: &InstanceId, moved: &[String]) -> Failure {
    let summary = format!("the place of the state of {} in {} has changed", id.stack, id.environment);
    let mut failure = failure(Step::Prepare, summary);
    failure.help = Some(format!(
        "Another {} is set in the state block than at the last delivery. Nothing was done: from an empty state Terraform would build \
         everything a second time. Move the state to its new place first, then remove {} and deliver again.",
        moved.join(", "),
        ctx.folder(id).root().display()
    ));
    failure
}
