//! The calls of the plugin protocol, one function each. Owns what goes into an answer; see the neighbours for how it comes about.

use terrace_domain::value::Value;
use tonic::{Request as Incoming, Response, Status};

use super::plan::{self, Planned, Wrong};
use super::{Region, Service, Session, cloud_error, error, path, schema};
use crate::cloud::{CloudError, Operation, Request, Resource};
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
use crate::protocol::object::{self, Object, get, text};

type Answer<T> = Result<Response<T>, Status>;
/// Diagnostics end a call early.
type Step<T> = Result<T, Vec<Diagnostic>>;

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

fn resource_type(type_name: &str) -> Step<ResourceType> {
    ResourceType::named(type_name)
        .ok_or_else(|| vec![error("Unknown resource type", format!("The sandbox has no `{type_name}`."), None)])
}

fn decode(value: Option<&DynamicValue>, attributes: impl Iterator<Item = &'static Attribute>) -> Step<Option<Object>> {
    object::decode(value, attributes)
        .map_err(|wrong| vec![error("Invalid value", format!("The sandbox cannot read a value: {wrong}."), None)])
}

fn encode(resource_type: ResourceType, object: Option<&Object>) -> DynamicValue {
    object::encode(object, resource_type.kind.attributes())
}

fn checked(wrong: &[Wrong]) -> Step<()> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.iter().map(diagnostic).collect()) }
}

fn diagnostic(wrong: &Wrong) -> Diagnostic {
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
fn lookup(type_name: &str, config: Option<&DynamicValue>) -> Step<(ResourceType, String, Option<String>)> {
    let resource_type = resource_type(type_name)?;
    let config = decode(config, resource_type.kind.attributes())?.unwrap_or_default();
    let label = resource_type.kind.label();
    let asked = resource_type.kind.attributes().filter(|attribute| [label, "region"].contains(&attribute.name));
    checked(&plan::validate(asked, &config))?;
    let name = text(&config, label).unwrap_or_default().to_owned();
    Ok((resource_type, name, text(&config, "region").map(str::to_owned)))
}

/// A call to the cloud about a resource whose attributes are known.
fn about(request: Request, object: &Object) -> Request {
    let label = request.resource_type.kind.label();
    let own = |name| text(object, name).map(str::to_owned);
    Request {
        name: own(label).unwrap_or_default(),
        id: own("id").unwrap_or_default(),
        region: own("region"),
        ..request
    }
}

impl Session {
    fn configure(&self, config: &Object) -> Vec<Diagnostic> {
        let wrong = plan::validate(schema::PROVIDER.iter(), config);
        if !wrong.is_empty() {
            return wrong.iter().map(diagnostic).collect();
        }
        let region = match get(config, "region") {
            Value::String(region) => Region::Known(region.clone()),
            Value::Unknown => Region::Unknown,
            _ => Region::None,
        };
        if *self.region.get_or_init(|| region.clone()) == region {
            Vec::new()
        } else {
            vec![error("Provider configured twice", "One connection cannot have two regions.", Some("region"))]
        }
    }

    async fn read(&self, message: &ReadResourceRequest) -> Step<DynamicValue> {
        let resource_type = resource_type(&message.type_name)?;
        let Some(state) = decode(message.current_state.as_ref(), resource_type.kind.attributes())? else {
            return Ok(encode(resource_type, None));
        };
        let found = self.get(about(self.request(Operation::Read, resource_type), &state)).await;
        let found = found.map_err(|error| vec![cloud_error(&format!("Reading {resource_type}"), &error)])?;
        Ok(encode(resource_type, found.as_ref().map(|found| &found.attributes)))
    }

    async fn get(&self, request: Request) -> Result<Option<Resource>, CloudError> {
        let (resource_type, id) = (request.resource_type, request.id.clone());
        let get = move |cloud: &crate::cloud::Cloud, _: &_| cloud.get(resource_type, &id);
        self.perform(request, |_| Ok(()), get, |found| found.as_ref().map(|found| found.id.clone())).await
    }

    fn plan(&self, message: &PlanResourceChangeRequest) -> Step<(DynamicValue, Vec<&'static str>)> {
        let resource_type = resource_type(&message.type_name)?;
        let decode = |value: &Option<DynamicValue>| decode(value.as_ref(), resource_type.kind.attributes());
        if decode(&message.proposed_new_state)?.is_none() {
            return Ok((encode(resource_type, None), Vec::new()));
        }
        let config = decode(&message.config)?.unwrap_or_default();
        let planned = match decode(&message.prior_state)? {
            None => plan::create(resource_type.kind, &config, self.region()),
            Some(prior) => plan::update(resource_type.kind, &prior, &config, self.region()),
        };
        let Planned { state, replaced_for } =
            planned.map_err(|wrong| wrong.iter().map(diagnostic).collect::<Vec<_>>())?;
        Ok((encode(resource_type, Some(&state)), replaced_for))
    }

    async fn apply(&self, message: &ApplyResourceChangeRequest) -> Step<DynamicValue> {
        let resource_type = resource_type(&message.type_name)?;
        let prior = decode(message.prior_state.as_ref(), resource_type.kind.attributes())?;
        let planned = decode(message.planned_state.as_ref(), resource_type.kind.attributes())?;
        let (what, applied) = match (prior, planned) {
            (None, None) => return Ok(encode(resource_type, None)),
            (None, Some(planned)) => ("Creating", self.create(resource_type, planned).await.map(Some)),
            (Some(prior), Some(planned)) => ("Changing", self.update(resource_type, &prior, planned).await.map(Some)),
            (Some(prior), None) => ("Deleting", self.delete(resource_type, &prior).await.map(|()| None)),
        };
        let state = applied.map_err(|error| vec![cloud_error(&format!("{what} {resource_type}"), &error)])?;
        Ok(encode(resource_type, state.as_ref()))
    }

    async fn create(&self, resource_type: ResourceType, planned: Object) -> Result<Object, CloudError> {
        let request = about(self.request(Operation::Create, resource_type), &planned);
        let (desired, again) = (planned.clone(), planned.clone());
        let created = self.perform(
            request,
            move |cloud| cloud.check_create(resource_type, &desired),
            move |cloud, caller| cloud.create(resource_type, &again, &|| caller.is_there()),
            |created: &Resource| Some(created.id.clone()),
        );
        Ok(as_planned(planned, created.await?.attributes))
    }

    async fn update(&self, resource_type: ResourceType, prior: &Object, planned: Object) -> Result<Object, CloudError> {
        let request = about(self.request(Operation::Update, resource_type), prior);
        let (id, desired) = (request.id.clone(), planned.clone());
        let updated = self.perform(
            request,
            |_| Ok(()),
            move |cloud, caller| cloud.update(resource_type, &id, &desired, &|| caller.is_there()),
            |_: &Resource| None,
        );
        Ok(as_planned(planned, updated.await?.attributes))
    }

    async fn delete(&self, resource_type: ResourceType, prior: &Object) -> Result<(), CloudError> {
        let request = about(self.request(Operation::Delete, resource_type), prior);
        let (id, again) = (request.id.clone(), request.id.clone());
        self.perform(
            request,
            move |cloud| cloud.check_delete(resource_type, &id),
            move |cloud, caller| cloud.delete(resource_type, &again, &|| caller.is_there()),
            |()| None,
        )
        .await
    }

    async fn import(&self, message: &ImportResourceStateRequest) -> Step<DynamicValue> {
        let resource_type = resource_type(&message.type_name)?;
        let request = Request { id: message.id.clone(), ..self.request(Operation::Read, resource_type) };
        let what = format!("Importing {resource_type}");
        match self.get(request).await {
            Ok(Some(found)) => Ok(encode(resource_type, Some(&found.attributes))),
            Ok(None) => Err(vec![error(format!("{what}: there is no `{}`", message.id), "", None)]),
            Err(error) => Err(vec![cloud_error(&what, &error)]),
        }
    }

    async fn read_data(&self, message: &ReadDataSourceRequest) -> Step<DynamicValue> {
        let (resource_type, name, region) = lookup(&message.type_name, message.config.as_ref())?;
        let region = region.or_else(|| match self.region() {
            Region::Known(region) => Some(region.clone()),
            _ => None,
        });
        let request =
            Request { name: name.clone(), region: region.clone(), ..self.request(Operation::Read, resource_type) };
        let find = move |cloud: &crate::cloud::Cloud, _: &_| cloud.find(resource_type, &name, region.as_deref());
        let found = self.perform(request, |_| Ok(()), find, |found: &Resource| Some(found.id.clone())).await;
        let found = found.map_err(|error| vec![cloud_error(&format!("Reading {resource_type}"), &error)])?;
        Ok(encode(resource_type, Some(&found.attributes)))
    }
}

/// The cloud's answer, with what was planned wherever that was known: what else has changed meanwhile is drift, and the next plan
/// shows it. Terraform takes an answer that differs from the plan for a defect of the provider.
fn as_planned(planned: Object, mut answer: Object) -> Object {
    for (name, value) in planned {
        if value.is_wholly_known() {
            answer.insert(name, value);
        }
    }
    answer
}
