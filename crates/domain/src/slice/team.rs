//! The boundary of teams: a stack that several of them change, one that others than its owner change, and owners that do not agree.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{History, Person, Touch};
use super::proposal::{Group, split};
use super::{
    Criterion, Evidence, Finding, Gravity, Material, Proposal, Subject, counted, listed, number, percent, share,
};
use crate::estate::{EVERYBODY, Estate};

/// A team that made fewer commits to a stack helped out, and does not share it.
const TEAM_COMMITS_MIN: usize = 5;
/// Nor one whose part in it is smaller: every fifth commit is no exception any more.
const TEAM_SHARE_MIN: f64 = 0.2;
/// The second team's part from which a stack has no owner but in name.
const EVEN_SHARE_MIN: f64 = 0.4;
/// With fewer commits nothing can be said of whether the owner makes them.
const OWNER_COMMITS_MIN: usize = 10;
/// An owner who makes no more than this part of the commits is not the one who works on the stack.
const OWNER_SHARE_MAX: f64 = 0.2;
/// A file belongs to a team that made this part of its changes, and at least so many of them.
const FILE_SHARE_MIN: f64 = 0.7;
const FILE_CHANGES_MIN: usize = 3;
/// People of no declared team are taken for members of the one whose stacks they work on: so many commits, and this part of them.
const INFERRED_COMMITS_MIN: usize = 5;
const INFERRED_SHARE_MIN: f64 = 0.6;

/// What is found by this criterion.
pub(super) fn findings(material: &Material<'_>, history: &History, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let teams = Teams::of(material, history);
    let by_stack = history.by_stack();
    let mut findings = Vec::new();
    for (subject, touches) in subjects.iter().zip(&by_stack) {
        let view = View { material, history, teams: &teams, subject, touches };
        findings.extend(view.several_teams());
        findings.extend(view.not_by_owner());
        findings.extend(view.owners_differ());
    }
    findings
}

/// Which teams everybody belongs to, by the number of the person.
struct Teams {
    of: Vec<Vec<String>>,
    /// The people whose team was inferred.
    inferred: BTreeSet<usize>,
    /// The teams with members.
    known: BTreeSet<String>,
}

impl Teams {
    fn of(material: &Material<'_>, history: &History) -> Self {
        let mut of: Vec<Vec<String>> = history.people.iter().map(|person| declared(material.estate, person)).collect();
        let inferred = inferred(material.estate, history);
        let mut taken = BTreeSet::new();
        for (person, team) in inferred {
            if of[person].is_empty() {
                of[person].push(team);
                taken.insert(person);
            }
        }
        let declared =
            material.estate.teams.values().filter(|team| team.members.iter().any(|member| member != EVERYBODY));
        let known = declared.map(|team| team.name.to_string()).chain(of.iter().flatten().cloned()).collect();
        Self { of, inferred: taken, known }
    }

    /// The team for which a person works on a stack: the owner where it is theirs.
    fn at(&self, person: usize, owner: Option<&str>) -> Option<&str> {
        let teams = &self.of[person];
        let owners = teams.iter().find(|team| Some(team.as_str()) == owner);
        owners.or_else(|| teams.first()).map(String::as_str)
    }

    /// Whether it is known of anybody that they belong to it.
    fn knows(&self, team: &str) -> bool {
        self.known.contains(team)
    }
}

/// The `team` blocks that name a person. Everybody's team is nobody's.
fn declared(estate: &Estate, person: &Person) -> Vec<String> {
    let is_member = |member: &String| member != EVERYBODY && person.is_called(member);
    let teams = estate.teams.values().filter(|team| team.members.iter().any(is_member));
    teams.map(|team| team.name.to_string()).collect()
}

/// The team whose stacks somebody works on most.
fn inferred(estate: &Estate, history: &History) -> Vec<(usize, String)> {
    let owners: Vec<Option<&str>> = estate.stacks.values().map(|stack| estate.owner_of(stack)).collect();
    let mut counts: Vec<BTreeMap<&str, usize>> = vec![BTreeMap::new(); history.people.len()];
    for touch in &history.touches {
        let touched: BTreeSet<&str> = touch.stacks.iter().filter_map(|stack| owners[*stack]).collect();
        for author in &touch.authors {
            for owner in &touched {
                *counts[*author].entry(owner).or_insert(0) += 1;
            }
        }
    }
    let home = |(person, counts): (usize, BTreeMap<&str, usize>)| {
        let total: usize = counts.values().sum();
        let (team, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        (most >= INFERRED_COMMITS_MIN && share(most, total) >= INFERRED_SHARE_MIN).then(|| (person, team.to_owned()))
    };
    counts.into_iter().enumerate().filter_map(home).collect()
}

/// One stack with its commits.
struct View<'a> {
    material: &'a Material<'a>,
    history: &'a History,
    teams: &'a Teams,
    subject: &'a Subject<'a>,
    touches: &'a [&'a Touch],
}

/// How many commits each team made, of those whose authors belong to one.
struct Counts<'t> {
    of: BTreeMap<String, Vec<&'t Touch>>,
    total: usize,
}

impl Counts<'_> {
    fn share(&self, team: &str) -> f64 {
        share(self.of.get(team).map_or(0, Vec::len), self.total)
    }

    /// The teams, the one with the most commits first.
    fn ranked(&self) -> Vec<(&str, usize)> {
        let mut ranked: Vec<_> = self.of.iter().map(|(team, touches)| (team.as_str(), touches.len())).collect();
        ranked.sort_by_key(|(team, commits)| (std::cmp::Reverse(*commits), *team));
        ranked
    }
}

impl<'a> View<'a> {
    fn owner(&self) -> Option<&'a str> {
        self.material.estate.owner_of(self.subject.stack)
    }

    fn owned_by(&self, owner: &str) -> Proposal {
        Proposal::Own { stacks: vec![self.subject.stack.name.clone()], owner: owner.to_owned() }
    }

    fn counts<'t>(&self, touches: impl Iterator<Item = &'t Touch>) -> Counts<'t> {
        let mut counts = Counts { of: BTreeMap::new(), total: 0 };
        for touch in touches {
            let teams: BTreeSet<&str> =
                touch.authors.iter().filter_map(|person| self.teams.at(*person, self.owner())).collect();
            counts.total += usize::from(!teams.is_empty());
            for team in teams {
                counts.of.entry(team.to_owned()).or_default().push(touch);
            }
        }
        counts
    }

    fn several_teams(&self) -> Option<Finding> {
        let counts = self.counts(self.touches.iter().copied());
        let sharing: Vec<(&str, usize)> = counts
            .ranked()
            .into_iter()
            .filter(|(team, commits)| *commits >= TEAM_COMMITS_MIN && counts.share(team) >= TEAM_SHARE_MIN)
            .collect();
        let (most, _) = *sharing.first()?;
        let (_, second) = *sharing.get(1)?;
        let mut evidence: Vec<Evidence> = sharing.iter().map(|(team, _)| self.commits_of(team, &counts)).collect();
        evidence.extend(self.inferred_people());
        let (proposal, radius) = self.cut_by_team(most).map_or_else(
            || (self.owned_by(self.owner().unwrap_or(most)), None),
            |(proposal, radius)| (proposal, Some(radius)),
        );
        let second_share = share(second, counts.total);
        let names: Vec<String> = sharing.iter().map(|(team, _)| (*team).to_owned()).collect();
        Some(Finding {
            rule: "several-teams",
            criterion: Criterion::Team,
            gravity: if second_share >= EVEN_SHARE_MIN { Gravity::High } else { Gravity::Medium },
            stacks: vec![self.subject.stack.name.clone()],
            summary: format!("is changed by several teams: {}", listed(&names)),
            evidence,
            measures: BTreeMap::from([
                ("teams", number(sharing.len())),
                ("commits", number(counts.total)),
                ("second_share", second_share),
            ]),
            proposal,
            radius,
        })
    }

    fn commits_of(&self, team: &str, counts: &Counts<'a>) -> Evidence {
        let touches = counts.of.get(team).map_or(&[][..], Vec::as_slice);
        let people: BTreeSet<usize> = touches
            .iter()
            .flat_map(|touch| &touch.authors)
            .copied()
            .filter(|person| self.teams.at(*person, self.owner()) == Some(team))
            .collect();
        let owns = if self.owner() == Some(team) { ", which owns it" } else { "" };
        let part = percent(share(touches.len(), counts.total));
        let text = format!("{} ({part}) by {team}{owns}", counted(touches.len(), "commit"));
        let names = people.iter().map(|person| self.history.people[*person].name.clone());
        Evidence::of(text, names).with_commits(touches.iter().copied())
    }

    fn inferred_people(&self) -> Option<Evidence> {
        let authors: BTreeSet<usize> = self.touches.iter().flat_map(|touch| &touch.authors).copied().collect();
        let mut inferred: Vec<String> = authors
            .intersection(&self.teams.inferred)
            .map(|person| format!("{} ({})", self.history.people[*person].name, self.teams.of[*person].join(", ")))
            .collect();
        inferred.sort();
        (!inferred.is_empty()).then(|| {
            Evidence::of(
                "no `team` block names these people: their team is the one whose stacks they work on most",
                inferred,
            )
        })
    }

    /// A split where different teams change different files.
    fn cut_by_team(&self, most: &str) -> Option<(Proposal, super::RadiusGain)> {
        let blocks = &self.subject.blocks;
        let mut of_file: BTreeMap<&crate::path::RepoPath, String> = BTreeMap::new();
        for file in blocks.all.iter().map(|block| &block.file).collect::<BTreeSet<_>>() {
            let changes = |touch: &&Touch| touch.changed.iter().any(|at| self.history.files[*at].path == *file);
            let counts = self.counts(self.touches.iter().copied().filter(changes));
            let first = counts.ranked().first().map(|(team, commits)| ((*team).to_owned(), *commits));
            if let Some((team, commits)) = first
                && commits >= FILE_CHANGES_MIN
                && counts.share(&team) >= FILE_SHARE_MIN
            {
                of_file.insert(file, team);
            }
        }
        let rest = self.owner().filter(|owner| of_file.values().any(|team| team == owner)).unwrap_or(most);
        let team_of = |at: &usize| of_file.get(&blocks.all[*at].file).map_or(rest, String::as_str);
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for at in 0..blocks.all.len() {
            groups.entry(team_of(&at)).or_default().push(at);
        }
        if groups.len() < 2 || !groups.contains_key(rest) {
            return None;
        }
        let kept = groups.remove(rest).unwrap_or_default();
        let about = |team: &str| format!("changed by {team}");
        let mut all = vec![Group { suffix: None, about: about(rest), blocks: kept }];
        all.extend(groups.into_iter().map(|(team, blocks)| Group {
            suffix: Some(team.strip_prefix("team-").unwrap_or(team).to_owned()),
            about: about(team),
            blocks,
        }));
        Some(split(self.material.estate, self.subject, all))
    }

    fn not_by_owner(&self) -> Option<Finding> {
        let owner = self.owner().filter(|owner| self.teams.knows(owner))?;
        let counts = self.counts(self.touches.iter().copied());
        let own = counts.share(owner);
        if counts.total < OWNER_COMMITS_MIN || own > OWNER_SHARE_MAX {
            return None;
        }
        let ranked = counts.ranked();
        let (most, _) = ranked.iter().find(|(team, _)| *team != owner)?;
        let mut evidence = vec![self.commits_of(owner, &counts)];
        evidence
            .extend(ranked.iter().filter(|(team, _)| *team != owner).map(|(team, _)| self.commits_of(team, &counts)));
        evidence.extend(self.inferred_people());
        let is_grave = own == 0.0 && counts.total >= 2 * OWNER_COMMITS_MIN;
        Some(Finding {
            rule: "not-by-its-owner",
            criterion: Criterion::Team,
            gravity: if is_grave { Gravity::High } else { Gravity::Medium },
            stacks: vec![self.subject.stack.name.clone()],
            summary: format!("belongs to {owner}, and others make {} of its commits", percent(1.0 - own)),
            evidence,
            measures: BTreeMap::from([("commits", number(counts.total)), ("owner_share", own)]),
            proposal: self.owned_by(most),
            radius: None,
        })
    }

    fn owners_differ(&self) -> Option<Finding> {
        let owner = self.owner()?;
        let code_owners = (self.material.code_owners)(self.subject.stack);
        if code_owners.is_empty() || code_owners.iter().any(|name| name.eq_ignore_ascii_case(owner)) {
            return None;
        }
        let counts = self.counts(self.touches.iter().copied());
        let mut claims: Vec<String> = vec![owner.to_owned()];
        claims.extend(code_owners.iter().cloned());
        // Of those who are said to own it, the one who works on it; else what the stack itself says.
        let works = counts.ranked().into_iter().map(|(team, _)| team.to_owned()).find(|team| claims.contains(team));
        Some(Finding {
            rule: "owners-differ",
            criterion: Criterion::Team,
            gravity: Gravity::Low,
            stacks: vec![self.subject.stack.name.clone()],
            summary: format!("belongs to {owner}, and CODEOWNERS says {}", listed(&code_owners)),
            evidence: counts.ranked().iter().map(|(team, _)| self.commits_of(team, &counts)).collect(),
            measures: BTreeMap::from([("owners", number(claims.len()))]),
            proposal: self.owned_by(works.as_deref().unwrap_or(owner)),
            radius: None,
        })
    }
}
