//! The envelope: DSSE v1.0 (github.com/secure-systems-lab/dsse, `protocol.md` and `envelope.md`). Owns how a payload is signed and
//! verified, and what an envelope looks like as JSON. Never looks into the payload.

use std::fmt::Write as _;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::{Deserialize, Serialize};
use terrace_domain::name::KeyName;

use crate::keys::{KeyId, SigningKey};
use crate::trusted::TrustedKeys;

/// The only payloads that are signed and accepted: in-toto statements (in-toto attestation framework, "Envelope").
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The largest envelope in bytes: a statement has a few thousand, and registries accept manifests of four million.
pub const ENVELOPE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most signatures: nobody has so many keys, and each costs a verification with each trusted key.
pub const SIGNATURES_MAX: usize = 16;

const SIGNATURE_BYTES: usize = 64;
/// How much of another's text is shown in an error.
const SHOWN_MAX: usize = 100;
/// "Either standard or URL-safe encoding": both are accepted, with or without padding (`envelope.md`).
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ALPHABETS: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&alphabet::STANDARD, LENIENT), GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)];

/// A payload and the signatures over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    /// What the signer calls its key: a hint that is not signed.
    key_id: Option<String>,
    bytes: [u8; SIGNATURE_BYTES],
}

/// A payload that a trusted key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<'e> {
    /// The payload.
    pub payload: &'e [u8],
    /// The trusted keys that have signed it, at least one.
    pub signers: Vec<(KeyName, KeyId)>,
    /// What the other signatures call their keys: nothing is known of these.
    pub untrusted: Vec<String>,
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Too large.
    #[error("the envelope has {0} bytes, more than {ENVELOPE_BYTES_MAX}")]
    TooLarge(usize),
    /// Not the JSON of an envelope.
    #[error("not a DSSE envelope: {0}")]
    Json(String),
    /// Not what is signed here.
    #[error("the envelope's payload is of type `{0}`, not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// The payload or a signature is not base64.
    #[error("the envelope's {0} is not base64")]
    Base64(&'static str),
    /// A signature is not one of ed25519.
    #[error("a signature has {0} bytes, those of ed25519 have {SIGNATURE_BYTES}")]
    SignatureLength(usize),
    /// Nobody has signed.
    #[error("the envelope has no signature")]
    Unsigned,
    /// Too many have signed.
    #[error("the envelope has {0} signatures, more than {SIGNATURES_MAX}")]
    TooManySignatures(usize),
}

/// Why an envelope's payload does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A trusted key is named, but it has not signed this payload.
    #[error("the signature of the trusted key `{name}` ({}) is not of this payload: one of them was changed", id.get(..16).unwrap_or(id))]
    Tampered {
        /// The key's name in the estate.
        name: KeyName,
        /// Its id, as the signature says.
        id: String,
    },
    /// All that signed are unknown.
    #[error("signed by no trusted key, but by {}", in_words(.0))]
    Untrusted(Vec<String>),
}

#[derive(Serialize, Deserialize)]
struct EnvelopeWire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureWire>,
}

#[derive(Serialize, Deserialize)]
struct SignatureWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl Envelope {
    /// Signs a payload.
    pub fn sign(payload: Vec<u8>, key: &SigningKey) -> Self {
        let bytes = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
        Self { payload, signatures: vec![Signature { key_id: Some(key.id().to_string()), bytes }] }
    }

    /// Adds another key's signature over the same payload.
    pub fn add_signature(&mut self, key: &SigningKey) {
        let bytes = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &self.payload));
        self.signatures.push(Signature { key_id: Some(key.id().to_string()), bytes });
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let signature = |signature: &Signature| SignatureWire {
            keyid: signature.key_id.clone(),
            sig: STANDARD.encode(signature.bytes),
        };
        let wire = EnvelopeWire {
            payload: STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_vec(&wire).expect("texts become JSON")
    }

    /// Reads an envelope. Fields that the specification does not know are passed over, as it says.
    pub fn parse(json: &[u8]) -> Result<Self, EnvelopeError> {
        if json.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge(json.len()));
        }
        let wire: EnvelopeWire =
            serde_json::from_slice(json).map_err(|error| EnvelopeError::Json(error.to_string()))?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(shown(&wire.payload_type)));
        }
        if wire.signatures.is_empty() {
            return Err(EnvelopeError::Unsigned);
        }
        if wire.signatures.len() > SIGNATURES_MAX {
            return Err(EnvelopeError::TooManySignatures(wire.signatures.len()));
        }
        let payload = decode(&wire.payload).ok_or(EnvelopeError::Base64("payload"))?;
        let signatures = wire.signatures.into_iter().map(Signature::read).collect::<Result<_, _>>()?;
        Ok(Self { payload, signatures })
    }

    /// The payload, if a trusted key has signed it. One such signature is enough; others are named.
    pub fn verify(&self, trusted: &TrustedKeys) -> Result<Verified<'_>, VerifyError> {
        let message = pre_authentication_encoding(PAYLOAD_TYPE, &self.payload);
        let mut verified = Verified { payload: &self.payload, signers: Vec::new(), untrusted: Vec::new() };
        let mut tampered = None;
        for signature in &self.signatures {
            let claimed = signature.key_id.as_deref().unwrap_or_default();
            if let Some(signer) = trusted.signer_of(&message, &signature.bytes) {
                let signer = (signer.name.clone(), signer.id.clone());
                if !verified.signers.contains(&signer) {
                    verified.signers.push(signer);
                }
            } else if let Some(name) = trusted.name_of(claimed) {
                tampered = tampered.or(Some(VerifyError::Tampered { name: name.clone(), id: claimed.to_owned() }));
            } else {
                verified.untrusted.push(shown(claimed));
            }
        }
        if verified.signers.is_empty() {
            return Err(tampered.unwrap_or(VerifyError::Untrusted(verified.untrusted)));
        }
        Ok(verified)
    }

    /// The payload, whoever has signed it.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }
}

impl Signature {
    fn read(wire: SignatureWire) -> Result<Self, EnvelopeError> {
        let bytes = decode(&wire.sig).ok_or(EnvelopeError::Base64("signature"))?;
        let length = bytes.len();
        let bytes = bytes.try_into().map_err(|_| EnvelopeError::SignatureLength(length))?;
        Ok(Self { key_id: wire.keyid.filter(|id| !id.is_empty()), bytes })
    }
}

/// What is signed: `PAE(type, body)` of DSSE v1.0, `protocol.md`, "Signature Definition".
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = String::from("DSSEv1 ");
    let _ = write!(encoded, "{} {payload_type} {} ", payload_type.len(), payload.len());
    let mut encoded = encoded.into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

fn decode(text: &str) -> Option<Vec<u8>> {
    ALPHABETS.iter().find_map(|alphabet| alphabet.decode(text).ok())
}

fn shown(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
    if text.is_empty() { "a key without a name".to_owned() } else { text }
}

fn in_words(ids: &[String]) -> String {
    ids.iter().map(|id| id.get(..16).unwrap_or(id)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn key(number: u8) -> SigningKey {
        SigningKey::from_secret(&[number; 32])
    }

    fn trusting(keys: &[(&str, &SigningKey)]) -> TrustedKeys {
        TrustedKeys::new(keys.iter().map(|(name, key)| (name.parse().unwrap(), key.public_key()))).unwrap()
    }

    fn changed(envelope: &Envelope, change: impl FnOnce(&mut Value)) -> Result<Envelope, EnvelopeError> {
        let mut json: Value = serde_json::from_slice(&envelope.to_json()).unwrap();
        change(&mut json);
        Envelope::parse(json.to_string().as_bytes())
    }

    /// The test vector of `protocol.md`, "Test Vectors".
    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pre_authentication_encoding("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn a_trusted_signature_is_enough() {
        let mut envelope = Envelope::sign(b"{}".to_vec(), &key(1));
        envelope.add_signature(&key(2));
        let read = Envelope::parse(&envelope.to_json()).unwrap();
        assert_eq!(read, envelope);
        let trusted = trusting(&[("other", &key(9)), ("bot", &key(2))]);
        let verified = read.verify(&trusted).unwrap();
        assert_eq!(verified.payload, b"{}");
        assert_eq!(verified.signers, [("bot".parse().unwrap(), key(2).id())]);
        assert_eq!(verified.untrusted, [key(1).id().to_string()]);
    }

    #[test]
    fn a_signature_without_a_trusted_key_counts_for_nothing() {
        let envelope = Envelope::sign(b"{}".to_vec(), &key(1));
        let error = envelope.verify(&trusting(&[("bot", &key(2))])).unwrap_err();
        assert_eq!(error.to_string(), format!("signed by no trusted key, but by {}", key(1).id().short()));
        assert!(envelope.verify(&TrustedKeys::default()).is_err());
    }

    #[test]
    fn a_key_that_is_claimed_without_its_signature_is_named() {
        let bot = key(1);
        let trusted = trusting(&[("bot", &bot)]);
        let envelope = Envelope::sign(b"{\"result\":\"failed\"}".to_vec(), &bot);
        let payload = changed(&envelope, |json| json["payload"] = json!(STANDARD.encode(b"{\"result\":\"passed\"}")));
        let other = Envelope::sign(b"{}".to_vec(), &bot);
        let signature =
            changed(&envelope, |json| json["signatures"][0]["sig"] = json!(STANDARD.encode(other.signatures[0].bytes)));
        for tampered in [payload, signature] {
            let error = tampered.unwrap().verify(&trusted).unwrap_err();
            assert!(matches!(&error, VerifyError::Tampered { name, .. } if name.as_str() == "bot"), "{error}");
        }
        // The name of a key is a hint: without it, the signature still counts.
        let unnamed = changed(&envelope, |json| json["signatures"][0]["keyid"] = json!("")).unwrap();
        assert_eq!(unnamed.verify(&trusted).unwrap().signers.len(), 1);
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        let envelope = Envelope::sign(b"{}".to_vec(), &key(1));
        let wrong = |change: fn(&mut Value)| changed(&envelope, change).unwrap_err().to_string();
        let texts = [
            wrong(|json| json["payloadType"] = json!("text/plain")),
            wrong(|json| json["payload"] = json!("%%%")),
            wrong(|json| json["signatures"] = json!([])),
            wrong(|json| json["signatures"][0]["sig"] = json!("AAAA")),
            wrong(|json| json["signatures"] = json!(vec![json["signatures"][0].clone(); 17])),
            Envelope::parse(&vec![b' '; ENVELOPE_BYTES_MAX + 1]).unwrap_err().to_string(),
        ];
        assert_eq!(
            texts,
            [
                "the envelope's payload is of type `text/plain`, not `application/vnd.in-toto+json`",
                "the envelope's payload is not base64",
                "the envelope has no signature",
                "a signature has 3 bytes, those of ed25519 have 64",
                "the envelope has 17 signatures, more than 16",
                "the envelope has 4194305 bytes, more than 4194304",
            ]
        );
        assert!(matches!(Envelope::parse(b"{"), Err(EnvelopeError::Json(_))));
        assert!(changed(&envelope, |json| json["more"] = json!(1)).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_what_is_changed_does_not(
            secret: [u8; 32], mut payload in proptest::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index
        ) {
            let key = SigningKey::from_secret(&secret);
            let trusted = trusting(&[("bot", &key)]);
            let envelope = Envelope::parse(&Envelope::sign(payload.clone(), &key).to_json()).unwrap();
            prop_assert_eq!(envelope.verify(&trusted).unwrap().payload, &payload[..]);
            let at = at.index(payload.len());
            payload[at] ^= 1;
            let tampered = Envelope { payload, ..envelope };
            prop_assert!(tampered.verify(&trusted).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Envelope::parse(&bytes);
        }
    }
}
