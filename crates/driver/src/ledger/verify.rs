//! Feeds the stored ledger to the domain's chain.

use rusqlite::{Connection, ErrorCode};
use terrace_domain::ledger::{Chain, Checkpoint, Hash, Trust, Verdict};
use terrace_domain::run::Moment;

use super::LedgerError;
use super::row::{COLUMNS, record_of};

/// Checks the whole ledger against itself, its checkpoints, and those in `elsewhere`: whoever can cut off the ledger's end can remove the
/// checkpoints beside it too, but not those that were kept in another place. `trust` judges signatures. A file that is damaged in the
/// middle is told as a fault, with the entry at which reading ended.
pub fn verify(
    connection: &Connection,
    elsewhere: impl IntoIterator<Item = Checkpoint>,
    trust: impl Fn(&Checkpoint) -> Trust,
) -> Result<Verdict, LedgerError> {
    let known: Vec<_> = checkpoints(connection)?.into_iter().chain(elsewhere).collect();
    let mut chain = Chain::new(known, trust);
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM ledger ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut last = 0;
    loop {
        match rows.next() {
            Ok(Some(row)) => match record_of(row) {
                Ok((record, hash)) => {
                    last = record.seq;
                    chain.feed(&record, hash);
                }
                Err(LedgerError::Unreadable { seq, why }) => {
                    last = seq;
                    chain.feed_unreadable(seq, why);
                }
                Err(error) => return Err(error),
            },
            Ok(None) => break,
            Err(error) if is_damage(&error) => {
                chain.feed_unreadable(last + 1, format!("the file is damaged here: {error}"));
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(chain.finish())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// All checkpoints, in order of their entries.
pub fn checkpoints(connection: &Connection) -> Result<Vec<Checkpoint>, LedgerError> {
    let mut statement = connection.prepare("SELECT seq, hash, at, key, signature FROM checkpoint ORDER BY seq, key")?;
    let rows = statement.query_map([], |row| {
        Ok(Checkpoint {
            seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            // A hash of another length is that of no entry, so that the checkpoint is found not to fit.
            hash: Hash::from_bytes(&row.get::<_, Vec<u8>>(1)?).unwrap_or(Hash::ZERO),
            at: Moment(row.get(2)?),
            key: row.get(3)?,
            signature: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
