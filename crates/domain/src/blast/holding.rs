//! What instances hold: how many resources of which type are in their states. Owns how that is summed up of a state.

use std::collections::BTreeMap;

use crate::name::{EnvironmentName, StackName};
use crate::state::{self, StateFacts};

/// What a state holds, by its last snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// How many managed resources it has.
    pub resources: u64,
    /// The same by type; `None` where the snapshot is older than this record, and only the number is known.
    pub kinds: Option<BTreeMap<String, HeldKind>>,
}

/// The resources of one type in a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldKind {
    /// How many they are.
    pub count: u64,
    /// The first of them by address, at most [`ADDRESSES_MAX`].
    pub addresses: Vec<String>,
}

/// What is known to be there, by environment and stack. An instance that is not in it was never seen: nothing is known of its state.
pub type Holdings = BTreeMap<EnvironmentName, BTreeMap<StackName, Holding>>;

/// How many addresses of a type are kept of one state: more are counted, and not named by anybody.
pub const ADDRESSES_MAX: usize = 50;

impl Holding {
    /// Sums up a state.
    pub fn of(facts: &StateFacts) -> Self {
        Self::of_addresses(facts.resources.iter().map(String::as_str))
    }

    /// Sums up the resources with these addresses.
    pub fn of_addresses<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let mut holding = Self { resources: 0, kinds: Some(BTreeMap::new()) };
        let kinds = holding.kinds.get_or_insert_default();
        for address in addresses {
            holding.resources += 1;
            let kind: &mut HeldKind = kinds.entry(state::resource_type(address)).or_default();
            kind.count += 1;
            if kind.addresses.len() < ADDRESSES_MAX {
                kind.addresses.push(address.to_owned());
            }
        }
        holding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_counted_by_type_and_not_all_of_many_are_named() {
        let many: Vec<String> = (0..200).map(|at| format!("aws_s3_bucket.all[{at}]")).collect();
        let addresses = ["aws_vpc.main", r#"module.m["a.b[0]"].aws_vpc.other["x.y"]"#];
        let holding = Holding::of_addresses(addresses.into_iter().chain(many.iter().map(String::as_str)));
        let kinds = holding.kinds.expect("it is known");
        assert_eq!(holding.resources, 202);
        assert_eq!((kinds["aws_vpc"].count, kinds["aws_vpc"].addresses.len()), (2, 2));
        assert_eq!((kinds["aws_s3_bucket"].count, kinds["aws_s3_bucket"].addresses.len()), (200, ADDRESSES_MAX));
    }
}
