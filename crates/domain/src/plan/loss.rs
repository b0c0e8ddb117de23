//! What a plan would take away: resources that are destroyed, or replaced by others.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{PlanError, check_format};

/// A resource that a plan would take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Its address.
    pub address: String,
    /// Its type.
    pub resource_type: String,
    /// How.
    pub kind: LossKind,
    /// Whether it holds data that go with it.
    pub is_stateful: bool,
    /// Whether its code says `prevent_destroy`, or said so in what runs.
    pub is_protected: bool,
    /// The attributes that force the replacement.
    pub because: Vec<String>,
}

/// How a resource is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// Another takes its place.
    Replace,
    /// Nothing does.
    Destroy,
}

/// Types of resources that hold data which cannot be made again from code. A `*` at the end stands for any characters.
const STATEFUL_TYPES: &[&str] = &[
    // AWS
    "aws_backup_vault",
    "aws_cognito_user_pool",
    "aws_db_cluster_snapshot",
    "aws_db_instance",
    "aws_db_snapshot",
    "aws_docdb_cluster",
    "aws_dynamodb_global_table",
    "aws_dynamodb_table",
    "aws_ebs_snapshot",
    "aws_ebs_volume",
    "aws_ecr_repository",
    "aws_efs_file_system",
    "aws_elasticache_cluster",
    "aws_elasticache_replication_group",
    "aws_elasticsearch_domain",
    "aws_fsx_*",
    "aws_glacier_vault",
    "aws_keyspaces_table",
    "aws_kinesis_stream",
    "aws_kms_key",
    "aws_memorydb_cluster",
    "aws_mq_broker",
    "aws_msk_cluster",
    "aws_neptune_cluster",
    "aws_opensearch_domain",
    "aws_qldb_ledger",
    "aws_rds_cluster",
    "aws_redshift_cluster",
    "aws_route53_zone",
    "aws_s3_bucket",
    "aws_s3_directory_bucket",
    "aws_secretsmanager_secret",
    "aws_sqs_queue",
    "aws_timestreamwrite_table",
    // Google
    "google_alloydb_cluster",
    "google_artifact_registry_repository",
    "google_bigquery_dataset",
    "google_bigquery_table",
    "google_bigtable_instance",
    "google_bigtable_table",
    "google_compute_disk",
    "google_compute_region_disk",
    "google_dns_managed_zone",
    "google_filestore_instance",
    "google_firestore_database",
    "google_kms_crypto_key",
    "google_pubsub_subscription",
    "google_pubsub_topic",
    "google_redis_instance",
    "google_secret_manager_secret",
    "google_spanner_database",
    "google_spanner_instance",
    "google_sql_database",
    "google_sql_database_instance",
    "google_storage_bucket",
    // Azure
    "azurerm_container_registry",
    "azurerm_cosmosdb_account",
    "azurerm_data_lake_store",
    "azurerm_dns_zone",
    "azurerm_eventhub",
    "azurerm_key_vault",
    "azurerm_managed_disk",
    "azurerm_mssql_database",
    "azurerm_mssql_server",
    "azurerm_mysql_flexible_server",
    "azurerm_postgresql_flexible_server",
    "azurerm_recovery_services_vault",
    "azurerm_redis_cache",
    "azurerm_servicebus_queue",
    "azurerm_storage_account",
    "azurerm_storage_container",
    "azurerm_storage_share",
    // Kubernetes
    "kubernetes_persistent_volume",
    "kubernetes_persistent_volume_claim",
    "kubernetes_persistent_volume_claim_v1",
    // The sandbox cloud
    "sandbox_aws_bucket",
    "sandbox_aws_database",
    "sandbox_aws_vault",
    "sandbox_google_bucket",
    "sandbox_google_database",
    "sandbox_google_vault",
];

/// Whether resources of a type hold data.
pub(super) fn is_stateful(resource_type: &str) -> bool {
    STATEFUL_TYPES.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => resource_type.starts_with(beginning),
        None => *known == resource_type,
    })
}

/// What a plan would take away, by address. `protected`: the resources, as `TYPE.NAME`, that have `prevent_destroy` in the code that is planned or
/// in the code that runs.
pub fn losses(plan: &Json, protected: &BTreeSet<String>) -> Result<Vec<Loss>, PlanError> {
    check_format(plan)?;
    let mut losses = Vec::new();
    for resource in plan["resource_changes"].as_array().into_iter().flatten() {
        let address = resource["address"].as_str().ok_or(PlanError::Missing("address"))?;
        let resource_type = resource["type"].as_str().unwrap_or_default();
        let change = &resource["change"];
        let does = |action: &str| change["actions"].as_array().is_some_and(|all| all.iter().any(|one| *one == action));
        // A deposed object is what a replacement left over: its successor is there.
        if !does("delete") || !resource["deposed"].is_null() || resource["mode"] == "data" {
            continue;
        }
        let name = resource["name"].as_str().unwrap_or_default();
        losses.push(Loss {
            address: address.to_owned(),
            resource_type: resource_type.to_owned(),
            kind: if does("create") { LossKind::Replace } else { LossKind::Destroy },
            is_stateful: is_stateful(resource_type),
            is_protected: protected.contains(&format!("{resource_type}.{name}")),
            because: change["replace_paths"].as_array().into_iter().flatten().map(path_in_words).collect(),
        });
    }
    losses.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(losses)
}

/// `["tags", "Name"]` as `tags.Name`, `["rule", 0]` as `rule[0]`.
pub(super) fn path_in_words(path: &Json) -> String {
    let mut text = String::new();
    for step in path.as_array().into_iter().flatten() {
        match step {
            Json::Number(at) => text.extend(["[", &at.to_string(), "]"]),
            step => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(step.as_str().unwrap_or_default());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_replaced_or_destroyed_is_a_loss() {
        let change = |address: &str, actions: &[&str]| {
            let (kind, name) = address.split_once('.').unwrap();
            json!({ "address": address, "type": kind, "name": name, "mode": "managed",
                "change": { "actions": actions, "replace_paths": [["name"], ["rule", 0, "port"]] } })
        };
        let mut deposed = change("aws_db_instance.old", &["delete"]);
        deposed["deposed"] = "0a".into();
        let plan = json!({ "format_version": "1.2", "resource_changes": [
            change("aws_fsx_lustre_file_system.f", &["delete"]),
            change("aws_db_instance.main", &["create", "delete"]),
            change("aws_vpc.main", &["update"]),
            change("terraform_data.kept", &["delete", "create"]),
            change("aws_eip.forgotten", &["forget"]),
            deposed,
        ] });
        let found = losses(&plan, &["terraform_data.kept".to_owned()].into()).unwrap();
        let seen: Vec<_> =
            found.iter().map(|loss| (loss.address.as_str(), loss.kind, loss.is_stateful, loss.is_protected)).collect();
        assert_eq!(
            seen,
            [
                ("aws_db_instance.main", LossKind::Replace, true, false),
                ("aws_fsx_lustre_file_system.f", LossKind::Destroy, true, false),
                ("terraform_data.kept", LossKind::Replace, false, true),
            ]
        );
        assert_eq!(found[0].because, ["name", "rule[0].port"]);
    }
}
