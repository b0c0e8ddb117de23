//! Makes the lost state of an instance again, by importing what a snapshot says was in it. Nothing but the state is written: no object is made,
//! changed or destroyed, whatever the code says by now.
//!
//! All is planned at once with import blocks. Where that plan does nothing but import, it is applied. Terraform applies all of a plan or nothing,
//! so where it would do more (create what could not be imported, change what differs), two other ways are gone, one after the other:
//! - `together`: a plan for those that depend on nothing that is missing, in which what differs counts as it is. It is applied only if it does
//!   nothing but import.
//! - `one_by_one`: `terraform import` for the rest, which can do nothing else. It comes last because it reads the code against the state as far as
//!   that has come: with little in it, a `for_each` over other resources cannot be evaluated.

mod one_by_one;
mod rounds;
mod together;
mod unchanged;

use std::collections::BTreeSet;
use std::ffi::OsString;

use semver::Version;
use terrace_domain::plan::read_plan;
use terrace_domain::run::{InstanceId, Step};
use terrace_domain::state::import::{Difference, ImportList, ImportPlan, Importable, NotImportable};
use terrace_world::terraform::Product;
use tokio::sync::watch;

use super::apply::apply_saved;
use super::clean::clean;
use super::command::Told;
use super::conclude::keep_state;
use super::halt::{Halt, StepResult, failed, failure};
use super::outputs::OutputBook;
use super::plan::plan_initialised;
use super::prepare::{Prepared, prepare};
use super::raw_state::state_of;
use super::show::show_plan;
use super::teller::Teller;
use crate::context::Context;
use crate::snapshots::Snapshot;

/// The first version, of Terraform and of OpenTofu, that knows import blocks.
const IMPORT_BLOCKS: Version = Version::new(1, 5, 0);
/// The first Terraform that imports by identities.
const IDENTITIES: Version = Version::new(1, 12, 0);

/// A state that is lost.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    /// The snapshot that tells what was in it.
    pub snapshot: &'a Snapshot,
    /// The snapshot's bytes, out of the vault.
    pub state: &'a [u8],
    /// Plan, and write nothing.
    pub only_look: bool,
    /// Also where an earlier import was cut off: the state holds a part of the snapshot then, and nothing else.
    pub go_on: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The addresses of what was imported (or would be), in order.
    pub imported: Vec<String>,
    /// What Terraform or a provider refused to import.
    pub refused: Vec<Refused>,
    /// What cannot be imported at all.
    pub not_importable: Vec<NotImportable>,
    /// What the code would change now, but for making anew what could not be imported.
    pub differing: Vec<Difference>,
    /// Outputs that are not in the state yet.
    pub outputs: BTreeSet<String>,
    /// Whether the state was written; not where it was only looked.
    pub written: bool,
    /// Whether the plan at the end is empty: the state is what it was.
    pub is_empty: bool,
}

/// An instance whose import was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its address.
    pub address: String,
    /// The id by which it was to be imported.
    pub id: Option<String>,
    /// What was said.
    pub why: String,
}

impl Recovered {
    /// Whether all that the snapshot held is in the state again.
    pub fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.not_importable.is_empty()
    }
}

/// Imports what the snapshot held into the empty state of an instance. A snapshot is taken of the new state where it is whole.
///
/// # Errors
/// When the snapshot is of something else, the state is not empty, the plan fails for another reason than a refused import, or somebody asks to
/// stop. What was imported until then is in the state.
pub async fn recover_state(
    ctx: &Context,
    id: &InstanceId,
    lost: Lost<'_>,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Recovered> {
    refuse_old(ctx)?;
    let list = listed(id, lost)?;
    let prepared = prepared(ctx, id, book, stop.clone()).await?;
    let mut recovery = Recovery { ctx, id, prepared, stop, teller };
    let recovered = recovery.run(list, lost).await;
    let cleaned = clean(ctx, id).map_err(failed(Step::Apply));
    let recovered = recovered?;
    cleaned?;
    if recovered.written && recovered.is_empty {
        book.note_current(id);
    }
    Ok(recovered)
}

/// A recovery at work.
struct Recovery<'a> {
    ctx: &'a Context,
    id: &'a InstanceId,
    prepared: Prepared,
    stop: watch::Receiver<bool>,
    teller: &'a Teller,
}

impl Recovery<'_> {
    async fn run(&mut self, list: ImportList, lost: Lost<'_>) -> StepResult<Recovered> {
        let list = self.left_of(list, lost).await?;
        let ImportList { importable, not_importable } = list;
        let (list, refusals, plan) = self.plan_imports(importable).await?;
        if lost.only_look {
            let imported = plan.imports.iter().cloned().collect();
            let refused = refusals.into_iter().map(|refusal| refusal.refused).collect();
            return Ok(report(imported, refused, not_importable, plan, false));
        }
        let (imported, refused) = if plan.is_pure() {
            if !plan.is_empty() {
                self.apply().await?;
            }
            let refused = refusals.into_iter().map(|refusal| refusal.refused).collect();
            (plan.imports.into_iter().collect(), refused)
        } else {
            self.import_apart(list, refusals, &not_importable, &plan).await?
        };
        let left = self.settle_outputs().await?;
        let recovered = report(imported, refused, not_importable, left, true);
        if recovered.is_whole() {
            keep_state(self.ctx, self.id, &self.prepared, self.teller, self.stop.clone()).await?;
        }
        Ok(recovered)
    }

    /// Imports what can be imported where a plan of all would do more: together as far as that goes, then one by one.
    async fn import_apart(
        &mut self,
        list: Vec<Importable>,
        refusals: Vec<Refusal>,
        not_importable: &[NotImportable],
        plan: &ImportPlan,
    ) -> StepResult<(Vec<String>, Vec<Refused>)> {
        let made = plan.differing.iter().filter(|one| one.action == "create").map(|one| one.address.as_str());
        let missing = made
            .chain(refusals.iter().map(|one| one.refused.address.as_str()))
            .chain(not_importable.iter().map(|one| one.address.as_str()));
        let mut imported = self.import_together(&list, missing).await?;
        let rest = list.into_iter().filter(|one| !imported.contains(&one.address)).collect();
        let (more, refused) = self.import_each(rest, refusals).await?;
        imported.extend(more);
        Ok((imported.into_iter().collect(), refused))
    }

    /// What is left to import; refuses a state with something in it.
    async fn left_of(&self, list: ImportList, lost: Lost<'_>) -> StepResult<ImportList> {
        let Some(bytes) = state_of(self.ctx, self.id, &self.prepared, self.stop.clone()).await? else {
            return Ok(list);
        };
        let present = ImportList::read(&bytes).map_err(|error| {
            let mut failure = failure(Step::Prepare, format!("the present state cannot be read: {error}"));
            failure.help = Some("Nothing was done. Move it away (and keep it), then import again.".to_owned());
            failure
        })?;
        if present.is_empty() {
            return Ok(list);
        }
        let (stack, count) = (&self.id.stack, present.len());
        if !lost.go_on {
            let holds = if count == 1 { "a resource".to_owned() } else { format!("{count} resources") };
            let mut failure = failure(Step::Prepare, format!("the state of {stack} is not empty: it holds {holds}"));
            failure.help = Some(
                "An import makes a state again that was lost. `terrace state restore` puts a snapshot in the place of one that is damaged; \
                 `--go-on` goes on with an import that was cut off."
                    .to_owned(),
            );
            return Err(failure.into());
        }
        list.without(&present).map_err(|address| {
            let what = format!(
                "the state of {stack} is not of an import that was cut off: it has {address}, and the snapshot has not"
            );
            Halt::from(failure(Step::Prepare, what))
        })
    }

    /// A plan without imports; one that changes nothing but outputs is applied: they are in the state alone.
    async fn settle_outputs(&mut self) -> StepResult<ImportPlan> {
        let plan = self.plan_now().await?;
        if !plan.is_pure() || plan.is_empty() {
            return Ok(plan);
        }
        self.apply().await?;
        self.plan_now().await
    }

    async fn plan_now(&mut self) -> StepResult<ImportPlan> {
        let told = self.plan(&[]).await?;
        if !is_planned(&told) {
            return Err(told.halt(self.ctx, self.id, Step::Plan, "plan"));
        }
        self.read_plan().await
    }

    /// Plans, with more options.
    async fn plan(&mut self, more: &[OsString]) -> StepResult<Told> {
        if *self.stop.borrow() {
            return Err(Halt::Interrupted);
        }
        plan_initialised(self.ctx, self.id, &mut self.prepared, more, self.stop.clone(), self.teller).await
    }

    async fn read_plan(&self) -> StepResult<ImportPlan> {
        let environment = self.prepared.place().environment();
        show_plan(self.ctx, self.id, environment, self.stop.clone(), |reader| {
            let mut plan = ImportPlan::default();
            read_plan(reader, &mut [&mut plan]).map(|()| plan)
        })
        .await
    }

    /// Applies the saved plan, of which it is known that it changes the state alone.
    async fn apply(&self) -> StepResult<()> {
        let told = apply_saved(self.ctx, self.id, &self.prepared, self.stop.clone(), self.teller).await?;
        if told.exit.status.success() { Ok(()) } else { Err(told.halt(self.ctx, self.id, Step::Apply, "apply")) }
    }

    /// Whether import blocks may name identities.
    fn knows_identities(&self) -> bool {
        knows_identities(self.ctx)
    }
}

/// Whether import blocks may name identities.
pub(super) fn knows_identities(ctx: &Context) -> bool {
    ctx.terraform.product == Product::Terraform && ctx.terraform.version >= IDENTITIES
}

fn is_planned(told: &Told) -> bool {
    matches!(told.exit.status.code(), Some(0 | 2))
}

fn refuse_old(ctx: &Context) -> StepResult<()> {
    if ctx.terraform.version >= IMPORT_BLOCKS {
        return Ok(());
    }
    let mut failure = failure(Step::Prepare, format!("{} knows no import blocks", ctx.terraform.named()));
    failure.help = Some(format!("Use {IMPORT_BLOCKS} or newer to import a lost state."));
    Err(failure.into())
}

/// What the snapshot held; refuses one that is no state, or is of another instance.
fn listed(id: &InstanceId, lost: Lost<'_>) -> StepResult<ImportList> {
    let snapshot = lost.snapshot;
    let refuse = |what: String, help: &str| {
        let mut failure = failure(Step::Prepare, what);
        failure.help = Some(help.to_owned());
        Halt::from(failure)
    };
    let look = "`terrace state snapshots` lists those of an instance.";
    if (snapshot.environment.as_str(), snapshot.stack.as_str()) != (id.environment.as_str(), id.stack.as_str()) {
        let what = format!(
            "snapshot {} is of {} in {}, and not of {} in {}",
            snapshot.id, snapshot.stack, snapshot.environment, id.stack, id.environment
        );
        return Err(refuse(what, look));
    }
    if terrace_vault::Digest::of(lost.state) != snapshot.taken.digest {
        return Err(refuse(
            format!("these are not the contents of snapshot {}", snapshot.id),
            "Take another snapshot.",
        ));
    }
    let list = ImportList::read(lost.state)
        .map_err(|error| refuse(format!("snapshot {} is no state: {error}", snapshot.id), look))?;
    if list.is_empty() {
        return Err(refuse(format!("there is nothing to import: snapshot {} holds no resources", snapshot.id), look));
    }
    Ok(list)
}

async fn prepared(
    ctx: &Context,
    id: &InstanceId,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<Prepared> {
    prepare(ctx, id, book, stop).await.map_err(|halt| match halt {
        Halt::InputsUnknown(upstream) => {
            let names: Vec<_> = upstream.iter().map(|stack| format!("`{stack}`")).collect();
            let mut failure = failure(
                Step::Prepare,
                format!("inputs of {} read outputs that are not there: of {}", id.stack, names.join(", ")),
            );
            failure.help = Some("Import the state of what is upstream first, or restore it.".to_owned());
            Halt::Failed(failure)
        }
        other => other,
    })
}

/// What came of it. That what could not be imported would be made anew is told once, where it was refused.
fn report(
    imported: Vec<String>,
    mut refused: Vec<Refused>,
    not_importable: Vec<NotImportable>,
    left: ImportPlan,
    written: bool,
) -> Recovered {
    // The code may have an import block of its own for what was refused.
    refused.retain(|one| !imported.contains(&one.address));
    refused.sort_by(|a, b| a.address.cmp(&b.address));
    let is_empty = written && left.is_empty();
    let told: BTreeSet<_> =
        refused.iter().map(|one| &one.address).chain(not_importable.iter().map(|one| &one.address)).collect();
    let differing =
        left.differing.into_iter().filter(|one| one.action != "create" || !told.contains(&one.address)).collect();
    Recovered { imported, refused, not_importable, differing, outputs: left.outputs, written, is_empty }
}

/// A refusal, and whether it is sure that it is about this instance.
struct Refusal {
    one: Importable,
    refused: Refused,
    is_certain: bool,
}

impl Refusal {
    fn of(one: Importable, why: String, is_certain: bool) -> Self {
        let refused = Refused { address: one.address.clone(), id: one.by.id.clone(), why };
        Self { one, refused, is_certain }
    }
}

/// What a command said was wrong, in its own words.
fn words<'a>(errors: impl Iterator<Item = &'a terrace_domain::run::TerraformDiagnostic>) -> String {
    let one = |error: &terrace_domain::run::TerraformDiagnostic| match error.detail.trim() {
        "" => error.summary.clone(),
        detail => format!("{}: {detail}", error.summary),
    };
    errors.filter(|error| error.is_error).map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use terrace_domain::run::Moment;
    use terrace_domain::state::import::Obstacle;

    use super::*;
    use crate::snapshots::Taken;

    const STATE: &str = r#"{"version":4,"serial":1,"lineage":"l","resources":[
        {"mode":"managed","type":"a","name":"x","instances":[{"attributes":{"id":"1"}}]}]}"#;

    fn refusal(state: &str, stack: &str, change: impl FnOnce(&mut Snapshot)) -> Option<String> {
        let digest = terrace_vault::Digest::of(state.as_bytes());
        let taken = Taken { digest, size: 0, serial: 1, lineage: "l".to_owned(), resources: 1, holding: None };
        let (environment, stack) = ("dev".to_owned(), stack.to_owned());
        let mut snapshot = Snapshot { id: 7, environment, stack, at: Moment(0), run: None, taken };
        change(&mut snapshot);
        let id = InstanceId { environment: "dev".parse().unwrap(), stack: "network".parse().unwrap() };
        let lost = Lost { snapshot: &snapshot, state: state.as_bytes(), only_look: false, go_on: false };
        match listed(&id, lost) {
            Ok(list) => {
                assert_eq!(list.len(), 1);
                None
            }
            Err(Halt::Failed(failure)) => {
                assert!(failure.help.is_some(), "{failure:?}");
                Some(failure.summary)
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_snapshot_of_something_else_is_refused() {
        assert_eq!(refusal(STATE, "network", |_| {}), None);
        let of_other = refusal(STATE, "cluster", |_| {}).unwrap();
        assert_eq!(of_other, "snapshot 7 is of cluster in dev, and not of network in dev");
        let elsewhere = refusal(STATE, "network", |snapshot| snapshot.environment = "prod".to_owned()).unwrap();
        assert_eq!(elsewhere, "snapshot 7 is of network in prod, and not of network in dev");
        let exchanged = |snapshot: &mut Snapshot| snapshot.taken.digest = terrace_vault::Digest::of(b"other");
        assert_eq!(refusal(STATE, "network", exchanged).unwrap(), "these are not the contents of snapshot 7");
        assert_eq!(refusal("", "network", |_| {}).unwrap(), "snapshot 7 is no state: the state is empty");
        let nothing = r#"{"version":4,"serial":1,"lineage":"l"}"#;
        assert!(refusal(nothing, "network", |_| {}).unwrap().contains("holds no resources"));
    }

    #[test]
    fn what_is_left_to_do_by_hand_is_told_once() {
        let difference = |address: &str, action: &str| Difference {
            address: address.to_owned(),
            action: action.to_owned(),
            attributes: Vec::new(),
        };
        let refused = |address: &str| Refused { address: address.to_owned(), id: None, why: "no".to_owned() };
        let left = ImportPlan {
            differing: vec![
                difference("a.gone", "create"),
                difference("a.secret", "create"),
                difference("a.x", "update"),
            ],
            ..ImportPlan::default()
        };
        let secret = NotImportable { address: "a.secret".to_owned(), why: Obstacle::SecretValue };
        let imported = vec!["a.own".to_owned(), "a.x".to_owned()];
        let recovered = report(imported, vec![refused("a.own"), refused("a.gone")], vec![secret], left, true);
        assert_eq!(recovered.differing, [difference("a.x", "update")]);
        assert_eq!(recovered.refused, [refused("a.gone")], "the code's own import block has taken the other in");
        assert!(!recovered.is_empty && !recovered.is_whole());
    }
}
