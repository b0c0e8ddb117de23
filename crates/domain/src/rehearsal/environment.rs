//! Ephemeral environments: their names, which fit what clouds allow, and how one is made of another.

use std::collections::BTreeMap;

use crate::estate::{Environment, Estate, Stage};
use crate::expression::{EvaluateError, InstanceScope, ResolveError, evaluate};
use crate::name::{EnvironmentName, StackName, StageName};
use crate::run::Moment;
use crate::value::Value;

use super::{Lost, Practice};

/// The longest name of an ephemeral environment, in characters. It becomes part of names in clouds, of which the shortest are Azure's storage
/// accounts (24), Google's service accounts (30) and AWS's load balancers (32); half of that is left to what it is the name of.
pub const EPHEMERAL_NAME_LENGTH_MAX: usize = 12;

/// The letters and digits that a name is made of: none that could be taken for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// How many of them tell two environments of one kind apart: a billion.
const RANDOM_LENGTH: usize = 6;
/// The stage under which it is delivered to.
const STAGE: &str = "rehearsal";

/// Why a text cannot name an ephemeral environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EphemeralNameError {
    /// It is too long for names in clouds.
    #[error(
        "it has {0} characters, and at most {EPHEMERAL_NAME_LENGTH_MAX} fit into what clouds allow for names that are made of it"
    )]
    TooLong(usize),
    /// It has a character that some cloud refuses.
    #[error("it begins with a small letter and has small letters, digits and `-` only; this one has `{0}`")]
    Character(char),
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// An environment of the estate has it.
    #[error("it is that of an environment of the estate")]
    Taken,
}

/// An environment for a rehearsal.
#[derive(Debug, Clone, PartialEq)]
pub struct Ephemeral {
    /// Its name.
    pub name: EnvironmentName,
    /// What is practised in it.
    pub practice: Practice,
    /// The environment whose values it has.
    pub like: EnvironmentName,
    /// Values of its own.
    pub vars: BTreeMap<String, Value>,
    /// Who made it: `user@host`.
    pub owner: String,
    /// When.
    pub created: Moment,
    /// When it has outlived its time.
    pub expires: Moment,
    /// Whether it is left standing until then.
    pub keeps: bool,
    /// The stacks that are rehearsed, by name, with what stands in for others.
    pub stacks: Vec<StackName>,
    /// Whether fixtures stand in for stacks.
    pub fixtures: bool,
}

/// Why an ephemeral environment is destroyed by a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SweepReason {
    /// Somebody named it.
    Named,
    /// It has outlived its time.
    Expired,
    /// The process that should have destroyed it is gone, or could not.
    Abandoned,
}

impl SweepReason {
    /// In words, stable for JSON.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Named => "asked for",
            Self::Expired => "outlived its time",
            Self::Abandoned => "left by a process that is gone",
        }
    }
}

/// A name for an ephemeral environment, from random bytes.
pub fn name_from(practice: Practice, random: [u8; RANDOM_LENGTH]) -> EnvironmentName {
    let prefix = match practice {
        Practice::Zero => "zero",
        Practice::Upgrade => "up",
        Practice::Recovery(_) => "rec",
    };
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    let text = format!("{prefix}-{}", letters.iter().collect::<String>());
    EnvironmentName::new(&text).expect("letters, a dash, letters and digits")
}

/// Checks a name that somebody chose.
///
/// # Errors
/// When it is too long, has a character that some cloud refuses, or is taken.
pub fn check_name(text: &str, estate: &Estate) -> Result<EnvironmentName, EphemeralNameError> {
    let first = text.chars().next().ok_or(EphemeralNameError::Empty)?;
    if !first.is_ascii_lowercase() {
        return Err(EphemeralNameError::Character(first));
    }
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    if let Some(wrong) = text.chars().find(|c| !fits(c)) {
        return Err(EphemeralNameError::Character(wrong));
    }
    if text.len() > EPHEMERAL_NAME_LENGTH_MAX {
        return Err(EphemeralNameError::TooLong(text.len()));
    }
    if estate.environments.contains_key(text) {
        return Err(EphemeralNameError::Taken);
    }
    Ok(EnvironmentName::new(text).expect("it was checked"))
}

impl Ephemeral {
    /// Whether something of it is left standing when its rehearsal is over, to look at: where only code is recovered, nothing is made.
    pub fn is_left_standing(&self) -> bool {
        self.keeps && self.practice != Practice::Recovery(Lost::Code)
    }

    /// Why it is to be swept, when no process is at work in it; `None` where it is not. `is_over`: whether its rehearsal came to its end.
    pub fn sweep_reason(&self, is_over: bool, now: Moment) -> Option<SweepReason> {
        if self.is_expired(now) {
            Some(SweepReason::Expired)
        } else if self.is_left_standing() && is_over {
            None
        } else {
            Some(SweepReason::Abandoned)
        }
    }

    /// Whether it has outlived its time.
    pub fn is_expired(&self, now: Moment) -> bool {
        now >= self.expires
    }

    /// The estate with this environment in it: it is made of the one that it is like, and is not protected. `None` when that one is not there
    /// any more.
    pub fn join(&self, estate: &Estate) -> Option<Estate> {
        let like = estate.environments.get(&self.like)?;
        let mut vars = like.vars.clone();
        vars.extend(self.vars.clone());
        let environment = Environment { name: self.name.clone(), vars, protected: false, span: like.span };
        let mut joined = estate.clone();
        joined.environments.insert(self.name.clone(), environment);
        Some(joined)
    }

    /// The values of its own, of what the configuration says about rehearsals.
    ///
    /// # Errors
    /// Where one of them cannot be evaluated: its key, and why.
    pub fn own_vars(&self, estate: &Estate) -> Result<BTreeMap<String, Value>, (String, EvaluateError)> {
        let Some(like) = estate.environments.get(&self.like) else { return Ok(BTreeMap::new()) };
        let environment = Environment { name: self.name.clone(), ..like.clone() };
        let no_outputs =
            |_: &StackName, _: &str| Err(ResolveError::new("an environment cannot read outputs of stacks"));
        let scope = InstanceScope { estate, environment: &environment, stack: None, outputs: &no_outputs };
        let vars = estate.rehearsals.vars.iter();
        vars.map(|(key, expression)| {
            let value = evaluate(expression, &scope).map_err(|error| (key.clone(), error))?;
            Ok((key.clone(), value))
        })
        .collect()
    }

    /// The stage that delivers to it.
    pub fn stage(&self) -> Stage {
        Stage {
            name: StageName::new(STAGE).expect("a plain word"),
            environment: Some(self.name.clone()),
            rehearse: Vec::new(),
            gates: Vec::new(),
            span: crate::expression::Span::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_names_are_short_and_plain() {
        for practice in [Practice::Zero, Practice::Upgrade, Practice::Recovery(Lost::State)] {
            for byte in 0..=u8::MAX {
                let name = name_from(practice, [byte; RANDOM_LENGTH]);
                assert!(name.as_str().len() <= EPHEMERAL_NAME_LENGTH_MAX, "{name}");
                assert!(name.as_str().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            }
        }
        assert_ne!(name_from(Practice::Zero, [1, 2, 3, 4, 5, 6]), name_from(Practice::Zero, [1, 2, 3, 4, 5, 7]));
    }
    fn ephemeral(practice: Practice, keeps: bool) -> Ephemeral {
        Ephemeral {
            name: name_from(practice, [0; RANDOM_LENGTH]),
            practice,
            like: EnvironmentName::new("dev").unwrap(),
            vars: BTreeMap::new(),
            owner: "ada@desk".to_owned(),
            created: Moment(0),
            expires: Moment(100),
            keeps,
            stacks: Vec::new(),
            fixtures: false,
        }
    }

    #[test]
    fn what_is_kept_is_swept_when_it_has_outlived_its_time_and_all_else_when_no_process_is_at_work_in_it() {
        let (early, late) = (Moment(99), Moment(100));
        let reason = |practice, keeps, is_over, now| ephemeral(practice, keeps).sweep_reason(is_over, now);
        assert_eq!(reason(Practice::Zero, true, true, early), None);
        assert_eq!(reason(Practice::Zero, true, true, late), Some(SweepReason::Expired));
        // Killed before it came to the point where it is kept.
        assert_eq!(reason(Practice::Zero, true, false, early), Some(SweepReason::Abandoned));
        // Over, and not all of it could be destroyed.
        assert_eq!(reason(Practice::Zero, false, true, early), Some(SweepReason::Abandoned));
        assert_eq!(reason(Practice::Zero, false, false, late), Some(SweepReason::Expired));
        // Of code that is recovered nothing stands.
        assert_eq!(reason(Practice::Recovery(Lost::Code), true, true, early), Some(SweepReason::Abandoned));
    }
}
