//! Snapshots of states.

/// The table.
pub const TABLES: &str = "
CREATE TABLE IF NOT EXISTS snapshot (
    id          INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    stack       TEXT NOT NULL,
    at          INTEGER NOT NULL, -- milliseconds since 1970, UTC
    run         INTEGER,          -- the run after which it was taken
    digest      TEXT NOT NULL,    -- of the state's bytes: its name in the vault
    serial      INTEGER NOT NULL,
    lineage     TEXT NOT NULL,
    resources   INTEGER NOT NULL,
    size        INTEGER NOT NULL  -- of the state, in bytes
) STRICT;
CREATE INDEX IF NOT EXISTS snapshot_instance ON snapshot (environment, stack);
";
