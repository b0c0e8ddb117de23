//! The calls of the plugin protocol, one function each. Owns what goes into an answer; see the neighbours for how it comes about.

use tonic::{Request as Incoming, Response, Status};

use super::plan::{self, Wrong};
use super::{Service, Session, error, path, schema};
use crate::kind::{Attribute, ResourceType};
use crate::protocol::Provider;
use crate::protocol::message::{
    ApplyResourceChangeRequest, ApplyResourceChangeResponse, ConfigureProviderRequest, ConfigureProviderResponse,
    Diagnostic, DynamicValue, GetFunctionsRequest, GetFunctionsResponse, GetMetadataRequest, GetMetadataResponse,
    GetProviderSchemaRequest, GetProviderSchemaResponse, GetResourceIdentitySchemasRequest,
    GetResourceIdentitySchemasResponse, ImportResourceStateRequest, ImportResourceStateResponse, ImportedResource,
    PlanResourceChangeRequest, PlanResourceChangeResponse, ReadDataSourceRequest, ReadDataSourceResponse,
    ReadResourceRequest, ReadResourceResponse, StopProviderRequest, StopProviderResponse, UpgradeResourceStateRequest,
    UpgradeResourceStateResponse, ValidateDataResourceConfigRequest, ValidateDataResourceConfigResponse,
    ValidateProviderConfigRequest, ValidateProviderConfigResponse, ValidateResourceConfigRequest,
    ValidateResourceConfigResponse,
};
use crate::protocol::object::{self, Object, text};

type Answer<T> = Result<Response<T>, Status>;
/// Diagnostics end a call early.
pub(super) type Step<T> = Result<T, Vec<Diagnostic>>;

#[tonic::async_trait]
impl Provider for Service {
    async fn get_metadata(&self, _: Incoming<GetMetadataRequest>) -> Answer<GetMetadataResponse> {
        Ok(Response::new(schema::metadata()))
    }

    async fn get_provider_schema(&self, _: Incoming<GetProviderSchemaRequest>) -> Answer<GetProviderSchemaResponse> {
        Ok(Response::new(schema::provider_schema()))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Incoming<GetResourceIdentitySchemasRequest>,
    ) -> Answer<GetResourceIdentitySchemasResponse> {
        Ok(Response::new(GetResourceIdentitySchemasResponse {}))
    }

    async fn get_functions(&self, _: Incoming<GetFunctionsRequest>) -> Answer<GetFunctionsResponse> {
        Ok(Response::new(GetFunctionsResponse {}))
    }

    async fn validate_provider_config(
        &self,
        incoming: Incoming<ValidateProviderConfigRequest>,
    ) -> Answer<ValidateProviderConfigResponse> {
        let config = decode(incoming.get_ref().config.as_ref(), schema::PROVIDER.iter());
        let checked =
            config.and_then(|config| checked(&plan::validate(schema::PROVIDER.iter(), &config.unwrap_or_default())));
        Ok(Response::new(ValidateProviderConfigResponse { diagnostics: checked.err().unwrap_or_default() }))
    }

    async fn validate_resource_config(
        &self,
        incoming: Incoming<ValidateResourceConfigRequest>,
    ) -> Answer<ValidateResourceConfigResponse> {
        let message = incoming.get_ref();
        let diagnostics = validate(&message.type_name, message.config.as_ref()).err().unwrap_or_default();
        Ok(Response::new(ValidateResourceConfigResponse { diagnostics }))
    }

    async fn validate_data_resource_config(
        &self,
        incoming: Incoming<ValidateDataResourceConfigRequest>,
    ) -> Answer<ValidateDataResourceConfigResponse> {
        let message = incoming.get_ref();
        let diagnostics = lookup(&message.type_name, message.config.as_ref()).err().unwrap_or_default();
        Ok(Response::new(ValidateDataResourceConfigResponse { diagnostics }))
    }

    async fn configure_provider(
        &self,
        incoming: Incoming<ConfigureProviderRequest>,
    ) -> Answer<ConfigureProviderResponse> {
        let session = session(&incoming)?;
        let diagnostics = match decode(incoming.get_ref().config.as_ref(), schema::PROVIDER.iter()) {
            Ok(config) => session.configure(&config.unwrap_or_default()),
            Err(diagnostics) => diagnostics,
        };
        Ok(Response::new(ConfigureProviderResponse { diagnostics }))
    }

    /// Terraform's graceful interrupt: it wants no new work begun, and waits for what is under way. That is left to end by itself.
    async fn stop_provider(&self, _: Incoming<StopProviderRequest>) -> Answer<StopProviderResponse> {
        Ok(Response::new(StopProviderResponse::default()))
    }

    async fn upgrade_resource_state(
        &self,
        incoming: Incoming<UpgradeResourceStateRequest>,
    ) -> Answer<UpgradeResourceStateResponse> {
        Ok(Response::new(match upgrade(incoming.get_ref()) {
            Ok(state) => UpgradeResourceStateResponse { upgraded_state: Some(state), diagnostics: Vec::new() },
            Err(diagnostics) => UpgradeResourceStateResponse { upgraded_state: None, diagnostics },
        }))
    }

    async fn read_resource(&self, incoming: Incoming<ReadResourceRequest>) -> Answer<ReadResourceResponse> {
        let session = session(&incoming)?;
        let message = incoming.into_inner();
        Ok(Response::new(match session.read(&message).await {
            Ok(state) => {
                ReadResourceResponse { new_state: Some(state), private: message.private, diagnostics: Vec::new() }
            }
            Err(diagnostics) => {
                ReadResourceResponse { new_state: message.current_state, private: message.private, diagnostics }
            }
        }))
    }

    async fn plan_resource_change(
        &self,
        incoming: Incoming<PlanResourceChangeRequest>,
    ) -> Answer<PlanResourceChangeResponse> {
        let session = session(&incoming)?;
        let message = incoming.into_inner();
        Ok(Response::new(match session.plan(&message) {
            Ok((planned_state, replaced_for)) => PlanResourceChangeResponse {
                planned_state: Some(planned_state),
                requires_replace: replaced_for.into_iter().map(path).collect(),
                planned_private: message.prior_private,
                diagnostics: Vec::new(),
            },
            Err(diagnostics) => PlanResourceChangeResponse { diagnostics, ..PlanResourceChangeResponse::default() },
        }))
    }

    async fn apply_resource_change(
        &self,
        incoming: Incoming<ApplyResourceChangeRequest>,
    ) -> Answer<ApplyResourceChangeResponse> {
        let session = session(&incoming)?;
        let message = incoming.into_inner();
        Ok(Response::new(match session.apply(&message).await {
            Ok(state) => ApplyResourceChangeResponse {
                new_state: Some(state),
                private: message.planned_private,
                diagnostics: Vec::new(),
            },
            // What failed left the resource as it was, as far as Terraform can know.
            Err(diagnostics) => ApplyResourceChangeResponse {
                new_state: message.prior_state,
                private: message.planned_private,
                diagnostics,
            },
        }))
    }

    async fn import_resource_state(
        &self,
        incoming: Incoming<ImportResourceStateRequest>,
    ) -> Answer<ImportResourceStateResponse> {
        let session = session(&incoming)?;
        let message = incoming.into_inner();
        Ok(Response::new(match session.import(&message).await {
            Ok(state) => ImportResourceStateResponse {
                imported_resources: vec![ImportedResource {
                    type_name: message.type_name,
                    state: Some(state),
                    private: Vec::new(),
                }],
                diagnostics: Vec::new(),
            },
            Err(diagnostics) => ImportResourceStateResponse { imported_resources: Vec::new(), diagnostics },
        }))
    }

    async fn read_data_source(&self, incoming: Incoming<ReadDataSourceRequest>) -> Answer<ReadDataSourceResponse> {
        let session = session(&incoming)?;
        Ok(Response::new(match session.read_data(incoming.get_ref()).await {
            Ok(state) => ReadDataSourceResponse { state: Some(state), diagnostics: Vec::new() },
            Err(diagnostics) => ReadDataSourceResponse { state: None, diagnostics },
        }))
    }
}

/// The session of the connection on which a call came in.
fn session<T>(incoming: &Incoming<T>) -> Result<Session, Status> {
    incoming.extensions().get::<Session>().cloned().ok_or_else(|| Status::internal("the connection has no session"))
}

pub(super) fn resource_type(type_name: &str) -> Step<ResourceType> {
    ResourceType::named(type_name)
        .ok_or_else(|| vec![error("Unknown resource type", format!("The sandbox has no `{type_name}`."), None)])
}

pub(super) fn decode(
    value: Option<&DynamicValue>,
    attributes: impl Iterator<Item = &'static Attribute>,
) -> Step<Option<Object>> {
    object::decode(value, attributes)
        .map_err(|wrong| vec![error("Invalid value", format!("The sandbox cannot read a value: {wrong}."), None)])
}

pub(super) fn encode(resource_type: ResourceType, object: Option<&Object>) -> DynamicValue {
    object::encode(object, resource_type.kind.attributes())
}

fn checked(wrong: &[Wrong]) -> Step<()> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.iter().map(diagnostic).collect()) }
}

pub(super) fn diagnostic(wrong: &Wrong) -> Diagnostic {
    error(
        format!("Invalid {}", wrong.attribute),
        format!("`{}` {}.", wrong.attribute, wrong.why),
        Some(wrong.attribute),
    )
}

fn validate(type_name: &str, config: Option<&DynamicValue>) -> Step<()> {
    let resource_type = resource_type(type_name)?;
    let config = decode(config, resource_type.kind.attributes())?.unwrap_or_default();
    checked(&plan::validate(resource_type.kind.attributes(), &config))
}

fn upgrade(message: &UpgradeResourceStateRequest) -> Step<DynamicValue> {
    let resource_type = resource_type(&message.type_name)?;
    let cannot = |why: String| vec![error("The state cannot be read", why, None)];
    if message.version > schema::SCHEMA_VERSION {
        return Err(cannot(format!("A {} was written by a newer Terrace.", message.type_name)));
    }
    let raw = message.raw_state.clone().unwrap_or_default();
    if !raw.flatmap.is_empty() {
        return Err(cannot("It was written by a Terraform older than 0.12.".to_owned()));
    }
    let state =
        object::from_json(&raw.json, resource_type.kind.attributes()).map_err(|wrong| cannot(format!("{wrong}.")))?;
    Ok(encode(resource_type, state.as_ref()))
}

/// A data source's configuration: what kind, its name and its region, each as far as it is known.
pub(super) fn lookup(type_name: &str, config: Option<&DynamicValue>) -> Step<(ResourceType, String, Option<String>)> {
    let resource_type = resource_type(type_name)?;
    let config = decode(config, resource_type.kind.attributes())?.unwrap_or_default();
    let label = resource_type.kind.label();
    let asked = resource_type.kind.attributes().filter(|attribute| [label, "region"].contains(&attribute.name));
    checked(&plan::validate(asked, &config))?;
    let name = text(&config, label).unwrap_or_default().to_owned();
    Ok((resource_type, name, text(&config, "region").map(str::to_owned)))
}
