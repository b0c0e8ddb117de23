//! Evidence of deliveries: signs that a release was applied in an environment and attaches that to the release, and finds such evidence
//! again. Decides nothing with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use terrace_domain::digest::Digest;
use terrace_domain::name::{EnvironmentName, StackName, StageName};
use terrace_domain::rehearsal::Kind;
use terrace_domain::run::{InstanceId, Moment, Rehearsed as RehearsedKinds, RunId};
use terrace_evidence::attestation::{Artifact, AttachedTo, Attestation, PREDICATE_TYPE_ANNOTATION};
use terrace_evidence::keys::{KeyError, SigningKey};
use terrace_evidence::statement::{AppliedIn, Outcome, Predicate, Rehearsed, StateVersion, Statement, kind_of};
use terrace_evidence::trusted::TrustedKeys;
use terrace_release::layout::{Layout, LayoutError};
use terrace_release::oci::Descriptor;

use crate::snapshots::Taken;

/// Signs and finds evidence.
pub struct Witness {
    /// Where the releases are, and what is attached to them.
    pub layout: Layout,
    /// What signs.
    pub key: SigningKey,
    /// Whose signatures count.
    pub trusted: TrustedKeys,
    /// The run that delivers.
    pub run: RunId,
    /// The stage of each environment.
    pub stages: BTreeMap<EnvironmentName, StageName>,
    /// Who started the run.
    pub actor: String,
    /// What may be evidence of deliveries already, read when the first delivery asks.
    pub known: Known,
}

/// What may be evidence of deliveries, by release: the list is as long as all that was ever delivered, so that it is read once. What others
/// attach meanwhile may be said a second time, which changes nothing.
#[derive(Debug, Default)]
pub struct Known(Mutex<Option<BTreeMap<Digest, Vec<Descriptor>>>>);

/// A delivery that succeeded.
pub struct Delivered<'a> {
    /// Of which instance.
    pub id: &'a InstanceId,
    /// The stack's release.
    pub release: &'a Digest,
    /// The digest of the settings that it was delivered with.
    pub settings: Digest,
    /// Product and version of what applied it.
    pub terraform: &'a str,
    /// The state that came of it; `None` where there is none.
    pub state: Option<Taken>,
}

/// Evidence cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The layout refuses.
    #[error("the evidence of the delivery cannot be kept: {0}")]
    Layout(#[from] LayoutError),
    /// It cannot be put together.
    #[error("the evidence of the delivery cannot be made: {0}")]
    Made(String),
}

/// What was found of evidence for a release in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It holds: when the release was first delivered there.
    Holds(Moment),
    /// There is some, and it does not count: why.
    Not(String),
    /// There is none.
    Nothing,
}

/// What evidence of a delivery is called.
const APPLIED_IN: &str = "applied-in";
/// A state that is not there (nothing was ever applied) has no lineage.
const NO_LINEAGE: &str = "none";

impl Witness {
    /// One that only looks: what it would sign, nobody would trust.
    pub fn that_looks(layout: Layout, trusted: TrustedKeys) -> Result<Self, KeyError> {
        let (stages, actor) = (BTreeMap::new(), String::new());
        Ok(Self {
            layout,
            key: SigningKey::generate()?,
            trusted,
            run: RunId(0),
            stages,
            actor,
            known: Known::default(),
        })
    }

    /// Attaches evidence of a delivery, unless the same is attached already.
    pub fn attest(&self, delivered: &Delivered<'_>) -> Result<(), WitnessError> {
        let is_same =
            |found: &AppliedIn| found.environment == delivered.id.environment && found.settings == delivered.settings;
        let known = self.known_of(delivered.release)?;
        if known.iter().any(|referrer| self.read(delivered.release, referrer).is_ok_and(|found| is_same(&found))) {
            return Ok(());
        }
        let stage = self.stages.get(&delivered.id.environment);
        let stage = stage.ok_or_else(|| WitnessError::Made("the environment has no stage".to_owned()))?;
        let state = delivered.state.as_ref();
        let applied = AppliedIn {
            environment: delivered.id.environment.clone(),
            stage: stage.clone(),
            run: self.run.to_string(),
            at: Timestamp::now(),
            settings: delivered.settings,
            terraform: delivered.terraform.to_owned(),
            state: StateVersion {
                lineage: state.map_or_else(|| NO_LINEAGE.to_owned(), |taken| taken.lineage.clone()),
                serial: state.map_or(0, |taken| taken.serial),
            },
            actor: self.actor.clone(),
        };
        let name = delivered.id.stack.as_str();
        let attached = self.attach(name, *delivered.release, Predicate::AppliedIn(applied))?;
        let mut known = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_default().entry(*delivered.release).or_default().push(slim(attached));
        Ok(())
    }

    fn known_of(&self, release: &Digest) -> Result<Vec<Descriptor>, LayoutError> {
        let mut known = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match &mut *known {
            Some(known) => known,
            unread => unread.insert(self.deliveries()?),
        };
        Ok(known.get(release).cloned().unwrap_or_default())
    }

    /// All that may be evidence of deliveries.
    fn deliveries(&self) -> Result<BTreeMap<Digest, Vec<Descriptor>>, LayoutError> {
        let mut all = self.layout.all_referrers()?;
        for referrers in all.values_mut() {
            let named = |found: &Descriptor| found.annotation(PREDICATE_TYPE_ANNOTATION).and_then(kind_of);
            referrers.retain(|found| named(found).is_none_or(|kind| kind == APPLIED_IN));
            *referrers = std::mem::take(referrers).into_iter().map(slim).collect();
        }
        all.retain(|_, referrers| !referrers.is_empty());
        Ok(all)
    }

    /// Signs a statement about a manifest of the layout and attaches it.
    fn attach(&self, name: &str, about: Digest, predicate: Predicate) -> Result<Descriptor, WitnessError> {
        let manifest = self.layout.read_blob(&about)?;
        let subject = AttachedTo { media_type: media_type_of(&manifest), digest: about, size: manifest.len() as u64 };
        let statement = Statement::about(name, about, predicate);
        let artifact = Artifact::of_statement(&statement, &self.key, &subject)
            .map_err(|error| WitnessError::Made(error.to_string()))?;
        let mut batch = self.layout.begin()?;
        for content in [&artifact.layer, &artifact.config] {
            batch.write(content.media_type, &content.bytes)?;
        }
        let attached = batch.attach(&artifact.manifest.bytes)?;
        batch.commit_beside()?;
        Ok(attached)
    }

    /// For each of these releases, whether there is evidence that it succeeded in the environment.
    pub fn find<'a>(
        &self,
        releases: impl Iterator<Item = (&'a StackName, &'a Digest)>,
        environment: &EnvironmentName,
    ) -> Result<BTreeMap<StackName, Found>, LayoutError> {
        let all = self.layout.all_referrers()?;
        Ok(releases
            .map(|(stack, release)| {
                let referrers = all.get(release).map_or(&[][..], Vec::as_slice);
                (stack.clone(), self.found(release, referrers, environment))
            })
            .collect())
    }

    /// The rehearsals that each of these releases passed, with what it rests on being what it is now. `upstream`: the releases of all that a
    /// stack rests on, in each way that counts. `from`: what an upgrade must have been tried over; `None` where nothing runs, and so nothing can be upgraded.
    pub fn find_rehearsed<'a>(
        &self,
        releases: impl Iterator<Item = (&'a StackName, &'a Digest)>,
        upstream: &dyn Fn(&StackName) -> Vec<BTreeMap<StackName, Digest>>,
        from: &dyn Fn(&StackName) -> Option<Digest>,
    ) -> Result<BTreeMap<StackName, RehearsedKinds>, LayoutError> {
        let all = self.layout.all_referrers()?;
        let mut found = BTreeMap::new();
        for (stack, release) in releases {
            let (upstream, from) = (upstream(stack), from(stack));
            let mut kinds = RehearsedKinds { upgrade: from.is_none(), ..RehearsedKinds::default() };
            for referrer in all.get(release).map_or(&[][..], Vec::as_slice) {
                let Ok(Predicate::Rehearsed(said)) = self.predicate(release, referrer) else { continue };
                let is_of_now = upstream.contains(&said.upstream) && (said.kind != Kind::Upgrade || said.from == from);
                if said.result == Outcome::Passed && is_of_now {
                    kinds.add(said.kind);
                }
            }
            found.insert(stack.clone(), kinds);
        }
        Ok(found)
    }

    /// Attaches that a release was rehearsed, and how it went.
    pub fn attest_rehearsed(&self, stack: &StackName, release: Digest, said: Rehearsed) -> Result<(), WitnessError> {
        self.attach(stack.as_str(), release, Predicate::Rehearsed(said)).map(drop)
    }

    fn found(&self, release: &Digest, referrers: &[Descriptor], environment: &EnvironmentName) -> Found {
        let mut found = Found::Nothing;
        for referrer in referrers {
            match self.read(release, referrer) {
                Ok(applied) if applied.environment == *environment => {
                    let at = Moment(applied.at.as_millisecond());
                    found = match found {
                        Found::Holds(earlier) => Found::Holds(earlier.min(at)),
                        _ => Found::Holds(at),
                    };
                }
                Ok(_) | Err(NotRead::Other) => {}
                Err(NotRead::Wrong(_)) if matches!(found, Found::Holds(_)) => {}
                Err(NotRead::Wrong(why)) => found = Found::Not(why),
            }
        }
        found
    }

    fn read(&self, release: &Digest, referrer: &Descriptor) -> Result<AppliedIn, NotRead> {
        match self.predicate(release, referrer)? {
            Predicate::AppliedIn(applied) => Ok(applied),
            _ => Err(NotRead::Other),
        }
    }

    fn predicate(&self, release: &Digest, referrer: &Descriptor) -> Result<Predicate, NotRead> {
        let wrong = |error: &dyn std::error::Error| {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            NotRead::Wrong(text)
        };
        let manifest = self.layout.read(referrer).map_err(|error| wrong(&error))?;
        let attestation = Attestation::read_manifest(&manifest).map_err(|error| wrong(&error))?;
        let envelope = self.layout.read_blob(&attestation.envelope).map_err(|error| wrong(&error))?;
        let evidence = attestation.verify(release, &envelope, &self.trusted).map_err(|error| wrong(&error))?;
        Ok(evidence.statement.predicate)
    }
}

/// Why a referrer is no evidence of a delivery.
enum NotRead {
    /// It is evidence of something else.
    Other,
    /// It cannot be read, or does not count.
    Wrong(String),
}

/// As much of a descriptor as is needed to read what it is of.
fn slim(found: Descriptor) -> Descriptor {
    Descriptor { artifact_type: None, annotations: BTreeMap::new(), ..found }
}

fn media_type_of(manifest: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(manifest).unwrap_or_default();
    let fallback = terrace_release::oci::MANIFEST_MEDIA_TYPE;
    json["mediaType"].as_str().unwrap_or(fallback).to_owned()
}
