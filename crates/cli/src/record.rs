//! Reads the record of runs for those who look: a run that was at work in the store though no process drives it has ended without
//! a word, and is shown so. Writes nothing: a run is taken up by `terrace resume`, or closed by the next delivery.

use std::collections::BTreeMap;

use terrace_domain::run::{InstanceState, Moment, Outcome, Run, RunId};
use terrace_domain::timeline::{Recording, RunSpans, Timeline};
use terrace_driver::home::Home;
use terrace_driver::store::{Happened, InstanceRow, RunRow, Store, StoreError};

use crate::delivery::is_driven;
use crate::views::time;

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
        rows.into_iter().map(|row| self.seen(row)).collect()
    }

    /// One run, with its row; `None` when there is no such run.
    pub fn run(&self, id: RunId) -> Result<Option<(RunRow, Run)>, StoreError> {
        let Some(row) = self.store.run_row(id)? else { return Ok(None) };
        let row = self.seen(row)?;
        let Some((run, _)) = self.store.replay(id)? else { return Ok(None) };
        let is_left = row.outcome == Outcome::Abandoned && run.finished().is_none();
        Ok(Some((row, if is_left { run.cut_off() } else { run })))
    }

    /// The newest runs that are over first, at most `limit`; of one environment, if given.
    pub fn finished_runs(&self, environment: Option<&str>, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let open = self.store.open_runs()?.len();
        let rows = self.store.runs(environment, limit.saturating_add(open))?;
        Ok(rows.into_iter().filter(|row| row.finished.is_some()).take(limit).collect())
    }

    /// What was done when in a run, with its row; `None` when there is no such run. What no process drives any more ends with the last that it
    /// recorded.
    pub fn timeline(&self, id: RunId) -> Result<Option<(RunRow, Timeline)>, StoreError> {
        let Some((row, spans)) = self.spans(id)? else { return Ok(None) };
        let is_left = row.outcome == Outcome::Abandoned && spans.run().finished().is_none();
        let last = spans.last().unwrap_or(row.created);
        // A clock that was set back since makes nothing end before it began.
        let seen = if is_left { last } else { time::now().max(last) };
        let mut recording = Recording::new();
        spans.record(&mut recording, None, is_left);
        Ok(Some((row, Timeline::of(&recording, seen))))
    }

    /// What was done when in all runs, one after the other, each in the group that `phase` names.
    pub fn timeline_of_all(&self, phase: impl Fn(&RunRow) -> String, seen: Moment) -> Result<Timeline, StoreError> {
        let mut recording = Recording::new();
        let mut runs = self.runs(None, usize::MAX)?;
        runs.reverse();
        for row in runs {
            let Some((row, spans)) = self.spans(row.id)? else { continue };
            let is_left = row.outcome == Outcome::Abandoned && spans.run().finished().is_none();
            spans.record(&mut recording, Some(&phase(&row)), is_left);
            recording.then();
        }
        Ok(Timeline::of(&recording, seen))
    }

    /// The spans of a run, from its journal.
    fn spans(&self, id: RunId) -> Result<Option<(RunRow, RunSpans)>, StoreError> {
        let Some(row) = self.store.run_row(id)? else { return Ok(None) };
        let row = self.seen(row)?;
        let Some(journal) = self.store.journal(id)? else { return Ok(None) };
        let mut spans = RunSpans::new(journal.order.clone());
        for happened in journal {
            let Happened { seq, at, event } = happened?;
            spans = spans.take(at, event).map_err(|source| StoreError::Journal { run: id, seq, source })?;
        }
        Ok(Some((row, spans)))
    }

    /// How all instances are, in order of environment and stack.
    pub fn instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        let mut rows = self.store.instances()?;
        let mut driven: BTreeMap<RunId, bool> = BTreeMap::new();
        for row in rows.iter_mut().filter(|row| row.is_open() && !["awaiting", "held"].contains(&row.state.as_str())) {
            if !*driven.entry(row.run).or_insert_with(|| is_driven(self.home, row.run)) {
                InstanceState::Abandoned(None).word().clone_into(&mut row.state);
            }
        }
        Ok(rows)
    }

    /// The row as it is to be shown: a run that is said to go on and that no process drives was cut off. A process holds its run from before
    /// the run's record until after its end: one that still goes on when it is read once more did not just come to its end.
    fn seen(&self, row: RunRow) -> Result<RunRow, StoreError> {
        if row.outcome != Outcome::Running || is_driven(self.home, row.id) {
            return Ok(row);
        }
        let again = self.store.run_row(row.id)?.unwrap_or(row);
        let is_cut_off = again.outcome == Outcome::Running;
        Ok(if is_cut_off { RunRow { outcome: Outcome::Abandoned, ..again } } else { again })
    }
}
