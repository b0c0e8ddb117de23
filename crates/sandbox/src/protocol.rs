//! The Terraform plugin protocol 6 on the wire: messages, the gRPC service, and the encodings of values. Owns nothing of the
//! sandbox cloud; what a call does is in [`crate::provider`].

pub(crate) mod message;
pub(crate) mod object;

/// What the build script wrote: the service's trait and its server.
#[allow(clippy::pedantic, clippy::all, unreachable_pub, missing_docs, reason = "written by tonic-build")]
mod service {
    include!(concat!(env!("OUT_DIR"), "/server/tfplugin6.Provider.rs"));
}

pub(crate) use service::provider_server::{Provider, ProviderServer};

/// A client of the service, as Terraform is one.
#[cfg(test)]
#[allow(clippy::pedantic, clippy::all, unreachable_pub, missing_docs, reason = "written by tonic-build")]
pub(crate) mod client {
    include!(concat!(env!("OUT_DIR"), "/client/tfplugin6.Provider.rs"));
}
