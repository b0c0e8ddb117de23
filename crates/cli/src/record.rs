//! Reads the record of runs for those who look: a run that is open in the store though nobody holds its environment has ended without
//! a word, and is shown so. Writes nothing: the next delivery closes such runs.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::run::{Event, InstanceState, Moment, Outcome, Run, RunId, advance};
use terrace_driver::home::Home;
use terrace_driver::store::{InstanceRow, RunRow, Store, StoreError};
use terrace_world::lock::holder;

/// The store of an estate, to be looked into.
pub struct Record<'a> {
    store: &'a Store,
    home: &'a Home,
}

impl<'a> Record<'a> {
    /// The record in this store.
    pub fn of(store: &'a Store, home: &'a Home) -> Self {
        Self { store, home }
    }

    /// The newest runs first, at most `limit`; of one environment, if given.
    pub fn runs(&self, environment: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let rows = self.store.runs(environment, limit)?;
        let open = rows.iter().filter(|row| row.outcome == Outcome::Running);
        let deserted = self.deserted(open.map(|row| (row.environment.as_str(), row.id)));
        if deserted.is_empty() {
            return Ok(rows);
        }
        let again = self.store.runs(environment, limit)?;
        Ok(again.into_iter().map(|row| closed(row, &deserted)).collect())
    }

    /// One run, with its row; `None` when there is no such run.
    pub fn run(&self, id: RunId) -> Result<Option<(RunRow, Run)>, StoreError> {
        let Some(row) = self.store.run_row(id)? else { return Ok(None) };
        let open = (row.outcome == Outcome::Running).then_some((row.environment.as_str(), id));
        let deserted = self.deserted(open.into_iter());
        let (Some(row), Some((run, _))) = (self.store.run_row(id)?, self.store.replay(id)?) else { return Ok(None) };
        let row = closed(row, &deserted);
        let run = if row.outcome == Outcome::Abandoned { without_end(run) } else { run };
        Ok(Some((row, run)))
    }

    /// How all instances are, in order of environment and stack.
    pub fn instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        let rows = self.store.instances()?;
        let open = rows.iter().filter(|row| row.is_open());
        let deserted = self.deserted(open.map(|row| (row.environment.as_str(), row.run)));
        if deserted.is_empty() {
            return Ok(rows);
        }
        let mut again = self.store.instances()?;
        for row in again.iter_mut().filter(|row| row.is_open() && deserted.contains(&row.run)) {
            InstanceState::Abandoned(None).word().clone_into(&mut row.state);
        }
        Ok(again)
    }

    /// Those of these open runs whose environment nobody holds. A run's process holds it from before the run's record until after its
    /// end: a run that is still open when it is read once more has been deserted, and did not just come to its end.
    fn deserted<'r>(&self, open: impl Iterator<Item = (&'r str, RunId)>) -> BTreeSet<RunId> {
        let mut held = BTreeMap::new();
        let mut is_held = |environment: &'r str| {
            // A lock that cannot be looked at may be held.
            let ask = || holder(&self.home.locks(), environment).map_or(true, |holder| holder.is_some());
            *held.entry(environment).or_insert_with(ask)
        };
        open.filter(|(environment, _)| !is_held(environment)).map(|(_, id)| id).collect()
    }
}

fn closed(row: RunRow, deserted: &BTreeSet<RunId>) -> RunRow {
    if row.outcome == Outcome::Running && deserted.contains(&row.id) {
        return RunRow { outcome: Outcome::Abandoned, ..row };
    }
    row
}

/// The run as the next delivery will close it, as of the last that was heard of it.
fn without_end(run: Run) -> Run {
    if run.finished().is_some() {
        return run;
    }
    let at = last_heard(&run);
    let begun = match run.started() {
        Some(_) => run.clone(),
        None => advance(run.clone(), at, Event::Started).map_or_else(|_| run.clone(), |(run, _)| run),
    };
    advance(begun, at, Event::Abandoned).map_or(run, |(run, _)| run)
}

fn last_heard(run: &Run) -> Moment {
    let moments = run.instances().iter().flat_map(|instance| [instance.started, instance.finished]);
    moments.chain([run.started()]).flatten().max().unwrap_or(Moment(0))
}
