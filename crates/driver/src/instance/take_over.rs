//! What an instance takes over from another stack's instance in the same environment, where its `stack.hcl` has a `move` block: what the giver's
//! state held, by its last snapshots, is imported. Owns where that is looked up; what of it is imported is decided in the domain.

use terrace_config::ImportBlocks;
use terrace_domain::moves::{Move, MovedAddress, TakenOver, taken_over};
use terrace_domain::run::{InstanceId, Mode, Step};
use terrace_domain::state::import::{ImportList, Importable};
use tokio::sync::watch;

use super::folder::InstanceFolder;
use super::halt::{Halt, StepResult, failed, failure};
use super::import_file::ImportFile;
use super::prepare::Prepared;
use super::raw_state::{open_state, state_of};
use super::recover::knows_identities;
use crate::context::Context;
use crate::database::{self, Connection};
use crate::snapshots::{self, Snapshot};

/// How many snapshots of an instance are known at most: as many as there can be for all that anybody delivers.
const SNAPSHOTS_MAX: usize = 100_000;

/// What a plan imports because the stack takes it over. The file with the import blocks is there as long as this is.
pub(super) struct TakeOver {
    imports: Vec<Importable>,
    /// Who gives, in words.
    from: String,
    file: Option<ImportFile>,
}

impl TakeOver {
    /// Looks up what is to be imported, and writes the import blocks into the work folder.
    pub(super) async fn begin(
        ctx: &Context,
        id: &InstanceId,
        prepared: &Prepared,
        stop: watch::Receiver<bool>,
    ) -> StepResult<Self> {
        let mut over = Self { imports: Vec::new(), from: String::new(), file: None };
        let moves = &ctx.stack(id).moves;
        if moves.is_empty() || ctx.mode == Mode::Destroy {
            return Ok(over);
        }
        let own = match state_of(ctx, id, prepared, stop.clone()).await? {
            Some(bytes) => ImportList::read(&bytes).map_err(failed(Step::Plan))?,
            None => ImportList::default(),
        };
        let mut givers = Vec::new();
        for moved in moves {
            let taken = Giver::of(ctx, id, moved).all(&own, stop.clone()).await?;
            if !taken.is_empty() {
                givers.push(moved.from.name.to_string());
            }
            over.imports.extend(taken);
        }
        over.imports.sort_by(|a, b| a.address.cmp(&b.address));
        over.from = givers.join(", ");
        over.write(&ctx.folder(id), knows_identities(ctx))?;
        Ok(over)
    }

    fn write(&mut self, folder: &InstanceFolder, identities: bool) -> StepResult<()> {
        if !self.imports.is_empty() {
            let blocks = ImportBlocks::of(&self.imports, identities);
            self.file = Some(ImportFile::write(folder, &blocks).map_err(failed(Step::Plan))?);
        }
        Ok(())
    }

    /// Removes the import blocks: the saved plan has them.
    pub(super) fn end(&mut self) -> StepResult<()> {
        self.file.take().map_or(Ok(()), ImportFile::remove).map_err(failed(Step::Plan))
    }

    /// How many instances are imported.
    pub(super) fn count(&self) -> u64 {
        self.imports.len() as u64
    }

    /// Whether an instance is among them.
    pub(super) fn has(&self, address: &str) -> bool {
        self.imports.binary_search_by(|one| one.address.as_str().cmp(address)).is_ok()
    }

    /// Why a plan failed, with what to do where it may be because of the imports.
    pub(super) fn explain(&self, halt: Halt) -> Halt {
        match halt {
            Halt::Failed(mut failure) if !self.imports.is_empty() && failure.help.is_none() => {
                failure.help = Some(format!(
                    "The plan imports {} from {} (the `move` block in stack.hcl). Nothing was changed. If an object is gone for good, take its \
                     address out of the `move` block.",
                    listed(self.imports.iter().map(|one| one.address.as_str())),
                    self.from
                ));
                Halt::Failed(failure)
            }
            other => other,
        }
    }
}

/// The first of some names, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const NAMED_MAX: usize = 5;
    let more = names.len().saturating_sub(NAMED_MAX);
    let named = names.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// The instance that gives.
struct Giver<'a> {
    ctx: &'a Context,
    id: InstanceId,
    taker: &'a InstanceId,
    moved: &'a Move,
}

impl<'a> Giver<'a> {
    fn of(ctx: &'a Context, taker: &'a InstanceId, moved: &'a Move) -> Self {
        let id = InstanceId { environment: taker.environment.clone(), stack: moved.from.name.clone() };
        Self { ctx, id, taker, moved }
    }

    /// All that is imported from it.
    async fn all(&self, own: &ImportList, stop: watch::Receiver<bool>) -> StepResult<Vec<Importable>> {
        // In a rehearsal nothing else is anybody's to take.
        if self.ctx.practice.as_ref().is_some_and(|practice| !practice.begun.contains(&self.id.stack)) {
            return Ok(Vec::new());
        }
        let connection = self.connection()?;
        let known = match &connection {
            Some(connection) => self.snapshots(connection)?,
            None => Vec::new(),
        };
        let mut records = Records { giver: self, snapshots: known, read: Vec::new() };
        if records.snapshots.is_empty() {
            records.read.extend(self.present(stop).await?);
        }
        let mut imports = Vec::new();
        for resource in &self.moved.resources {
            let Some(given) = records.last_with(&resource.address)? else { continue };
            let TakenOver { imports: more, obstacles } = taken_over(&resource.address, own, given);
            if let Some(obstacle) = obstacles.first() {
                return Err(self.cannot(&obstacle.address, &obstacle.why.to_string()));
            }
            imports.extend(more);
        }
        Ok(imports)
    }

    fn connection(&self) -> StepResult<Option<Connection>> {
        let path = self.ctx.home.database();
        if !path.exists() {
            return Ok(None);
        }
        tokio::task::block_in_place(|| database::open(&path)).map(Some).map_err(failed(Step::Plan))
    }

    fn snapshots(&self, connection: &Connection) -> StepResult<Vec<Snapshot>> {
        let (environment, stack) = (self.id.environment.as_str(), self.id.stack.as_str());
        snapshots::list(connection, environment, stack, SNAPSHOTS_MAX).map_err(failed(Step::Plan))
    }

    fn read(&self, snapshot: &Snapshot) -> StepResult<ImportList> {
        let read = || {
            let bytes = self.ctx.vault.get(snapshot.taken.digest).map_err(|error| error.to_string())?;
            ImportList::read(&bytes).map_err(|error| error.to_string())
        };
        tokio::task::block_in_place(read).map_err(|why| {
            let what = format!(
                "snapshot {} of {} in {} cannot be read: {why}",
                snapshot.id, snapshot.stack, snapshot.environment
            );
            let mut failure = failure(Step::Plan, what);
            failure.help = Some(format!(
                "It may tell what {} takes over (the `move` block in stack.hcl). Nothing was changed.",
                self.taker.stack
            ));
            failure.into()
        })
    }

    /// What the giver's state holds now, where Terrace never delivered it, and so has no snapshot.
    async fn present(&self, stop: watch::Receiver<bool>) -> StepResult<Option<ImportList>> {
        if !self.ctx.sources.contains_key(&self.id.stack) {
            return Ok(None);
        }
        let state = open_state(self.ctx, &self.id, stop.clone()).await?;
        let bytes = state.read(self.ctx, &self.id, stop).await?;
        bytes.map(|bytes| ImportList::read(&bytes).map_err(failed(Step::Plan))).transpose()
    }

    fn cannot(&self, address: &str, why: &str) -> Halt {
        let mut failure = failure(Step::Plan, format!("{address} of {} cannot be taken over: {why}", self.id.stack));
        failure.help = Some(
            "Nothing was changed. Import it by hand with `terraform import`, or take it out of the `move` block and back to where it was."
                .to_owned(),
        );
        failure.into()
    }
}

/// What is known of a giver's states, the newest first; read as far as needed.
struct Records<'a> {
    giver: &'a Giver<'a>,
    snapshots: Vec<Snapshot>,
    read: Vec<ImportList>,
}

impl Records<'_> {
    /// The last state that held any of an address.
    fn last_with(&mut self, address: &MovedAddress) -> StepResult<Option<&ImportList>> {
        let mut at = 0;
        loop {
            if at == self.read.len() {
                let Some(next) = self.snapshots.get(at) else { return Ok(None) };
                self.read.push(self.giver.read(next)?);
            }
            if address.is_in(&self.read[at]) {
                return Ok(Some(&self.read[at]));
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn many_names_are_cut_short() {
        assert_eq!(listed(["a", "b"].into_iter()), "a, b");
        assert_eq!(listed(["a", "b", "c", "d", "e", "f", "g"].into_iter()), "a, b, c, d, e and 2 more");
    }
}
