//! The table of kinds.

use super::attribute::{Attribute, Computation, Rule, Source, Type};
use super::{Kind, Scope};

/// What a resource of every kind has.
pub(super) const COMMON: &[Attribute] = &[
    Attribute::text("id").from(Source::Computed(Computation::Id)),
    Attribute::text("region").from(Source::Inferred).replaces().rules(&[Rule::Name]),
    Attribute::new("tags", Type::TextMap).optional(),
];

const NAME: Attribute = Attribute::text("name").replaces().rules(&[Rule::Name]);
const NETWORK: Attribute = Attribute::text("network_id").replaces().refers_to("network");
const CLUSTER: Attribute = Attribute::text("cluster_id").replaces().refers_to("cluster");
/// The most nodes or replicas that one resource asks for.
const COUNT: &[Rule] = &[Rule::Between(0, 1000)];

const fn address(name: &'static str, scheme: &'static str) -> Attribute {
    Attribute::text(name).from(Source::Computed(Computation::Address(scheme)))
}

/// Every kind. Creation times are roughly what AWS and Google Cloud take.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "network",
        doc: "A private network.",
        own: &[NAME, Attribute::text("cidr").replaces().rules(&[Rule::Cidr])],
        named_by: &["name"],
        held_by: None,
        scope: Scope::Region,
        creation_secs: 10,
        found_by_name: true,
    },
    Kind {
        name: "subnet",
        doc: "A part of a network's address range.",
        own: &[
            NAME,
            NETWORK,
            Attribute::text("cidr").replaces().rules(&[Rule::Cidr, Rule::CidrInHolder]),
            Attribute::text("zone").optional().replaces(),
        ],
        named_by: &["name"],
        held_by: Some("network_id"),
        scope: Scope::Holder,
        creation_secs: 10,
        found_by_name: false,
    },
    Kind {
        name: "cluster",
        doc: "A Kubernetes cluster.",
        own: &[
            NAME,
            NETWORK,
            Attribute::new("subnet_ids", Type::Texts).refers_to("subnet"),
            Attribute::text("version").rules(&[Rule::NeverOlder]),
            address("endpoint", "https://"),
        ],
        named_by: &["name"],
        held_by: Some("network_id"),
        scope: Scope::Holder,
        creation_secs: 600,
        found_by_name: true,
    },
    Kind {
        name: "node_group",
        doc: "Machines of a cluster.",
        own: &[
            NAME,
            CLUSTER,
            Attribute::text("machine_type").replaces(),
            Attribute::new("nodes", Type::Number).rules(COUNT),
        ],
        named_by: &["name"],
        held_by: Some("cluster_id"),
        scope: Scope::Holder,
        creation_secs: 180,
        found_by_name: false,
    },
    Kind {
        name: "load_balancer",
        doc: "A way into a network from outside.",
        own: &[NAME, NETWORK, Attribute::text("cluster_id").optional().refers_to("cluster"), address("address", "")],
        named_by: &["name"],
        held_by: Some("network_id"),
        scope: Scope::Holder,
        creation_secs: 120,
        found_by_name: false,
    },
    Kind {
        name: "vault",
        doc: "A place for secrets.",
        own: &[NAME, address("uri", "https://")],
        named_by: &["name"],
        held_by: None,
        scope: Scope::Region,
        creation_secs: 20,
        found_by_name: true,
    },
    Kind {
        name: "secret",
        doc: "A secret in a vault.",
        own: &[
            NAME,
            Attribute::text("vault_id").replaces().refers_to("vault"),
            Attribute::text("value").sensitive(),
            Attribute::new("version", Type::Number).from(Source::Computed(Computation::RevisionOf("value"))),
        ],
        named_by: &["name"],
        held_by: Some("vault_id"),
        scope: Scope::Holder,
        creation_secs: 3,
        found_by_name: false,
    },
    Kind {
        name: "database",
        doc: "A managed database.",
        own: &[
            NAME,
            NETWORK,
            Attribute::text("engine").replaces(),
            Attribute::text("version"),
            Attribute::new("size_gb", Type::Number).rules(&[Rule::Between(1, 65_536), Rule::NeverSmaller]),
            Attribute::new("deletion_protection", Type::Bool).from(Source::Defaulted(false)).rules(&[Rule::Protects]),
            address("endpoint", ""),
            Attribute::text("password").from(Source::Computed(Computation::Password)).sensitive(),
        ],
        named_by: &["name"],
        held_by: Some("network_id"),
        scope: Scope::Holder,
        creation_secs: 420,
        found_by_name: false,
    },
    Kind {
        name: "bucket",
        doc: "A place for objects; its name is unique over the whole cloud.",
        own: &[
            NAME,
            Attribute::new("versioning", Type::Bool).from(Source::Defaulted(false)),
            address("url", "https://"),
        ],
        named_by: &["name"],
        held_by: None,
        scope: Scope::Cloud,
        creation_secs: 3,
        found_by_name: false,
    },
    Kind {
        name: "dns_zone",
        doc: "A domain whose records are kept here.",
        own: &[Attribute::text("domain").replaces().rules(&[Rule::Name])],
        named_by: &["domain"],
        held_by: None,
        scope: Scope::Region,
        creation_secs: 30,
        found_by_name: true,
    },
    Kind {
        name: "dns_record",
        doc: "A record of a DNS zone.",
        own: &[
            Attribute::text("zone_id").replaces().refers_to("dns_zone"),
            NAME,
            Attribute::text("type").replaces().rules(&[Rule::Name]),
            Attribute::new("values", Type::Texts),
        ],
        named_by: &["name", "type"],
        held_by: Some("zone_id"),
        scope: Scope::Holder,
        creation_secs: 15,
        found_by_name: false,
    },
    Kind {
        name: "service",
        doc: "A program running on a cluster.",
        own: &[
            NAME,
            CLUSTER,
            Attribute::text("image"),
            Attribute::new("replicas", Type::Number).rules(COUNT),
            Attribute::new("secret_ids", Type::Texts).optional().refers_to("secret"),
            Attribute::text("database_id").optional().refers_to("database"),
            address("url", "https://"),
        ],
        named_by: &["name"],
        held_by: Some("cluster_id"),
        scope: Scope::Holder,
        creation_secs: 20,
        found_by_name: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind as a row of the table in the documentation.
    fn row(kind: &Kind) -> String {
        let column = |is_here: fn(Source) -> bool| {
            let own = kind.own.iter().filter(|attribute| is_here(attribute.source));
            let names =
                own.map(|attribute| format!("`{}{}`", attribute.name, if attribute.replaces { "!" } else { "" }));
            names.collect::<Vec<_>>().join(" ")
        };
        let required = column(|source| source == Source::Required);
        let optional = column(|source| matches!(source, Source::Optional | Source::Defaulted(_)));
        let computed = column(|source| matches!(source, Source::Computed(_)));
        format!("| {} | {required} | {optional} | {computed} | {} s |", kind.name, kind.creation_secs)
    }

    #[test]
    fn the_documentation_has_the_table() {
        let rows: Vec<String> = KINDS.iter().map(row).collect();
        let rows = rows.join("\n");
        let documentation = include_str!("../../../../docs/sandbox.md");
        assert!(documentation.contains(&rows), "docs/sandbox.md is to have these rows:\n{rows}");
    }
}
