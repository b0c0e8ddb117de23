//! Says of new releases what they were built from: signed, and attached to each; and in the ledger.

use jiff::Timestamp;
use serde_json::json;
use terrace_domain::digest::Digest;
use terrace_domain::estate::Estate;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_domain::name::StackName;
use terrace_driver::attached::Evidenced;
use terrace_driver::ledger::{self, Filter};
use terrace_driver::store::Store;
use terrace_evidence::attestation::{Artifact, AttachedTo};
use terrace_evidence::keys::SigningKey;
use terrace_evidence::statement::{BuiltFrom, Predicate, Statement, VendoredModule};
use terrace_release::build::{Built, CommitFacts};
use terrace_release::layout::Layout;
use terrace_release::oci::MANIFEST_MEDIA_TYPE;
use terrace_release::stored::{self, StoredEstateRelease};
use terrace_release::verify::Place;

use crate::error::CommandError;
use crate::keys::{signing_key, trusted_keys};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

/// What builds releases, for those who trust it.
const BUILDER: &str = "https://terrace.dev/builder/v1";

/// Attaches to each new release what it was built from; all in one writing of the layout's index. With `mend` also to those that were
/// built before and of which no trusted key says so: the build has found that they are what the commit has.
pub fn attach(
    settings: &Settings,
    estate: &Estate,
    layout: &Layout,
    built: &Built,
    commit: &CommitFacts,
    (started_at, mend): (Timestamp, bool),
) -> Result<(), CommandError> {
    if built.new.is_empty() && !mend {
        return Ok(());
    }
    let key = signing_key(settings)?;
    let stored = stored::estate_release(layout, &built.descriptor)?;
    let mut unsigned = built.new.clone();
    if mend {
        unsigned.extend(of_unproven_origin(settings, estate, layout, &stored, &key)?);
    }
    let mut batch = layout.begin()?;
    for name in &unsigned {
        let Some(descriptor) = stored.stacks.get(name) else { continue };
        let contract = stored::stack(layout, descriptor)?.contract;
        let modules = contract.modules.iter().map(|module| VendoredModule {
            uri: module.source.clone(),
            digest: Digest::of(format!("{} {} {:?}", module.key, module.source, module.version).as_bytes()),
        });
        let predicate = Predicate::BuiltFrom(BuiltFrom {
            estate: estate.name.clone(),
            stack: Some(name.clone()),
            folder: contract.folder.to_string(),
            commit: commit.id.clone(),
            repository: None,
            modules: modules.collect(),
            builder: BUILDER.to_owned(),
            terrace: env!("CARGO_PKG_VERSION").to_owned(),
            invocation: format!("{}:{}", settings.actor(), started_at),
            started_at,
        });
        let subject =
            AttachedTo { media_type: MANIFEST_MEDIA_TYPE.to_owned(), digest: descriptor.digest, size: descriptor.size };
        let statement = Statement::about(name.as_str(), descriptor.digest, predicate);
        let not_made = |error: terrace_evidence::attestation::AttestationError| CommandError::failed(error.to_string());
        let artifact = Artifact::of_statement(&statement, &key, &subject).map_err(not_made)?;
        for content in [&artifact.layer, &artifact.config] {
            batch.write(content.media_type, &content.bytes)?;
        }
        batch.attach(&artifact.manifest.bytes)?;
    }
    Ok(batch.commit()?)
}

/// The stacks of which no trusted key says what they were built from, if this key's word counts.
fn of_unproven_origin(
    settings: &Settings,
    estate: &Estate,
    layout: &Layout,
    stored: &StoredEstateRelease,
    key: &SigningKey,
) -> Result<Vec<StackName>, CommandError> {
    let trusted = trusted_keys(settings, estate)?;
    if trusted.name_of(key.id().as_str()).is_none() {
        return Ok(Vec::new());
    }
    let all = Evidenced::all(layout, stored, None, &trusted)?;
    let unproven = all.into_iter().filter(|evidenced| !evidenced.is_of_proven_origin());
    let stack = |evidenced: Evidenced| match evidenced.place {
        Place::Stack(name) => Some(name),
        Place::Index | Place::Estate => None,
    };
    Ok(unproven.filter_map(stack).collect())
}

static RELEASE_BUILT: Kind = Kind::known("release_built");

/// Enters into the ledger that an estate release was built, unless the same was entered before.
pub fn enter(settings: &Settings, project: &Project, built: &Built, commit: &CommitFacts) -> Result<(), CommandError> {
    let home = project.home();
    home.create()?;
    let (actor, digest) = (settings.actor(), built.release.digest.to_string());
    let mut store = Store::open(&home.database(), &actor)?;
    let kind = Some(RELEASE_BUILT.as_str().to_owned());
    let known = Filter { kind, release: Some(digest.clone()), limit: Some(1), ..Filter::default() };
    if !ledger::log(store.connection(), &known)?.is_empty() {
        return Ok(());
    }
    let new: Vec<_> = built.new.iter().map(|name| (name.as_str(), built.release.stacks[name].to_string())).collect();
    let body = json!({ "commit": commit.id, "stacks": built.release.stacks.len(), "new": new }).to_string();
    let at = views::time::now().after(store.last_moment()?);
    let mut entry = NewEntry::new(at, &actor, &RELEASE_BUILT, &body);
    entry.release = Some(&digest);
    store.write(|transaction| Ok(ledger::append(transaction, &entry)?))?;
    Ok(())
}
