//! What stands in which ring of the picture, and what leads to it. Owns how many of many are drawn.

use terrace_domain::blast::{Counts, Resting, Ring as Nearness};
use terrace_domain::estate::Layer;
use terrace_domain::name::{CapabilityName, StackName};

use super::NAME_LENGTH_MAX;
use crate::views::blast::{Report, counts_in_words, plain};
use crate::views::count;
use crate::views::drawing::{Face, shortened, width};

/// A ring with more would be too high to be looked at.
pub(super) const DOTS_MAX: usize = 18;

/// The rings, from the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Own,
    Readers,
    Further,
    Technology,
    Business,
}

/// A ring that is not empty.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) kind: Kind,
    pub(super) dots: Vec<Dot>,
}

/// Something in a ring.
#[derive(Debug)]
pub(super) struct Dot {
    /// By which others refer to it; `None` where it stands for several.
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) about: String,
    /// All of it, where the pointer rests on it.
    pub(super) title: String,
    /// What it is reached from.
    pub(super) from: Vec<(Kind, String)>,
}

impl Kind {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Own => "changed",
            Self::Readers => "reads what changes",
            Self::Further => "further down: may be reached",
            Self::Technology => "technology capabilities",
            Self::Business => "business capabilities",
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Own => "br-own",
            Self::Readers => "br-readers",
            Self::Further => "br-further",
            Self::Technology => "br-technology",
            Self::Business => "br-business",
        }
    }
}

impl Dot {
    fn new(name: &str, about: &str, title: &str, from: Vec<(Kind, String)>) -> Self {
        Self { id: Some(name.to_owned()), name: name.to_owned(), about: plain(about), title: plain(title), from }
    }

    pub(super) fn shown_name(&self) -> String {
        shortened(&self.name, NAME_LENGTH_MAX)
    }

    pub(super) fn shown_about(&self) -> String {
        shortened(&self.about, NAME_LENGTH_MAX + 6)
    }

    pub(super) fn width(&self) -> f64 {
        width(&self.shown_name(), Face::Name).max(width(&self.shown_about(), Face::Small))
    }
}

impl Report<'_> {
    /// The rings that have something in them.
    pub(super) fn rings(&self) -> Vec<Ring> {
        let actual = &self.radius.actual;
        let own = actual.changed.iter().map(|(stack, changed)| {
            let counts = if changed.counts == Counts::default() {
                count(changed.outputs.len(), "output")
            } else {
                counts_in_words(changed.counts)
            };
            let title = format!("{stack}: {counts}");
            Dot::new(stack.as_str(), &counts, &title, Vec::new())
        });
        let is_own = |stack: &StackName| actual.changed.contains_key(stack);
        let readers = actual.readers.iter().filter(|(stack, _)| !is_own(stack)).map(|(stack, reading)| {
            let outputs: Vec<&str> = reading.values().flat_map(|outputs| outputs.keys().map(String::as_str)).collect();
            let from = reading.keys().map(|from| (Kind::Own, from.to_string())).collect();
            let owner = self.owner(stack).unwrap_or_default();
            Dot::new(stack.as_str(), owner, &format!("{stack} reads {}", outputs.join(", ")), from)
        });
        let further = actual.further.iter().filter(|(stack, _)| !is_own(stack)).map(|(stack, through)| {
            let owner = self.owner(stack).unwrap_or_default();
            let from = vec![self.place_of(through.as_str())];
            Dot::new(stack.as_str(), owner, &format!("{stack}, through {through}"), from)
        });
        let rings = [
            (Kind::Own, own.collect()),
            (Kind::Readers, readers.collect()),
            (Kind::Further, further.collect()),
            (Kind::Technology, self.capabilities(Layer::Technology)),
            (Kind::Business, self.capabilities(Layer::Business)),
        ];
        let some = rings.into_iter().filter(|(_, dots): &(Kind, Vec<Dot>)| !dots.is_empty());
        some.map(|(kind, dots)| Ring { kind, dots: excerpt(dots, self.all) }).collect()
    }

    fn capabilities(&self, layer: Layer) -> Vec<Dot> {
        let all = self.radius.actual.capabilities.iter().filter(|(_, resting)| resting.layer == layer);
        all.map(|(name, resting)| self.capability(name, resting)).collect()
    }

    fn capability(&self, name: &CapabilityName, resting: &Resting) -> Dot {
        let (from, how) = if let Some(needed) = &resting.through {
            (vec![(self.layer_of(needed), needed.to_string())], format!("needs {needed}"))
        } else {
            let from = resting.served_by.iter().map(|stack| self.place_of(stack.as_str())).collect();
            (from, format!("served by {}", count(resting.served_by.len(), "stack")))
        };
        let perhaps = if resting.ring == Nearness::Further { ", perhaps" } else { "" };
        let owner = resting.owner.as_deref().unwrap_or_default();
        Dot::new(name.as_str(), owner, &format!("{name}: {how}{perhaps}"), from)
    }

    fn layer_of(&self, capability: &CapabilityName) -> Kind {
        match self.estate.capabilities.get(capability).map(|capability| capability.layer) {
            Some(Layer::Business) => Kind::Business,
            _ => Kind::Technology,
        }
    }

    /// The ring that a stack stands in.
    fn place_of(&self, stack: &str) -> (Kind, String) {
        let actual = &self.radius.actual;
        let kind = if actual.changed.contains_key(stack) {
            Kind::Own
        } else if actual.readers.contains_key(stack) {
            Kind::Readers
        } else {
            Kind::Further
        };
        (kind, stack.to_owned())
    }
}

/// The first of many, and one that says how many more there are.
fn excerpt(mut dots: Vec<Dot>, all: bool) -> Vec<Dot> {
    if all || dots.len() <= DOTS_MAX {
        return dots;
    }
    let more = dots.split_off(DOTS_MAX - 1);
    let names: Vec<&str> = more.iter().take(100).map(|dot| dot.name.as_str()).collect();
    let mut from: Vec<(Kind, String)> = more.iter().flat_map(|dot| dot.from.clone()).take(200).collect();
    from.dedup();
    let (name, title) = (format!("and {} more", more.len()), names.join(", "));
    dots.push(Dot { id: None, name, about: String::new(), title, from });
    dots
}
