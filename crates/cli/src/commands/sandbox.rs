//! `terrace sandbox`: the simulated cloud of an estate.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use terrace_sandbox::{CallFilter, Cloud, CloudError, Effect, Fault, Operation};

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

/// How many calls are shown when nobody says.
const CALLS_SHOWN: usize = 50;

/// Look at the sandbox cloud, and make it misbehave
#[derive(Debug, Subcommand)]
pub enum Sandbox {
    Show(Show),
    Calls(Calls),
    #[command(subcommand)]
    Fault(FaultCommand),
    Tamper(Tamper),
    /// Lose a region with all that is in it
    #[command(after_help = "Example:\n  terrace sandbox lose --region eu-west-1")]
    Lose(Region),
    /// Bring a lost region back, empty
    #[command(after_help = "Example:\n  terrace sandbox restore --region eu-west-1")]
    Restore(Region),
    Latency(Latency),
    Attach(Attach),
    Reset(Reset),
}

/// Draw what exists
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  terrace sandbox show\n  terrace sandbox show --json | jq '.clouds[].regions[].resources[].name'"
)]
pub struct Show {
    /// Print JSON (terrace.sandbox/1)
    #[arg(long)]
    json: bool,
}

/// List recorded calls, each with the identity that made it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace sandbox calls --operation create --identity 'dev/*'")]
pub struct Calls {
    /// Only calls of identities that match this glob (ENVIRONMENT/STACK)
    #[arg(long, value_name = "GLOB")]
    identity: Option<String>,
    /// Only these calls
    #[arg(long, value_enum)]
    operation: Option<OperationName>,
    /// Only calls about these, a glob over CLOUD/KIND
    #[arg(long, value_name = "GLOB")]
    kind: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = CALLS_SHOWN)]
    limit: usize,
    /// Print JSON (terrace.sandbox.calls/1)
    #[arg(long)]
    json: bool,
}

/// Make chosen calls fail, time out or succeed late
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    Add(AddFault),
    List(ListFaults),
    Clear(ClearFaults),
}

/// Add a fault
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  terrace sandbox fault add 'aws/database' --operation create --fail 'InsufficientCapacity: none left' --times 1
  terrace sandbox fault add '*/cluster' --operation create --time-out 5
  terrace sandbox fault add 'google/bucket' --operation create --succeed-late")]
pub struct AddFault {
    /// Which resources: a glob over CLOUD/KIND, like `aws/database` or `*/network`
    #[arg(value_name = "CLOUD/KIND")]
    matching: String,
    /// Which calls
    #[arg(long, value_enum)]
    operation: Option<OperationName>,
    /// Which resources by name: a glob
    #[arg(long, value_name = "GLOB", default_value = "*")]
    name: String,
    /// Whose calls: a glob over ENVIRONMENT/STACK
    #[arg(long, value_name = "GLOB", default_value = "*")]
    identity: String,
    #[command(flatten)]
    effect: EffectChoice,
    /// So many times, then no more; for ever by default
    #[arg(long, value_name = "N")]
    times: Option<u32>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct EffectChoice {
    /// The call fails with this message
    #[arg(long, value_name = "MESSAGE")]
    fail: Option<String>,
    /// The call hangs for so many seconds, then ends with a time-out; nothing is done
    #[arg(long, value_name = "SECONDS")]
    time_out: Option<u64>,
    /// The call ends with a time-out, but it is done
    #[arg(long)]
    succeed_late: bool,
}

/// List the faults
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace sandbox fault list --json")]
pub struct ListFaults {
    /// Print JSON (terrace.sandbox.faults/1)
    #[arg(long)]
    json: bool,
}

/// Remove a fault, or all
#[derive(Debug, Args)]
pub struct ClearFaults {
    /// The fault's number; all by default
    #[arg(value_name = "NUMBER")]
    id: Option<i64>,
}

/// Change or delete a resource behind Terraform's back
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  terrace sandbox tamper node_group/main --set nodes=9
  terrace sandbox tamper aws-bucket-1f2e3d4c --delete")]
pub struct Tamper {
    /// The resource: its id, KIND/NAME or CLOUD/KIND/NAME
    #[arg(value_name = "RESOURCE")]
    target: String,
    #[command(flatten)]
    how: TamperChoice,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TamperChoice {
    /// Set an attribute; the value is a text, or JSON for lists and maps
    #[arg(long, value_name = "ATTRIBUTE=VALUE")]
    set: Option<String>,
    /// Delete the resource
    #[arg(long)]
    delete: bool,
}

/// A region that is lost or comes back
#[derive(Debug, Args)]
pub struct Region {
    /// The region
    #[arg(long, value_name = "REGION")]
    region: String,
}

/// Show or set how long calls take, as a multiple of what real clouds take (0: at once)
#[derive(Debug, Args)]
pub struct Latency {
    /// The multiple, 0 to 10
    scale: Option<f64>,
}

/// Serve the provider until Ctrl-C, for a Terraform that is run by hand
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  terrace sandbox attach --identity me      then set what it prints, in another terminal"
)]
pub struct Attach {
    /// Whom the calls are recorded for
    #[arg(long, default_value = "by-hand")]
    identity: String,
}

/// Empty the cloud: resources, faults, lost regions, recorded calls
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace sandbox reset --yes")]
pub struct Reset {
    /// Say that it is meant: what Terraform's states know is gone from the cloud then
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OperationName {
    Create,
    Read,
    Update,
    Delete,
}

impl OperationName {
    fn operation(self) -> Operation {
        match self {
            Self::Create => Operation::Create,
            Self::Read => Operation::Read,
            Self::Update => Operation::Update,
            Self::Delete => Operation::Delete,
        }
    }
}

impl From<CloudError> for CommandError {
    fn from(error: CloudError) -> Self {
        Self::usage(Self::chain(&error))
    }
}

impl Sandbox {
    /// Does it.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let home = Project::find(settings)?.home();
        home.create()?;
        let cloud = Cloud::open(&home.sandbox())?;
        match self {
            Self::Show(show) => {
                let inventory = cloud.inventory()?;
                if show.json { views::sandbox::show_json(&inventory) } else { views::sandbox::show(&inventory) }
            }
            Self::Calls(calls) => calls.run(&cloud)?,
            Self::Fault(fault) => fault.run(&cloud)?,
            Self::Tamper(tamper) => tamper.run(&cloud)?,
            Self::Lose(Region { region }) => {
                let lost = cloud.lose_region(&region)?;
                views::say(&format!("{region} is lost, with {}.", views::count(lost, "resource")));
            }
            Self::Restore(Region { region }) => {
                let was_lost = cloud.restore_region(&region)?;
                views::say(&format!("{region} {}.", if was_lost { "is back, empty" } else { "was not lost" }));
            }
            Self::Latency(Latency { scale }) => {
                if let Some(scale) = scale {
                    cloud.set_latency(scale)?;
                }
                views::print(&format!("{}\n", cloud.latency()?));
            }
            Self::Attach(attach) => attach.run(&home.sandbox(), settings)?,
            Self::Reset(Reset { yes: true }) => {
                cloud.reset()?;
                views::say("The sandbox cloud is empty.");
            }
            Self::Reset(Reset { yes: false }) => {
                let count = views::count(cloud.inventory()?.count(), "resource");
                return Err(CommandError::usage(format!("this would remove {count} for good"))
                    .help("If that is meant: `terrace sandbox reset --yes`."));
            }
        }
        Ok(Exit::Done)
    }
}

impl Calls {
    fn run(self, cloud: &Cloud) -> Result<(), CommandError> {
        let filter = CallFilter {
            identity: self.identity,
            operation: self.operation.map(OperationName::operation),
            matching: self.kind,
            limit: Some(self.limit),
            ..CallFilter::default()
        };
        let calls = cloud.calls(&filter)?;
        if self.json {
            views::sandbox::calls_json(&calls);
        } else {
            views::sandbox::calls(&calls);
        }
        Ok(())
    }
}

impl FaultCommand {
    fn run(self, cloud: &Cloud) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => {
                let id = cloud.add_fault(&add.fault())?;
                views::say(&format!("Fault {id} is set. `terrace sandbox fault clear {id}` removes it."));
            }
            Self::List(ListFaults { json: true }) => views::sandbox::faults_json(&cloud.faults()?),
            Self::List(ListFaults { json: false }) => views::sandbox::faults(&cloud.faults()?),
            Self::Clear(ClearFaults { id: Some(id) }) => {
                if !cloud.remove_fault(id)? {
                    return Err(CommandError::usage(format!("there is no fault {id}"))
                        .help("`terrace sandbox fault list` shows all."));
                }
            }
            Self::Clear(ClearFaults { id: None }) => {
                let cleared = cloud.clear_faults()?;
                views::say(&format!("Removed {}.", views::count(cleared, "fault")));
            }
        }
        Ok(())
    }
}

impl AddFault {
    fn fault(self) -> Fault {
        let effect = match self.effect {
            EffectChoice { fail: Some(message), .. } => Effect::Fail { message },
            EffectChoice { time_out: Some(secs), .. } => Effect::TimeOut { after: Duration::from_secs(secs) },
            EffectChoice { .. } => Effect::SucceedLate,
        };
        Fault {
            matching: self.matching,
            operation: self.operation.map(OperationName::operation),
            name: self.name,
            identity: self.identity,
            effect,
            times: self.times,
        }
    }
}

impl Tamper {
    fn run(self, cloud: &Cloud) -> Result<(), CommandError> {
        let Some(set) = &self.how.set else {
            let gone = cloud.tamper_delete(&self.target)?;
            views::say(&format!("{} ({}) is deleted. Terraform does not know.", gone.name, gone.id));
            return Ok(());
        };
        let (attribute, value) = set
            .split_once('=')
            .ok_or_else(|| CommandError::usage(format!("`{set}` is not of the form ATTRIBUTE=VALUE")))?;
        let changed = cloud.tamper_set(&self.target, attribute, value)?;
        views::say(&format!("{} ({}) has {set} now. Terraform does not know.", changed.name, changed.id));
        Ok(())
    }
}

impl Attach {
    fn run(self, cloud: &std::path::Path, settings: &Settings) -> Result<(), CommandError> {
        let failed = |error: &dyn std::error::Error| CommandError::failed(CommandError::chain(error));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| failed(&e))?;
        runtime.block_on(async {
            let server = terrace_sandbox::Server::start(cloud, &settings.temporary).await.map_err(|e| failed(&e))?;
            let attachment = server.attach(&self.identity).map_err(|e| failed(&e))?;
            views::print(&format!("export TF_REATTACH_PROVIDERS='{}'\n", attachment.reattach_providers()));
            views::say("Set this where you run Terraform. The provider is served until Ctrl-C.");
            tokio::signal::ctrl_c().await.map_err(|e| failed(&e))
        })
    }
}
