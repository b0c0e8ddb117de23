//! Gathers what is known beside the estate, for the capability map: what the code declares, what was recorded of deliveries, and what the last
//! snapshots hold. Reads the work tree and the store; starts no Terraform, opens no snapshot.

use std::collections::BTreeMap;

use terrace_config::Code;
use terrace_domain::code::ModuleFacts;
use terrace_domain::estate::Stack;
use terrace_domain::map::{Known, Recorded, Resources, StackCode};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_driver::snapshots::holdings;
use terrace_driver::store::{InstanceRow, Store};

use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::record::Record;
use crate::settings::Settings;

/// All that is known.
pub fn known(project: &Project, opened: &Opened, settings: &Settings) -> Result<Known, CommandError> {
    let code = project.load_code(opened, opened.estate.stacks.values());
    let stacks = opened.estate.stacks.values();
    Ok(Known {
        code: stacks.map(|stack| (stack.name.clone(), of_code(&code, stack))).collect(),
        instances: recorded(project, settings)?,
    })
}

/// What the code of a stack says: its folder, and the modules that it reaches.
fn of_code(code: &Code, stack: &Stack) -> StackCode {
    let mut found = StackCode::default();
    let reached = code.reached(&stack.name).into_iter().map(|(folder, _)| folder);
    for facts in std::iter::once(stack.folder.clone()).chain(reached).filter_map(|folder| code.facts(&folder)) {
        found.providers.extend(facts.required_providers.iter().map(|(name, required)| {
            let source = required.source.as_deref().and_then(|source| source.rsplit('/').next());
            source.unwrap_or(name).to_owned()
        }));
        count_declared(facts, &mut found.declared);
    }
    found
}

fn count_declared(facts: &ModuleFacts, declared: &mut Resources) {
    for kind in facts.resources.iter().filter_map(|resource| resource.split('.').next()) {
        *declared.entry(kind.to_owned()).or_default() += 1;
    }
}

fn recorded(
    project: &Project,
    settings: &Settings,
) -> Result<BTreeMap<StackName, BTreeMap<EnvironmentName, Recorded>>, CommandError> {
    let home = project.home();
    let database = home.database();
    if !database.exists() {
        return Ok(BTreeMap::new());
    }
    let store = Store::open(&database, &settings.actor())?;
    let mut instances: BTreeMap<StackName, BTreeMap<EnvironmentName, Recorded>> = BTreeMap::new();
    for row in Record::of(&store, &home).instances()? {
        let (Ok(stack), Ok(environment)) = (row.stack.parse(), row.environment.parse()) else { continue };
        instances.entry(stack).or_default().insert(environment, of_row(row));
    }
    let held = holdings(store.connection()).map_err(terrace_driver::store::StoreError::from)?;
    for (environment, stacks) in held {
        for (stack, holding) in stacks {
            let recorded = instances.get_mut(&stack).and_then(|all| all.get_mut(&environment));
            // Of an instance that no run touched (its state was saved by hand) it is not known how it is.
            let Some(recorded) = recorded else { continue };
            recorded.resources = Some(holding.resources);
            let kinds = holding.kinds.unwrap_or_default();
            recorded.types = kinds.into_iter().map(|(kind, held)| (kind, held.count)).collect();
        }
    }
    Ok(instances)
}

fn of_row(row: InstanceRow) -> Recorded {
    Recorded {
        run: Some(row.run),
        release: row.standing.release,
        delivered: row.standing.delivered,
        commit: row.commit,
        state: row.state,
        resources: None,
        types: Resources::new(),
    }
}
