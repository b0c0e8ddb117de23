//! Removes what an instance's steps left that may hold secrets.

use std::path::Path;

use terrace_domain::path::RepoPath;
use terrace_domain::run::InstanceId;

use super::folder::InstanceFolder;
use super::private_file::remove;
use crate::context::Context;

/// Removes what an instance's steps left that may hold secrets: the saved plan, the inputs, a state that was to be pushed. Import blocks go
/// with them: no other plan must see them.
pub fn clean(ctx: &Context, id: &InstanceId) -> std::io::Result<()> {
    clean_folder(&ctx.folder(id))
}

fn clean_folder(folder: &InstanceFolder) -> std::io::Result<()> {
    remove(&folder.plan())?;
    remove(&folder.pushed_state())?;
    remove(&folder.outputs())?;
    remove(&folder.import_file())?;
    remove(&folder.inputs())
}

/// Removes all that an instance's steps left when it has come to its end: also a plan that waited for people.
pub fn clean_up(ctx: &Context, id: &InstanceId) -> std::io::Result<()> {
    discard(ctx.folder(id).root())
}

/// The same, for the folder of an instance of which no more is known.
pub fn discard(root: &Path) -> std::io::Result<()> {
    let folder = InstanceFolder::new(root.to_owned(), RepoPath::root());
    remove(&folder.sealed_plan())?;
    clean_folder(&folder)
}
