//! Says of new releases what they were built from: signed, and attached to each; and in the ledger.

use jiff::Timestamp;
use serde_json::json;
use terrace_domain::digest::Digest;
use terrace_domain::estate::Estate;
use terrace_domain::ledger::{Kind, NewEntry};
use terrace_driver::ledger::{self, Filter};
use terrace_driver::store::Store;
use terrace_evidence::attestation::{Artifact, AttachedTo};
use terrace_evidence::statement::{BuiltFrom, Predicate, Statement, VendoredModule};
use terrace_release::build::{Built, CommitFacts};
use terrace_release::layout::Layout;
use terrace_release::oci::MANIFEST_MEDIA_TYPE;
use terrace_release::stored;

use crate::error::CommandError;
use crate::keys::signing_key;
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

/// What builds releases, for those who trust it.
const BUILDER: &str = "https://terrace.dev/builder/v1";

/// Attaches to each new release what it was built from; all in one writing of the layout's index.
pub fn attach(
    settings: &Settings,
    estate: &Estate,
    layout: &Layout,
    built: &Built,
    commit: &CommitFacts,
    started_at: Timestamp,
) -> Result<(), CommandError> {
    if built.new.is_empty() {
        return Ok(());
    }
    let key = signing_key(settings)?;
    let stored = stored::estate_release(layout, &built.descriptor)?;
    let mut batch = layout.begin()?;
    for name in &built.new {
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
        let unsigned = |error: terrace_evidence::attestation::AttestationError| CommandError::failed(error.to_string());
        let artifact = Artifact::of_statement(&statement, &key, &subject).map_err(unsigned)?;
        for content in [&artifact.layer, &artifact.config] {
            batch.write(content.media_type, &content.bytes)?;
        }
        batch.attach(&artifact.manifest.bytes)?;
    }
    Ok(batch.commit()?)
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
