//! The keys whose signatures count, ready to verify with. Where they are written is the estate's matter.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, VerifyingKey};
use terrace_domain::estate::TrustedKey;
use terrace_domain::key::PublicKey;
use terrace_domain::name::KeyName;

use crate::keys::KeyId;

/// Trusted keys.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    keys: Vec<Trusted>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Trusted {
    pub(crate) name: KeyName,
    pub(crate) id: KeyId,
    key: VerifyingKey,
}

/// A public key that no signature can be verified with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trusted key `{name}` is not a point of the curve, or a weak one: nothing can be signed with it")]
pub struct UnusableKey {
    /// The key's name.
    pub name: KeyName,
}

impl TrustedKeys {
    /// The keys of an estate.
    pub fn of_estate(trust: &BTreeMap<KeyName, TrustedKey>) -> Result<Self, UnusableKey> {
        Self::new(trust.values().map(|trusted| (trusted.name.clone(), trusted.public_key)))
    }

    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = (KeyName, PublicKey)>) -> Result<Self, UnusableKey> {
        let keys = keys.into_iter().map(|(name, public)| match VerifyingKey::from_bytes(public.as_bytes()) {
            Ok(key) if !key.is_weak() => Ok(Trusted { name, id: KeyId::of(&public), key }),
            _ => Err(UnusableKey { name }),
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Whether none is trusted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name under which a key is trusted.
    pub fn name_of(&self, id: &str) -> Option<&KeyName> {
        self.keys.iter().find(|trusted| trusted.id.as_str() == id).map(|trusted| &trusted.name)
    }

    /// Whether the key of this name (a key id) is trusted and has signed the message.
    pub fn has_signed(&self, id: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        let mut keys = self.keys.iter().filter(|trusted| trusted.id.as_str() == id);
        keys.any(|trusted| trusted.key.verify_strict(message, &signature).is_ok())
    }

    /// The key that made a signature, if a trusted one did.
    pub(crate) fn signer_of(&self, message: &[u8], signature: &[u8; 64]) -> Option<&Trusted> {
        let signature = Signature::from_bytes(signature);
        // Strictly: a signature that other programs would refuse counts for nothing (RFC 8032, section 8.4).
        self.keys.iter().find(|trusted| trusted.key.verify_strict(message, &signature).is_ok())
    }
}
