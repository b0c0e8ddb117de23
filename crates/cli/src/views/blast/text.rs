//! The radius for a terminal: the level with its reasons, then a tree of what is done and whom it reaches, and one of all that could be reached.

use std::fmt::Write;

use console::{Style, style};
use termtree::Tree;
use terrace_domain::blast::{Changed, Held, Level, OutputReaders, Reached, Resting, Ring, Touched, Why};
use terrace_domain::name::{CapabilityName, StackName};
use terrace_domain::plan::Action;

use super::{Report, counts_in_words, plain, share_in_words, sign, traits_in_words};
use crate::views::count;

/// A longer list is cut where nobody asks for all of it.
const LINES_MAX: usize = 20;
/// So many names stand beside each other.
const NAMES_MAX: usize = 6;

impl Report<'_> {
    /// The report.
    pub fn text(&self) -> String {
        let actual = &self.radius.actual;
        let level = colour(actual.level).bold().apply_to(actual.level);
        let mut text = format!("Blast radius of {} in {}: {level}\n", style(self.subject()).bold(), actual.environment);
        if actual.level == Level::None {
            text.push_str("Nothing is changed.\n");
        }
        let width = actual.reasons.iter().map(|reason| reason.level.as_str().len()).max().unwrap_or(0);
        for reason in &actual.reasons {
            let level = colour(reason.level).apply_to(format!("{:width$}", reason.level.as_str()));
            let _ = writeln!(text, "  {level}  {}: {}", reason.rule, plain(&reason.text));
        }
        if actual.level > Level::None {
            let _ = write!(text, "\n{}", self.actual_tree());
        }
        let _ = write!(text, "\n{}", self.potential_tree());
        for note in &self.notes {
            let _ = writeln!(text, "{} {}", style("note:").bold(), plain(note));
        }
        text
    }

    fn actual_tree(&self) -> Tree<String> {
        let actual = &self.radius.actual;
        let of = if actual.is_counted { "" } else { "; nothing is known of the others of the environment" };
        let mut tree = Tree::new(format!("{} {}{of}", style("Actual").bold(), share_in_words(actual.share)));
        self.extend(&mut tree, actual.changed.iter(), |(stack, changed)| self.changed(stack, changed));
        if !actual.blocked.is_empty() {
            let mut blocked = Tree::new(format!("{} without a plan", count(actual.blocked.len(), "stack")));
            self.extend(&mut blocked, actual.blocked.iter(), |stack| Tree::new(self.stack(stack)));
            tree.push(blocked);
        }
        if !actual.readers.is_empty() {
            let mut readers = Tree::new(format!("{} what changes", reads(actual.readers.len())));
            self.extend(&mut readers, actual.readers.iter(), |(stack, reading)| {
                let outputs =
                    reading.iter().flat_map(|(from, outputs)| outputs.keys().map(move |name| format!("{from}.{name}")));
                Tree::new(format!("{}  {}", self.stack(stack), style(self.names(outputs)).dim()))
            });
            tree.push(readers);
        }
        if !actual.further.is_empty() {
            let mut further =
                Tree::new(format!("{} further down may be reached", count(actual.further.len(), "stack")));
            self.extend(&mut further, actual.further.iter(), |(stack, through)| {
                Tree::new(format!("{}  {}", self.stack(stack), style(format!("through {through}")).dim()))
            });
            tree.push(further);
        }
        self.push_capabilities(&mut tree, actual.capabilities.iter());
        self.push_owners(&mut tree, actual.owners.keys());
        tree
    }

    fn changed(&self, stack: &StackName, changed: &Changed) -> Tree<String> {
        let about: Vec<String> = [changed.capability.as_ref().map(ToString::to_string), changed.owner.clone()]
            .into_iter()
            .flatten()
            .collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", plain(&about.join(", "))) };
        let counts = counts_in_words(changed.counts);
        let mut tree = Tree::new(format!("{}{about}: {counts}", style(stack).bold()));
        self.extend(&mut tree, changed.resources.iter(), |touched| Tree::new(resource(touched)));
        self.extend(&mut tree, changed.outputs.values(), |output| Tree::new(self.output(output)));
        tree
    }

    fn output(&self, output: &OutputReaders) -> String {
        let change = &output.change;
        let mark = action_colour(change.action).apply_to(format!("{:>3}", sign(change.action)));
        let readers = match output.readers.len() {
            0 => "nobody reads it".to_owned(),
            _ => format!("read by {}", self.names(&output.readers)),
        };
        let name = plain(&change.name);
        format!("{mark} output.{name}  {}", style(format!("{readers}{}", perhaps(change.is_unknown))).dim())
    }

    fn potential_tree(&self) -> Tree<String> {
        let potential = &self.radius.potential;
        let runs_as: Vec<String> = potential.identities.iter().map(|identity| plain(&identity.to_string())).collect();
        let runs_as = if runs_as.is_empty() { "nobody".to_owned() } else { self.names(runs_as) };
        let here = &self.radius.actual.environment;
        let share = match potential.share.total {
            0 => format!("what {here} holds is not known"),
            _ => format!("{} of {here}", share_in_words(potential.share)),
        };
        let mut tree = Tree::new(format!("{} as {runs_as}: {share}", style("Potential").bold()));
        let held = held_in_words(&potential.held);
        let instances = count(potential.instances.len(), "instance");
        let with = if potential.held.resources > 0 { format!(", with {held}") } else { String::new() };
        let mut reached = Tree::new(format!("{instances} can be reached{with}"));
        self.extend(&mut reached, potential.instances.iter(), |reached| Tree::new(instance(reached)));
        tree.push(reached);
        if potential.unseen() > 0 {
            let unseen = potential.unseen();
            tree.push(Tree::new(format!("of {unseen} of them there is no snapshot: what they hold is not known")));
        }
        if !potential.downstream.is_empty() {
            let downstream = count(potential.downstream.len(), "stack");
            tree.push(Tree::new(format!(
                "{downstream} downstream of them: {}",
                self.names(potential.downstream.keys())
            )));
        }
        if !potential.capabilities.is_empty() {
            let of = |layer| {
                let some = potential.capabilities.iter().filter(move |(_, resting)| resting.layer == layer);
                self.names(some.map(|(name, _)| name))
            };
            let (business, technology) =
                (of(terrace_domain::estate::Layer::Business), of(terrace_domain::estate::Layer::Technology));
            for (layer, names) in [("technology", technology), ("business", business)] {
                if !names.is_empty() {
                    tree.push(Tree::new(format!("{layer} capabilities: {names}")));
                }
            }
        }
        self.push_owners(&mut tree, potential.owners.keys());
        tree
    }

    fn push_capabilities<'r>(
        &self,
        tree: &mut Tree<String>,
        all: impl ExactSizeIterator<Item = (&'r CapabilityName, &'r Resting)>,
    ) {
        if all.len() == 0 {
            return;
        }
        let verb = if all.len() == 1 { "capability rests" } else { "capabilities rest" };
        let mut capabilities = Tree::new(format!("{} {verb} on it", all.len()));
        self.extend(&mut capabilities, all, |(name, resting)| {
            let owner = resting.owner.as_deref().map(|owner| format!(", {}", plain(owner))).unwrap_or_default();
            let how = match &resting.through {
                Some(needed) => format!("needs {needed}"),
                None => format!("served by {}", self.names(&resting.served_by)),
            };
            let perhaps = if resting.ring == Ring::Further { ", perhaps" } else { "" };
            let how = style(format!("{how}{perhaps}")).dim();
            Tree::new(format!("{name} ({}{owner})  {how}", resting.layer.as_str()))
        });
        tree.push(capabilities);
    }

    fn push_owners<'r>(&self, tree: &mut Tree<String>, owners: impl ExactSizeIterator<Item = &'r String>) {
        if owners.len() > 0 {
            tree.push(Tree::new(format!("owners: {}", self.names(owners.map(|owner| plain(owner))))));
        }
    }

    /// A stack with its owner.
    fn stack(&self, stack: &StackName) -> String {
        match self.owner(stack) {
            Some(owner) => format!("{stack} ({})", plain(owner)),
            None => stack.to_string(),
        }
    }

    /// Names with commas, the first of many.
    fn names<T: ToString>(&self, names: impl IntoIterator<Item = T>) -> String {
        let mut names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
        if names.len() > NAMES_MAX && !self.all {
            let more = names.len() - NAMES_MAX + 1;
            names.truncate(NAMES_MAX - 1);
            return format!("{} and {more} more", names.join(", "));
        }
        names.join(", ")
    }

    /// Adds a branch for each, or for the first of many and how many more there are.
    fn extend<T>(
        &self,
        tree: &mut Tree<String>,
        items: impl ExactSizeIterator<Item = T>,
        branch: impl Fn(T) -> Tree<String>,
    ) {
        let length = items.len();
        let most = if self.all || length <= LINES_MAX { length } else { LINES_MAX - 1 };
        tree.leaves.extend(items.take(most).map(branch));
        if most < length {
            tree.push(Tree::new(style(format!("and {} more; `--all` shows them", length - most)).dim().to_string()));
        }
    }
}

fn reads(stacks: usize) -> String {
    if stacks == 1 { "1 stack reads".to_owned() } else { format!("{stacks} stacks read") }
}

fn perhaps(is_unknown: bool) -> &'static str {
    if is_unknown { " (known only after the apply)" } else { "" }
}

fn resource(touched: &Touched) -> String {
    let mark = action_colour(touched.action).apply_to(format!("{:>3}", sign(touched.action)));
    let mut about: Vec<String> = traits_in_words(touched).into_iter().map(str::to_owned).collect();
    if !touched.because.is_empty() {
        about.push(format!("because of {}", plain(&touched.because.join(", "))));
    }
    let about = if about.is_empty() { String::new() } else { format!("  {}", style(about.join("; ")).dim()) };
    format!("{mark} {}{about}", plain(&touched.address))
}

fn instance(reached: &Reached) -> String {
    let held = reached.held.as_ref().map_or_else(|| "never seen".to_owned(), held_in_words);
    let why = match &reached.why {
        Why::Own => "planned here".to_owned(),
        Why::SameIdentity(providers) => {
            let providers: Vec<&str> = providers.iter().map(String::as_str).collect();
            format!("same identity, {}", providers.join(", "))
        }
    };
    format!("{}/{}  {held}  {}", reached.environment, reached.stack, style(plain(&why)).dim())
}

/// `8 resources (2 hold data, 1 cannot be had again)`.
pub(super) fn held_in_words(held: &Held) -> String {
    let mut about = Vec::new();
    if held.stateful > 0 {
        about.push(format!("{} {} data", held.stateful, if held.stateful == 1 { "holds" } else { "hold" }));
    }
    if held.irreversible > 0 {
        about.push(format!("{} cannot be had again", held.irreversible));
    }
    if held.untold > 0 {
        about.push("of some the types are not known".to_owned());
    }
    let resources = count(usize::try_from(held.resources).unwrap_or(usize::MAX), "resource");
    if about.is_empty() { resources } else { format!("{resources} ({})", about.join(", ")) }
}

fn colour(level: Level) -> Style {
    match level {
        Level::None | Level::Low => Style::new().green(),
        Level::Medium => Style::new().yellow(),
        Level::High => Style::new().red(),
        Level::Critical => Style::new().red().reverse(),
    }
}

fn action_colour(action: Action) -> Style {
    match action {
        Action::Create => Style::new().green(),
        Action::Update | Action::Forget => Style::new().yellow(),
        Action::Replace { .. } | Action::Delete => Style::new().red(),
        Action::Keep => Style::new().cyan(),
    }
}
