//! Lays out the work folder of an instance, so that Terraform can run in it.

use serde_json::{Map, Value as Json, json};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::run::{InstanceId, Step};
use terrace_sandbox::Attachment;
use terrace_world::terraform::Environment;
use terrace_world::workspace::Workspace;
use tokio::sync::watch;

use super::clean::clean;
use super::folder::InstanceFolder;
use super::halt::{StepResult, failed, failure};
use super::init::initialise;
use super::private_file::write_private;
use super::{backend, backend_of};
use crate::context::{Context, installs_providers, uses_sandbox};
use crate::home::make_private;

/// A work folder that Terraform can run in.
pub(super) struct Place {
    environment: Environment,
    backend: (String, Map<String, Json>),
    /// Keeps the instance's way to the sandbox cloud open.
    _sandbox: Option<Attachment>,
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

/// Makes the work folder hold what the stack is made of, with the override file for its backend.
pub(super) fn lay_out(ctx: &Context, id: &InstanceId) -> StepResult<Place> {
    let folder = ctx.folder(id);
    // A process that was killed may have left its plan.
    clean(ctx, id).map_err(failed(Step::Prepare))?;
    refuse_unsaved_state(&folder, &id.stack)?;
    let (kind, settings) =
        backend_of(&ctx.estate, ctx.environment(id), ctx.stack(id)).map_err(failed(Step::Prepare))?;
    make_private(folder.root()).map_err(failed(Step::Prepare))?;
    let practice = practice_overrides(ctx, id);
    let own = practice.iter().map(|(path, _)| path.clone()).chain([folder.override_path()]);
    let workspace = Workspace::new(folder.tree(), own);
    let files = &ctx.source(id).files;
    tokio::task::block_in_place(|| workspace.lay_out(&*ctx.tree, files)).map_err(failed(Step::Prepare))?;
    if let Some(release) = &ctx.release
        && let Some(modules) = release.vendored(&id.stack).map_err(failed(Step::Prepare))?
    {
        tokio::task::block_in_place(|| modules.lay_out(workspace.folder())).map_err(failed(Step::Prepare))?;
    }
    let text = backend::override_text(&kind, &settings, folder.depth());
    write_private(&folder.override_file(), text.as_bytes()).map_err(failed(Step::Prepare))?;
    for (path, text) in &practice {
        write_private(&folder.tree().join(path.as_str()), text.as_bytes()).map_err(failed(Step::Prepare))?;
    }
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

/// The name of the file by which what is protected from destruction is not, in a rehearsal.
const PRACTICE_FILE: &str = "terrace_practice_override.tf.json";

/// What is practised with is destroyed afterwards, also what has `prevent_destroy`: override files by which it has not (Terraform language,
/// "Override Files": of a `lifecycle` block each argument is replaced by itself), by their places in the tree.
fn practice_overrides(ctx: &Context, id: &InstanceId) -> Vec<(RepoPath, String)> {
    if ctx.practice.is_none() {
        return Vec::new();
    }
    let modules = ctx.source(id).modules.iter().filter(|(_, facts)| !facts.protected.is_empty());
    let text = |protected: &std::collections::BTreeSet<String>| {
        let mut types: Map<String, Json> = Map::new();
        for (kind, name) in protected.iter().filter_map(|resource| resource.split_once('.')) {
            types.entry(kind).or_insert_with(|| json!({}))[name] = json!({ "lifecycle": { "prevent_destroy": false } });
        }
        json!({ "resource": types }).to_string()
    };
    modules
        .map(|(folder, facts)| {
            (folder.join(PRACTICE_FILE).expect("a file name does not climb"), text(&facts.protected))
        })
        .collect()
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
