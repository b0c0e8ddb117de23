//! Evidence as an OCI artifact: a manifest (OCI image specification 1.1, `manifest.md`, "Guidelines for Artifact Usage") whose
//! `subject` is the release and whose only layer is the envelope. Owns the bytes; knows no layout and no registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terrace_domain::digest::Digest;
use terrace_domain::name::KeyName;

use crate::dsse::{ENVELOPE_BYTES_MAX, Envelope, EnvelopeError, PAYLOAD_TYPE, VerifyError};
use crate::keys::{KeyId, SigningKey};
use crate::statement::{Statement, StatementError};
use crate::trusted::TrustedKeys;

/// The artifact's type, and its layer's.
pub const ARTIFACT_TYPE: &str = PAYLOAD_TYPE;
/// The annotation with the predicate's type, so that evidence is found without being read.
pub const PREDICATE_TYPE_ANNOTATION: &str = "in-toto.io/predicate-type";
/// The media type of manifests.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A config that says nothing (`manifest.md`, "Guidance for an Empty Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";
/// The largest manifest in bytes: what registries accept at least (distribution specification, "Pushing Manifests").
const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes, what they are, and their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Their media type.
    pub media_type: &'static str,
    /// Their digest.
    pub digest: Digest,
    /// They themselves.
    pub bytes: Vec<u8>,
}

/// An artifact that carries evidence: three contents to be stored, the manifest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The envelope.
    pub layer: Content,
    /// The config, which says nothing.
    pub config: Content,
    /// The manifest.
    pub manifest: Content,
}

/// What evidence is attached to: a manifest or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedTo {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// What a manifest of evidence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// What it is attached to.
    pub subject: Digest,
    /// The envelope's digest.
    pub envelope: Digest,
    /// The envelope's size in bytes.
    pub size: u64,
    /// What kind of evidence it says to be; the statement itself decides.
    pub predicate_type: Option<String>,
}

/// Evidence that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What is said.
    pub statement: Statement,
    /// Who has signed it: keys that the estate trusts.
    pub signers: Vec<(KeyName, KeyId)>,
}

/// Why an artifact is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// Not the manifest of such an artifact.
    #[error("not a manifest of evidence: {0}")]
    Manifest(String),
    /// The manifest belongs to another release.
    #[error("the evidence is attached to {found}, not to {expected}")]
    OtherSubject {
        /// What was asked for.
        expected: Digest,
        /// What the manifest says.
        found: Digest,
    },
    /// The envelope is not the one that the manifest names.
    #[error("the envelope has the digest {found}, but the manifest names {expected}")]
    OtherEnvelope {
        /// What the manifest says.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// The envelope cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Its signatures do not count.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// What is signed is not understood, or about something else.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestWire {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    config: DescriptorWire,
    layers: Vec<DescriptorWire>,
    subject: DescriptorWire,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorWire {
    media_type: String,
    digest: String,
    size: u64,
}

impl Content {
    fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, digest: Digest::of(&bytes), bytes }
    }

    fn descriptor(&self) -> DescriptorWire {
        DescriptorWire {
            media_type: self.media_type.to_owned(),
            digest: self.digest.to_string(),
            size: self.bytes.len() as u64,
        }
    }
}

impl Artifact {
    /// Signs a statement and makes it an artifact that can be attached.
    pub fn of_statement(
        statement: &Statement,
        key: &SigningKey,
        subject: &AttachedTo,
    ) -> Result<Self, AttestationError> {
        statement.check_subject(&subject.digest)?;
        Ok(Self::of_envelope(&Envelope::sign(statement.to_json(), key), statement.predicate.uri(), subject))
    }

    /// The artifact that carries an envelope.
    pub fn of_envelope(envelope: &Envelope, predicate_type: &str, subject: &AttachedTo) -> Self {
        let layer = Content::new(ARTIFACT_TYPE, envelope.to_json());
        let config = Content::new(EMPTY_TYPE, EMPTY.to_vec());
        let manifest = ManifestWire {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: ARTIFACT_TYPE.to_owned(),
            config: config.descriptor(),
            layers: vec![layer.descriptor()],
            subject: DescriptorWire {
                media_type: subject.media_type.clone(),
                digest: subject.digest.to_string(),
                size: subject.size,
            },
            annotations: [(PREDICATE_TYPE_ANNOTATION.to_owned(), predicate_type.to_owned())].into(),
        };
        let bytes = serde_json::to_vec(&manifest).expect("texts and numbers become JSON");
        Self { layer, config, manifest: Content::new(MANIFEST_TYPE, bytes) }
    }

    /// What must be stored, in this order.
    pub fn contents(&self) -> [&Content; 3] {
        [&self.layer, &self.config, &self.manifest]
    }
}

impl Attestation {
    /// Reads the manifest of evidence.
    pub fn read_manifest(bytes: &[u8]) -> Result<Self, AttestationError> {
        let wrong = |why: String| AttestationError::Manifest(why);
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(wrong(format!("it has {} bytes", bytes.len())));
        }
        let mut wire: ManifestWire = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if wire.artifact_type != ARTIFACT_TYPE {
            return Err(wrong(format!("its artifact type is `{}`", wire.artifact_type)));
        }
        let [layer] = &wire.layers[..] else {
            return Err(wrong(format!("it has {} layers, not one", wire.layers.len())));
        };
        if layer.media_type != ARTIFACT_TYPE {
            return Err(wrong(format!("its layer is of type `{}`", layer.media_type)));
        }
        if layer.size > ENVELOPE_BYTES_MAX as u64 {
            return Err(wrong(format!("its envelope has {} bytes", layer.size)));
        }
        let digest = |text: &str| text.parse::<Digest>().map_err(|error| wrong(error.to_string()));
        Ok(Self {
            subject: digest(&wire.subject.digest)?,
            envelope: digest(&layer.digest)?,
            size: layer.size,
            predicate_type: wire.annotations.remove(PREDICATE_TYPE_ANNOTATION),
        })
    }

    /// Reads the envelope that the manifest names, if these are its bytes.
    pub fn read_envelope(&self, bytes: &[u8]) -> Result<Envelope, AttestationError> {
        let found = Digest::of(bytes);
        if found != self.envelope {
            return Err(AttestationError::OtherEnvelope { expected: self.envelope, found });
        }
        Ok(Envelope::parse(bytes)?)
    }

    /// The evidence, if all of it holds: the manifest is attached to this release, the envelope is the one that it names, a trusted
    /// key has signed, and what was signed is about this release.
    pub fn verify(
        &self,
        release: &Digest,
        envelope: &[u8],
        trusted: &TrustedKeys,
    ) -> Result<Evidence, AttestationError> {
        if self.subject != *release {
            return Err(AttestationError::OtherSubject { expected: *release, found: self.subject });
        }
        let envelope = self.read_envelope(envelope)?;
        let verified = envelope.verify(trusted)?;
        let statement = Statement::parse(verified.payload)?;
        statement.check_subject(release)?;
        Ok(Evidence { statement, signers: verified.signers })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::statement::{Outcome, Predicate, Rehearsed};

    fn release() -> AttachedTo {
        AttachedTo { media_type: MANIFEST_TYPE.to_owned(), digest: Digest::of(b"a release"), size: 9 }
    }

    fn statement() -> Statement {
        let predicate = Predicate::Rehearsed(Rehearsed {
            kind: terrace_domain::rehearsal::Kind::Zero,
            result: Outcome::Passed,
            at: "2026-11-24T10:00:00Z".parse().unwrap(),
            from: None,
            upstream: BTreeMap::new(),
        });
        Statement::about("aws-cluster", release().digest, predicate)
    }

    fn key() -> SigningKey {
        SigningKey::from_secret(&[1; 32])
    }

    fn trusted() -> TrustedKeys {
        TrustedKeys::new([("bot".parse().unwrap(), key().public_key())]).unwrap()
    }

    fn verify(artifact: &Artifact, release: &Digest) -> Result<Evidence, AttestationError> {
        Attestation::read_manifest(&artifact.manifest.bytes)?.verify(release, &artifact.layer.bytes, &trusted())
    }

    #[test]
    fn evidence_is_attached_and_read_back() {
        let artifact = Artifact::of_statement(&statement(), &key(), &release()).unwrap();
        let evidence = verify(&artifact, &release().digest).unwrap();
        assert_eq!(evidence.statement, statement());
        assert_eq!(evidence.signers, [("bot".parse().unwrap(), key().id())]);
        assert_eq!(artifact.contents()[1].bytes, b"{}");
    }

    #[test]
    fn the_manifest_has_the_form_of_the_specification() {
        let artifact = Artifact::of_statement(&statement(), &key(), &release()).unwrap();
        let manifest: Value = serde_json::from_slice(&artifact.manifest.bytes).unwrap();
        let expected = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.in-toto+json",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                "size": 2,
            },
            "layers": [{
                "mediaType": "application/vnd.in-toto+json",
                "digest": artifact.layer.digest.to_string(),
                "size": artifact.layer.bytes.len(),
            }],
            "subject": {"mediaType": MANIFEST_TYPE, "digest": release().digest.to_string(), "size": 9},
            "annotations": {"in-toto.io/predicate-type": "https://terrace.dev/rehearsed/v1"},
        });
        assert_eq!(manifest, expected);
    }

    #[test]
    fn evidence_of_another_release_is_refused_wherever_it_says_so() {
        let other = AttachedTo { digest: Digest::of(b"another release"), ..release() };
        assert!(matches!(
            Artifact::of_statement(&statement(), &key(), &other),
            Err(AttestationError::Statement(StatementError::OtherSubject { .. }))
        ));
        // Somebody hangs a true envelope on another release: the manifest says so, what is signed does not.
        let envelope = Envelope::sign(statement().to_json(), &key());
        let moved = Artifact::of_envelope(&envelope, statement().predicate.uri(), &other);
        let error = verify(&moved, &other.digest).unwrap_err();
        assert!(matches!(error, AttestationError::Statement(StatementError::OtherSubject { .. })), "{error}");
        let error = verify(&moved, &release().digest).unwrap_err();
        assert!(matches!(error, AttestationError::OtherSubject { .. }), "{error}");
    }

    #[test]
    fn another_envelope_than_the_manifest_names_is_refused() {
        let mut artifact = Artifact::of_statement(&statement(), &key(), &release()).unwrap();
        artifact.layer.bytes.push(b' ');
        let error = verify(&artifact, &release().digest).unwrap_err();
        assert!(matches!(error, AttestationError::OtherEnvelope { .. }), "{error}");
    }

    #[test]
    fn other_manifests_are_refused() {
        let artifact = Artifact::of_statement(&statement(), &key(), &release()).unwrap();
        let wrong = |change: fn(&mut Value)| {
            let mut manifest: Value = serde_json::from_slice(&artifact.manifest.bytes).unwrap();
            change(&mut manifest);
            Attestation::read_manifest(manifest.to_string().as_bytes()).unwrap_err().to_string()
        };
        let texts = [
            wrong(|manifest| manifest["artifactType"] = json!("text/plain")),
            wrong(|manifest| manifest["layers"] = json!([])),
            wrong(|manifest| manifest["layers"][0]["size"] = json!(5_000_000)),
            wrong(|manifest| manifest["subject"]["digest"] = json!("sha512:00")),
            wrong(|manifest| manifest["subject"] = json!(null)),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r#"
        not a manifest of evidence: its artifact type is `text/plain`
        not a manifest of evidence: it has 0 layers, not one
        not a manifest of evidence: its envelope has 5000000 bytes
        not a manifest of evidence: `sha512:00` is no digest: expected `sha256:` and 64 hexadecimal digits in lower case
        not a manifest of evidence: invalid type: null, expected struct DescriptorWire at line 1 column 516
        "#);
    }
}
