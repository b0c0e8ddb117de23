//! Plans that the real Terraform has made, read as a stream. They are made again by the tests `plan_facts` of the crate `terrace`, with
//! `TERRACE_KEEP_PLANS=crates/domain/tests/it/plans`.

use std::collections::BTreeSet;
use std::io::{self, Read};

use proptest::prelude::*;
use terrace_domain::digest::Digest;
use terrace_domain::plan::{
    Action, ChangeRecords, Differences, Losses, PlanError, PlanFacts, ResourceTypes, read_plan,
};

const SANDBOX: &str = include_str!("plans/sandbox.json");
const AWS: &str = include_str!("plans/aws.json");

fn facts(plan: impl Read) -> Result<PlanFacts, PlanError> {
    PlanFacts::read(plan, &ResourceTypes::default(), &BTreeSet::new())
}

#[test]
fn plans_of_the_real_terraform_are_read() {
    let sandbox = facts(SANDBOX.as_bytes()).unwrap();
    let actions: BTreeSet<_> = sandbox.resources.iter().map(|change| change.action).collect();
    let all = [
        Action::Keep,
        Action::Create,
        Action::Update,
        Action::Forget,
        Action::Replace { creates_first: false },
        Action::Delete,
    ];
    assert_eq!(actions, all.into());
    assert_eq!((sandbox.drift.len(), sandbox.drift[0].address.as_str()), (1, "sandbox_aws_database.orders"));
    let aws = facts(AWS.as_bytes()).unwrap();
    assert!(aws.resources.iter().any(|change| change.resource_type == "aws_vpc" && change.action.takes_away()));
    assert!(aws.resources.iter().all(|change| change.provider.ends_with("hashicorp/aws")));
    for facts in [sandbox, aws] {
        assert!(facts.complete && !facts.errored && facts.format_version.starts_with("1."));
        assert!(!format!("{facts:?}").contains("hunter"));
    }
}

#[test]
fn one_pass_tells_each_the_same_as_a_pass_of_its_own() {
    for plan in [SANDBOX, AWS] {
        let (types, protected) = (ResourceTypes::default(), BTreeSet::new());
        let mut together = (ChangeRecords::new(Digest::of), Losses::new(&types, &protected), Differences::default());
        read_plan(plan.as_bytes(), &mut [&mut together.0, &mut together.1, &mut together.2]).unwrap();
        let mut alone = (ChangeRecords::new(Digest::of), Losses::new(&types, &protected), Differences::default());
        read_plan(plan.as_bytes(), &mut [&mut alone.0]).unwrap();
        read_plan(plan.as_bytes(), &mut [&mut alone.1]).unwrap();
        read_plan(plan.as_bytes(), &mut [&mut alone.2]).unwrap();
        assert_eq!(together.0.into_records(), alone.0.into_records());
        let (losses, differences) = (together.1.into_losses(), together.2.into_differences());
        assert_eq!((&losses, &differences), (&alone.1.into_losses(), &alone.2.into_differences()));
        let facts = facts(plan.as_bytes()).unwrap();
        let lost = facts.resources.iter().filter(|change| change.action.takes_away()).map(|change| &change.address);
        assert!(lost.eq(losses.iter().map(|loss| &loss.address)));
    }
}

/// Gives a few bytes at a time, as a pipe may.
struct Sips<'a>(&'a [u8], usize);

impl Read for Sips<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

proptest! {
    #[test]
    fn a_plan_that_is_cut_off_anywhere_is_an_error(at in 0.0..1.0_f64, aws: bool) {
        let plan = if aws { AWS } else { SANDBOX }.trim_end();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in it")]
        let cut = (plan.len() as f64 * at) as usize;
        let found = facts(&plan.as_bytes()[..cut]);
        let is_cut_off = matches!(found, Err(PlanError::CutOff { line: 1, .. } | PlanError::Empty));
        prop_assert!(is_cut_off, "{cut}: {found:?}");
    }

    #[test]
    fn what_is_damaged_anywhere_is_read_or_refused_and_tells_no_secret(at in 0..SANDBOX.len(), byte: u8) {
        let mut bytes = SANDBOX.as_bytes().to_vec();
        bytes[at] = byte;
        if let Err(error) = facts(bytes.as_slice()) {
            prop_assert!(!error.to_string().contains("hunter"), "{error}");
        }
    }

    #[test]
    fn it_does_not_matter_how_much_arrives_at_once(sip in 1..5000_usize) {
        prop_assert_eq!(facts(Sips(SANDBOX.as_bytes(), sip)), facts(SANDBOX.as_bytes()));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(facts(bytes.as_slice()).is_err());
    }
}

#[test]
fn the_smallest_plans_are_cut_off_at_each_byte() {
    let plan = r#"{"format_version":"1.2","resource_changes":[{"address":"a.b","change":{"actions":["create"],"after":{"x":[1.5,"é\u00e9",null,true]}}}]}"#;
    assert!(facts(plan.as_bytes()).is_ok());
    for cut in 0..plan.len() {
        let found = facts(&plan.as_bytes()[..cut]);
        assert!(matches!(found, Err(PlanError::CutOff { .. } | PlanError::Empty)), "{cut}: {found:?}");
    }
}
