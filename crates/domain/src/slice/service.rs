//! Which service of a cloud a type of resources belongs to, and what kind of technical capability that is. Owns the reading of
//! `data/services.json`, where the sources are named.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

/// A service of a cloud, as permissions are given to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Its name, unique with its cloud: `rds`.
    pub name: String,
    /// The cloud: `aws`.
    pub cloud: String,
    /// The kind of technical capability: `database`.
    pub kind: String,
    /// Whether all others use it, so that it makes no boundary of its own: roles, keys, logs.
    pub is_supporting: bool,
}

/// The beginnings of types of the clouds that have many services.
const CLOUDS: [&str; 4] = ["aws", "google", "azurerm", "sandbox"];

static SERVICES: LazyLock<Services> = LazyLock::new(Services::read);

struct Services {
    all: Vec<Service>,
    /// By type, or by the beginning of one with the `*`.
    by_pattern: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct File {
    services: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    cloud: String,
    service: String,
    kind: String,
    #[serde(default)]
    supporting: bool,
    types: Vec<String>,
}

impl Services {
    fn read() -> Self {
        let file: File = serde_json::from_str(include_str!("../../data/services.json")).expect("a test reads it");
        let mut services = Self { all: Vec::new(), by_pattern: HashMap::new() };
        for entry in file.services {
            let at = services.all.len();
            services.by_pattern.extend(entry.types.into_iter().map(|pattern| (pattern, at)));
            services.all.push(Service {
                name: entry.service,
                cloud: entry.cloud,
                kind: entry.kind,
                is_supporting: entry.supporting,
            });
        }
        services
    }

    /// The service of the longest pattern that fits.
    fn find(&self, resource_type: &str) -> Option<&Service> {
        let beginnings = resource_type.rmatch_indices('_').map(|(at, _)| format!("{}_*", &resource_type[..at]));
        let mut patterns = std::iter::once(resource_type.to_owned()).chain(beginnings);
        patterns.find_map(|pattern| self.by_pattern.get(&pattern)).map(|at| &self.all[*at])
    }
}

impl Service {
    /// The service of a type. Of a type that the data file does not know, the provider stands for the service: what is before the first `_`.
    /// Where that is a cloud of many services, nobody knows which one it is, so that it makes no boundary.
    pub fn of(resource_type: &str) -> Self {
        SERVICES.find(resource_type).cloned().unwrap_or_else(|| {
            let provider = resource_type.split('_').next().unwrap_or(resource_type);
            let is_supporting = CLOUDS.contains(&provider);
            let [name, cloud, kind] = [provider; 3].map(str::to_owned);
            Self { name, cloud, kind, is_supporting }
        })
    }
}

/// How many resources of each type there are.
pub(super) type TypeCounts = BTreeMap<String, usize>;

/// How many resources of each kind there are, the supporting ones left out.
pub(super) fn kinds_of(types: &TypeCounts) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for (resource_type, count) in types {
        let service = Service::of(resource_type);
        if !service.is_supporting {
            *kinds.entry(service.kind).or_insert(0) += count;
        }
    }
    kinds
}

/// How many resources of each service there are, the supporting ones among them.
pub(super) fn services_of(types: &TypeCounts) -> BTreeMap<String, usize> {
    let mut services = BTreeMap::new();
    for (resource_type, count) in types {
        *services.entry(Service::of(resource_type).name).or_insert(0) += count;
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource_type: &str) -> (String, String, bool) {
        let service = Service::of(resource_type);
        (service.name, service.kind, service.is_supporting)
    }

    fn expected(name: &str, kind: &str, is_supporting: bool) -> (String, String, bool) {
        (name.to_owned(), kind.to_owned(), is_supporting)
    }

    #[test]
    fn the_longest_pattern_counts() {
        assert_eq!(of("aws_db_instance"), expected("rds", "database", false));
        assert_eq!(of("aws_vpc"), expected("ec2-network", "network", false));
        assert_eq!(of("aws_vpc_endpoint"), expected("ec2-network", "network", false));
        assert_eq!(of("aws_cloudwatch_log_group"), expected("logs", "observability", true));
        assert_eq!(of("aws_cloudwatch_event_rule"), expected("events", "messaging", false));
        assert_eq!(of("google_compute_instance"), expected("compute", "compute", false));
        assert_eq!(of("google_compute_network"), expected("compute-network", "network", false));
        assert_eq!(of("sandbox_aws_database"), expected("database", "database", false));
        assert_eq!(of("random_password"), expected("helpers", "helpers", true));
    }

    #[test]
    fn of_a_type_that_nobody_knows_the_provider_is_the_service() {
        assert_eq!(of("datadog_monitor"), expected("datadog", "datadog", false));
        assert_eq!(of("aws_brand_new_thing"), expected("aws", "aws", true));
        assert_eq!(of("thing"), expected("thing", "thing", false));
    }

    #[test]
    fn no_pattern_stands_twice() {
        let file: File = serde_json::from_str(include_str!("../../data/services.json")).unwrap();
        let mut patterns: Vec<_> = file.services.iter().flat_map(|entry| &entry.types).collect();
        let all = patterns.len();
        patterns.sort();
        patterns.dedup();
        assert_eq!(patterns.len(), all);
        let star =
            |pattern: &&&String| pattern.find('*').is_none_or(|at| at + 1 == pattern.len() && pattern.ends_with("_*"));
        assert!(patterns.iter().all(|pattern| star(&pattern)));
    }
}
