//! Decides what stacks and modules an estate has and what they read from each other. Writes no text.

use super::random::Random;

/// How deep stacks depend on each other.
const LAYERS: usize = 8;
/// A local module for so many stacks.
const STACKS_PER_MODULE: usize = 100;
/// The fewest modules: one of each kind.
const MODULES_MIN: usize = 4;
/// A team, with a folder of its own, for so many stacks.
const STACKS_PER_TEAM: usize = 25;
/// The most addresses that a stack reads beside what its resources refer to.
const ADDRESSES_MAX: usize = 2;

/// What stacks and modules there are.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) stacks: Vec<Stack>,
    pub(super) modules: Vec<Module>,
}

/// What a stack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Network,
    Storage,
    Cluster,
    Database,
    Service,
    Naming,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Cluster => "cluster",
            Self::Database => "database",
            Self::Service => "service",
            Self::Naming => "naming",
        }
    }

    /// What its resources must refer to.
    fn needs(self) -> Option<Self> {
        match self {
            Self::Cluster | Self::Database => Some(Self::Network),
            Self::Service => Some(Self::Cluster),
            Self::Network | Self::Storage | Self::Naming => None,
        }
    }
}

/// A stack. Others are named by their index.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) index: usize,
    pub(super) kind: Kind,
    /// `aws` or `google`.
    pub(super) cloud: &'static str,
    /// The stack whose network or cluster its resources refer to.
    pub(super) base: Option<usize>,
    /// Stacks whose addresses it reads.
    pub(super) addresses: Vec<usize>,
    /// A module that it calls beside its labels.
    pub(super) module: Option<usize>,
    /// Whether it reads the file that all may read.
    pub(super) watches: bool,
}

impl Stack {
    pub(super) fn name(&self) -> String {
        format!("{}-{:05}", self.kind.word(), self.index)
    }

    pub(super) fn folder(&self) -> String {
        format!("stacks/team-{:03}/{}", self.index / STACKS_PER_TEAM, self.name())
    }

    /// The module that gives it names and tags.
    pub(super) fn labels(&self, layout: &Layout) -> usize {
        nth_of(self.index, ModuleKind::Labels, layout.modules.len())
    }
}

/// What a module is for. A `Secrets` module calls an `Archive` module, which calls a `Labels` module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModuleKind {
    Labels,
    Limits,
    Archive,
    Secrets,
}

const MODULE_KINDS: [ModuleKind; 4] =
    [ModuleKind::Labels, ModuleKind::Limits, ModuleKind::Archive, ModuleKind::Secrets];

/// A local module.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) index: usize,
    pub(super) kind: ModuleKind,
    pub(super) cloud: &'static str,
}

impl Module {
    pub(super) fn name(&self) -> String {
        let word = match self.kind {
            ModuleKind::Labels => "labels",
            ModuleKind::Limits => "limits",
            ModuleKind::Archive => "archive",
            ModuleKind::Secrets => "secrets",
        };
        format!("{word}-{:03}", self.index)
    }

    pub(super) fn folder(&self) -> String {
        format!("modules/{}", self.name())
    }

    /// The module that it calls.
    pub(super) fn calls(&self, layout: &Layout) -> Option<usize> {
        match self.kind {
            ModuleKind::Labels | ModuleKind::Limits => None,
            ModuleKind::Archive => Some(nth_of(self.index / 4, ModuleKind::Labels, layout.modules.len())),
            // The archive beside it is of the same cloud.
            ModuleKind::Secrets => Some(self.index - 1),
        }
    }
}

/// The module of a kind that comes to the `n`th user, where they take turns.
fn nth_of(n: usize, kind: ModuleKind, modules: usize) -> usize {
    let offset = MODULE_KINDS.iter().position(|own| *own == kind).expect("all kinds are listed");
    let count = (modules - offset).div_ceil(MODULE_KINDS.len());
    (n % count) * MODULE_KINDS.len() + offset
}

impl Layout {
    /// The module that the second commit changes: one that stacks call, where they call any beside their labels.
    pub(super) fn changed_module(&self) -> &Module {
        let called = self.stacks.iter().find_map(|stack| stack.module);
        let archive = MODULE_KINDS.iter().position(|kind| *kind == ModuleKind::Archive).expect("all kinds are listed");
        &self.modules[called.unwrap_or(archive)]
    }

    pub(super) fn new(stacks: usize, seed: u64) -> Self {
        // Whole sets of four, so that a `Secrets` module always has its `Archive`.
        let modules = (stacks / STACKS_PER_MODULE).max(MODULES_MIN).next_multiple_of(MODULE_KINDS.len());
        let modules: Vec<_> = (0..modules).map(module).collect();
        let mut random = Random::new(seed);
        let mut laid: Vec<Stack> = Vec::with_capacity(stacks);
        for index in 0..stacks {
            let stack = stack(index, &layer(index, stacks), &laid, &modules, &mut random);
            laid.push(stack);
        }
        Self { stacks: laid, modules }
    }
}

fn module(index: usize) -> Module {
    let set = index / MODULE_KINDS.len();
    Module { index, kind: MODULE_KINDS[index % MODULE_KINDS.len()], cloud: cloud(set) }
}

fn cloud(index: usize) -> &'static str {
    if index.is_multiple_of(2) { "aws" } else { "google" }
}

/// The stacks below a stack's layer, and those of them that are in the layer just below.
struct Below {
    end: usize,
    near: usize,
}

fn layer(index: usize, stacks: usize) -> Below {
    let layer = index * LAYERS / stacks;
    let begin = |layer: usize| (layer * stacks).div_ceil(LAYERS);
    let end = begin(layer);
    // In an estate of fewer stacks than layers the layer just below may be empty.
    let near = begin(layer.saturating_sub(1));
    Below { end, near: if near == end { 0 } else { near } }
}

fn stack(index: usize, below: &Below, laid: &[Stack], modules: &[Module], random: &mut Random) -> Stack {
    let cloud = cloud(index);
    let of_kind = |kind: Kind, random: &mut Random| {
        let fitting: Vec<usize> =
            laid[..below.end].iter().filter(|s| s.cloud == cloud && s.kind == kind).map(|s| s.index).collect();
        random.pick(&fitting)
    };
    let wanted = kind(index, below, random);
    let base = wanted.needs().and_then(|kind| of_kind(kind, random));
    let kind = if wanted.needs().is_some() && base.is_none() { Kind::Storage } else { wanted };
    // A few stand alone in every layer.
    let alone = below.end == 0 || (base.is_none() && random.percent(25));
    let mut addresses = Vec::new();
    if !alone {
        // The first from the layer just below makes the estate as deep as it is to be.
        addresses.push(below.near + random.below(below.end - below.near));
        if random.percent(30) {
            addresses.push(random.below(below.end));
        }
        addresses.retain(|address| Some(*address) != base);
        addresses.dedup();
        // A cluster reads two outputs of its network already.
        addresses.truncate(if kind == Kind::Cluster { 1 } else { ADDRESSES_MAX });
    }
    let module = random.percent(50).then(|| {
        let fitting: Vec<usize> =
            modules.iter().filter(|m| m.kind != ModuleKind::Labels && m.cloud == cloud).map(|m| m.index).collect();
        random.pick(&fitting)
    });
    Stack { index, kind, cloud, base, addresses, module: module.flatten(), watches: random.percent(5) }
}

fn kind(index: usize, below: &Below, random: &mut Random) -> Kind {
    // One network for each cloud comes first: the others build on them.
    if index < 2 {
        return Kind::Network;
    }
    let share = random.below(100);
    if below.end == 0 {
        return if share < 65 { Kind::Network } else { Kind::Storage };
    }
    match share {
        0..5 => Kind::Network,
        5..25 => Kind::Storage,
        25..45 => Kind::Cluster,
        45..65 => Kind::Database,
        65..90 => Kind::Service,
        _ => Kind::Naming,
    }
}
