//! The provider over its socket, spoken to as Terraform does, and as nobody should.

use terrace_domain::value::Value;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::kind::ResourceType;
use crate::protocol::client::provider_client::ProviderClient;
use crate::protocol::message::{
    ApplyResourceChangeRequest, ConfigureProviderRequest, DynamicValue, GetFunctionsRequest, GetMetadataRequest,
    GetProviderSchemaRequest, GetResourceIdentitySchemasRequest, ImportResourceStateRequest, PlanResourceChangeRequest,
    RawState, ReadDataSourceRequest, ReadResourceRequest, StopProviderRequest, UpgradeResourceStateRequest,
    ValidateDataResourceConfigRequest, ValidateProviderConfigRequest, ValidateResourceConfigRequest,
};
use crate::protocol::object::{self, Object};
use crate::server::{Attachment, MESSAGE_LENGTH_MAX, Server};

struct Fixture {
    _folder: tempfile::TempDir,
    server: Server,
    attachment: Attachment,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("cloud"), folder.path()).await.expect("a server");
    let attachment = server.attach("test").expect("attached");
    Fixture { _folder: folder, server, attachment }
}

impl Fixture {
    async fn channel(&self) -> Channel {
        let uri = format!("unix:{}", self.attachment.socket().display());
        Endpoint::from_shared(uri).expect("an address").connect().await.expect("connected")
    }

    async fn client(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.channel().await)
    }
}

fn raw(msgpack: &[u8]) -> DynamicValue {
    DynamicValue { msgpack: msgpack.to_vec(), json: Vec::new() }
}

fn json(json: &str) -> DynamicValue {
    DynamicValue { msgpack: Vec::new(), json: json.into() }
}

fn network() -> ResourceType {
    ResourceType::named("sandbox_aws_network").expect("a type")
}

fn decoded(value: Option<&DynamicValue>) -> Option<Object> {
    object::decode(value, network().kind.attributes()).expect("an object")
}

/// Plans and applies a network as Terraform does, in the region of the provider.
async fn create(client: &mut ProviderClient<Channel>, name: &str) -> Result<Object, String> {
    let config = Some(json(&format!(r#"{{"name": "{name}", "cidr": "10.0.0.0/16"}}"#)));
    let type_name = network().to_string();
    let plan = PlanResourceChangeRequest {
        type_name: type_name.clone(),
        prior_state: Some(raw(&[0xc0])),
        proposed_new_state: config.clone(),
        config: config.clone(),
        prior_private: Vec::new(),
    };
    let planned = client.plan_resource_change(plan).await.expect("an answer").into_inner();
    if let Some(wrong) = planned.diagnostics.first() {
        return Err(wrong.detail.clone());
    }
    let apply = ApplyResourceChangeRequest {
        type_name,
        prior_state: Some(raw(&[0xc0])),
        planned_state: planned.planned_state,
        planned_private: Vec::new(),
    };
    let applied = client.apply_resource_change(apply).await.expect("an answer").into_inner();
    match applied.diagnostics.first() {
        Some(wrong) => Err(wrong.summary.clone()),
        None => Ok(decoded(applied.new_state.as_ref()).expect("a network")),
    }
}

async fn configure(client: &mut ProviderClient<Channel>, config: &str) -> Vec<String> {
    let request = ConfigureProviderRequest { terraform_version: "1.11.4".to_owned(), config: Some(json(config)) };
    let answer = client.configure_provider(request).await.expect("an answer").into_inner();
    answer.diagnostics.into_iter().map(|diagnostic| diagnostic.detail).collect()
}

#[tokio::test]
async fn each_connection_has_its_own_region() {
    let fixture = fixture().await;
    let (mut first, mut second) = (fixture.client().await, fixture.client().await);
    assert_eq!(configure(&mut first, r#"{"region": "eu-west-1"}"#).await, [""; 0]);
    assert_eq!(configure(&mut second, r#"{"region": "us-east-1"}"#).await, [""; 0]);
    for (client, region) in [(&mut first, "eu-west-1"), (&mut second, "us-east-1")] {
        let created = create(client, "main").await.expect("created");
        assert_eq!(object::text(&created, "region"), Some(region));
        assert!(object::text(&created, "id").is_some_and(|id| id.starts_with("aws-network-")));
    }
    assert_eq!(configure(&mut first, r#"{"region": "us-east-1"}"#).await, ["One connection cannot have two regions."]);
}

#[tokio::test]
async fn a_region_is_needed() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    assert_eq!(configure(&mut client, "{}").await, [""; 0]);
    let refused = create(&mut client, "main").await.expect_err("refused");
    assert_eq!(refused, "`region` must be given, here or to the provider.");
    assert_eq!(configure(&mut fixture.client().await, r#"{"region": ""}"#).await, ["`region` must not be empty."]);
}

#[tokio::test]
async fn what_vanished_is_read_as_null() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    configure(&mut client, r#"{"region": "eu-west-1"}"#).await;
    let created = create(&mut client, "main").await.expect("created");
    let state = object::encode(Some(&created), network().kind.attributes());
    let read =
        ReadResourceRequest { type_name: network().to_string(), current_state: Some(state), private: b"kept".to_vec() };
    let answer = client.read_resource(read.clone()).await.expect("an answer").into_inner();
    assert_eq!(decoded(answer.new_state.as_ref()), Some(created));
    assert_eq!(answer.private, b"kept");
    fixture.server.cloud().tamper_delete("network/main").expect("deleted");
    let answer = client.read_resource(read).await.expect("an answer").into_inner();
    assert_eq!(decoded(answer.new_state.as_ref()), None);
    assert_eq!(answer.diagnostics, []);
}

#[tokio::test]
async fn state_files_are_read() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    let mut upgrade = async |version, json: &[u8], flatmap: &[(&str, &str)]| {
        let flatmap = flatmap.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let request = UpgradeResourceStateRequest {
            type_name: network().to_string(),
            version,
            raw_state: Some(RawState { json: json.to_vec(), flatmap }),
        };
        let answer = client.upgrade_resource_state(request).await.expect("an answer").into_inner();
        match answer.diagnostics.first() {
            Some(wrong) => Err(wrong.detail.clone()),
            None => Ok(decoded(answer.upgraded_state.as_ref()).expect("a network")),
        }
    };
    let read = upgrade(0, br#"{"id": "aws-network-1", "tags": {"a": "b"}, "gone": [1]}"#, &[]).await.expect("read");
    assert_eq!(object::text(&read, "id"), Some("aws-network-1"));
    assert_eq!(object::get(&read, "cidr"), &Value::Null);
    let deep = format!(r#"{{"id": {}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (version, json, words) in [
        (0, &b"{\"id\": "[..], "not valid JSON"),
        (0, b"[]", "not an object"),
        (0, br#"{"id": 1}"#, "`id` must be a text"),
        (0, deep.as_bytes(), "not valid JSON"),
        (7, b"{}", "newer Terrace"),
    ] {
        let wrong = upgrade(version, json, &[]).await.expect_err("refused");
        assert!(wrong.contains(words), "{wrong}");
    }
    assert!(upgrade(0, b"", &[("id", "x")]).await.expect_err("refused").contains("older than 0.12"));
}

/// Values that no Terraform sends.
fn hostile() -> Vec<DynamicValue> {
    let nested = |open: &[u8], depth: usize| open.repeat(depth);
    let long = rmpv::Value::Map(vec![("name".into(), "n".repeat(100_000).into())]);
    let many = rmpv::Value::Map(vec![("tags".into(), rmpv::Value::Array(vec![1.into(); 5000]))]);
    let encoded = |value: &rmpv::Value| {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).expect("written");
        bytes
    };
    let msgpack = [
        vec![0x93],
        b"garbage".to_vec(),
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        nested(&[0x91], 1_000_000),
        nested(&[0x81, 0xa4, b'n', b'a', b'm', b'e'], 100_000),
        vec![0xc0, 0xc0],
        vec![0x81, 0xa4, b'n', b'a', b'm', b'e', 0xc3],
        encoded(&long),
        encoded(&many),
    ];
    let json = ["{", "7", "[[[[", r#"{"name": {}}"#];
    msgpack.iter().map(|bytes| raw(bytes)).chain(json.map(self::json)).collect()
}

#[tokio::test]
async fn hostile_values_are_refused_by_every_call() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    for value in hostile() {
        let (config, type_name) = (Some(value), network().to_string());
        let name = || type_name.clone();
        let request = ValidateResourceConfigRequest { type_name: name(), config: config.clone() };
        let answer = client.validate_resource_config(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        let request = ValidateDataResourceConfigRequest { type_name: name(), config: config.clone() };
        let answer = client.validate_data_resource_config(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        let request = ReadDataSourceRequest { type_name: name(), config: config.clone() };
        let answer = client.read_data_source(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        let request = ReadResourceRequest { type_name: name(), current_state: config.clone(), private: Vec::new() };
        let answer = client.read_resource(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        let request = PlanResourceChangeRequest {
            type_name: name(),
            prior_state: None,
            proposed_new_state: config.clone(),
            config: config.clone(),
            prior_private: Vec::new(),
        };
        let answer = client.plan_resource_change(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        let request = ApplyResourceChangeRequest {
            type_name: name(),
            prior_state: None,
            planned_state: config.clone(),
            planned_private: Vec::new(),
        };
        let answer = client.apply_resource_change(request).await.expect("an answer").into_inner();
        assert!(!answer.diagnostics.is_empty(), "{config:?}");
        // What a provider's configuration does not know it passes over, so these need not be refused; they are answered.
        client
            .validate_provider_config(ValidateProviderConfigRequest { config: config.clone() })
            .await
            .expect("an answer");
        let request = ConfigureProviderRequest { terraform_version: String::new(), config };
        client.configure_provider(request).await.expect("an answer");
    }
    assert_eq!(fixture.server.cloud().inventory().expect("readable").count(), 0);
}

#[tokio::test]
async fn unknown_types_are_refused() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    for type_name in ["", "sandbox_aws_moon", "aws_vpc"] {
        let import = ImportResourceStateRequest { type_name: type_name.to_owned(), id: "x".to_owned() };
        let answer = client.import_resource_state(import).await.expect("an answer").into_inner();
        assert_eq!(answer.diagnostics.len(), 1);
        let request = ValidateResourceConfigRequest { type_name: type_name.to_owned(), config: Some(json("{}")) };
        let answer = client.validate_resource_config(request).await.expect("an answer").into_inner();
        assert_eq!(answer.diagnostics[0].detail, format!("The sandbox has no `{type_name}`."));
    }
}

/// Imports by an id; the attributes, or what was said.
async fn import(client: &mut ProviderClient<Channel>, type_name: &str, id: &str) -> Result<Object, String> {
    let request = ImportResourceStateRequest { type_name: type_name.to_owned(), id: id.to_owned() };
    let answer = client.import_resource_state(request).await.expect("an answer").into_inner();
    if let Some(wrong) = answer.diagnostics.first() {
        assert_eq!(answer.imported_resources, []);
        return Err(wrong.summary.clone());
    }
    let [imported] = &answer.imported_resources[..] else { panic!("{answer:?}") };
    assert_eq!(imported.type_name, type_name);
    let kind = ResourceType::named(type_name).expect("a type").kind;
    Ok(object::decode(imported.state.as_ref(), kind.attributes()).expect("an object").expect("not null"))
}

#[tokio::test]
async fn what_exists_is_imported_by_its_id_and_the_call_is_recorded() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    configure(&mut client, r#"{"region": "eu-west-1"}"#).await;
    let created = create(&mut client, "main").await.expect("created");
    let id = object::text(&created, "id").expect("an id").to_owned();
    assert_eq!(import(&mut client, "sandbox_aws_network", &id).await, Ok(created.clone()));
    let calls = fixture.server.cloud().calls(&crate::cloud::CallFilter::default()).expect("readable");
    let last = calls.last().expect("a call");
    assert_eq!((last.operation.as_str(), last.kind.as_str(), last.id.as_str()), ("read", "network", id.as_str()));
    assert_eq!(last.outcome.as_str(), "done");

    let gone = import(&mut client, "sandbox_aws_network", "aws-network-0").await.expect_err("refused");
    assert_eq!(
        gone,
        "Importing sandbox_aws_network 'aws-network-0': ResourceNotFoundException: the network 'aws-network-0' does not exist"
    );
    for other in ["sandbox_aws_bucket", "sandbox_google_network"] {
        let refused = import(&mut client, other, &id).await.expect_err("refused");
        assert!(refused.contains(&format!("'{id}' is a sandbox_aws_network, and no {other}")), "{refused}");
    }
    let calls = fixture.server.cloud().calls(&crate::cloud::CallFilter::default()).expect("readable");
    assert_eq!(calls.last().expect("a call").outcome.as_str(), "failed");
}

#[tokio::test]
async fn what_is_elsewhere_is_imported_only_where_its_region_is_said() {
    let fixture = fixture().await;
    let (mut here, mut there) = (fixture.client().await, fixture.client().await);
    configure(&mut here, r#"{"region": "eu-west-1"}"#).await;
    configure(&mut there, r#"{"region": "us-east-1"}"#).await;
    let created = create(&mut there, "main").await.expect("created");
    let id = object::text(&created, "id").expect("an id").to_owned();
    let refused = import(&mut here, "sandbox_aws_network", &id).await.expect_err("refused");
    assert!(
        refused.contains(&format!("is in us-east-1, and not in eu-west-1; `{id}@us-east-1` imports it")),
        "{refused}"
    );
    assert_eq!(import(&mut here, "sandbox_aws_network", &format!("{id}@us-east-1")).await, Ok(created.clone()));
    assert_eq!(import(&mut fixture.client().await, "sandbox_aws_network", &id).await, Ok(created), "no region is set");
    fixture.server.cloud().lose_region("us-east-1").expect("lost");
    let lost = import(&mut here, "sandbox_aws_network", &format!("{id}@us-east-1")).await.expect_err("refused");
    assert!(lost.contains("the region us-east-1 is not available"), "{lost}");
}

#[tokio::test]
async fn every_kind_can_be_asked_for_an_import() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    for resource_type in ResourceType::all() {
        let refused = import(&mut client, &resource_type.to_string(), "no-such-id").await.expect_err("refused");
        assert!(refused.contains(&format!("the {} 'no-such-id' does not exist", resource_type.kind.name)), "{refused}");
    }
}

#[tokio::test]
async fn an_oversized_message_ends_nothing_but_its_call() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    let request = ValidateResourceConfigRequest {
        type_name: network().to_string(),
        config: Some(raw(&vec![0x90; MESSAGE_LENGTH_MAX + 1])),
    };
    let refused = client.validate_resource_config(request).await.expect_err("refused");
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    client.get_metadata(GetMetadataRequest {}).await.expect("still served");
}

#[tokio::test]
async fn the_plugin_hosts_own_calls_end_nothing() {
    let fixture = fixture().await;
    for path in ["/plugin.GRPCController/Shutdown", "/plugin.GRPCStdio/StreamStdio", "/tfplugin6.Provider/PlanAction"] {
        let mut grpc = tonic::client::Grpc::new(fixture.channel().await);
        grpc.ready().await.expect("ready");
        let codec = tonic_prost::ProstCodec::<StopProviderRequest, StopProviderRequest>::default();
        let path = path.parse().expect("a path");
        let refused = grpc.unary(tonic::Request::new(StopProviderRequest {}), path, codec).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unimplemented);
    }
    let mut client = fixture.client().await;
    assert_eq!(client.stop_provider(StopProviderRequest {}).await.expect("an answer").into_inner().error, "");
    assert_eq!(configure(&mut client, r#"{"region": "eu-west-1"}"#).await, [""; 0]);
    create(&mut client, "after-stop").await.expect("still served");
}

#[tokio::test]
async fn the_schema_says_what_is_sensitive() {
    let fixture = fixture().await;
    let mut client = fixture.client().await;
    let schema = client.get_provider_schema(GetProviderSchemaRequest {}).await.expect("an answer").into_inner();
    let mut sensitive = Vec::new();
    for (type_name, schema) in schema.resource_schemas.iter().filter(|(name, _)| name.contains("_aws_")) {
        let attributes = &schema.block.as_ref().expect("a block").attributes;
        let names = attributes.iter().filter(|attribute| attribute.sensitive).map(|attribute| &attribute.name);
        sensitive.extend(names.map(|name| format!("{type_name}.{name}")));
    }
    assert_eq!(sensitive, ["sandbox_aws_database.password", "sandbox_aws_secret.value"]);
    let metadata = client.get_metadata(GetMetadataRequest {}).await.expect("an answer").into_inner();
    assert_eq!(metadata.resources.len(), schema.resource_schemas.len());
    assert_eq!(metadata.data_sources.len(), schema.data_source_schemas.len());
    client.get_resource_identity_schemas(GetResourceIdentitySchemasRequest {}).await.expect("an answer");
    client.get_functions(GetFunctionsRequest {}).await.expect("an answer");
}

#[tokio::test]
async fn a_dropped_attachment_is_closed() {
    let fixture = fixture().await;
    let attachment = fixture.server.attach("other").expect("attached");
    let socket = attachment.socket().to_owned();
    tokio::net::UnixStream::connect(&socket).await.expect("connected");
    drop(attachment);
    assert!(tokio::net::UnixStream::connect(&socket).await.is_err());
    assert!(!socket.exists());
    fixture.client().await.get_metadata(GetMetadataRequest {}).await.expect("others are still served");
}
