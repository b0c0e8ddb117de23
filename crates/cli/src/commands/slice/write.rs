//! Writes several files of the work tree: all of them, or none.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use terrace_config::ChangedText;

use crate::error::CommandError;

/// A file that is about to be written.
struct Staged<'a> {
    path: PathBuf,
    change: &'a ChangedText,
    /// The new file beside it; `None` where the file goes.
    new: Option<NamedTempFile>,
}

/// Writes the files below `root`. If one cannot be written, those before it are put back.
pub(super) fn write_all(root: &Path, changes: &[ChangedText]) -> Result<(), CommandError> {
    let staged = changes.iter().map(|change| stage(root, change)).collect::<Result<Vec<_>, _>>()?;
    for one in &staged {
        refuse_changed(one)?;
    }
    let mut done: Vec<(PathBuf, &ChangedText)> = Vec::new();
    for one in staged {
        let written = match one.new {
            Some(new) => new.persist(&one.path).map(drop).map_err(|error| error.error),
            None => fs::remove_file(&one.path),
        };
        if let Err(error) = written {
            let left = put_back(&done);
            let message = format!("cannot write {}: {error}", one.path.display());
            return Err(match left.as_slice() {
                [] => CommandError::failed(message).help("Nothing was written."),
                left => CommandError::failed(message)
                    .help(format!("These could not be put back: {}. `git checkout` does it.", left.join(", "))),
            });
        }
        done.push((one.path, one.change));
    }
    Ok(())
}

fn stage<'a>(root: &Path, change: &'a ChangedText) -> Result<Staged<'a>, CommandError> {
    let path = root.join(change.path.as_str());
    let new = change.after.as_ref().map(|text| beside(&path, text)).transpose();
    let new = new.map_err(|error| {
        CommandError::failed(format!("cannot write {}: {error}", path.display())).help("Nothing was written.")
    })?;
    Ok(Staged { path, change, new })
}

/// A new file with this text, in the same folder and with the same permissions.
fn beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    let permissions = match fs::metadata(path) {
        Ok(known) => known.permissions(),
        // A file that is made so has those of the folder's other code, as far as this can be known.
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    fs::set_permissions(new.path(), permissions)?;
    Ok(new)
}

fn refuse_changed(staged: &Staged<'_>) -> Result<(), CommandError> {
    let now = match fs::read_to_string(&staged.path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(CommandError::failed(format!("cannot read {}: {error}", staged.path.display()))),
    };
    // A byte order mark is no part of the text that was read.
    let now = now.as_deref().map(|text| text.trim_start_matches('\u{feff}'));
    if now == staged.change.before.as_deref() {
        return Ok(());
    }
    Err(CommandError::failed(format!("{} was changed meanwhile", staged.path.display()))
        .help("Nothing was written. Try again."))
}

/// Puts back what was written; the files for which that fails.
fn put_back(done: &[(PathBuf, &ChangedText)]) -> Vec<String> {
    let undo = |(path, change): &(PathBuf, &ChangedText)| match &change.before {
        Some(text) => fs::write(path, text),
        None => fs::remove_file(path),
    };
    done.iter().filter(|one| undo(one).is_err()).map(|(path, _)| path.display().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use terrace_domain::path::RepoPath;

    use super::*;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> ChangedText {
        ChangedText {
            path: RepoPath::new(path).unwrap(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn all_files_are_written_or_none() {
        let root = tempfile::tempdir().unwrap();
        let text = |name: &str| fs::read_to_string(root.path().join(name)).ok();
        fs::write(root.path().join("a"), "1").unwrap();
        fs::write(root.path().join("gone"), "x").unwrap();
        let all = [change("a", Some("1"), Some("2")), change("b", None, Some("new")), change("gone", Some("x"), None)];
        write_all(root.path(), &all).unwrap();
        assert_eq!((text("a").as_deref(), text("b").as_deref(), text("gone")), (Some("2"), Some("new"), None));
        // One of them was changed by somebody else.
        let error = write_all(root.path(), &[change("a", Some("2"), Some("3")), change("b", Some("old"), Some("4"))]);
        assert!(error.unwrap_err().message.contains("was changed meanwhile"));
        assert_eq!((text("a").as_deref(), text("b").as_deref()), (Some("2"), Some("new")));
        // The second cannot be written: a folder is in its place.
        fs::create_dir_all(root.path().join("c/inside")).unwrap();
        let staged = [change("a", Some("2"), Some("3")), change("c", None, Some("4"))];
        assert!(write_all(root.path(), &staged).is_err());
        assert_eq!(text("a").as_deref(), Some("2"));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3, "nothing is left behind");
    }
}
