//! The schemas of the protocol, out of the table of kinds.

use std::collections::BTreeMap;

use crate::kind::{Attribute, Kind, ResourceType, Source};
use crate::protocol::message::{
    GetMetadataResponse, GetProviderSchemaResponse, Schema, SchemaAttribute, SchemaBlock, ServerCapabilities, TypeName,
};

/// The attributes of the provider's own block.
pub(super) const PROVIDER: &[Attribute] = &[Attribute::text("region").optional().rules(&[crate::kind::Rule::Name])];

/// Bumped when the attributes of a kind change in a way that state files must follow.
pub(super) const SCHEMA_VERSION: i64 = 0;

// Terraform keeps the schema for all its connections to one provider.
const CAPABILITIES: ServerCapabilities = ServerCapabilities { get_provider_schema_optional: true };

pub(super) fn provider_schema() -> GetProviderSchemaResponse {
    GetProviderSchemaResponse {
        provider: Some(schema("The sandbox cloud of Terrace.", PROVIDER.iter().map(resource_attribute))),
        resource_schemas: ResourceType::all().map(|each| (each.to_string(), resource_schema(each.kind))).collect(),
        data_source_schemas: data_sources()
            .map(|each| (each.to_string(), data_schema(each.kind)))
            .collect::<BTreeMap<_, _>>(),
        server_capabilities: Some(CAPABILITIES),
    }
}

pub(super) fn metadata() -> GetMetadataResponse {
    let name = |resource_type: ResourceType| TypeName { type_name: resource_type.to_string() };
    GetMetadataResponse {
        server_capabilities: Some(CAPABILITIES),
        data_sources: data_sources().map(name).collect(),
        resources: ResourceType::all().map(name).collect(),
    }
}

fn data_sources() -> impl Iterator<Item = ResourceType> {
    ResourceType::all().filter(|each| each.kind.found_by_name)
}

fn resource_schema(kind: &Kind) -> Schema {
    schema(kind.doc, kind.attributes().map(resource_attribute))
}

/// A data source is given the name, and may be given the region; the cloud gives the rest.
fn data_schema(kind: &Kind) -> Schema {
    let attributes = kind.attributes().map(|attribute| {
        let (is_label, is_region) = (attribute.name == kind.label(), attribute.name == "region");
        SchemaAttribute {
            required: is_label,
            optional: is_region,
            computed: !is_label,
            ..resource_attribute(attribute)
        }
    });
    schema(kind.doc, attributes)
}

fn schema(doc: &str, attributes: impl Iterator<Item = SchemaAttribute>) -> Schema {
    let block = SchemaBlock { version: SCHEMA_VERSION, attributes: attributes.collect(), description: doc.to_owned() };
    Schema { version: SCHEMA_VERSION, block: Some(block) }
}

fn resource_attribute(attribute: &Attribute) -> SchemaAttribute {
    let source = attribute.source;
    SchemaAttribute {
        name: attribute.name.to_owned(),
        r#type: attribute.r#type.notation().into(),
        description: attribute.description(),
        required: source == Source::Required,
        optional: matches!(source, Source::Optional | Source::Defaulted(_) | Source::Inferred),
        computed: matches!(source, Source::Computed(_) | Source::Defaulted(_) | Source::Inferred),
        sensitive: attribute.sensitive,
    }
}
