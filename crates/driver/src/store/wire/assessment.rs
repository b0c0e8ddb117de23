//! How it is written what was found out of a plan for the gates.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use terrace_domain::blast::{Level, RadiusSummary, Reason, Share};
use terrace_domain::name::NameError;
use terrace_domain::policy::{PolicyFinding, PolicyVerdict};
use terrace_domain::run::Assessment;

#[derive(Serialize, Deserialize)]
pub(super) struct AssessmentWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    radius: Option<RadiusWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct RadiusWire {
    level: String,
    /// Level, rule and text of each.
    reasons: Vec<(String, String, String)>,
    destroys: u64,
    stateful: Vec<String>,
    irreversible: Vec<String>,
    touched: u64,
    total: u64,
    downstream: BTreeSet<String>,
    capabilities: BTreeSet<String>,
    owners: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct PolicyWire {
    findings: Vec<FindingWire>,
    rules: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undecidable: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FindingWire {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    warning: bool,
    file: String,
    rule: String,
    message: String,
}

/// As it is written.
pub(super) fn write(assessment: Assessment) -> AssessmentWire {
    let Assessment { radius, policy, drift } = assessment;
    let finding = |PolicyFinding { is_warning, file, rule, message }: PolicyFinding| FindingWire {
        warning: is_warning,
        file,
        rule,
        message,
    };
    let policy = policy.map(|PolicyVerdict { findings, rules, undecidable }| PolicyWire {
        findings: findings.into_iter().map(finding).collect(),
        rules,
        undecidable,
    });
    AssessmentWire { radius: radius.map(write_radius), policy, drift }
}

fn write_radius(radius: RadiusSummary) -> RadiusWire {
    let RadiusSummary { level, reasons, destroys, stateful, irreversible, share, downstream, capabilities, owners } =
        radius;
    let reason = |Reason { level, rule, text }: Reason| (level.as_str().to_owned(), rule, text);
    RadiusWire {
        level: level.as_str().to_owned(),
        reasons: reasons.into_iter().map(reason).collect(),
        destroys,
        stateful,
        irreversible,
        touched: share.touched,
        total: share.total,
        downstream: downstream.iter().map(ToString::to_string).collect(),
        capabilities: capabilities.iter().map(ToString::to_string).collect(),
        owners,
    }
}

/// From its wire. A level that is not known is the highest.
pub(super) fn read(wire: AssessmentWire) -> Result<Assessment, NameError> {
    let finding = |FindingWire { warning, file, rule, message }: FindingWire| PolicyFinding {
        is_warning: warning,
        file,
        rule,
        message,
    };
    let policy = wire.policy.map(|PolicyWire { findings, rules, undecidable }| PolicyVerdict {
        findings: findings.into_iter().map(finding).collect(),
        rules,
        undecidable,
    });
    Ok(Assessment { radius: wire.radius.map(read_radius).transpose()?, policy, drift: wire.drift })
}

fn read_radius(wire: RadiusWire) -> Result<RadiusSummary, NameError> {
    let level = |word: &str| Level::from_word(word).unwrap_or(Level::Critical);
    let reasons = wire.reasons.into_iter().map(|(word, rule, text)| Reason { level: level(&word), rule, text });
    Ok(RadiusSummary {
        level: level(&wire.level),
        reasons: reasons.collect(),
        destroys: wire.destroys,
        stateful: wire.stateful,
        irreversible: wire.irreversible,
        share: Share { touched: wire.touched, total: wire.total },
        downstream: wire.downstream.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        capabilities: wire.capabilities.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        owners: wire.owners,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_out_is_read_as_it_was_written() {
        let assessment = Assessment {
            radius: Some(RadiusSummary {
                level: Level::High,
                reasons: vec![Reason {
                    level: Level::High,
                    rule: "data".to_owned(),
                    text: "a database goes".to_owned(),
                }],
                destroys: 1,
                stateful: vec!["a.b".to_owned()],
                irreversible: vec!["a.c".to_owned()],
                share: Share { touched: 2, total: 9 },
                downstream: ["shop".parse().unwrap()].into(),
                capabilities: ["checkout".parse().unwrap()].into(),
                owners: ["team-shop".to_owned()].into(),
            }),
            policy: Some(PolicyVerdict {
                findings: vec![PolicyFinding {
                    is_warning: true,
                    file: "policy/a.rego".to_owned(),
                    rule: "data.main.warn".to_owned(),
                    message: "hm".to_owned(),
                }],
                rules: 3,
                undecidable: Some("why".to_owned()),
            }),
            drift: Some(vec!["a.d".to_owned()]),
        };
        let text = serde_json::to_string(&write(assessment.clone())).unwrap();
        assert_eq!(read(serde_json::from_str(&text).unwrap()).unwrap(), assessment, "{text}");
        assert_eq!(serde_json::to_string(&write(Assessment::default())).unwrap(), "{}");
    }
}
