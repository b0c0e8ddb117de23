//! Statements as they are written and read, and what is refused.

use serde_json::json;
use terrace_domain::rehearsal::Kind;

use super::*;

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

fn applied() -> Predicate {
    Predicate::AppliedIn(AppliedIn {
        environment: "staging".parse().unwrap(),
        stage: "staging".parse().unwrap(),
        run: "7".to_owned(),
        at: "2026-11-24T10:00:00Z".parse().unwrap(),
        settings: digest(2),
        terraform: "1.11.4".to_owned(),
        state: StateVersion { lineage: "b1e2".to_owned(), serial: 12 },
        actor: "ada@desk".to_owned(),
    })
}

fn built() -> Predicate {
    Predicate::BuiltFrom(BuiltFrom {
        estate: "harbour".parse().unwrap(),
        stack: Some("aws-cluster".parse().unwrap()),
        folder: "stacks/aws/cluster".to_owned(),
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        repository: Some("git+https://example.com/harbour".to_owned()),
        modules: vec![VendoredModule { uri: "git+https://example.com/module?ref=v1".to_owned(), digest: digest(3) }],
        builder: "https://terrace.dev/local".to_owned(),
        terrace: "0.1.0".to_owned(),
        invocation: "build-9".to_owned(),
        started_at: "2026-11-24T10:00:00Z".parse().unwrap(),
    })
}

fn rehearsed(kind: Kind, from: Option<Digest>) -> Predicate {
    Predicate::Rehearsed(Rehearsed {
        kind,
        result: Outcome::Passed,
        at: "2026-11-24T10:00:00.5Z".parse().unwrap(),
        from,
        upstream: [("aws-network".parse().unwrap(), digest(4))].into(),
    })
}

fn statement(predicate: Predicate) -> Statement {
    Statement::about("aws-cluster", digest(1), predicate)
}

fn changed(predicate: Predicate, change: impl FnOnce(&mut Value)) -> Result<Statement, StatementError> {
    let mut json: Value = serde_json::from_slice(&statement(predicate).to_json()).unwrap();
    change(&mut json);
    Statement::parse(json.to_string().as_bytes())
}

#[test]
fn statements_are_read_as_they_are_written() {
    for predicate in [
        applied(),
        built(),
        rehearsed(Kind::Zero, None),
        rehearsed(Kind::Upgrade, Some(digest(5))),
        rehearsed(Kind::Recovery, None),
    ] {
        let statement = statement(predicate);
        let json = statement.to_json();
        assert_eq!(Statement::parse(&json).unwrap(), statement);
        assert_eq!(statement.to_json(), json);
    }
}

#[test]
fn provenance_has_the_form_of_slsa() {
    let json: Value = serde_json::from_slice(&statement(built()).to_json()).unwrap();
    let expected = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "aws-cluster", "digest": {"sha256": "01".repeat(32)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://terrace.dev/build/v1",
                "externalParameters": {"estate": "harbour", "stack": "aws-cluster", "folder": "stacks/aws/cluster"},
                "resolvedDependencies": [
                    {
                        "uri": "git+https://example.com/harbour",
                        "digest": {"gitCommit": "0123456789abcdef0123456789abcdef01234567"},
                    },
                    {"uri": "git+https://example.com/module?ref=v1", "digest": {"sha256": "03".repeat(32)}},
                ],
            },
            "runDetails": {
                "builder": {"id": "https://terrace.dev/local", "version": {"terrace": "0.1.0"}},
                "metadata": {"invocationId": "build-9", "startedOn": "2026-11-24T10:00:00Z"},
            },
        },
    });
    assert_eq!(json, expected);
}

#[test]
fn a_statement_about_something_else_is_refused() {
    let statement = statement(applied());
    assert_eq!(statement.check_subject(&digest(1)), Ok(()));
    let error = statement.check_subject(&digest(9)).unwrap_err().to_string();
    assert_eq!(error, format!("the statement is about {}, but attached to {}", digest(1), digest(9)));
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = |predicate: Predicate, change: fn(&mut Value)| changed(predicate, change).unwrap_err().to_string();
    let texts = [
        wrong(applied(), |json| json["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        wrong(applied(), |json| json["predicateType"] = json!("https://example.com/x")),
        wrong(applied(), |json| json["subject"] = json!([])),
        wrong(applied(), |json| json["subject"][0]["digest"] = json!({"sha1": "00"})),
        wrong(applied(), |json| json["predicate"]["environment"] = json!("not a name")),
        wrong(applied(), |json| json["predicate"]["settingsDigest"] = json!("sha256:00")),
        wrong(applied(), |json| json["predicate"]["at"] = json!("yesterday")),
        wrong(applied(), |json| json["predicate"]["state"]["serial"] = json!(-1)),
        wrong(built(), |json| json["predicate"]["buildDefinition"]["buildType"] = json!("https://example.com/b")),
        wrong(built(), |json| json["predicate"]["buildDefinition"]["resolvedDependencies"] = json!([])),
        wrong(rehearsed(Kind::Zero, None), |json| json["predicate"]["kind"] = json!("tea")),
        wrong(rehearsed(Kind::Upgrade, None), |_| ()),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    the statement is of type `https://in-toto.io/Statement/v0.1`, not `https://in-toto.io/Statement/v1`
    `https://example.com/x` is no predicate that Terrace knows
    the statement is about nothing: it has no subject
    the statement's subject `aws-cluster` has no sha256 digest
    the `applied-in` predicate is wrong: environment: a name begins with a letter and has letters, digits, `-` and `_` only; this one has ` `
    the `applied-in` predicate is wrong: settingsDigest: `sha256:00` is no digest: expected `sha256:` and 64 hexadecimal digits in lower case
    the `applied-in` predicate is wrong: at: failed to parse four digit integer as year: invalid digit, expected 0-9 but got y
    the `applied-in` predicate is wrong: invalid value: integer `-1`, expected u64
    the `built-from` predicate is wrong: it was not built by Terrace: `buildType` is not `https://terrace.dev/build/v1`
    the `built-from` predicate is wrong: `resolvedDependencies` has 0 git commits, not one
    the `rehearsed` predicate is wrong: there is no rehearsal `tea`
    the `rehearsed` predicate is wrong: an upgrade is `from` a release
    "#);
}

#[test]
fn what_is_unknown_is_passed_over() {
    assert!(changed(applied(), |json| json["predicate"]["more"] = json!({"a": 1})).is_ok());
}
