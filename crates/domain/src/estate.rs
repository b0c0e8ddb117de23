//! The estate: what `terrace.hcl` and all `stack.hcl` files say, checked and resolved. It knows nothing of HCL or of files.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Check;
use crate::expression::{Expression, Reference, Span};
use crate::key::PublicKey;
use crate::moves::Move;
use crate::name::{CapabilityName, EnvironmentName, EstateName, KeyName, StackName, StageName, TeamName};
use crate::path::RepoPath;
use crate::plan::ResourceTypes;
use crate::rehearsal::{self, Fixture, RecoveryObjective, RehearsalSettings, UpgradeAllowance};
use crate::run::RadiusLimits;
use crate::window::Window;

/// One repository's whole infrastructure. Maps are ordered, so that everything that is made from them is too.
#[derive(Debug, Clone)]
pub struct Estate {
    /// Its name.
    pub name: EstateName,
    /// The folder of `terrace.hcl` in the repository.
    pub root: RepoPath,
    /// Which Terraform is used.
    pub terraform: TerraformRequirement,
    /// Where states are kept.
    pub state: StateBackend,
    /// The environments by name.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// The capabilities by name.
    pub capabilities: BTreeMap<CapabilityName, Capability>,
    /// The stages, in their order.
    pub stages: Vec<Stage>,
    /// The teams by name.
    pub teams: BTreeMap<TeamName, Team>,
    /// The keys whose signatures count, by name.
    pub trust: BTreeMap<KeyName, TrustedKey>,
    /// Who else can open snapshots of states and saved plans.
    pub recipients: Vec<Recipient>,
    /// What is said of rehearsals.
    pub rehearsals: RehearsalSettings,
    /// What a recovery is to keep.
    pub recovery: RecoveryObjective,
    /// What is known of types of resources.
    pub resource_types: ResourceTypes,
    /// The stacks by name.
    pub stacks: BTreeMap<StackName, Stack>,
}

/// `terraform { ... }` of the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformRequirement {
    /// The program: a name that is looked up on PATH, or a path. `None`: `terraform`, else `tofu`, whichever is there.
    pub binary: Option<String>,
    /// The version constraint as written, in Terraform's syntax.
    pub version: Option<String>,
    /// Names of environment variables that Terraform processes may see beside the allow-list; `*` at the end is a wildcard.
    pub pass_env: Vec<String>,
    /// Where the version is written, for diagnostics about the Terraform found.
    pub version_span: Option<Span>,
}

/// `state "KIND" { ... }`: a Terraform backend, whose settings are evaluated for each instance.
#[derive(Debug, Clone)]
pub struct StateBackend {
    /// The backend's type: `local`, `s3`, `gcs`, ...
    pub kind: String,
    /// Its settings; they may use `estate.name`, `env.*`, `stack.name` and `stack.path` (the stack's own).
    pub settings: BTreeMap<String, Expression>,
    /// Where the block is; `None` when the estate has none and the default (`local`) holds.
    pub span: Option<Span>,
}

/// `environment "NAME" { ... }`.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Values that stacks read as `env.KEY`: constants.
    pub vars: BTreeMap<String, crate::value::Value>,
    /// Whether a delivery to it must be confirmed.
    pub protected: bool,
    /// Where the block is.
    pub span: Span,
}

/// `capability "NAME" { ... }`: what the organisation can do.
#[derive(Debug, Clone)]
pub struct Capability {
    /// Its name.
    pub name: CapabilityName,
    /// Its layer.
    pub layer: Layer,
    /// The team it belongs to.
    pub owner: Option<String>,
    /// Its `description`, free text.
    pub description: Option<String>,
    /// The capabilities that it rests on.
    pub needs: Vec<CapabilityName>,
    /// Where the block is.
    pub span: Span,
}

/// Layers of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// What customers or colleagues can do: checkout, payroll.
    Business,
    /// What software can rest on: a container platform, secrets.
    Technology,
}

impl Layer {
    /// The layer's word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Technology => "technology",
        }
    }
}

/// `stage "NAME" { ... }` of the pipeline.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// The environment it delivers to; a stage that only rehearses has none.
    pub environment: Option<EnvironmentName>,
    /// The rehearsals that it does.
    pub rehearse: Vec<rehearsal::Kind>,
    /// The gates before it.
    pub gates: Vec<Gate>,
    /// Where the block is.
    pub span: Span,
}

/// `gate "KIND" { ... }`: a condition on entering a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What it asks for.
    pub rule: GateRule,
    /// Where its kind is.
    pub span: Span,
}

/// What a gate asks for, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub enum GateRule {
    /// That the release passed these rehearsals; none: those that the pipeline does.
    Evidence {
        /// Which.
        of: BTreeSet<rehearsal::Kind>,
    },
    /// That the plan does no more damage than that.
    BlastRadius(RadiusLimits),
    /// That policies have nothing against the plan.
    Policy {
        /// The files and folders of the policies, relative to the estate's folder.
        paths: Vec<String>,
        /// The packages that are asked; none: `main`.
        namespaces: Vec<String>,
    },
    /// That people approve the plan.
    Approval {
        /// Who may: teams and people; none: the owners of what the plan touches.
        by: Vec<String>,
        /// How many different people must.
        count: u32,
    },
    /// That a window is open.
    Window(Window),
    /// That the release has run so long in the stage before.
    Soak {
        /// In milliseconds.
        for_ms: u64,
    },
    /// That a recovery was practised lately.
    Recovery {
        /// What was lost in it; none: infrastructure.
        of: BTreeSet<rehearsal::Lost>,
        /// How long ago it may be, in milliseconds; `None`: as the recovery objective says.
        younger_than_ms: Option<u64>,
    },
    /// That nothing was changed behind Terraform's back.
    Clean,
}

impl GateRule {
    /// Its kind, one of [`GATE_KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => "evidence",
            Self::BlastRadius(_) => "blast_radius",
            Self::Policy { .. } => "policy",
            Self::Approval { .. } => "approval",
            Self::Window(_) => "window",
            Self::Soak { .. } => "soak",
            Self::Recovery { .. } => "recovery",
            Self::Clean => "clean",
        }
    }
}

/// The kinds of gates that the configuration knows.
pub const GATE_KINDS: [&str; 8] =
    ["evidence", "blast_radius", "policy", "approval", "window", "soak", "recovery", "clean"];

/// `team "NAME" { ... }`: people who decide together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its name.
    pub name: TeamName,
    /// Its people as Terrace knows them: the operating system's user name, or an email. [`EVERYBODY`] stands for all.
    pub members: Vec<String>,
    /// Where the block is.
    pub span: Span,
}

/// The member that stands for everybody.
pub const EVERYBODY: &str = "*";

/// `trust "NAME" { ... }`: a key whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Its name.
    pub name: KeyName,
    /// The key.
    pub public_key: PublicKey,
    /// Where the block is.
    pub span: Span,
}

/// One of the `recipients` of the `encryption` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// An age recipient of the type X25519, `age1...`.
    pub key: String,
    /// Where it is written.
    pub span: Span,
}

/// A stack: a folder of Terraform code that is deployed as one unit.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its name.
    pub name: StackName,
    /// Its folder in the repository: the one with `stack.hcl`.
    pub folder: RepoPath,
    /// The capability that it serves.
    pub capability: Option<CapabilityName>,
    /// The team that it belongs to, as its own file says; [`Estate::owner_of`] knows its capability's as well.
    pub owner: Option<String>,
    /// Who owns its folder by `CODEOWNERS`, in the words of that file.
    pub code_owners: BTreeSet<String>,
    /// Its `description`, free text.
    pub description: Option<String>,
    /// What its instances run as in the cloud; it may use `env.*`, `estate.name`, `stack.name` and `stack.path`. Without one an instance
    /// runs as its environment does.
    pub identity: Option<Expression>,
    /// Values for the Terraform variables of the folder, by variable name.
    pub inputs: BTreeMap<String, Input>,
    /// Stacks that must be delivered before, though no input reads their outputs.
    pub depends_on: Vec<StackReference>,
    /// What it takes over from other stacks.
    pub moves: Vec<Move>,
    /// Files outside of the folder that it reads, as patterns.
    pub watch: Vec<WatchPattern>,
    /// What stands in for upstream stacks in rehearsals, by the stack's name.
    pub fixtures: BTreeMap<StackName, Fixture>,
    /// What an upgrade of it may take away.
    pub upgrade: UpgradeAllowance,
    /// What must hold of its instances after an apply, in the sequence of the file.
    pub checks: Vec<Check>,
    /// All references in the inputs and checks, in order of place, but those of a check to the stack's own outputs.
    pub references: Vec<Reference>,
    /// Where the `stack` block's name is in `stack.hcl`.
    pub span: Span,
}

/// A value for a Terraform variable.
#[derive(Debug, Clone)]
pub struct Input {
    /// The expression; it may use `env.*`, `stack.NAME.OUTPUT`, `stack.name`, `stack.path` and `estate.name`.
    pub expression: Expression,
    /// Where the key is.
    pub key_span: Span,
}

/// A stack named by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackReference {
    /// The named stack.
    pub name: StackName,
    /// Where.
    pub span: Span,
}

/// A pattern for files outside a stack's folder: a path or a glob, made relative to the repository's root. As written, a pattern
/// that begins with `./` or `../` is relative to the stack's folder, every other to the estate's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchPattern {
    /// The pattern relative to the repository's root.
    pub pattern: String,
    /// Where it is written.
    pub span: Span,
}

impl Stack {
    /// The file that makes the folder a stack.
    pub fn file(&self) -> RepoPath {
        self.folder.join(STACK_FILE).expect("a file name does not climb")
    }
}

impl Team {
    /// Whether a person belongs to it, by user name or email as written.
    pub fn has(&self, person: &str) -> bool {
        self.members.iter().any(|member| member == EVERYBODY || member == person)
    }
}

impl Estate {
    /// Whether a name in a gate's `by` stands for a person: it is theirs, or that of a team that they belong to. A team hides a person
    /// of the same name.
    pub fn names(&self, by: &str, person: &str) -> bool {
        self.teams.get(by).map_or(by == person || by == EVERYBODY, |team| team.has(person))
    }

    /// The people that an owner stands for: a team's members; one person for an email or, as CODEOWNERS has it, `@user`; the members of the team
    /// `NAME` for `@organisation/NAME`. `None`: nobody knows.
    pub fn people_of(&self, owner: &str) -> Option<BTreeSet<String>> {
        let members = |name: &str| self.teams.get(name).map(|team| team.members.iter().cloned().collect());
        if let Some(people) = members(owner) {
            return Some(people);
        }
        match owner.strip_prefix('@') {
            Some(name) => match name.rsplit_once('/') {
                Some((_, team)) => members(team),
                None => Some([name.to_owned()].into()),
            },
            None => owner.contains('@').then(|| [owner.to_owned()].into()),
        }
    }

    /// The team that a stack belongs to: its own owner, or else its capability's.
    pub fn owner_of<'a>(&'a self, stack: &'a Stack) -> Option<&'a str> {
        let capability = || self.capabilities.get(stack.capability.as_ref()?);
        stack.owner.as_deref().or_else(|| capability()?.owner.as_deref())
    }

    /// All owners that there are: of stacks, and of capabilities.
    pub fn owners(&self) -> BTreeSet<&str> {
        let of_stacks = self.stacks.values().flat_map(|stack| self.owners_of(stack));
        let of_capabilities = self.capabilities.values().filter_map(|capability| capability.owner.as_deref());
        of_stacks.chain(of_capabilities).collect()
    }

    /// All whom a stack belongs to: its team, and the owners of its folder by `CODEOWNERS`.
    pub fn owners_of<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = &'a str> {
        self.owner_of(stack).into_iter().chain(stack.code_owners.iter().map(String::as_str))
    }

    /// The estate's own file.
    pub fn file(&self) -> RepoPath {
        self.root.join(ESTATE_FILE).expect("a file name does not climb")
    }
}

/// The name of the file that makes a folder an estate.
pub const ESTATE_FILE: &str = "terrace.hcl";
/// The name of the file that makes a folder a stack.
pub const STACK_FILE: &str = "stack.hcl";
