//! Regions that are lost: all that was there is gone, and nothing can be done there until they are restored.

use jiff::Timestamp;
use rusqlite::Transaction;

use super::call::{self, Call};
use super::refusal::Refusal;
use super::{Cloud, CloudError, Operation, Outcome, TAMPER_IDENTITY};
use crate::kind::Vendor;

impl Cloud {
    /// Loses a region: everything in it vanishes, and calls to it fail until [`Cloud::restore_region`]. Returns how many resources
    /// were lost.
    pub fn lose_region(&self, region: &str) -> Result<usize, CloudError> {
        if region.is_empty() {
            return Err(CloudError::Invalid("a region's name is needed".to_owned()));
        }
        self.store.write(|tx| {
            tx.execute(
                "INSERT OR IGNORE INTO lost_region (region, at) VALUES (?1, ?2)",
                (region, Timestamp::now().as_millisecond()),
            )?;
            tx.execute("DELETE FROM reference WHERE from_id IN (SELECT id FROM resource WHERE region = ?1)", [region])?;
            let lost = tx.execute("DELETE FROM resource WHERE region = ?1", [region])?;
            record(tx, Operation::Lose, region)?;
            Ok(lost)
        })
    }

    /// Brings a lost region back, empty. Returns whether it was lost.
    pub fn restore_region(&self, region: &str) -> Result<bool, CloudError> {
        self.store.write(|tx| {
            let was_lost = tx.execute("DELETE FROM lost_region WHERE region = ?1", [region])? > 0;
            record(tx, Operation::Restore, region)?;
            Ok(was_lost)
        })
    }

    /// The regions that are lost, in the order of their names.
    pub fn lost_regions(&self) -> Result<Vec<String>, CloudError> {
        self.store.read(lost)
    }
}

pub(super) fn lost(tx: &Transaction<'_>) -> Result<Vec<String>, CloudError> {
    let mut statement = tx.prepare_cached("SELECT region FROM lost_region ORDER BY region")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn refuse_lost(tx: &Transaction<'_>, vendor: Vendor, region: &str) -> Result<(), CloudError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM lost_region WHERE region = ?1")?;
    if statement.exists([region])? { Err(Refusal::region_lost(vendor, region).into()) } else { Ok(()) }
}

fn record(tx: &Transaction<'_>, operation: Operation, region: &str) -> Result<(), CloudError> {
    call::record(
        tx,
        &Call {
            at: super::operate::now(),
            identity: TAMPER_IDENTITY.to_owned(),
            operation,
            vendor: None,
            kind: String::new(),
            name: region.to_owned(),
            id: String::new(),
            outcome: Outcome::Done,
            duration_ms: 0,
        },
    )
}
