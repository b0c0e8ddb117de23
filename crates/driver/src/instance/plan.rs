//! Plans an instance, and saves the plan.

use std::ffi::OsString;

use terrace_domain::plan::{Difference, Loss, PlanFacts};
use terrace_domain::rehearsal::not_its_own;
use terrace_domain::run::{Assessment, Changes, InstanceId, Mode, PlanCover, Step};
use terrace_domain::state::StateFacts;
use tokio::sync::watch;

use super::command::{Told, with_path};
use super::conclude::{conclude, keep_state};
use super::cover::{cover_of, resources_of_plan};
use super::halt::{Halt, StepResult, failed, failure};
use super::locked::run_unlocked;
use super::outputs::{OutputBook, add_nulls, render_plan};
use super::prepare::{Prepared, write_inputs};
use super::private_file::remove;
use super::raw_state::state_of;
use super::show::{Shown, Wanted, look_into};
use super::take_over::TakeOver;
use super::teller::Teller;
use super::upstream::read_ahead;
use crate::assess::assess;
use crate::context::Context;

/// What planning came to.
pub struct Planned {
    /// What the plan is to change.
    pub changes: Changes,
    /// The plan in Terraform's own rendering, where that was asked for and something is to be changed.
    pub rendering: Option<String>,
    /// What an approval of it covers, where people are asked.
    pub cover: Option<Box<PlanCover>>,
    /// What it would take away, where that is weighed.
    pub losses: Vec<Loss>,
    /// What it would change, attribute by attribute, where that is asked for.
    pub differences: Vec<Difference>,
    /// What else was found out of it, where a gate asks for that.
    pub assessment: Option<Box<Assessment>>,
    /// All that it does and why, where that is asked for and something is to be changed.
    pub facts: Option<PlanFacts>,
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
    if ctx.mode == Mode::Destroy {
        if is_empty(ctx, id, prepared, stop.clone()).await? {
            return Ok(Planned::nothing());
        }
        if let Some(missing) = prepared.missing.take() {
            return Err(missing);
        }
    }
    let mut over = TakeOver::begin(ctx, id, prepared, stop.clone()).await?;
    let told = plan_initialised(ctx, id, prepared, &[], stop.clone(), teller).await;
    over.end()?;
    let told = told?;
    if !matches!(told.exit.status.code(), Some(0 | 2)) {
        return Err(over.explain(told.halt(ctx, id, Step::Plan, "plan")));
    }
    let mut changes = told.changes.clone();
    refuse_what_is_not_its_own(ctx, id, changes.import, &over)?;
    if told.exit.status.code() == Some(2) && changes.is_empty() {
        // Terraform says that there is something to apply which its messages do not count.
        changes.state_only = 1;
    }
    if ctx.mode == Mode::Deliver && !changes.is_empty() && ctx.graph.takers_of(id.stack.as_str()).next().is_some() {
        // What is forgotten next must be known to those who take it over.
        keep_state(ctx, id, prepared, teller, stop.clone()).await?;
    }
    let shown = if changes.is_empty() {
        Shown::default()
    } else {
        look_into(ctx, id, prepared.place().environment(), Wanted::of(ctx, id), stop.clone()).await?
    };
    let Shown { outputs, records, losses, differences, facts, whole } = shown;
    if let Some(mut outputs) = outputs {
        add_nulls(ctx, id, &mut outputs);
        book.note_planned(id, outputs);
    }
    if changes.is_empty() {
        book.note_current(id);
        read_ahead(ctx, id, prepared, book, stop.clone()).await;
    }
    if changes.is_empty() && ctx.mode == Mode::Deliver {
        // Also this is evidence: what runs is what the release says.
        conclude(ctx, id, prepared, teller, stop.clone(), &told).await?;
    }
    let renders = ctx.renders_plans && !changes.is_empty();
    let rendering =
        if renders { Some(render_plan(ctx, id, prepared.place().environment(), stop.clone()).await?) } else { None };
    let mut cover = None;
    if let Some(records) = records {
        cover = Some(Box::new(cover_of(ctx, id, prepared, records)?));
        // It may lie there for days until people have decided.
        let folder = ctx.folder(id);
        let sealed = tokio::task::block_in_place(|| ctx.vault.seal_file(&folder.plan(), &folder.sealed_plan()));
        sealed.map_err(failed(Step::Plan))?;
    }
    let assessment =
        facts.as_ref().and_then(|facts| tokio::task::block_in_place(|| assess(ctx, id, facts, whole.as_deref())));
    Ok(Planned { changes, rendering, cover, losses, differences, assessment, facts })
}

impl Planned {
    /// A plan in which there is nothing to do.
    fn nothing() -> Self {
        Self {
            changes: Changes::default(),
            rendering: None,
            cover: None,
            losses: Vec::new(),
            differences: Vec::new(),
            assessment: None,
            facts: None,
        }
    }
}

/// In a rehearsal: refuses a plan that rests on what the rehearsal did not make. It would be changed, and destroyed in the end. What is taken over
/// from a stack that the rehearsal deployed is its own.
fn refuse_what_is_not_its_own(ctx: &Context, id: &InstanceId, imports: u64, over: &TakeOver) -> StepResult<()> {
    let Some(practice) = ctx.practice.as_ref().filter(|_| ctx.mode == Mode::Deliver) else { return Ok(()) };
    let has_begun = practice.begun.contains(&id.stack);
    let mut there =
        if has_begun { Vec::new() } else { resources_of_plan(&ctx.folder(id).plan()).map_err(failed(Step::Plan))? };
    there.retain(|address| !over.has(address));
    let Some(why) = not_its_own(has_begun, &there, imports.saturating_sub(over.count())) else { return Ok(()) };
    let mut failure = failure(Step::Plan, format!("a rehearsal of {} would take hold of what runs: {why}", id.stack));
    failure.help = Some(
        "Nothing of it was changed. Let the `state` block's settings use `env.name`, rehearse under another name, and keep `import` blocks out of \
         releases: import once, then remove the block."
            .to_owned(),
    );
    Err(Halt::Failed(failure))
}

/// Whether an instance's state has no resources.
async fn is_empty(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
) -> StepResult<bool> {
    let Some(bytes) = state_of(ctx, id, prepared, stop).await? else { return Ok(true) };
    let facts = StateFacts::read(&bytes).map_err(failed(Step::Plan))?;
    Ok(facts.resources.is_empty())
}

/// Has Terraform plan, with `more` options, and says what it said. Initialises it once more where that is missing.
pub(super) async fn plan_initialised(
    ctx: &Context,
    id: &InstanceId,
    prepared: &mut Prepared,
    more: &[OsString],
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Told> {
    let told = run_plan(ctx, id, prepared, more, stop.clone(), teller).await?;
    if !told.needs_init() || prepared.initialised_now {
        return Ok(told);
    }
    // Something that was installed is gone: somebody cleared a cache, perhaps.
    prepared.initialised_now = prepared.place.initialise(ctx, id, true, stop.clone()).await?;
    run_plan(ctx, id, prepared, more, stop, teller).await
}

async fn run_plan(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    more: &[OsString],
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Told> {
    let folder = ctx.folder(id);
    write_inputs(&folder, &prepared.inputs).map_err(failed(Step::Plan))?;
    let mut arguments: Vec<OsString> = vec![
        "plan".into(),
        "-input=false".into(),
        "-json".into(),
        "-detailed-exitcode".into(),
        with_path("-out=", &folder.plan()),
        with_path("-var-file=", &folder.inputs()),
    ];
    if ctx.mode == Mode::Destroy {
        arguments.push("-destroy".into());
    }
    arguments.extend_from_slice(more);
    let told = run_unlocked(ctx, id, prepared, "plan", &arguments, stop, teller).await;
    // The inputs may hold secrets; the saved plan has its own copy.
    remove(&folder.inputs()).map_err(failed(Step::Plan))?;
    told.map_err(failed(Step::Plan))
}
