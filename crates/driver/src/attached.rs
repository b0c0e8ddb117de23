//! What is attached to releases, and what it is worth: each referrer is read in full and held against its release and the trusted keys.
//! Judges single pieces of evidence; whether they are enough is for others to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use terrace_domain::digest::Digest;
use terrace_domain::name::{KeyName, StackName};
use terrace_evidence::attestation::{ARTIFACT_TYPE, Attestation, AttestationError, PREDICATE_TYPE_ANNOTATION};
use terrace_evidence::dsse::VerifyError;
use terrace_evidence::statement::{Predicate, Statement, StatementError, kind_of};
use terrace_evidence::trusted::TrustedKeys;
use terrace_release::layout::{Layout, LayoutError};
use terrace_release::oci::{Descriptor, FormatError, MANIFEST_MEDIA_TYPE, Manifest};
use terrace_release::stored::StoredEstateRelease;
use terrace_release::verify::Place;

/// Something that is attached to a release.
#[derive(Debug)]
pub struct Attached {
    /// Its manifest.
    pub manifest: Digest,
    /// What it is: `built-from`, `applied-in`, `rehearsed`; of another tool's, the type that its manifest names.
    pub kind: String,
    /// What it says, as far as Terrace understands it and nothing is wrong with it.
    pub predicate: Option<Predicate>,
    /// The trusted keys that have signed it.
    pub signers: Vec<KeyName>,
    /// What other signers call their keys: nothing is known of them.
    pub unknown: Vec<String>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// What is wrong with something that is attached, and where.
#[derive(Debug)]
pub struct Fault {
    /// The blob.
    pub blob: Digest,
    /// What.
    pub what: AttachedError,
}

/// What is wrong with something that is attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// A blob is not there, or is not what its digest says.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A manifest cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It is no evidence, or not of this release, or was tampered with.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// The manifest and what was signed differ.
    #[error("the manifest calls it `{named}`, and what was signed is `{signed}`")]
    Kind {
        /// As the manifest says.
        named: String,
        /// As was signed.
        signed: &'static str,
    },
}

/// A release and all that is attached to it.
#[derive(Debug)]
pub struct Evidenced {
    /// Which part of the estate release.
    pub place: Place,
    /// Its digest.
    pub release: Digest,
    /// What is attached, in the order in which it came.
    pub attached: Vec<Attached>,
}

impl Attached {
    /// Reads a referrer of a release.
    pub fn read(layout: &Layout, release: &Digest, referrer: &Descriptor, trusted: &TrustedKeys) -> Self {
        let named = referrer.annotation(PREDICATE_TYPE_ANNOTATION);
        let kind = named.and_then(kind_of).or(named).or(referrer.artifact_type.as_deref());
        let mut attached = Self {
            manifest: referrer.digest,
            kind: kind.unwrap_or(&referrer.media_type).to_owned(),
            predicate: None,
            signers: Vec::new(),
            unknown: Vec::new(),
            fault: None,
        };
        attached.fault = attached.fill(layout, release, referrer, trusted).err();
        attached
    }

    fn fill(
        &mut self,
        layout: &Layout,
        release: &Digest,
        referrer: &Descriptor,
        trusted: &TrustedKeys,
    ) -> Result<(), Fault> {
        let own = referrer.digest;
        let bytes = layout.read(referrer).map_err(at(own))?;
        if referrer.media_type != MANIFEST_MEDIA_TYPE {
            return Ok(());
        }
        let manifest = Manifest::read(&bytes, "the manifest of evidence").map_err(at(own))?;
        for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
            layout.read(part).map_err(at(part.digest))?;
        }
        if manifest.kind() != ARTIFACT_TYPE {
            manifest.kind().clone_into(&mut self.kind);
            return Ok(());
        }
        let attestation = Attestation::read_manifest(&bytes).map_err(at(own))?;
        if attestation.subject != *release {
            let error = AttestationError::OtherSubject { expected: *release, found: attestation.subject };
            return Err(at(own)(error));
        }
        let envelope = layout.read_blob(&attestation.envelope).map_err(at(attestation.envelope))?;
        self.take_in(&attestation, &envelope, release, trusted)
            .map_err(|what| Fault { blob: attestation.envelope, what })
    }

    /// Takes in who has signed, and what. Whoever it was, it must be about this release.
    fn take_in(
        &mut self,
        attestation: &Attestation,
        envelope: &[u8],
        release: &Digest,
        trusted: &TrustedKeys,
    ) -> Result<(), AttachedError> {
        let envelope = attestation.read_envelope(envelope)?;
        let payload = match envelope.verify(trusted) {
            Ok(verified) => {
                self.signers = verified.signers.into_iter().map(|(name, _)| name).collect();
                self.unknown = verified.untrusted;
                verified.payload
            }
            Err(VerifyError::Untrusted(keys)) => {
                self.unknown = keys;
                envelope.unverified_payload()
            }
            Err(tampered) => return Err(AttestationError::from(tampered).into()),
        };
        let statement = match Statement::parse(payload) {
            Ok(statement) => statement,
            // Of another tool, or a newer Terrace.
            Err(StatementError::UnknownPredicate(_)) => return Ok(()),
            // The kind is known, the builder or the form is not: whoever is not trusted may say what he likes.
            Err(StatementError::Predicate { .. }) if self.signers.is_empty() => return Ok(()),
            Err(error) => return Err(AttestationError::from(error).into()),
        };
        statement.check_subject(release).map_err(AttestationError::from)?;
        let (named, signed) = (attestation.predicate_type.as_deref(), statement.predicate.uri());
        if let Some(named) = named.filter(|named| *named != signed) {
            return Err(AttachedError::Kind { named: named.to_owned(), signed });
        }
        statement.predicate.kind().clone_into(&mut self.kind);
        self.predicate = Some(statement.predicate);
        Ok(())
    }

    /// Whether nothing is wrong with it and a trusted key has signed it.
    pub fn counts(&self) -> bool {
        self.fault.is_none() && !self.signers.is_empty()
    }

    /// Whether it counts and says what the release was built from.
    pub fn proves_origin(&self) -> bool {
        self.counts() && matches!(self.predicate, Some(Predicate::BuiltFrom(_)))
    }

    /// When what it says had happened (of a build, begun).
    pub fn at(&self) -> Option<Timestamp> {
        self.predicate.as_ref().map(|predicate| match predicate {
            Predicate::BuiltFrom(built) => built.started_at,
            Predicate::AppliedIn(applied) => applied.at,
            Predicate::Rehearsed(rehearsed) => rehearsed.at,
        })
    }
}

impl Evidenced {
    /// An estate release (or one stack of it) with all that is attached: the index, the estate's file, and each stack.
    pub fn all(
        layout: &Layout,
        stored: &StoredEstateRelease,
        only: Option<&StackName>,
        trusted: &TrustedKeys,
    ) -> Result<Vec<Self>, LayoutError> {
        let referrers = layout.all_referrers()?;
        let own = [(Place::Index, stored.release.digest), (Place::Estate, stored.estate.digest)];
        let stacks = stored.stacks.iter().filter(|(name, _)| only.is_none_or(|only| *name == only));
        let stacks = stacks.map(|(name, entry)| (Place::Stack(name.clone()), entry.digest));
        let evidenced = |(place, release)| Self::of(layout, place, release, &referrers, trusted);
        Ok(own.into_iter().chain(stacks).map(evidenced).collect())
    }

    fn of(
        layout: &Layout,
        place: Place,
        release: Digest,
        referrers: &BTreeMap<Digest, Vec<Descriptor>>,
        trusted: &TrustedKeys,
    ) -> Self {
        let own = referrers.get(&release).map_or(&[][..], Vec::as_slice);
        let attached = own.iter().map(|referrer| Attached::read(layout, &release, referrer, trusted)).collect();
        Self { place, release, attached }
    }

    /// Whether a trusted key has signed what it was built from.
    pub fn is_of_proven_origin(&self) -> bool {
        self.attached.iter().any(Attached::proves_origin)
    }
}

fn at<E: Into<AttachedError>>(blob: Digest) -> impl FnOnce(E) -> Fault {
    move |error| Fault { blob, what: error.into() }
}
