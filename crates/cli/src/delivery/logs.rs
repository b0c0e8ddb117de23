//! Keeps the logs of runs from filling the disk. Owns their removal; which run writes where is the driver's.

use std::fs;
use std::path::Path;

/// How many runs keep the logs of their Terraform processes: weeks of deliveries to look back on, and at a megabyte or so for a
/// hundred stacks no more than a provider takes. What the store tells of a run stays for ever.
const RUNS_WITH_LOGS_MAX: usize = 100;

/// Removes the logs of all but the newest runs. `folder` holds a folder a run, named by its number; everything else in it is left
/// alone. What cannot be removed is tried again by the next delivery.
pub fn prune(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut runs: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    runs.sort_unstable_by(|one, other| other.cmp(one));
    for run in runs.iter().skip(RUNS_WITH_LOGS_MAX) {
        let _ = fs::remove_dir_all(folder.join(run.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for run in 1..=RUNS_WITH_LOGS_MAX + 2 {
            fs::create_dir(folder.path().join(run.to_string())).unwrap();
        }
        fs::write(folder.path().join("1/side.plan.jsonl"), "{}\n").unwrap();
        fs::write(folder.path().join("notes"), "mine\n").unwrap();
        prune(folder.path());
        let gone: Vec<_> =
            (1..=RUNS_WITH_LOGS_MAX + 2).filter(|run| !folder.path().join(run.to_string()).exists()).collect();
        assert_eq!(gone, [1, 2]);
        assert!(folder.path().join("notes").exists());
        prune(&folder.path().join("nowhere"));
    }
}
