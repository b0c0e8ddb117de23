//! The examples of `docs/policies.md`: each is policies, an input and what they say of it.

use std::path::Path;

use serde_json::Value as Json;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_domain::blast::{Level, RadiusSummary, Reason, Share};
use terrace_domain::path::RepoPath;
use terrace_domain::plan::{Action, AttributeDifference, OutputChange, PlanFacts, ResourceChange, Traits};
use terrace_domain::release::{
    BlobId, Contract, FileMode, FileRecord, OutputContract, VariableContract, VendoredModule,
};
use terrace_policy::input::{Own, PLAN_BYTES_MAX};
use terrace_policy::{
    Evaluation, FILE_BYTES_MAX, Limits, Namespaces, POLICIES_BYTES_MAX, Policies, PolicyFile, Severity, TestOutcome,
};

/// A fenced block: its language, what stands in the line before it, and its text.
struct Block {
    language: String,
    before: String,
    text: String,
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies.md");
    std::fs::read_to_string(path).unwrap()
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut before = String::new();
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), before: before.clone(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
        line.clone_into(&mut before);
    }
    blocks
}

/// The file of a block whose first line is `# PATH`; the line is no part of it.
fn file(block: &Block) -> PolicyFile {
    let (first, text) = block.text.split_once('\n').unwrap();
    let path = first.strip_prefix("# ").unwrap();
    let within = path.strip_prefix("policy/").unwrap();
    PolicyFile { path: path.to_owned(), within: within.to_owned(), bytes: text.into() }
}

fn in_words(evaluation: &Evaluation) -> String {
    let finding = |finding: &terrace_policy::Finding| {
        let mark = if finding.severity == Severity::Deny { "FAIL" } else { "WARN" };
        let rule = finding.rule.to_string();
        let rule = rule.strip_prefix("data.").unwrap();
        format!("{mark} - {}:{} - {rule} - {}\n", finding.file, finding.line, finding.message)
    };
    let findings: String = evaluation.findings.iter().map(finding).collect();
    evaluation.problems.iter().fold(findings, |text, problem| text + "ERROR - " + &problem.to_string() + "\n")
}

#[test]
fn the_examples_say_what_they_say() {
    let (mut files, mut input, mut number) = (Vec::new(), None, 0);
    for block in blocks(&document()) {
        match block.language.as_str() {
            "rego" | "yaml" => files.push(file(&block)),
            "json" if block.before != MARK => input = Some(serde_json::from_str::<Json>(&block.text).unwrap()),
            "text" => {
                let policies = Policies::load(std::mem::take(&mut files)).unwrap();
                let found = policies.evaluate(input.take().unwrap(), &Namespaces::default(), &Limits::default());
                assert_eq!(in_words(&found), block.text);
                number += 1;
            }
            _ => {}
        }
    }
    assert_eq!(number, 5);
    // What is left is the example of a test: it tests the policy before it.
    let tests = files;
    assert_eq!(tests.len(), 1);
    let damage = blocks(&document())
        .iter()
        .filter(|block| block.language == "rego")
        .map(file)
        .find(|file| file.path == "policy/damage.rego");
    let policies = Policies::load_with_tests(tests.into_iter().chain(damage).collect()).unwrap();
    let reports = policies.test(|_| true, &Limits::default()).unwrap();
    assert!(reports.len() == 1 && reports[0].outcome == TestOutcome::Passed, "{reports:?}");
}

/// Stands before the form of `input.terrace`.
const MARK: &str = "<!-- input.terrace -->";

const ESTATE: &str = r#"
//- terrace.hcl
estate "e" {}
environment "prod" { protected = true }
capability "checkout" {
  layer = "business"
  owner = "team-shop"
}
pipeline {
  stage "prod" { environment = "prod" }
}
//- stacks/shop/stack.hcl
stack "shop" { capability = "checkout" }
"#;

#[test]
fn the_form_of_what_terrace_knows() {
    let estate = load_estate(&MemoryTree::parse(ESTATE), &RepoPath::root()).estate.unwrap();
    let stack = &estate.stacks["shop"];
    let (facts, radius, contract) = (facts(), radius(), contract());
    let own = Own {
        facts: Some(&facts),
        blast_radius: Some(&radius),
        contract: Some(&contract),
        stack: Some((stack, estate.owner_of(stack))),
        environment: estate.environments.get("prod"),
        stage: Some(&estate.stages[0].name),
    };
    let blocks = blocks(&document());
    let form = blocks.iter().find(|block| block.before == MARK).unwrap();
    assert_eq!(own.to_json(), serde_json::from_str::<Json>(&form.text).unwrap());
    assert_eq!(Own::default().to_json(), serde_json::json!({ "schema": "terrace.policy-input/1" }));
}

#[test]
fn the_limits() {
    let document = document();
    for limit in [
        format!("| a plan, as JSON | {} MiB |", PLAN_BYTES_MAX >> 20),
        format!("| all rules, for one plan | {} s |", Limits::default().time.as_secs()),
        format!("| a file | {} KiB,", FILE_BYTES_MAX >> 10),
        format!("| all files | {} MiB |", POLICIES_BYTES_MAX >> 20),
    ] {
        assert!(document.contains(&limit), "{limit}");
    }
}

fn facts() -> PlanFacts {
    let database = ResourceChange {
        address: "module.db.aws_db_instance.main[0]".to_owned(),
        previous_address: None,
        resource_type: "aws_db_instance".to_owned(),
        name: "main".to_owned(),
        provider: "registry.terraform.io/hashicorp/aws".to_owned(),
        deposed: None,
        action: Action::Replace { creates_first: false },
        reason: Some("replace_because_cannot_update".to_owned()),
        importing: None,
        attributes: vec![AttributeDifference {
            path: "engine".to_owned(),
            before: "\"mysql\"".to_owned(),
            after: "\"postgres\"".to_owned(),
        }],
        more: 0,
        because: vec!["engine".to_owned()],
        unknowns: 4,
        traits: Traits { is_stateful: true, is_irreversible: false },
        is_protected: true,
    };
    let endpoint =
        OutputChange { name: "endpoint".to_owned(), action: Action::Update, is_unknown: true, is_sensitive: false };
    PlanFacts {
        format_version: "1.2".to_owned(),
        terraform_version: "1.11.0".to_owned(),
        resources: vec![database],
        unchanged: 7,
        drift: Vec::new(),
        outputs: vec![endpoint],
        reads: 1,
        errored: false,
        complete: true,
    }
}

fn radius() -> RadiusSummary {
    RadiusSummary {
        level: Level::High,
        reasons: vec![Reason {
            level: Level::High,
            rule: "stateful-lost".to_owned(),
            text: "a database is replaced".to_owned(),
        }],
        destroys: 1,
        stateful: vec!["module.db.aws_db_instance.main[0]".to_owned()],
        irreversible: Vec::new(),
        share: Share { touched: 1, total: 8 },
        downstream: ["web".parse().unwrap()].into(),
        capabilities: ["checkout".parse().unwrap()].into(),
        owners: ["team-shop".to_owned(), "team-web".to_owned()].into(),
    }
}

fn contract() -> Contract {
    let path = |text: &str| RepoPath::new(text).unwrap();
    let region = VariableContract {
        type_constraint: Some("string".to_owned()),
        required: true,
        sensitive: false,
        ephemeral: false,
    };
    Contract {
        stack: "shop".parse().unwrap(),
        folder: path("stacks/shop"),
        capability: Some("checkout".parse().unwrap()),
        owner: Some("team-shop".to_owned()),
        variables: [("region".to_owned(), region)].into(),
        outputs: [("endpoint".to_owned(), OutputContract { sensitive: false })].into(),
        providers: [("hashicorp/aws".to_owned(), [">= 6.0".to_owned()].into())].into(),
        required_version: [">= 1.9".to_owned()].into(),
        modules: vec![VendoredModule {
            key: "db".to_owned(),
            source: "terraform-aws-modules/rds/aws".to_owned(),
            version: Some("6.1.0".to_owned()),
        }],
        files: vec![FileRecord {
            path: path("stacks/shop/main.tf"),
            mode: FileMode::Regular,
            blob: BlobId([0; 20]),
            size: 1,
        }],
        vendored: Vec::new(),
    }
}
