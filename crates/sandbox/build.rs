//! Writes the gRPC service of the Terraform plugin protocol 6 from the table below: no `.proto` file, no `protoc`. The messages
//! themselves are written by hand, in `src/protocol/message.rs`.
#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::path::PathBuf;

use tonic_build::manual::{Builder, Method, Service};

/// The calls we answer, each with the stem of its messages: `{stem}Request` and `{stem}Response`. A call that is not in the table
/// is answered with gRPC's `Unimplemented`, which Terraform accepts for every call that is optional.
const METHODS: &[(&str, &str)] = &[
    ("get_metadata", "GetMetadata"),
    ("get_provider_schema", "GetProviderSchema"),
    ("get_resource_identity_schemas", "GetResourceIdentitySchemas"),
    ("get_functions", "GetFunctions"),
    ("validate_provider_config", "ValidateProviderConfig"),
    ("validate_resource_config", "ValidateResourceConfig"),
    ("validate_data_resource_config", "ValidateDataResourceConfig"),
    ("configure_provider", "ConfigureProvider"),
    ("stop_provider", "StopProvider"),
    ("upgrade_resource_state", "UpgradeResourceState"),
    ("read_resource", "ReadResource"),
    ("plan_resource_change", "PlanResourceChange"),
    ("apply_resource_change", "ApplyResourceChange"),
    ("import_resource_state", "ImportResourceState"),
    ("read_data_source", "ReadDataSource"),
];

fn main() {
    let mut service = Service::builder().name("Provider").package("tfplugin6");
    for (name, route) in METHODS {
        service = service.method(
            Method::builder()
                .name(name)
                .route_name(route)
                .input_type(format!("crate::protocol::message::{route}Request"))
                .output_type(format!("crate::protocol::message::{route}Response"))
                .codec_path("tonic_prost::ProstCodec")
                .build(),
        );
    }
    let service = service.build();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for (folder, server) in [("server", true), ("client", false)] {
        let folder = out.join(folder);
        std::fs::create_dir_all(&folder).expect("cargo's folder can be written");
        Builder::new()
            .build_server(server)
            .build_client(!server)
            .out_dir(folder)
            .compile(std::slice::from_ref(&service));
    }
}
