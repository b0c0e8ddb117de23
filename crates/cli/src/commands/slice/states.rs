//! What the last snapshots of a stack's states tell of resources that are to move.

use terrace_domain::estate::{Estate, Stack};
use terrace_domain::moves::{MovedAddress, taken_over};
use terrace_domain::name::EnvironmentName;
use terrace_domain::state::import::{ImportList, NotImportable};
use terrace_driver::{database, snapshots};

use crate::error::CommandError;
use crate::keys;
use crate::project::Project;
use crate::settings::Settings;

/// What is known in one environment.
#[derive(Debug)]
pub struct Known {
    /// The environment.
    pub environment: EnvironmentName,
    /// The last snapshot; `None` where there is none.
    pub snapshot: Option<u64>,
    /// The instances that move, by their addresses.
    pub instances: Vec<String>,
    /// Those that cannot be imported.
    pub obstacles: Vec<NotImportable>,
}

/// Looks it up in every environment.
pub(super) fn look_up(
    project: &Project,
    settings: &Settings,
    estate: &Estate,
    from: &Stack,
    addresses: &[MovedAddress],
) -> Result<Vec<Known>, CommandError> {
    let nothing = |environment: &EnvironmentName| Known {
        environment: environment.clone(),
        snapshot: None,
        instances: Vec::new(),
        obstacles: Vec::new(),
    };
    let home = project.home();
    if !home.database().exists() {
        return Ok(estate.environments.keys().map(nothing).collect());
    }
    let connection = database::open(&home.database())?;
    let vault = keys::vault(settings, &home, estate)?;
    let mut all = Vec::new();
    for environment in estate.environments.keys() {
        let mut known = nothing(environment);
        if let Some(last) = snapshots::latest(&connection, environment.as_str(), from.name.as_str())? {
            known.snapshot = Some(last.id);
            let given = ImportList::read(&vault.get(last.taken.digest)?).map_err(|error| {
                CommandError::failed(format!("snapshot {} of {} in {environment}: {error}", last.id, from.name))
            })?;
            for address in addresses {
                let taken = taken_over(address, &ImportList::default(), &given);
                known.instances.extend(taken.imports.into_iter().map(|one| one.address));
                known.obstacles.extend(taken.obstacles);
            }
        }
        all.push(known);
    }
    Ok(all)
}
