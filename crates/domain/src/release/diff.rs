//! What differs between two releases.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BlobId, Contract, Digest, EstateRelease, FileMode, FileRecord, OutputContract, ProviderVersions, VariableContract,
};
use crate::name::{CapabilityName, StackName};
use crate::path::RepoPath;

/// What differs between two maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes<K, V> {
    /// Only the new one has them.
    pub added: BTreeMap<K, V>,
    /// Only the old one has them.
    pub removed: BTreeMap<K, V>,
    /// Both have them, with other values: the old one and the new one.
    pub changed: BTreeMap<K, (V, V)>,
}

impl<K, V> Default for Changes<K, V> {
    fn default() -> Self {
        Self { added: BTreeMap::new(), removed: BTreeMap::new(), changed: BTreeMap::new() }
    }
}

impl<K, V> Changes<K, V> {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl<K: Ord + Clone, V: PartialEq + Clone> Changes<K, V> {
    /// Compares two maps.
    pub fn between(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>) -> Self {
        let only = |own: &BTreeMap<K, V>, other: &BTreeMap<K, V>| {
            own.iter()
                .filter(|(key, _)| !other.contains_key(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let both = old.iter().filter_map(|(key, value)| Some((key, value, new.get(key)?)));
        let changed = both.filter(|(_, old, new)| old != new);
        Self {
            added: only(new, old),
            removed: only(old, new),
            changed: changed.map(|(key, old, new)| (key.clone(), (old.clone(), new.clone()))).collect(),
        }
    }
}

/// What differs in a file: its mode, its content, or both.
pub type FileChange = (FileMode, BlobId);

/// What differs between two contracts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractDiff {
    /// Files of the repository. A rename is a removal and an addition.
    pub files: Changes<RepoPath, FileChange>,
    /// Files of fetched modules.
    pub vendored: Changes<RepoPath, FileChange>,
    /// Variables; a changed one has another type, another need of an input, or other marks.
    pub variables: Changes<String, VariableContract>,
    /// Outputs.
    pub outputs: Changes<String, OutputContract>,
    /// Provider requirements, by source address.
    pub providers: Changes<String, ProviderVersions>,
    /// Fetched modules by key: source and version.
    pub modules: Changes<String, (String, Option<String>)>,
    /// Constraints on Terraform's version, where they differ: the old ones and the new ones.
    pub required_version: Option<(BTreeSet<String>, BTreeSet<String>)>,
    /// The folder, where it differs.
    pub folder: Option<(RepoPath, RepoPath)>,
    /// The capability, where it differs.
    pub capability: Option<(Option<CapabilityName>, Option<CapabilityName>)>,
    /// The owner, where it differs.
    pub owner: Option<(Option<String>, Option<String>)>,
}

impl ContractDiff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What differs between two contracts of a stack.
pub fn diff(old: &Contract, new: &Contract) -> ContractDiff {
    ContractDiff {
        files: Changes::between(&by_path(&old.files), &by_path(&new.files)),
        vendored: Changes::between(&by_path(&old.vendored), &by_path(&new.vendored)),
        variables: Changes::between(&old.variables, &new.variables),
        outputs: Changes::between(&old.outputs, &new.outputs),
        providers: Changes::between(&old.providers, &new.providers),
        modules: Changes::between(&modules(old), &modules(new)),
        required_version: differing(&old.required_version, &new.required_version),
        folder: differing(&old.folder, &new.folder),
        capability: differing(&old.capability, &new.capability),
        owner: differing(&old.owner, &new.owner),
    }
}

fn by_path(files: &[FileRecord]) -> BTreeMap<RepoPath, FileChange> {
    files.iter().map(|file| (file.path.clone(), (file.mode, file.blob))).collect()
}

fn modules(contract: &Contract) -> BTreeMap<String, (String, Option<String>)> {
    contract
        .modules
        .iter()
        .map(|module| (module.key.clone(), (module.source.clone(), module.version.clone())))
        .collect()
}

fn differing<T: PartialEq + Clone>(old: &T, new: &T) -> Option<(T, T)> {
    (old != new).then(|| (old.clone(), new.clone()))
}

/// What differs between two estate releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateDiff {
    /// Stacks that have another release, or a release in one of them only.
    pub stacks: Changes<StackName, Digest>,
    /// Stacks with the same release in both.
    pub unchanged: BTreeSet<StackName>,
    /// Whether the estate's own file differs, or a policy of its gates.
    pub estate_file: bool,
}

/// What differs between two estate releases.
pub fn diff_estates(old: &EstateRelease, new: &EstateRelease) -> EstateDiff {
    let is_same = |(name, digest): &(&StackName, &Digest)| old.stacks.get(*name) == Some(*digest);
    EstateDiff {
        stacks: Changes::between(&old.stacks, &new.stacks),
        unchanged: new.stacks.iter().filter(is_same).map(|(name, _)| name.clone()).collect(),
        estate_file: old.estate != new.estate,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;
    use crate::name::EstateName;

    fn contract(variables: &[(&str, &str, bool)], files: &[(&str, u8)]) -> Contract {
        let variable = |(name, kind, required): &(&str, &str, bool)| {
            let type_constraint = Some((*kind).to_owned());
            let value = VariableContract { type_constraint, required: *required, sensitive: false, ephemeral: false };
            ((*name).to_owned(), value)
        };
        let file = |(path, byte): &(&str, u8)| FileRecord {
            path: RepoPath::new(path).unwrap(),
            mode: FileMode::Regular,
            blob: BlobId([*byte; 20]),
            size: 1,
        };
        Contract {
            stack: StackName::new("a").unwrap(),
            folder: RepoPath::new("stacks/a").unwrap(),
            capability: None,
            owner: None,
            variables: variables.iter().map(variable).collect(),
            outputs: BTreeMap::new(),
            providers: BTreeMap::new(),
            required_version: BTreeSet::new(),
            modules: Vec::new(),
            files: files.iter().map(file).collect(),
            vendored: Vec::new(),
        }
    }

    #[test]
    fn a_contract_differs_in_what_was_added_removed_and_retyped() {
        let old = contract(&[("kept", "string", true), ("typed", "string", true), ("gone", "any", true)], &[("x", 1)]);
        let new = contract(&[("kept", "string", true), ("typed", "number", true), ("new", "any", false)], &[("x", 2)]);
        let found = diff(&old, &new);
        let keys = |map: &BTreeMap<String, VariableContract>| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            (keys(&found.variables.added), keys(&found.variables.removed)),
            (vec!["new".into()], vec!["gone".into()])
        );
        let (before, after) = &found.variables.changed["typed"];
        assert_eq!(
            (before.type_constraint.as_deref(), after.type_constraint.as_deref()),
            (Some("string"), Some("number"))
        );
        assert_eq!(found.variables.changed.len(), 1);
        assert_eq!(found.files.changed.len(), 1);
        assert!(found.outputs.is_empty() && !found.is_empty());
        assert!(diff(&old, &old).is_empty());
    }

    #[test]
    fn estates_differ_by_digests() {
        let release = |stacks: &[(&str, u8)], estate: u8| EstateRelease {
            digest: Digest([estate; 32]),
            commit: String::new(),
            committed_at_secs: 0,
            author: None,
            subject: None,
            estate_name: EstateName::new("e").unwrap(),
            estate: Digest([estate; 32]),
            stacks: stacks.iter().map(|(name, byte)| (StackName::new(name).unwrap(), Digest([*byte; 32]))).collect(),
        };
        let found =
            diff_estates(&release(&[("a", 1), ("b", 2), ("c", 3)], 0), &release(&[("b", 2), ("c", 4), ("d", 5)], 0));
        let names = |map: Vec<&StackName>| map.into_iter().map(StackName::as_str).collect::<Vec<_>>().join(",");
        assert_eq!(names(found.stacks.added.keys().collect()), "d");
        assert_eq!(names(found.stacks.removed.keys().collect()), "a");
        assert_eq!(names(found.stacks.changed.keys().collect()), "c");
        assert_eq!(names(found.unchanged.iter().collect()), "b");
        assert!(!found.estate_file);
    }

    proptest! {
        #[test]
        fn the_changes_make_the_old_map_the_new_one(
            old in btree_map(0u8..20, 0u8..3, 0..12),
            new in btree_map(0u8..20, 0u8..3, 0..12),
        ) {
            let changes = Changes::between(&old, &new);
            prop_assert_eq!(changes.is_empty(), old == new);
            let mut made = old.clone();
            made.retain(|key, _| !changes.removed.contains_key(key));
            made.extend(changes.added.clone());
            for (key, (before, after)) in &changes.changed {
                prop_assert_eq!(&old[key], before);
                made.insert(*key, *after);
            }
            prop_assert_eq!(made, new);
        }
    }
}
