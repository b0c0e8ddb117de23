//! Appends entries and checkpoints. Each entry takes its place in the chain in the transaction that writes it.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use terrace_domain::ledger::{Checkpoint, Hash, NewEntry};

use super::LedgerError;
use super::row::as_i64;

/// An entry that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Appends an entry. The transaction must have begun as `IMMEDIATE` (or have written already): several processes append to one ledger,
/// and the last entry must stay the last until this one is written. It is on disk when the transaction is committed.
pub fn append(transaction: &Transaction<'_>, entry: &NewEntry<'_>) -> Result<Appended, LedgerError> {
    entry.check()?;
    let (last, prev) = head(transaction)?.unwrap_or((0, Hash::ZERO));
    let record = entry.chained(last + 1, prev);
    let hash = record.hash();
    transaction
        .prepare_cached(
            "INSERT INTO ledger (seq, at, actor, kind, run, run_seq, stage, environment, stack, release, reason, body, prev, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            as_i64(record.seq),
            record.at,
            record.actor,
            record.kind,
            record.run.map(as_i64),
            record.run_seq.map(as_i64),
            record.stage,
            record.environment,
            record.stack,
            record.release,
            record.reason,
            record.body,
            record.prev.0.as_slice(),
            hash.0.as_slice(),
        ])?;
    Ok(Appended { seq: record.seq, hash })
}

/// The number and the hash of the last entry; `None` in an empty ledger.
pub fn head(connection: &Connection) -> Result<Option<(u64, Hash)>, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")?;
    let found = statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
    let Some((seq, hash)) = found else { return Ok(None) };
    let unreadable = |seq, why: &str| LedgerError::Unreadable { seq, why: why.to_owned() };
    let seq = u64::try_from(seq).map_err(|_| unreadable(0, "`seq` is below 0"))?;
    let hash = Hash::from_bytes(&hash).ok_or_else(|| unreadable(seq, "`hash` has not 32 bytes"))?;
    Ok(Some((seq, hash)))
}

/// Adds a checkpoint; that of an entry that the ledger does not have with this hash is refused.
pub fn add_checkpoint(transaction: &Transaction<'_>, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
    let seq = as_i64(checkpoint.seq);
    let hash: Option<Vec<u8>> =
        transaction.query_row("SELECT hash FROM ledger WHERE seq = ?1", [seq], |row| row.get(0)).optional()?;
    if hash.is_none_or(|hash| hash != checkpoint.hash.0) {
        return Err(LedgerError::Checkpoint { seq: checkpoint.seq });
    }
    transaction.execute(
        "INSERT INTO checkpoint (seq, key, at, hash, signature) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![seq, checkpoint.key, checkpoint.at.0, checkpoint.hash.0.as_slice(), checkpoint.signature],
    )?;
    Ok(())
}
