//! What the states of snapshots hold, by type, in a row beside each snapshot: states are sealed, and what is in ten thousand of them is asked in
//! one query. Snapshots that were recorded before there were such rows tell how many resources they have, and no more.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use terrace_domain::blast::{HeldKind, Holding, Holdings};
use terrace_domain::name::{EnvironmentName, StackName};

use super::SnapshotError;

/// The table.
pub(crate) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS snapshot_holding (
    snapshot INTEGER PRIMARY KEY REFERENCES snapshot (id),
    kinds    TEXT NOT NULL -- JSON: {\"v\": 1, \"kinds\": {TYPE: {\"count\": N, \"addresses\": [...]}}}
) STRICT;
";

/// The version of what is in the column `kinds`.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
struct KindsWire {
    v: u32,
    kinds: BTreeMap<String, KindWire>,
}

#[derive(Serialize, Deserialize)]
struct KindWire {
    count: u64,
    addresses: Vec<String>,
}

/// Records what a snapshot's state holds.
pub(super) fn record(connection: &Connection, snapshot: i64, holding: &Holding) -> Result<(), SnapshotError> {
    let Some(kinds) = &holding.kinds else { return Ok(()) };
    let wire = |kind: &HeldKind| KindWire { count: kind.count, addresses: kind.addresses.clone() };
    let wire = KindsWire { v: FORM, kinds: kinds.iter().map(|(name, kind)| (name.clone(), wire(kind))).collect() };
    let text = serde_json::to_string(&wire).expect("a map of texts and numbers becomes JSON");
    connection
        .prepare_cached("INSERT OR REPLACE INTO snapshot_holding (snapshot, kinds) VALUES (?1, ?2)")?
        .execute(params![snapshot, text])?;
    Ok(())
}

/// What instances hold by their last snapshots, of all environments.
pub fn holdings(connection: &Connection) -> Result<Holdings, SnapshotError> {
    let mut statement = connection.prepare(
        "SELECT snapshot.environment, snapshot.stack, snapshot.resources, snapshot_holding.kinds
         FROM snapshot LEFT JOIN snapshot_holding ON snapshot_holding.snapshot = snapshot.id
         WHERE snapshot.id IN (SELECT max(id) FROM snapshot GROUP BY environment, stack)",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Holdings::new();
    while let Some(row) = rows.next()? {
        let (environment, stack): (String, String) = (row.get(0)?, row.get(1)?);
        // An instance whose name this program does not take for one is none that it could touch.
        let (Ok(environment), Ok(stack)) = (EnvironmentName::new(&environment), StackName::new(&stack)) else {
            continue;
        };
        let resources = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        let kinds = row.get_ref(3)?.as_str_or_null().ok().flatten().and_then(kinds);
        found.entry(environment).or_default().insert(stack, Holding { resources, kinds });
    }
    Ok(found)
}

/// What is in a row; `None` of another version's, of which the number of resources is still known.
fn kinds(text: &str) -> Option<BTreeMap<String, HeldKind>> {
    let wire: KindsWire = serde_json::from_str(text).ok().filter(|wire: &KindsWire| wire.v == FORM)?;
    let kind = |kind: KindWire| HeldKind { count: kind.count, addresses: kind.addresses };
    Some(wire.kinds.into_iter().map(|(name, wire)| (name, kind(wire))).collect())
}

#[cfg(test)]
mod tests {
    use terrace_domain::run::Moment;

    use super::*;
    use crate::snapshots::{Occasion, Taken, record};

    fn state(serial: u64, types: &[&str]) -> Vec<u8> {
        let resource = |kind: &&str| {
            format!(r#"{{"mode":"managed","type":"{kind}","name":"b","instances":[{{"attributes":{{}}}}]}}"#)
        };
        let resources: Vec<String> = types.iter().map(resource).collect();
        let resources = resources.join(",");
        format!(r#"{{"version":4,"serial":{serial},"lineage":"l","outputs":{{}},"resources":[{resources}]}}"#)
            .into_bytes()
    }

    #[test]
    fn the_last_snapshot_of_each_instance_counts_and_older_records_have_a_number_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terrace.db");
        let connection = crate::database::open(&path).unwrap();
        let take = |environment: &str, stack: &str, types: &[&str]| {
            let occasion = Occasion { environment, stack, at: Moment(1), run: None };
            record(&connection, &occasion, &Taken::of(&state(1, types)).unwrap()).unwrap()
        };
        take("dev", "network", &["aws_vpc"]);
        take("dev", "network", &["aws_vpc", "aws_subnet"]);
        take("dev", "data", &["aws_db_instance"]);
        let old = take("prod", "network", &["aws_vpc", "aws_subnet", "aws_eip"]);
        connection.execute("DELETE FROM snapshot_holding WHERE snapshot = ?1", [i64::try_from(old).unwrap()]).unwrap();
        let newer = take("prod", "data", &["aws_db_instance"]);
        let other = r#"UPDATE snapshot_holding SET kinds = '{"v":2,"kinds":{}}' WHERE snapshot = ?1"#;
        connection.execute(other, [i64::try_from(newer).unwrap()]).unwrap();

        let found = holdings(&connection).unwrap();
        let of = |environment: &str, stack: &str| found[environment][stack].clone();
        assert_eq!(of("dev", "network").resources, 2);
        assert_eq!(of("dev", "network").kinds.unwrap()["aws_subnet"].addresses, ["aws_subnet.b"]);
        assert_eq!(of("dev", "data").kinds.unwrap().keys().collect::<Vec<_>>(), ["aws_db_instance"]);
        assert_eq!((of("prod", "network").resources, of("prod", "network").kinds), (3, None));
        assert_eq!((of("prod", "data").resources, of("prod", "data").kinds), (1, None));
    }

    #[test]
    fn a_database_that_has_no_such_table_yet_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terrace.db");
        crate::database::open(&path).unwrap().execute_batch("DROP TABLE snapshot_holding").unwrap();
        let connection = crate::database::open(&path).unwrap();
        assert!(holdings(&connection).unwrap().is_empty());
    }
}
