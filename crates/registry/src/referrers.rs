//! Which manifests are attached to another. Owns both ways to know: the registry's list, and the fallback tag of registries that keep
//! none (distribution specification 1.1, "Listing Referrers", "Referrers Tag Schema").

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use terrace_domain::digest::Digest;

use crate::content::{Descriptor, DescriptorWire, INDEX_TYPE, Links};
use crate::error::RegistryError;
use crate::session::Session;

/// The most pages of one list.
const PAGES_MAX: usize = 100;
/// How often a fallback tag is written again that another has written at the same moment.
const TAG_ATTEMPTS: usize = 5;

/// The tag under which a registry without a list keeps one.
fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// Reads lists of referrers, and remembers whether the registry keeps any.
#[derive(Default)]
pub(crate) struct Referrers {
    has_no_list: AtomicBool,
}

impl Referrers {
    /// All manifests that are attached to this one.
    pub(crate) async fn of(&self, session: &Session<'_>, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        if !self.has_no_list.load(Ordering::Relaxed) {
            if let Some(listed) = listed(session, subject).await? {
                return Ok(listed);
            }
            self.has_no_list.store(true, Ordering::Relaxed);
        }
        let (_, index) = fallback_index(session, subject).await?;
        read_entries(subject, index)
    }
}

async fn listed(session: &Session<'_>, subject: &Digest) -> Result<Option<Vec<Descriptor>>, RegistryError> {
    let mut found = Vec::new();
    let mut page: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let Some(fetched) = session.referrers(subject, page.as_deref()).await? else { return Ok(None) };
        let what = format!("the list of referrers of {}", subject.short());
        found.extend(Links::read(&what, &fetched.bytes)?.manifests);
        match fetched.next {
            Some(next) => page = Some(next),
            None => return Ok(Some(found)),
        }
    }
    Err(RegistryError::TooMany {
        what: format!("the list of referrers of {subject}"),
        things: "pages",
        limit: PAGES_MAX,
    })
}

/// Adds referrers to the fallback tag of their subject; what others have written there stays. Returns whether that was needed.
pub(crate) async fn add_to_fallback_tag(
    session: &Session<'_>,
    subject: &Digest,
    referrers: &[Descriptor],
) -> Result<bool, RegistryError> {
    let tag = fallback_tag(subject);
    for attempt in 0..TAG_ATTEMPTS {
        let (mut index, mut entries) = fallback_index(session, subject).await?;
        let before = entries.len();
        for referrer in referrers {
            let digest = referrer.digest.to_string();
            if !entries.iter().any(|entry| entry["digest"] == digest) {
                entries.push(serde_json::to_value(DescriptorWire::of(referrer)).expect("texts become JSON"));
            }
        }
        if entries.len() == before {
            return Ok(attempt > 0);
        }
        index["manifests"] = entries.into();
        let bytes = index.to_string().into_bytes();
        // Looked at again in the next turn: registries have no way to write a tag only if it is unchanged, and of two who write at once
        // one may be lost. What is lost after this look comes back with the next push of who has it.
        session.push_manifest(&tag, INDEX_TYPE, &bytes).await?;
    }
    Err(RegistryError::TooMany { what: format!("the tag {tag}"), things: "writers at once", limit: TAG_ATTEMPTS })
}

/// The index under the fallback tag as it is, and its entries apart; an empty one where there is none.
async fn fallback_index(session: &Session<'_>, subject: &Digest) -> Result<(Value, Vec<Value>), RegistryError> {
    let tag = fallback_tag(subject);
    let Some(fetched) = session.manifest(&tag).await? else {
        return Ok((json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE }), Vec::new()));
    };
    let wrong = |why: String| RegistryError::Manifest { what: format!("what is under the tag {tag}"), why };
    let mut index: Value = serde_json::from_slice(&fetched.bytes).map_err(|error| wrong(error.to_string()))?;
    match index["manifests"].take() {
        Value::Array(entries) => Ok((index, entries)),
        _ => Err(wrong("it is no index: something else has this tag".to_owned())),
    }
}

fn read_entries(subject: &Digest, entries: Vec<Value>) -> Result<Vec<Descriptor>, RegistryError> {
    let what = format!("the index under the tag {}", fallback_tag(subject));
    let read = |entry| {
        let wire: DescriptorWire = serde_json::from_value(entry)
            .map_err(|error| RegistryError::Manifest { what: what.clone(), why: error.to_string() })?;
        wire.read(&what)
    };
    let entries: Vec<Descriptor> = entries.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(entries.into_iter().filter(Descriptor::is_manifest).collect())
}
