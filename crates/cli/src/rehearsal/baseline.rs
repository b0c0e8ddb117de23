//! What runs in an environment today, by the ledger: for each stack exactly the release, in batches that can be deployed one after another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::batches;
use terrace_driver::store::Store;
use terrace_release::layout::Layout;
use terrace_release::stored;
use terrace_release::tree::ReleaseTree;

use crate::error::CommandError;
use crate::project::{Opened, Project};

/// What runs in an environment.
pub struct Baseline {
    /// The environment.
    pub environment: String,
    /// The release of each stack that runs there.
    pub releases: BTreeMap<StackName, Digest>,
    /// Estate releases with the stacks that are taken from them, in the sequence in which they can be deployed.
    pub batches: Vec<Batch>,
}

/// Stacks of one estate release.
pub struct Batch {
    /// The estate release.
    pub release: Arc<ReleaseTree>,
    /// The estate as it has it.
    pub opened: Opened,
    /// The stacks.
    pub stacks: BTreeSet<StackName>,
}

/// How many runs of an environment are looked through for the releases that they delivered.
const RUNS_MAX: usize = 1000;

/// What runs in an environment; of `only`, where that is given, and of all that those rest on.
pub fn baseline_of(
    project: &Project,
    store: Option<&Store>,
    environment: &str,
    only: Option<&BTreeSet<StackName>>,
) -> Result<Baseline, CommandError> {
    let nothing = || Baseline { environment: environment.to_owned(), releases: BTreeMap::new(), batches: Vec::new() };
    let Some(store) = store else { return Ok(nothing()) };
    let running: BTreeMap<StackName, Digest> = store
        .standings(environment)?
        .into_iter()
        .filter_map(|(stack, standing)| Some((stack, standing.release?)))
        .collect();
    if running.is_empty() {
        return Ok(nothing());
    }
    let homes = homes(project, store, environment, &running)?;
    let layout = Layout::open(&project.home().releases())?;
    let mut opened: BTreeMap<Digest, (Arc<ReleaseTree>, Opened)> = BTreeMap::new();
    for estate in homes.values() {
        if !opened.contains_key(estate) {
            let release = Arc::new(ReleaseTree::open(&layout, &layout.resolve(&estate.to_string())?)?);
            let estate_of_it = project.open_release(&release)?;
            opened.insert(*estate, (release, estate_of_it));
        }
    }
    let mut all: BTreeMap<StackName, (Digest, BTreeSet<StackName>)> = BTreeMap::new();
    for (stack, home) in &homes {
        let upstream = opened[home].1.graph.upstream_of(stack.as_str()).into_keys().cloned().collect();
        all.insert(stack.clone(), (*home, upstream));
    }
    if let Some(only) = only {
        let wanted = closure(&all, only);
        all.retain(|stack, _| wanted.contains(stack));
    }
    let batches = batches(&all).ok_or_else(|| {
        CommandError::failed(format!(
            "what runs in {environment} is of releases that rest on each other in a circle: it cannot be deployed from nothing"
        ))
        .help(format!("Deliver one release of all stacks to {environment} first."))
    })?;
    let mut found = Vec::new();
    for (home, stacks) in batches {
        let (release, _) = &opened[&home];
        found.push(Batch { release: Arc::clone(release), opened: project.open_release(release)?, stacks });
    }
    let releases = running.into_iter().filter(|(stack, _)| all.contains_key(stack)).collect();
    Ok(Baseline { environment: environment.to_owned(), releases, batches: found })
}

fn closure(
    all: &BTreeMap<StackName, (Digest, BTreeSet<StackName>)>,
    from: &BTreeSet<StackName>,
) -> BTreeSet<StackName> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&StackName> = from.iter().filter(|stack| all.contains_key(*stack)).collect();
    while let Some(stack) = open.pop() {
        if found.insert(stack.clone()) {
            open.extend(all[stack].1.iter().filter(|upstream| all.contains_key(*upstream)));
        }
    }
    found
}

/// For each stack an estate release that has the release of it that runs: of those that were delivered there the newest that has it, or else any
/// that is here.
fn homes(
    project: &Project,
    store: &Store,
    environment: &str,
    running: &BTreeMap<StackName, Digest>,
) -> Result<BTreeMap<StackName, Digest>, CommandError> {
    let layout = Layout::open(&project.home().releases())?;
    let delivered = store.runs(Some(environment), RUNS_MAX)?;
    let delivered = delivered.iter().filter_map(|row| row.release.as_deref()?.parse::<Digest>().ok());
    let listed = stored::list(&layout)?.into_iter().map(|listed| listed.descriptor.digest);
    let (mut homes, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for estate in delivered.chain(listed) {
        if homes.len() == running.len() {
            break;
        }
        if !seen.insert(estate) {
            continue;
        }
        let Ok(descriptor) = layout.resolve(&estate.to_string()) else { continue };
        let Ok(found) = stored::estate_release(&layout, &descriptor) else { continue };
        for (stack, release) in running {
            if !homes.contains_key(stack) && found.release.stacks.get(stack) == Some(release) {
                homes.insert(stack.clone(), estate);
            }
        }
    }
    let missing: Vec<_> = running.keys().filter(|stack| !homes.contains_key(*stack)).map(StackName::as_str).collect();
    if !missing.is_empty() {
        return Err(CommandError::failed(format!(
            "the releases of {} that run in {environment} are not here",
            missing.join(", ")
        ))
        .help("Get them from a registry: `terrace release pull`."));
    }
    Ok(homes)
}

impl Baseline {
    /// The estate release from which most of it comes, for reports: the last one.
    pub fn release(&self) -> Option<Digest> {
        self.batches.iter().max_by_key(|batch| batch.stacks.len()).map(|batch| batch.release.release().digest)
    }

    /// Whether nothing runs.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
