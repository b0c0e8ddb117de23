//! Everything that the instances of a run share, put together: the estate, its files, the program, keys, the sandbox cloud. Starts no
//! instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_config::{Code, Watches};
use terrace_domain::blast::Holdings;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{Gate, InstanceId, Mode, Order, OrderedStage, RunId};
use terrace_driver::assess::{AskPolicies, Assessing};
use terrace_driver::context::{Context, Practice, Source, uses_sandbox};
use terrace_driver::digest_key::DigestKey;
use terrace_driver::home::{Home, make_private};
use terrace_driver::store::InstanceRow;
use terrace_driver::witness::{Known, Witness};
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;
use terrace_world::terraform::{Environment as ProcessEnvironment, Terraform};

use super::Drill;
use super::policing::StagePolicies;
use crate::error::CommandError;
use crate::keys;
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;

/// What is known before a run begins.
pub struct Crew<'a> {
    pub project: &'a Project,
    pub opened: &'a Opened,
    pub code: &'a Code,
    /// The release that is delivered, where one is.
    pub release: Option<Arc<ReleaseTree>>,
    pub settings: &'a Settings,
    pub mode: Mode,
    /// What is different in a rehearsal.
    pub drill: Option<&'a Drill>,
    pub renders_plans: bool,
    /// Whether the facts of plans are told.
    pub tells_facts: bool,
    pub lock_wait_secs: u64,
}

/// What takes time to make ready: made while nobody waits for it.
pub struct Gear {
    pub terraform: Terraform,
    process_environment: ProcessEnvironment,
    sources: BTreeMap<StackName, Source>,
    sandbox: Option<Arc<terrace_sandbox::Server>>,
}

impl Crew<'_> {
    /// Finds the program, and puts together what stacks are made of. While Terraform says its version, the rest is made ready.
    pub async fn gear(&self) -> Result<Gear, CommandError> {
        let requirement = &self.opened.estate.terraform;
        let process_environment = ProcessEnvironment::scrubbed(
            self.settings.environment.clone(),
            &requirement.pass_env,
            &self.settings.folder,
        );
        let (binary, version) = (requirement.binary.as_deref(), requirement.version.as_deref());
        let home = self.project.home();
        let terraform = Terraform::find(binary, version, &self.project.root, &process_environment);
        let (terraform, prepared) = tokio::join!(terraform, async {
            let sources = self.sources()?;
            let sandbox = start_sandbox(&home, self.settings, &sources).await?;
            Ok::<_, CommandError>((sources, sandbox))
        });
        let (terraform, (sources, sandbox)) = (terraform?, prepared?);
        Ok(Gear { terraform, process_environment, sources, sandbox })
    }

    /// What the instances share. `run`: the run that they are part of; without one they only plan.
    pub fn context(
        &self,
        gear: Gear,
        order: &Order,
        run: Option<RunId>,
        earlier: &[InstanceRow],
        holdings: Holdings,
    ) -> Result<Context, CommandError> {
        let home = self.project.home();
        let estate = &self.opened.estate;
        let logs = run.map_or_else(|| home.plan_logs(), |id| home.logs(id));
        for stage in &order.stages {
            make_private(&logs.join(stage.environment.as_str()))?;
        }
        let asking = order.stages.iter().filter(|stage| stage.may_ask());
        let witness = match (run, &self.release) {
            (Some(run), Some(_)) if self.drill.is_none() => Some(Arc::new(self.witness(&home, order, run)?)),
            _ => None,
        };
        Ok(Context {
            estate: Arc::clone(estate),
            graph: Arc::clone(&self.opened.graph),
            mode: self.mode,
            renders_plans: self.renders_plans,
            tells_facts: self.tells_facts,
            tree: Arc::clone(&self.opened.tree),
            sources: gear.sources,
            delivered: earlier.iter().filter_map(delivered).collect(),
            read: read_for_sure(order),
            asking: asking.map(|stage| stage.environment.clone()).collect(),
            verifying: verifying(order),
            releases: order
                .stacks
                .iter()
                .filter_map(|ordered| Some((ordered.stack.clone(), ordered.release?)))
                .collect(),
            release: self.release.clone(),
            vault: Arc::new(keys::vault(self.settings, &home, estate)?),
            witness,
            digest_key: DigestKey::open(&home.digest_key()).map_err(|error| CommandError::failed(error.to_string()))?,
            lock_wait_secs: self.lock_wait_secs,
            lockers: self.settings.lockers(),
            practice: self.drill.map(|drill| Practice {
                stand_ins: drill.stand_ins.clone(),
                begun: drill.begun.clone(),
                compares: drill.compares,
            }),
            weighing: order
                .stages
                .iter()
                .filter(|stage| stage.asks_for_losses())
                .map(|stage| stage.environment.clone())
                .collect(),
            assessing: self.assessing(order, holdings),
            protected: self.drill.map(|drill| drill.protected.clone()).unwrap_or_default(),
            terraform: gear.terraform,
            process_environment: gear.process_environment,
            home,
            logs,
            sandbox: gear.sandbox,
        })
    }

    /// What the gates of the order want to know of plans.
    fn assessing(&self, order: &Order, holdings: Holdings) -> Assessing {
        let environments = |asks: fn(&OrderedStage) -> bool| {
            let stages = order.stages.iter().filter(|stage| order.mode.applies() && asks(stage));
            stages.map(|stage| stage.environment.clone()).collect()
        };
        Assessing {
            radius: environments(OrderedStage::asks_for_radius),
            drift: environments(OrderedStage::asks_for_drift),
            policies: if order.mode.applies() { self.policies(order) } else { BTreeMap::new() },
            holdings,
        }
    }

    /// The policies of each stage that asks some.
    fn policies(&self, order: &Order) -> BTreeMap<EnvironmentName, Arc<dyn AskPolicies>> {
        let asks = |stage: &&OrderedStage| stage.gates.iter().any(|gate| matches!(gate, Gate::Policy { .. }));
        let of_stage = |stage: &OrderedStage| {
            let policies: Arc<dyn AskPolicies> =
                Arc::new(StagePolicies::load(self.opened, &stage.stage, self.release.as_ref())?);
            Some((stage.environment.clone(), policies))
        };
        order.stages.iter().filter(asks).filter_map(of_stage).collect()
    }

    fn witness(&self, home: &Home, order: &Order, run: RunId) -> Result<Witness, CommandError> {
        Ok(Witness {
            layout: Layout::open_or_create(&home.releases())?,
            key: keys::signing_key(self.settings)?,
            trusted: keys::trusted_keys(self.settings, &self.opened.estate)?,
            run,
            stages: order.stages.iter().map(|stage| (stage.environment.clone(), stage.stage.clone())).collect(),
            actor: self.settings.actor(),
            known: Known::default(),
        })
    }

    /// The files and facts of all stacks whose folders will be laid out.
    fn sources(&self) -> Result<BTreeMap<StackName, Source>, CommandError> {
        let estate = &self.opened.estate;
        let watches = Watches::of(estate);
        let source = |name: &StackName| {
            let source = Source::of(&*self.opened.tree, &estate.stacks[name], self.code, &watches)
                .map_err(|error| CommandError::usage(format!("stack {name}: {}", CommandError::chain(&error))))?;
            // What was built into a release has been said then.
            for link in source.dangling.iter().filter(|_| self.release.is_none()) {
                views::error::warn(&format!("stack {name}: the link {link} leads to nothing, and is left out"));
            }
            Ok((name.clone(), source))
        };
        let loaded = estate.stacks.iter().filter(|(_, stack)| self.code.modules.contains_key(&stack.folder));
        loaded.map(|(name, _)| source(name)).collect()
    }
}

fn delivered(row: &InstanceRow) -> Option<(InstanceId, String)> {
    let id = InstanceId { environment: row.environment.parse().ok()?, stack: row.stack.parse().ok()? };
    Some((id, row.source.clone()?))
}

/// The stacks whose outputs are read by an instance that takes part in any case.
fn read_for_sure(order: &Order) -> BTreeSet<StackName> {
    let sure = order.stacks.iter().filter(|ordered| !ordered.only_if_upstream_changes);
    let read = sure.flat_map(|ordered| &ordered.upstream).filter(|(_, outputs)| !outputs.is_empty());
    read.map(|(upstream, _)| upstream.clone()).collect()
}

/// The stacks that are verified when they are delivered.
fn verifying(order: &Order) -> BTreeSet<StackName> {
    order.stacks.iter().filter(|ordered| ordered.verifies).map(|ordered| ordered.stack.clone()).collect()
}

async fn start_sandbox(
    home: &Home,
    settings: &Settings,
    sources: &BTreeMap<StackName, Source>,
) -> Result<Option<Arc<terrace_sandbox::Server>>, CommandError> {
    if !sources.values().any(uses_sandbox) {
        return Ok(None);
    }
    let server = terrace_sandbox::Server::start(&home.sandbox(), &settings.temporary).await;
    let failed =
        |error| CommandError::failed(format!("the sandbox cloud cannot be started: {}", CommandError::chain(&error)));
    server.map(Arc::new).map(Some).map_err(failed)
}
