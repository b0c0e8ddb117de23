//! The findings: what is judged, by which criteria, over which history.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use terrace_config::codeowners::Codeowners;
use terrace_config::load_parts;
use terrace_domain::estate::{STACK_FILE, Stack};
use terrace_domain::name::StackName;
use terrace_domain::run::Moment;
use terrace_domain::slice::history::{History, HistoryReader};
use terrace_domain::slice::{self, Criterion, Finding, Gravity, Material};
use terrace_driver::{database, snapshots};
use terrace_world::git::HistoryWindow;

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::{Opened, Project};
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views;
use crate::views::slice::{Holding, Report, Seen};
use crate::views::time::Bound;

/// How far back history is read when nobody says, in milliseconds: in a year what changes at all has changed, and what people worked on before is
/// not theirs any more.
const WINDOW_MILLIS: i64 = 365 * 24 * 60 * 60 * 1000;

/// Patterns of `CODEOWNERS` that name everything: such a line says nothing of one stack.
const EVERYTHING: [&str; 4] = ["*", "**", "/", "/**"];

/// What is judged, and how it is told.
#[derive(Debug, Args)]
pub struct Judge {
    /// Findings about these stacks: by name, by glob (`aws-*`) or by folder; all where none is given
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Only findings about stacks that changed since BASE (as in `terrace list --affected`)
    #[arg(long, value_name = "BASE", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "not given, given without a value, given with one: so clap tells them apart"
    )]
    affected: Option<Option<String>>,
    /// Only by these criteria
    #[arg(
        long,
        value_enum,
        value_name = "team|pace|permission|capability",
        hide_possible_values = true,
        value_delimiter = ','
    )]
    criterion: Vec<CriterionWord>,
    /// Only findings that are at least so grave
    #[arg(
        long,
        value_enum,
        value_name = "low|medium|high",
        default_value = "low",
        hide_possible_values = true,
        hide_default_value = true
    )]
    gravity: GravityWord,
    /// Read history from this time on: a date, or how long before the last commit (`90d`, `52w`) [default: 365d]
    #[arg(long, value_name = "TIME")]
    since: Option<Bound>,
    /// Read no more than the last N commits
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    commits: Option<u32>,
    /// Show all evidence
    #[arg(long)]
    why: bool,
    /// End with exit code 1 if there is a finding
    #[arg(long)]
    check: bool,
    /// Print JSON (terrace.slice/1)
    #[arg(long)]
    json: bool,
}

/// A criterion as it is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum CriterionWord {
    Team,
    Pace,
    Permission,
    Capability,
}

/// A gravity as it is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum GravityWord {
    Low,
    Medium,
    High,
}

impl From<CriterionWord> for Criterion {
    fn from(word: CriterionWord) -> Self {
        match word {
            CriterionWord::Team => Self::Team,
            CriterionWord::Pace => Self::Pace,
            CriterionWord::Permission => Self::Permission,
            CriterionWord::Capability => Self::Capability,
        }
    }
}

impl From<GravityWord> for Gravity {
    fn from(word: GravityWord) -> Self {
        match word {
            GravityWord::Low => Self::Low,
            GravityWord::Medium => Self::Medium,
            GravityWord::High => Self::High,
        }
    }
}

impl Judge {
    /// Judges and tells.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let selection = Selection { stacks: self.stacks.clone(), affected: self.affected.clone(), why: false };
        let (opened, selected) = selection.resolve(&project, || project.open_work_tree())?;
        let criteria = self.criteria();
        let (history, seen) = if criteria.iter().any(|criterion| criterion.needs_history()) {
            let (history, seen) = self.history(&project, &opened)?;
            (Some(history), Some(seen))
        } else {
            (None, None)
        };
        let mut findings = found(&project, &opened, history.as_ref(), &criteria);
        findings.retain(|finding| {
            finding.gravity >= self.gravity.into() && finding.stacks.iter().any(|stack| selected.stacks.contains(stack))
        });
        let holdings = holdings(&project, &findings)?;
        let report = Report {
            estate: &opened.estate,
            findings: &findings,
            criteria: &criteria,
            stacks: selected.stacks.len(),
            seen: seen.as_ref(),
            holdings: &holdings,
        };
        if self.json {
            views::slice::json(&report);
        } else {
            views::slice::text(&report, self.why);
        }
        Ok(if self.check && !findings.is_empty() { Exit::Failed } else { Exit::Done })
    }

    fn criteria(&self) -> BTreeSet<Criterion> {
        if self.criterion.is_empty() {
            return Criterion::ALL.into();
        }
        self.criterion.iter().map(|word| Criterion::from(*word)).collect()
    }

    fn history(&self, project: &Project, opened: &Opened) -> Result<(History, Seen), CommandError> {
        let without = |error: CommandError| {
            let help = error.help.clone().unwrap_or_default();
            error.help(format!("{help} `--criterion permission,capability` judges by the code alone.").trim())
        };
        let repository = project.repository().map_err(without)?;
        let head =
            opened.commit.clone().map_or_else(|| repository.head(), Ok).map_err(|error| without(error.into()))?;
        let newest = Moment(head.committed_at_secs * 1000);
        let since = self.since.as_ref().map_or(Moment(newest.0 - WINDOW_MILLIS), |since| since.moment(newest));
        let window = HistoryWindow {
            head: head.id,
            since_secs: Some(since.0.div_euclid(1000).max(0)),
            commits_max: self.commits.and_then(|commits| usize::try_from(commits).ok()),
            below: &opened.estate.root,
        };
        let mut reader = HistoryReader::new(&opened.estate);
        repository.walk_history(&window, |commit| reader.take(commit))?;
        let history = reader.finish();
        let seen = Seen { since, walked: history.walked, is_shallow: repository.is_shallow_clone() };
        views::slice::warn(&seen);
        Ok((history, seen))
    }
}

/// Judges the whole estate: what changes together with a stack, or serves the same capability, may be any other.
fn found(
    project: &Project,
    opened: &Opened,
    history: Option<&History>,
    criteria: &BTreeSet<Criterion>,
) -> Vec<Finding> {
    let code = project.load_code(opened, opened.estate.stacks.values());
    views::diagnostics::say_from(&*opened.tree, &code.diagnostics);
    let parts = load_parts(&*opened.tree, &opened.estate, &code);
    let owners = criteria.contains(&Criterion::Team).then(|| code_owners(opened)).flatten();
    let owners_of = |stack: &Stack| owners.as_ref().map_or_else(Vec::new, |owners| owners_of(owners, stack));
    let material =
        Material { estate: &opened.estate, graph: &opened.graph, code: &parts, history, code_owners: &owners_of };
    slice::judge(&material, criteria)
}

fn code_owners(opened: &Opened) -> Option<Codeowners> {
    let (owners, mut diagnostics) = Codeowners::load(&*opened.tree);
    diagnostics.extend(owners.iter().flat_map(|owners| owners.strangers(&opened.estate)));
    views::diagnostics::say_from(&*opened.tree, &diagnostics);
    owners
}

/// The owners of a stack's own file stand for those of the stack.
fn owners_of(owners: &Codeowners, stack: &Stack) -> Vec<String> {
    let Ok(file) = stack.folder.join(STACK_FILE) else { return Vec::new() };
    let rule = owners.rule_of(&file).filter(|rule| !EVERYTHING.contains(&rule.pattern.as_str()));
    rule.map_or_else(Vec::new, |rule| rule.owners.iter().map(|owner| owner.name().to_owned()).collect())
}

/// How many resources the stacks of the findings hold by their last snapshots: for each, in the environment where they are most.
fn holdings(project: &Project, findings: &[Finding]) -> Result<BTreeMap<StackName, Holding>, CommandError> {
    let database = project.home().database();
    if findings.is_empty() || !database.exists() {
        return Ok(BTreeMap::new());
    }
    let connection = database::open(&database)?;
    let mut holdings: BTreeMap<StackName, Holding> = BTreeMap::new();
    for snapshot in snapshots::latest_of_each(&connection, None)? {
        let Ok(stack) = StackName::new(&snapshot.stack) else { continue };
        let holding = Holding { environment: snapshot.environment, resources: snapshot.taken.resources };
        match holdings.get(&stack) {
            Some(known) if known.resources >= holding.resources => {}
            _ => drop(holdings.insert(stack, holding)),
        }
    }
    Ok(holdings)
}
