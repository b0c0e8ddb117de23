//! The example estate, as `terrace init --example harbour` writes it.

use std::path::Path;

use crate::desk::Desk;

/// Its stacks, each after all that it depends on.
pub(crate) const WAVES: [&[&str]; 4] = [
    &["aws-network", "aws-vault", "backups", "google-network", "google-vault"],
    &["aws-cluster", "aws-database", "google-cluster", "google-database"],
    &["dns"],
    &["shop"],
];

/// The example, committed.
pub(crate) fn estate(terraform: &Path) -> Desk {
    let desk = Desk::empty(terraform);
    desk.ok(&["init", "--example", "harbour"]);
    desk.commit("Begin with the example estate");
    desk
}
