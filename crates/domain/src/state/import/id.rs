//! Which id a resource is imported by. It is the attribute `id`, but for the types in a table, whose providers document another. Owns the table,
//! and what is known not to be importable at all.

use std::fmt;

use serde_json::{Map, Value as Json};

use Part::{First, LastOf, Maybe, Text};

/// Why an instance cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// There is nothing by which its provider would find it.
    NoId,
    /// Its import id is made of this attribute too, which the state does not hold.
    Missing(&'static str),
    /// An import would need its secret value, which would be written down in the clear.
    SecretValue,
    /// Its provider has no import for its type.
    NoImport,
    /// An import keeps the id, and loses `input` and `triggers_replace`.
    LosesInput,
    /// It was to be destroyed when the copy was made: another object is in its place, and nothing but the state knew of it.
    Deposed,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoId => f.write_str("it has no id"),
            Self::Missing(attribute) => write!(f, "its import id needs `{attribute}`, which the state does not hold"),
            Self::SecretValue => {
                f.write_str("it is imported by its secret value alone, which would be written down in the clear")
            }
            Self::NoImport => f.write_str("its provider cannot import this type: it is nothing but its state"),
            Self::LosesInput => f.write_str("an import keeps its id and loses `input` and `triggers_replace`"),
            Self::Deposed => f.write_str(
                "it was replaced and not yet destroyed: if it is still there, it has to be destroyed by hand",
            ),
        }
    }
}

/// A part of an import id.
enum Part {
    /// This text.
    Text(&'static str),
    /// The first of these attributes that has a value; paths lead into blocks (`/condition/0/title`).
    First(&'static [&'static str]),
    /// The same after a text, or nothing where there is no value.
    Maybe(&'static str, &'static str),
    /// What is after the last `/`: the name in an ARN.
    LastOf(&'static str),
}

/// Types whose documented import id is not their `id`. Sources: the section "Import" of each type's page in the documentation of its provider.
const COMPOSED: &[(&str, &[Part])] = &[
    (
        "aws_route",
        &[
            First(&["route_table_id"]),
            Text("_"),
            First(&["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"]),
        ],
    ),
    ("aws_route_table_association", &[First(&["subnet_id", "gateway_id"]), Text("/"), First(&["route_table_id"])]),
    ("aws_iam_role_policy_attachment", &[First(&["role"]), Text("/"), First(&["policy_arn"])]),
    ("aws_iam_user_policy_attachment", &[First(&["user"]), Text("/"), First(&["policy_arn"])]),
    ("aws_iam_group_policy_attachment", &[First(&["group"]), Text("/"), First(&["policy_arn"])]),
    ("aws_ecs_service", &[LastOf("cluster"), Text("/"), First(&["name"])]),
    (
        "aws_lambda_permission",
        &[First(&["function_name"]), Maybe(":", "qualifier"), Text("/"), First(&["statement_id"])],
    ),
    (
        "aws_cloudwatch_event_target",
        &[First(&["event_bus_name"]), Text("/"), First(&["rule"]), Text("/"), First(&["target_id"])],
    ),
    (
        "google_project_iam_member",
        &[
            First(&["project"]),
            Text(" "),
            First(&["role"]),
            Text(" "),
            First(&["member"]),
            Maybe(" ", "/condition/0/title"),
        ],
    ),
    (
        "google_project_iam_binding",
        &[First(&["project"]), Text(" "), First(&["role"]), Maybe(" ", "/condition/0/title")],
    ),
    (
        "random_integer",
        &[First(&["result"]), Text(","), First(&["min"]), Text(","), First(&["max"]), Maybe(",", "seed")],
    ),
];

/// Types that hold nothing but a secret, and would be imported by it.
const SECRETS: [&str; 2] = ["random_password", "random_bytes"];
/// Types that are nothing but their state, and have no import.
const NO_IMPORT: [&str; 3] = ["null_resource", "random_pet", "random_shuffle"];

/// What the types of the sandbox cloud begin with.
const SANDBOX: &str = "sandbox_";

/// The import id of an instance with these attributes.
pub(super) fn import_id(kind: &str, attributes: &Map<String, Json>) -> Result<String, Obstacle> {
    if SECRETS.contains(&kind) {
        return Err(Obstacle::SecretValue);
    }
    if NO_IMPORT.contains(&kind) {
        return Err(Obstacle::NoImport);
    }
    let is_set = |name: &str| attributes.get(name).is_some_and(|value| !value.is_null());
    if kind == "terraform_data" && (is_set("input") || is_set("triggers_replace")) {
        return Err(Obstacle::LosesInput);
    }
    if kind == "aws_security_group_rule" {
        return security_group_rule(attributes);
    }
    if let Some((_, parts)) = COMPOSED.iter().find(|(named, _)| *named == kind) {
        return parts.iter().map(|part| part.of(attributes)).collect();
    }
    let id = value(attributes, "id").ok_or(Obstacle::NoId)?;
    // The sandbox cloud takes what is in another region than the provider's only where that is said.
    match value(attributes, "region").filter(|_| kind.starts_with(SANDBOX)) {
        Some(region) => Ok(format!("{id}@{region}")),
        None => Ok(id),
    }
}

impl Part {
    fn of(&self, attributes: &Map<String, Json>) -> Result<String, Obstacle> {
        match self {
            Text(text) => Ok((*text).to_owned()),
            First(names) => names.iter().find_map(|name| value(attributes, name)).ok_or(Obstacle::Missing(names[0])),
            Maybe(before, name) => {
                Ok(value(attributes, name).map_or_else(String::new, |text| format!("{before}{text}")))
            }
            LastOf(name) => {
                let text = value(attributes, name).ok_or(Obstacle::Missing(name))?;
                Ok(text.rsplit('/').next().unwrap_or_default().to_owned())
            }
        }
    }
}

/// The value of an attribute as a text; `None` where it is not set, is empty, or is no plain value.
fn value(attributes: &Map<String, Json>, name: &str) -> Option<String> {
    let mut steps = name.trim_start_matches('/').split('/');
    let mut found = attributes.get(steps.next()?)?;
    for step in steps {
        found = match step.parse::<usize>() {
            Ok(at) => found.get(at)?,
            Err(_) => found.get(step)?,
        };
    }
    match found {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(_) | Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// `GROUP_TYPE_PROTOCOL_FROM_TO_SOURCE…`: what the rule admits, one after the other.
fn security_group_rule(attributes: &Map<String, Json>) -> Result<String, Obstacle> {
    let mut parts = Vec::new();
    for name in ["security_group_id", "type", "protocol", "from_port", "to_port"] {
        let text = value(attributes, name).ok_or(Obstacle::Missing(name))?;
        parts.push(if (name, text.as_str()) == ("protocol", "-1") { "all".to_owned() } else { text });
    }
    let before = parts.len();
    if attributes.get("self") == Some(&Json::Bool(true)) {
        parts.push("self".to_owned());
    }
    parts.extend(value(attributes, "source_security_group_id"));
    for name in ["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids"] {
        let items = attributes.get(name).and_then(Json::as_array).into_iter().flatten();
        parts.extend(items.filter_map(Json::as_str).map(str::to_owned));
    }
    if parts.len() == before { Err(Obstacle::Missing("cidr_blocks")) } else { Ok(parts.join("_")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(kind: &str, attributes: &Json) -> Result<String, Obstacle> {
        import_id(kind, attributes.as_object().unwrap())
    }

    #[test]
    fn most_types_are_imported_by_their_id() {
        assert_eq!(id("aws_vpc", &json!({"id": "vpc-1"})), Ok("vpc-1".to_owned()));
        assert_eq!(id("aws_vpc", &json!({"id": "vpc-1", "region": "eu-west-1"})), Ok("vpc-1".to_owned()));
        let network = json!({"id": "aws-network-1", "region": "eu-west-1"});
        assert_eq!(id("sandbox_aws_network", &network), Ok("aws-network-1@eu-west-1".to_owned()));
        assert_eq!(id("dns_thing", &json!({"id": 7})), Ok("7".to_owned()));
        for without in [json!({}), json!({"id": null}), json!({"id": ""}), json!({"id": ["x"]})] {
            assert_eq!(id("aws_vpc", &without), Err(Obstacle::NoId));
        }
    }

    #[test]
    fn composed_ids_are_as_documented() {
        let cases = [
            (
                "aws_route",
                json!({"id": "r-1", "route_table_id": "rtb-6", "destination_cidr_block": "10.42.0.0/16"}),
                "rtb-6_10.42.0.0/16",
            ),
            (
                "aws_route",
                json!({"route_table_id": "rtb-6", "destination_cidr_block": "", "destination_ipv6_cidr_block": "::/0"}),
                "rtb-6_::/0",
            ),
            (
                "aws_route_table_association",
                json!({"id": "rtbassoc-1", "subnet_id": "subnet-6", "route_table_id": "rtb-6"}),
                "subnet-6/rtb-6",
            ),
            (
                "aws_route_table_association",
                json!({"subnet_id": null, "gateway_id": "igw-1", "route_table_id": "rtb-6"}),
                "igw-1/rtb-6",
            ),
            (
                "aws_iam_role_policy_attachment",
                json!({"role": "r", "policy_arn": "arn:aws:iam::1:policy/p"}),
                "r/arn:aws:iam::1:policy/p",
            ),
            ("aws_ecs_service", json!({"cluster": "arn:aws:ecs:eu-west-1:1:cluster/main", "name": "web"}), "main/web"),
            ("aws_lambda_permission", json!({"function_name": "f", "qualifier": "v", "statement_id": "s"}), "f:v/s"),
            ("aws_lambda_permission", json!({"function_name": "f", "qualifier": "", "statement_id": "s"}), "f/s"),
            (
                "aws_cloudwatch_event_target",
                json!({"event_bus_name": "default", "rule": "r", "target_id": "t"}),
                "default/r/t",
            ),
            (
                "google_project_iam_member",
                json!({"project": "p", "role": "roles/viewer", "member": "user:a@b", "condition": [{"title": "t"}]}),
                "p roles/viewer user:a@b t",
            ),
            (
                "google_project_iam_binding",
                json!({"project": "p", "role": "roles/viewer", "condition": []}),
                "p roles/viewer",
            ),
            (
                "random_integer",
                json!({"id": "15390", "result": 15390, "min": 1, "max": 50000, "seed": null}),
                "15390,1,50000",
            ),
        ];
        for (kind, attributes, expected) in cases {
            assert_eq!(id(kind, &attributes), Ok(expected.to_owned()), "{kind}");
        }
        let without = json!({"id": "r-1", "route_table_id": "rtb-6"});
        assert_eq!(id("aws_route", &without), Err(Obstacle::Missing("destination_cidr_block")));
    }

    #[test]
    fn rules_of_security_groups_name_what_they_admit() {
        let rule = |more: Json| {
            let mut all = json!({"security_group_id": "sg-6", "type": "ingress", "protocol": "tcp", "from_port": 80, "to_port": 80});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            id("aws_security_group_rule", &all)
        };
        assert_eq!(
            rule(json!({"cidr_blocks": ["10.0.3.0/24"], "self": false})).unwrap(),
            "sg-6_ingress_tcp_80_80_10.0.3.0/24"
        );
        assert_eq!(
            rule(json!({"self": true, "ipv6_cidr_blocks": ["2001:db8::/48"]})).unwrap(),
            "sg-6_ingress_tcp_80_80_self_2001:db8::/48"
        );
        assert_eq!(
            rule(json!({"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]})).unwrap(),
            "sg-6_ingress_all_0_0_0.0.0.0/0"
        );
        assert_eq!(rule(json!({"source_security_group_id": "sg-7"})).unwrap(), "sg-6_ingress_tcp_80_80_sg-7");
        assert_eq!(rule(json!({})), Err(Obstacle::Missing("cidr_blocks")));
    }

    #[test]
    fn what_is_only_its_state_is_told() {
        let secret = json!({"id": "none", "result": "hunter2"});
        assert_eq!(id("random_password", &secret), Err(Obstacle::SecretValue));
        assert_eq!(id("null_resource", &json!({"id": "5"})), Err(Obstacle::NoImport));
        assert_eq!(id("terraform_data", &json!({"id": "5", "input": "x"})), Err(Obstacle::LosesInput));
        assert_eq!(id("terraform_data", &json!({"id": "5", "triggers_replace": ["x"]})), Err(Obstacle::LosesInput));
        assert_eq!(id("terraform_data", &json!({"id": "5", "input": null})), Ok("5".to_owned()));
    }
}
