//! Gates: the conditions on a change in a stage, and what each says of an instance. Pure and total: a gate passes, waits, asks people, or
//! refuses, and says why. Owns the verdicts; what follows from them is decided in `advance`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Moment, Standing};
use crate::blast::{Level, RadiusSummary};
use crate::name::StackName;
use crate::plan::Loss;
use crate::policy::PolicyVerdict;
use crate::rehearsal::{Kind, Lost, UpgradeAllowance};
use crate::window::{Calendar, Opening};

/// A condition on a change in a stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Gate {
    /// People must approve the plan.
    Approval(Approvers),
    /// The release must have passed these rehearsals, with the releases that it rests on.
    Evidence {
        /// Which.
        of: BTreeSet<Kind>,
    },
    /// A recovery must have been practised with success, not longer ago than that.
    Recovery {
        /// What was lost in it.
        of: BTreeSet<Lost>,
        /// In milliseconds.
        younger_than_ms: u64,
    },
    /// The plan must not take away what it may not.
    Losses {
        /// What it may, by stack.
        allowed: BTreeMap<StackName, UpgradeAllowance>,
    },
    /// The damage that the plan could do is limited.
    BlastRadius(RadiusLimits),
    /// Policies must not speak against the plan.
    Policy {
        /// The files and folders with the policies, relative to the estate; they are the release's.
        paths: Vec<String>,
        /// The packages that are asked; empty: `main`.
        namespaces: Vec<String>,
    },
    /// Changes are made while a window is open.
    Window(Calendar),
    /// The release must have run so long in the stage before.
    Soak {
        /// In milliseconds.
        for_ms: u64,
    },
    /// Nothing was changed behind Terraform's back.
    Clean,
    /// A kind that cannot be decided: it refuses.
    Undecidable(String),
}

/// Who must approve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers {
    /// Who.
    pub who: Who,
    /// How many different people must.
    pub count: u32,
    /// Who does not count, in lower case: whoever made what is to be approved.
    pub authors: BTreeSet<String>,
}

/// Whose approval counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Who {
    /// Everybody's.
    #[default]
    Everybody,
    /// That of these.
    Named {
        /// The people, by name.
        people: BTreeSet<String>,
        /// Them in the configuration's words: teams and people.
        by: Vec<String>,
    },
    /// That of the owners of what the change touches.
    Owners {
        /// The people of each owner. One that is not there is known to nobody.
        people: BTreeMap<String, BTreeSet<String>>,
    },
}

/// What a plan may do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RadiusLimits {
    /// How many resources it may destroy or replace.
    pub max_destroys: Option<u64>,
    /// What share of the environment's resources it may change, from 0 to 1.
    pub max_share: Option<f64>,
    /// The highest level.
    pub max_level: Option<Level>,
    /// The level from which people are asked.
    pub approve_from: Option<Level>,
    /// What a change to a stateful resource asks for.
    pub stateful: Answer,
    /// What a loss that cannot be undone asks for.
    pub irreversible: Answer,
    /// Who is asked, where the stage has no gate `approval`.
    pub approvers: Approvers,
}

/// What something grave asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing.
    #[default]
    Allow,
    /// That people approve.
    Approve,
    /// It is refused.
    Refuse,
}

impl Answer {
    /// All answers.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Approve, Self::Refuse];

    /// The answer in a word, as the configuration has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }

    /// The answer of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}

/// What was found out of a plan for the gates of its stage; each part where a gate asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// The damage that it could do.
    pub radius: Option<RadiusSummary>,
    /// What the policies say.
    pub policy: Option<PolicyVerdict>,
    /// The resources that were changed behind Terraform's back, by address.
    pub drift: Option<Vec<String>>,
}

/// Why a gate refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// These rehearsals are not proven for the release.
    NotRehearsed(BTreeSet<Kind>),
    /// No recovery from these losses was practised lately enough.
    NotRecovered(BTreeSet<Lost>),
    /// What the plan would take away, in words.
    Losses(Vec<String>),
    /// The plan could do more damage than it may, in words.
    BlastRadius(Vec<String>),
    /// What the policies say against it: `FILE: MESSAGE`.
    Policy(Vec<String>),
    /// What was changed behind Terraform's back, by address.
    NotClean(Vec<String>),
    /// Nobody can approve it, and why.
    NobodyToAsk(String),
    /// The gate cannot be decided: its kind, and why.
    Undecidable {
        /// The kind.
        gate: String,
        /// Why.
        why: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRehearsed(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
                write!(f, "the rehearsal {} of this release is not proven", kinds.join(" and "))
            }
            Self::NotRecovered(lost) => {
                let lost: Vec<_> = lost.iter().map(|lost| lost.as_str()).collect();
                write!(f, "the recovery of {} was not practised lately enough", lost.join(" and "))
            }
            Self::Losses(why) | Self::BlastRadius(why) | Self::Policy(why) => f.write_str(&why.join("; ")),
            Self::NotClean(drift) => write!(f, "changed by hand: {}", drift.join(", ")),
            Self::NobodyToAsk(why) => write!(f, "nobody can approve it: {why}"),
            Self::Undecidable { gate, why } => write!(f, "the gate `{gate}` cannot be decided: {why}"),
        }
    }
}

impl Refusal {
    /// The kind of the gate that refuses.
    pub fn gate(&self) -> &str {
        match self {
            Self::NotRehearsed(_) => "evidence",
            Self::NotRecovered(_) => "recovery",
            Self::Losses(_) => "losses",
            Self::BlastRadius(_) => "blast_radius",
            Self::Policy(_) => "policy",
            Self::NotClean(_) => "clean",
            Self::NobodyToAsk(_) => "approval",
            Self::Undecidable { gate, .. } => gate,
        }
    }
}

/// What holds an instance up until time has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The gates that hold it, by their kinds.
    pub gates: BTreeSet<String>,
    /// When it is worth looking again; `None`: nobody knows.
    pub until: Option<Moment>,
    /// Why, in words.
    pub why: Vec<String>,
}

impl Hold {
    /// Adds a gate to what holds an instance up: it goes on when all of them let it.
    pub(super) fn add(hold: &mut Option<Self>, gate: String, until: Option<Moment>, why: String) {
        let held = hold.get_or_insert_with(|| Self { gates: BTreeSet::new(), until, why: Vec::new() });
        held.gates.insert(gate);
        held.until = held.until.max(until);
        held.why.push(why);
    }
}

/// What a gate says of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on, and why.
    Pass(String),
    /// That is seen only when it is planned.
    NeedsPlan,
    /// Time must pass.
    Wait {
        /// Until when; `None`: nobody knows.
        until: Option<Moment>,
        /// Why.
        why: String,
    },
    /// People must approve, and why.
    Ask(Vec<String>),
    /// It may not.
    Refuse(Refusal),
}

/// All that gates are decided by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// What earlier runs left of the instance.
    pub standing: &'a Standing,
    /// When a recovery from each loss was last practised with success.
    pub recovered: &'a BTreeMap<Lost, Moment>,
    /// When the ordered release was first delivered to the stage before; `None` where it was not, or where there is none.
    pub before_since: Option<Moment>,
    /// Whether there is a stage before.
    pub has_before: bool,
    /// The plan, once there is one: what it would take away, and what was found out of it.
    pub plan: Option<(&'a [Loss], &'a Assessment)>,
    /// Now.
    pub now: Moment,
}

impl Gate {
    /// The kind of the gate, as `terrace.hcl` calls it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Approval(_) => "approval",
            Self::Evidence { .. } => "evidence",
            Self::Recovery { .. } => "recovery",
            Self::Losses { .. } => "losses",
            Self::BlastRadius(_) => "blast_radius",
            Self::Policy { .. } => "policy",
            Self::Window(_) => "window",
            Self::Soak { .. } => "soak",
            Self::Clean => "clean",
            Self::Undecidable(kind) => kind,
        }
    }

    /// What it says.
    pub fn verdict(&self, facts: &Facts<'_>) -> Verdict {
        match self {
            Self::Evidence { of } => {
                let missing: BTreeSet<Kind> =
                    of.iter().copied().filter(|kind| !facts.standing.rehearsed.has(*kind)).collect();
                if missing.is_empty() {
                    return Verdict::Pass(format!("{} passed", joined(of.iter().map(|kind| kind.as_str()))));
                }
                Verdict::Refuse(Refusal::NotRehearsed(missing))
            }
            Self::Recovery { of, younger_than_ms } => {
                let is_late = |lost: &Lost| {
                    facts.recovered.get(lost).is_none_or(|at| facts.now.millis_since(*at) > *younger_than_ms)
                };
                let late: BTreeSet<Lost> = of.iter().copied().filter(is_late).collect();
                if late.is_empty() {
                    return Verdict::Pass(format!("{} was practised", joined(of.iter().map(|lost| lost.as_str()))));
                }
                Verdict::Refuse(Refusal::NotRecovered(late))
            }
            Self::Window(calendar) => match calendar.at(facts.now) {
                Opening::Open => Verdict::Pass("the window is open".to_owned()),
                Opening::Closed { opens, why } => Verdict::Wait { until: opens, why },
            },
            Self::Soak { for_ms } => soak(self, *for_ms, facts),
            Self::Approval(_) => match facts.plan {
                None => Verdict::NeedsPlan,
                Some(_) => Verdict::Ask(vec!["the stage asks for approval".to_owned()]),
            },
            Self::Losses { allowed } => facts.plan.map_or(Verdict::NeedsPlan, |(losses, _)| {
                let objections = allowed.get(facts.stack).cloned().unwrap_or_default().objections(losses);
                if objections.is_empty() {
                    return Verdict::Pass("it takes away no more than it may".to_owned());
                }
                Verdict::Refuse(Refusal::Losses(objections))
            }),
            Self::BlastRadius(limits) => facts.plan.map_or(Verdict::NeedsPlan, |(_, assessment)| {
                assessment
                    .radius
                    .as_ref()
                    .map_or_else(|| undecidable(self, "the blast radius is not known"), |radius| limits.verdict(radius))
            }),
            Self::Policy { .. } => facts.plan.map_or(Verdict::NeedsPlan, |(_, assessment)| {
                assessment
                    .policy
                    .as_ref()
                    .map_or_else(|| undecidable(self, "no policy was asked"), |policy| policy_verdict(self, policy))
            }),
            Self::Clean => facts.plan.map_or(Verdict::NeedsPlan, |(_, assessment)| match assessment.drift.as_deref() {
                None => undecidable(self, "it is not known what was changed by hand"),
                Some([]) => Verdict::Pass("nothing was changed behind Terraform's back".to_owned()),
                Some(drift) => Verdict::Refuse(Refusal::NotClean(drift.to_vec())),
            }),
            Self::Undecidable(_) => undecidable(self, "this version of Terrace does not know this kind of gate"),
        }
    }
}

fn undecidable(gate: &Gate, why: &str) -> Verdict {
    Verdict::Refuse(Refusal::Undecidable { gate: gate.kind().to_owned(), why: why.to_owned() })
}

fn soak(gate: &Gate, for_ms: u64, facts: &Facts<'_>) -> Verdict {
    if !facts.has_before {
        return Verdict::Pass("there is no stage before".to_owned());
    }
    let Some(since) = facts.before_since else {
        return undecidable(gate, "it is not known since when the release runs in the stage before");
    };
    let end = Moment(since.0.saturating_add(i64::try_from(for_ms).unwrap_or(i64::MAX)));
    if facts.now >= end {
        return Verdict::Pass("the release has run long enough in the stage before".to_owned());
    }
    Verdict::Wait { until: Some(end), why: "the release has not run long enough in the stage before".to_owned() }
}

fn policy_verdict(gate: &Gate, policy: &PolicyVerdict) -> Verdict {
    if let Some(why) = &policy.undecidable {
        return undecidable(gate, why);
    }
    let denials: Vec<_> = policy.denials().map(|found| format!("{}: {}", found.file, found.message)).collect();
    if denials.is_empty() {
        return Verdict::Pass(format!("{} rules have nothing against it", policy.rules));
    }
    Verdict::Refuse(Refusal::Policy(denials))
}

impl RadiusLimits {
    fn verdict(&self, radius: &RadiusSummary) -> Verdict {
        let mut objections = Vec::new();
        let mut asks = Vec::new();
        if let Some(max) = self.max_destroys.filter(|max| radius.destroys > *max) {
            objections.push(format!("it destroys or replaces {} resources, and {max} are allowed", radius.destroys));
        }
        if let Some(max) = self.max_share.filter(|max| radius.share.ratio() > *max) {
            let (touched, total) = (radius.share.touched, radius.share.total);
            objections.push(format!(
                "it changes {touched} of the {total} resources of the environment ({}), and {} are allowed",
                percent(radius.share.ratio()),
                percent(max)
            ));
        }
        let reasons =
            || joined(radius.reasons.iter().filter(|one| one.level == radius.level).map(|one| one.text.as_str()));
        if let Some(max) = self.max_level.filter(|max| radius.level > *max) {
            objections.push(format!("its blast radius is {}, and {max} is allowed: {}", radius.level, reasons()));
        }
        if let Some(from) = self.approve_from.filter(|from| radius.level >= *from && radius.level != Level::None) {
            let _ = from;
            asks.push(format!("its blast radius is {}: {}", radius.level, reasons()));
        }
        let grave = [
            (self.stateful, &radius.stateful, "it changes what holds data"),
            (self.irreversible, &radius.irreversible, "what it takes away cannot be had again"),
        ];
        for (answer, addresses, what) in grave {
            if addresses.is_empty() {
                continue;
            }
            let text = format!("{what}: {}", joined(addresses.iter().map(String::as_str)));
            match answer {
                Answer::Allow => {}
                Answer::Approve => asks.push(text),
                Answer::Refuse => objections.push(text),
            }
        }
        if !objections.is_empty() {
            return Verdict::Refuse(Refusal::BlastRadius(objections));
        }
        if asks.is_empty() {
            Verdict::Pass(format!("its blast radius is {}", radius.level))
        } else {
            Verdict::Ask(asks)
        }
    }

    /// Whether people may be asked because of it.
    pub fn may_ask(&self) -> bool {
        self.approve_from.is_some() || [self.stateful, self.irreversible].contains(&Answer::Approve)
    }
}

impl Approvers {
    /// Whose approval counts for a plan with this radius: `None`: everybody's. With the words for them.
    ///
    /// # Errors
    /// Why nobody can be asked.
    pub fn people(&self, radius: Option<&RadiusSummary>) -> Result<(Option<BTreeSet<String>>, Vec<String>), Refusal> {
        match &self.who {
            Who::Everybody => Ok((None, Vec::new())),
            Who::Named { people, by } => Ok((Some(people.clone()), by.clone())),
            Who::Owners { people } => {
                let nobody = |why: String| Err(Refusal::NobodyToAsk(why));
                let Some(radius) = radius else { return nobody("it is not known what the change touches".to_owned()) };
                if radius.owners.is_empty() {
                    return nobody("nothing that the change touches has an owner".to_owned());
                }
                let strangers: Vec<_> = radius.owners.iter().filter(|owner| !people.contains_key(*owner)).collect();
                if !strangers.is_empty() {
                    let names = joined(strangers.into_iter().map(String::as_str));
                    return nobody(format!("nobody knows who {names} is: terrace.hcl has no such team"));
                }
                let all: BTreeSet<String> =
                    radius.owners.iter().filter_map(|owner| people.get(owner)).flatten().cloned().collect();
                let by = radius.owners.iter().cloned().collect();
                let everybody = all.contains(crate::estate::EVERYBODY);
                Ok(((!everybody).then_some(all), by))
            }
        }
    }

    /// Whether a person made what is to be approved: by name, by email, or by a user name that is the part of the email before the `@`.
    pub fn is_author(&self, person: &str) -> bool {
        let person = person.to_lowercase();
        self.authors.iter().any(|author| {
            let user = author.split_once('@').map(|(user, _)| user);
            *author == person || user == Some(person.as_str())
        })
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// A share in percent, with a digit behind the point where it has one.
fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    format!("{tenths} %")
}
