//! Pushing and pulling as its users meet it: real registries on loopback, skopeo as the judge, and connections that break.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod credentials;
mod dropped;
mod fallback;
mod layout;
mod listed;
mod proxy;
mod skopeo;
mod tampered;
