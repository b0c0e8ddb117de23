//! What is known of types of resources: which hold data, and whose loss cannot be undone. Owns the reading of the data file
//! (`crates/domain/data/resource-types.json`, each group with its source) and how the estate's own words change it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Traits;

/// The data file. It is part of the program, and a test reads it.
const DATA: &str = include_str!("../../data/resource-types.json");
/// The longest name of a type, in bytes; providers' longest are below a hundred.
const TYPE_LENGTH_MAX: usize = 255;
/// Stands at the end of a pattern for any characters.
const WILDCARD: char = '*';

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(BuiltIn::read);

/// What is known of types of resources: what Terrace brings along, changed by what the estate says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceTypes {
    rules: Vec<TypeRule>,
}

/// What an estate says of types of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRule {
    /// Which types.
    pub pattern: TypePattern,
    /// What it says of them.
    pub word: TypeWord,
}

/// What can be said of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeWord {
    /// Such resources hold data.
    Stateful,
    /// The loss of one cannot be undone.
    Irreversible,
    /// Neither: whatever Terrace or a wider pattern says.
    Disposable,
}

/// A type of resources, or with a `*` at the end all types that begin so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypePattern {
    beginning: String,
    is_open: bool,
}

/// A text is no pattern for types of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypePatternError {
    /// There is nothing in it.
    #[error("the name of a resource type is empty")]
    Empty,
    /// It is longer than any.
    #[error("the name of a resource type has at most {TYPE_LENGTH_MAX} bytes")]
    TooLong,
    /// A `*` that is not the last character.
    #[error("a `*` can only stand at the end of a resource type")]
    Wildcard,
    /// It names one resource, and not a type.
    #[error("this is the address of a resource, and not a type")]
    Address,
    /// A character that no type has.
    #[error("a resource type has letters, digits, `_` and `-`, and begins with a letter")]
    Character,
}

/// Types of resources of which the same is known, for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeGroup {
    /// The provider's name: `aws`.
    pub provider: String,
    /// What they are: `databases`.
    pub what: String,
    /// Whether they hold data.
    pub stateful: bool,
    /// Whether the loss of one cannot be undone.
    pub irreversible: bool,
    /// Why that is so, in a sentence.
    pub reason: String,
    /// Where that is written.
    pub source: String,
    /// The types; some end with a `*`.
    pub types: Vec<String>,
}

impl ResourceTypes {
    /// What Terrace brings along, changed by these rules.
    pub fn new(rules: Vec<TypeRule>) -> Self {
        Self { rules }
    }

    /// What is known of a type. Where the estate's patterns say different things of it, the longer one counts: a type's own name before all.
    pub fn traits_of(&self, resource_type: &str) -> Traits {
        let matching = || self.rules.iter().filter(|rule| rule.pattern.matches(resource_type));
        let disposable = matching().filter(|rule| rule.word == TypeWord::Disposable).map(TypeRule::weight).max();
        let mut traits = if disposable.is_some() { Traits::default() } else { BUILT_IN.traits_of(resource_type) };
        for rule in matching().filter(|rule| disposable.is_none_or(|weight| rule.weight() > weight)) {
            match rule.word {
                TypeWord::Stateful => traits.is_stateful = true,
                TypeWord::Irreversible => traits.is_irreversible = true,
                TypeWord::Disposable => {}
            }
        }
        traits
    }

    /// What Terrace itself knows of a type, and why: for those who want the reason. Empty where the estate takes it away.
    pub fn groups_of(&self, resource_type: &str) -> Vec<&'static TypeGroup> {
        let matching = self.rules.iter().filter(|rule| rule.pattern.matches(resource_type));
        if matching.into_iter().any(|rule| rule.word == TypeWord::Disposable) {
            return Vec::new();
        }
        BUILT_IN.groups.iter().filter(|group| group.has(resource_type)).collect()
    }
}

/// All that Terrace itself knows of types of resources.
pub fn type_groups() -> &'static [TypeGroup] {
    &BUILT_IN.groups
}

impl TypeRule {
    /// The more, the more exactly it says which types it is about.
    fn weight(&self) -> (usize, bool) {
        (self.pattern.beginning.len(), !self.pattern.is_open)
    }
}

impl TypeWord {
    /// All, in the sequence in which the configuration has them.
    pub const ALL: [Self; 3] = [Self::Stateful, Self::Irreversible, Self::Disposable];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stateful => "stateful",
            Self::Irreversible => "irreversible",
            Self::Disposable => "disposable",
        }
    }
}

impl TypePattern {
    /// Whether a type is among those that it stands for.
    pub fn matches(&self, resource_type: &str) -> bool {
        if self.is_open { resource_type.starts_with(&self.beginning) } else { resource_type == self.beginning }
    }
}

impl FromStr for TypePattern {
    type Err = TypePatternError;

    fn from_str(text: &str) -> Result<Self, TypePatternError> {
        if text.trim().is_empty() {
            return Err(TypePatternError::Empty);
        }
        if text.len() > TYPE_LENGTH_MAX {
            return Err(TypePatternError::TooLong);
        }
        let (beginning, is_open) = text.strip_suffix(WILDCARD).map_or((text, false), |beginning| (beginning, true));
        if beginning.contains(WILDCARD) {
            return Err(TypePatternError::Wildcard);
        }
        if beginning.contains(['.', '[']) {
            return Err(TypePatternError::Address);
        }
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !beginning.chars().all(is_known) || beginning.starts_with(|c: char| !c.is_ascii_alphabetic()) {
            return Err(TypePatternError::Character);
        }
        Ok(Self { beginning: beginning.to_owned(), is_open })
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.beginning, if self.is_open { "*" } else { "" })
    }
}

impl TypeGroup {
    fn has(&self, resource_type: &str) -> bool {
        self.types.iter().any(|known| match known.strip_suffix(WILDCARD) {
            Some(beginning) => resource_type.starts_with(beginning),
            None => known == resource_type,
        })
    }

    fn traits(&self) -> Traits {
        Traits { is_stateful: self.stateful, is_irreversible: self.irreversible }
    }
}

/// The data file, made ready to be asked: of each resource of each plan.
struct BuiltIn {
    groups: Vec<TypeGroup>,
    exact: HashMap<String, Traits>,
    beginnings: Vec<(String, Traits)>,
}

impl BuiltIn {
    fn read() -> Self {
        let groups: Vec<TypeGroup> = serde_json::from_str(DATA).expect("the data file is part of the program");
        let mut built_in = Self { groups: Vec::new(), exact: HashMap::new(), beginnings: Vec::new() };
        for group in &groups {
            for known in &group.types {
                match known.strip_suffix(WILDCARD) {
                    Some(beginning) => built_in.beginnings.push((beginning.to_owned(), group.traits())),
                    None => built_in.exact.entry(known.clone()).or_default().add(group.traits()),
                }
            }
        }
        Self { groups, ..built_in }
    }

    fn traits_of(&self, resource_type: &str) -> Traits {
        let mut traits = self.exact.get(resource_type).copied().unwrap_or_default();
        let open = self.beginnings.iter().filter(|(beginning, _)| resource_type.starts_with(beginning));
        open.for_each(|(_, more)| traits.add(*more));
        traits
    }
}

impl Traits {
    fn add(&mut self, more: Self) {
        self.is_stateful |= more.is_stateful;
        self.is_irreversible |= more.is_irreversible;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn types(rules: &[(TypeWord, &str)]) -> ResourceTypes {
        let rule = |(word, text): &(TypeWord, &str)| TypeRule { pattern: text.parse().unwrap(), word: *word };
        ResourceTypes::new(rules.iter().map(rule).collect())
    }

    fn words(types: &ResourceTypes, resource_type: &str) -> String {
        let Traits { is_stateful, is_irreversible } = types.traits_of(resource_type);
        let words = [(is_stateful, "stateful"), (is_irreversible, "irreversible")];
        words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_cloud_has_what_holds_data_and_what_cannot_be_had_again() {
        let cases = [
            ("aws_db_instance", "stateful"),
            ("aws_fsx_lustre_file_system", "stateful"),
            ("aws_kms_key", "stateful irreversible"),
            ("aws_s3_bucket", "stateful irreversible"),
            ("aws_eip", "irreversible"),
            ("aws_vpc", ""),
            ("aws_db_instance_role_association", ""),
            ("google_sql_database_instance", "stateful"),
            ("google_kms_crypto_key", "stateful irreversible"),
            ("google_compute_address", "irreversible"),
            ("azurerm_cosmosdb_mongo_collection", "stateful"),
            ("azurerm_key_vault", "stateful irreversible"),
            ("azurerm_virtual_network", ""),
            ("kubernetes_persistent_volume_claim_v1", "stateful"),
            ("sandbox_aws_database", "stateful"),
            ("sandbox_google_vault", "stateful irreversible"),
            ("sandbox_aws_network", ""),
            ("terraform_data", ""),
            ("", ""),
        ];
        let built_in = ResourceTypes::default();
        for (resource_type, expected) in cases {
            assert_eq!(words(&built_in, resource_type), expected, "{resource_type}");
        }
    }

    #[test]
    fn the_data_file_says_of_each_type_once_what_it_is_and_who_says_so() {
        let mut seen = BTreeSet::new();
        for group in type_groups() {
            assert!(group.stateful || group.irreversible, "{}", group.what);
            for text in [&group.what, &group.reason, &group.source] {
                assert!(!text.trim().is_empty(), "{group:?}");
            }
            assert!(group.reason.ends_with('.') && !group.source.contains("://"), "{group:?}");
            let mut sorted = group.types.clone();
            sorted.sort();
            assert_eq!(sorted, group.types, "sorted, so that a change is easy to read");
            for known in &group.types {
                assert!(known.starts_with(&format!("{}_", group.provider)), "{known} is in {}", group.provider);
                let pattern: TypePattern = known.parse().unwrap();
                assert_eq!(pattern.to_string(), *known);
                assert!(seen.insert(known.clone()), "{known} is there twice");
            }
        }
        let open = seen.iter().filter(|known| known.ends_with('*'));
        for pattern in open.map(|known| known.parse::<TypePattern>().unwrap()) {
            let covered = seen.iter().find(|known| !known.ends_with('*') && pattern.matches(known));
            assert_eq!(covered, None, "{pattern} stands for it already");
        }
    }

    #[test]
    fn the_estate_adds_and_takes_away() {
        let own = types(&[
            (TypeWord::Stateful, "acme_ledger"),
            (TypeWord::Irreversible, "acme_hsm_*"),
            (TypeWord::Irreversible, "aws_db_instance"),
            (TypeWord::Disposable, "aws_sqs_queue"),
        ]);
        let cases = [
            ("acme_ledger", "stateful"),
            ("acme_ledgers", ""),
            ("acme_hsm_key", "irreversible"),
            ("aws_db_instance", "stateful irreversible"),
            ("aws_sqs_queue", ""),
            ("aws_kms_key", "stateful irreversible"),
        ];
        for (resource_type, expected) in cases {
            assert_eq!(words(&own, resource_type), expected, "{resource_type}");
        }
    }

    #[test]
    fn what_says_more_exactly_which_types_it_means_counts() {
        let own = types(&[
            (TypeWord::Disposable, "aws_*"),
            (TypeWord::Stateful, "aws_db_*"),
            (TypeWord::Disposable, "aws_db_snapshot"),
            (TypeWord::Stateful, "acme_*"),
            (TypeWord::Disposable, "acme_cache*"),
            (TypeWord::Irreversible, "acme_cache"),
        ]);
        let cases = [
            ("aws_kms_key", ""),
            ("aws_db_instance", "stateful"),
            ("aws_db_snapshot", ""),
            ("acme_ledger", "stateful"),
            ("acme_caches", ""),
            ("acme_cache", "irreversible"),
            ("google_kms_crypto_key", "stateful irreversible"),
        ];
        for (resource_type, expected) in cases {
            assert_eq!(words(&own, resource_type), expected, "{resource_type}");
        }
    }

    #[test]
    fn the_reason_can_be_had() {
        let told = |types: &ResourceTypes| {
            types.groups_of("aws_kms_key").iter().map(|group| group.what.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(&ResourceTypes::default()), ["keys that encrypt"]);
        assert!(told(&types(&[(TypeWord::Disposable, "aws_*")])).is_empty());
        assert!(ResourceTypes::default().groups_of("aws_vpc").is_empty());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = "a".repeat(TYPE_LENGTH_MAX + 1);
        let cases = [
            ("", TypePatternError::Empty),
            ("  ", TypePatternError::Empty),
            (long.as_str(), TypePatternError::TooLong),
            ("aws_*_key", TypePatternError::Wildcard),
            ("aws_**", TypePatternError::Wildcard),
            ("aws_kms_key.main", TypePatternError::Address),
            ("module.a[0]", TypePatternError::Address),
            ("aws kms", TypePatternError::Character),
            ("_aws", TypePatternError::Character),
            ("schlüssel", TypePatternError::Character),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<TypePattern>(), Err(expected), "{text}");
        }
        for text in ["*", "aws_kms_key", "acme_hsm_*", "acme-hsm"] {
            assert_eq!(text.parse::<TypePattern>().map(|pattern| pattern.to_string()).as_deref(), Ok(text));
        }
    }
}
