//! What a connection is asked to do with the cloud, once the message is at hand. Owns the way from an encoded value to the cloud
//! and back.

use terrace_domain::value::Value;

use super::plan::{self, Planned};
use super::service::{Step, decode, diagnostic, encode, lookup, resource_type};
use super::{Region, Session, cloud_error, error, schema};
use crate::cloud::{Cloud, CloudError, Operation, Request, Resource};
use crate::kind::ResourceType;
use crate::protocol::message::{
    ApplyResourceChangeRequest, Diagnostic, DynamicValue, ImportResourceStateRequest, PlanResourceChangeRequest,
    ReadDataSourceRequest, ReadResourceRequest,
};
use crate::protocol::object::{Object, get, text};

impl Session {
    pub(super) fn configure(&self, config: &Object) -> Vec<Diagnostic> {
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

    pub(super) async fn read(&self, message: &ReadResourceRequest) -> Step<DynamicValue> {
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
        let get = move |cloud: &Cloud, _: &_| cloud.get(resource_type, &id);
        self.perform(request, |_| Ok(()), get, |found| found.as_ref().map(|found| found.id.clone())).await
    }

    pub(super) fn plan(&self, message: &PlanResourceChangeRequest) -> Step<(DynamicValue, Vec<&'static str>)> {
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

    pub(super) async fn apply(&self, message: &ApplyResourceChangeRequest) -> Step<DynamicValue> {
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

    /// Finds what is to be imported by its id, or by `ID@REGION` where it is in another region than the provider's. What is of another kind,
    /// or elsewhere, is refused: an import that takes in the wrong thing is noticed too late.
    pub(super) async fn import(&self, message: &ImportResourceStateRequest) -> Step<DynamicValue> {
        let resource_type = resource_type(&message.type_name)?;
        let what = format!("Importing {resource_type} '{}'", message.id);
        let (id, asked) = match message.id.split_once('@') {
            Some((id, region)) => (id.to_owned(), Some(region.to_owned())),
            None => (message.id.clone(), None),
        };
        let region = asked.or_else(|| match self.region() {
            Region::Known(region) => Some(region.clone()),
            Region::None | Region::Unknown => None,
        });
        let request =
            Request { id: id.clone(), region: region.clone(), ..self.request(Operation::Read, resource_type) };
        let find = move |cloud: &Cloud, _: &_| cloud.importable(resource_type, &id, region.as_deref());
        match self.perform(request, |_| Ok(()), find, |found: &Resource| Some(found.id.clone())).await {
            Ok(found) => Ok(encode(resource_type, Some(&found.attributes))),
            Err(error) => Err(vec![cloud_error(&what, &error)]),
        }
    }

    pub(super) async fn read_data(&self, message: &ReadDataSourceRequest) -> Step<DynamicValue> {
        let (resource_type, name, region) = lookup(&message.type_name, message.config.as_ref())?;
        let region = region.or_else(|| match self.region() {
            Region::Known(region) => Some(region.clone()),
            _ => None,
        });
        let request =
            Request { name: name.clone(), region: region.clone(), ..self.request(Operation::Read, resource_type) };
        let find = move |cloud: &Cloud, _: &_| cloud.find(resource_type, &name, region.as_deref());
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
