//! The phases of a rehearsal, and which comes next.

use super::{Kind, Lost};

/// What a rehearsal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Practice {
    /// Deploys the release from nothing.
    Zero,
    /// Deploys what runs today, then the release over it.
    Upgrade,
    /// Deploys what runs today, loses something, and recovers it.
    Recovery(Lost),
}

/// A part of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// What runs today is deployed from nothing.
    Baseline,
    /// The release is deployed: from nothing, or over what is there.
    Deploy,
    /// Something is lost on purpose.
    Lose,
    /// What was lost is recovered: the time that is measured.
    Recover,
    /// All is planned again: nothing may be left to do.
    Again,
    /// All is destroyed, in reverse order.
    Destroy,
    /// It is looked whether anything is left.
    Look,
}

/// How a phase went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// Somebody asked to stop.
    Interrupted,
}

/// How far a rehearsal is: the phases that came to their end, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is practised.
    pub practice: Practice,
    /// Whether the environment is left standing, for people to look at.
    pub keeps: bool,
    /// What was done.
    pub done: Vec<(Phase, Outcome)>,
}

impl Practice {
    /// Its kind.
    pub fn kind(self) -> Kind {
        match self {
            Self::Zero => Kind::Zero,
            Self::Upgrade => Kind::Upgrade,
            Self::Recovery(_) => Kind::Recovery,
        }
    }

    /// In words: `zero`, `upgrade`, `recovery (state)`.
    pub fn in_words(self) -> String {
        match self {
            Self::Recovery(lost) => format!("recovery ({})", lost.as_str()),
            other => other.kind().as_str().to_owned(),
        }
    }

    /// What it does before it is cleaned up, in sequence.
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Self::Zero => &[Phase::Deploy, Phase::Again],
            Self::Upgrade => &[Phase::Baseline, Phase::Deploy, Phase::Again],
            Self::Recovery(Lost::Code) => &[Phase::Recover],
            Self::Recovery(_) => &[Phase::Baseline, Phase::Lose, Phase::Recover, Phase::Again],
        }
    }
}

impl Phase {
    /// In a word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Deploy => "deploy",
            Self::Lose => "lose",
            Self::Recover => "recover",
            Self::Again => "again",
            Self::Destroy => "destroy",
            Self::Look => "look",
        }
    }

    /// Whether something may exist in the environment once it has begun.
    pub fn makes(self) -> bool {
        matches!(self, Self::Baseline | Self::Deploy | Self::Recover)
    }
}

impl Outcome {
    /// In a word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Progress {
    /// A rehearsal that has not begun.
    pub fn new(practice: Practice, keeps: bool) -> Self {
        Self { practice, keeps, done: Vec::new() }
    }

    /// The phase that comes next; `None` when the rehearsal is over. What failed ends the practice, and never the cleaning up: whatever was
    /// made is destroyed, and looked for, unless it is kept.
    pub fn next(&self) -> Option<Phase> {
        let is_done = |phase: Phase| self.done.iter().any(|(done, _)| *done == phase);
        if self.outcome() == Outcome::Passed
            && let Some(next) = self.practice.phases().iter().find(|phase| !is_done(**phase))
        {
            return Some(*next);
        }
        let is_clean_already = self.practice == Practice::Recovery(Lost::Code);
        let made = self.done.iter().any(|(phase, _)| phase.makes());
        if self.keeps || is_clean_already || !made {
            return None;
        }
        [Phase::Destroy, Phase::Look].into_iter().find(|phase| !is_done(*phase))
    }

    /// What it came to so far.
    pub fn outcome(&self) -> Outcome {
        let any = |outcome: Outcome| self.done.iter().any(|(_, found)| *found == outcome);
        if any(Outcome::Interrupted) {
            Outcome::Interrupted
        } else if any(Outcome::Failed) {
            Outcome::Failed
        } else {
            Outcome::Passed
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn practices() -> impl Strategy<Value = Practice> {
        prop_oneof![
            Just(Practice::Zero),
            Just(Practice::Upgrade),
            Just(Practice::Recovery(Lost::Infrastructure)),
            Just(Practice::Recovery(Lost::State)),
            Just(Practice::Recovery(Lost::Code)),
        ]
    }

    fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
        let one = prop_oneof![4 => Just(Outcome::Passed), 1 => Just(Outcome::Failed), 1 => Just(Outcome::Interrupted)];
        prop::collection::vec(one, 12)
    }

    proptest! {
        #[test]
        fn whatever_was_made_is_destroyed_and_looked_for_and_it_ends(
            practice in practices(), keeps: bool, outcomes in outcomes()
        ) {
            let mut progress = Progress::new(practice, keeps);
            for outcome in outcomes {
                let Some(next) = progress.next() else { break };
                prop_assert!(progress.done.iter().all(|(done, _)| *done != next), "no phase comes twice");
                let is_practice = !matches!(next, Phase::Destroy | Phase::Look);
                prop_assert!(!is_practice || progress.outcome() == Outcome::Passed, "nothing goes on after a failure");
                progress.done.push((next, outcome));
            }
            prop_assert_eq!(progress.next(), None);
            let made = progress.done.iter().any(|(phase, _)| phase.makes());
            let cleaned = progress.done.iter().any(|(phase, _)| *phase == Phase::Destroy);
            let looked = progress.done.iter().any(|(phase, _)| *phase == Phase::Look);
            let must = made && !keeps && practice != Practice::Recovery(Lost::Code);
            prop_assert_eq!((cleaned, looked), (must, must));
        }
    }

    #[test]
    fn an_upgrade_that_passes_does_all_in_sequence() {
        let mut progress = Progress::new(Practice::Upgrade, false);
        while let Some(next) = progress.next() {
            progress.done.push((next, Outcome::Passed));
        }
        let words: Vec<_> = progress.done.iter().map(|(phase, _)| phase.as_str()).collect();
        assert_eq!(words, ["baseline", "deploy", "again", "destroy", "look"]);
    }
}
