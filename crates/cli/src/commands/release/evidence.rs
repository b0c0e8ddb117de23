//! Whose evidence counts for those who look at releases, and where releases run. Makes no key, and does without an estate where a layout
//! lies elsewhere.

use std::collections::BTreeMap;

use terrace_domain::digest::Digest;
use terrace_domain::run::Moment;
use terrace_driver::store::Store;
use terrace_evidence::trusted::TrustedKeys;

use crate::error::CommandError;
use crate::keys::known_keys;
use crate::project::Project;
use crate::record::Record;
use crate::settings::Settings;
use crate::views;

/// Whose evidence counts.
pub struct Trust {
    /// The keys.
    pub keys: TrustedKeys,
    /// Whether the estate names them: then what nobody of them has signed is suspect.
    pub is_named: bool,
}

/// An environment in which a release runs, and since when.
pub type RunsIn = (String, Option<Moment>);

/// Whom the estate around trusts; without one, or where it names nobody, only this user.
pub fn trust(settings: &Settings) -> Result<Trust, CommandError> {
    let estate = match Project::find(settings).ok().map(|project| project.open_work_tree()) {
        Some(Ok(opened)) => Some(opened.estate),
        Some(Err(error)) => {
            views::error::warn(&format!(
                "{} as it lies in the work tree, and so it is not known whom it trusts: only your own key is trusted",
                error.message
            ));
            None
        }
        None => None,
    };
    let is_named = estate.as_ref().is_some_and(|estate| !estate.trust.is_empty());
    Ok(Trust { keys: known_keys(settings, estate.as_deref())?, is_named })
}

/// Where each release runs, as far as this machine has delivered.
pub fn running(settings: &Settings) -> Result<BTreeMap<Digest, Vec<RunsIn>>, CommandError> {
    let mut running: BTreeMap<Digest, Vec<RunsIn>> = BTreeMap::new();
    let Ok(project) = Project::find(settings) else { return Ok(running) };
    let home = project.home();
    let database = home.database();
    if !database.exists() {
        return Ok(running);
    }
    for row in Record::of(&Store::open(&database, &settings.actor())?, &home).instances()? {
        if let Some(release) = row.standing.release {
            running.entry(release).or_default().push((row.environment, row.standing.delivered));
        }
    }
    Ok(running)
}
