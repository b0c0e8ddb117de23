//! How an estate is cut: each criterion on an estate that it finds something in and on one that it does not, and what holds for any
//! history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use terrace_domain::affected::ChangeKind;
use terrace_domain::code::part::{Part, PartKind};
use terrace_domain::estate::{Estate, Stack, Team};
use terrace_domain::expression::Span;
use terrace_domain::graph::Graph;
use terrace_domain::path::RepoPath;
use terrace_domain::slice::history::{Commit, FileChange, History, HistoryReader, Person};
use terrace_domain::slice::{Criterion, Finding, Gravity, Material, Proposal, judge};

use crate::estate::{Build, capability, estate, path, stack};

const DAY_SECS: i64 = 86_400;

/// The code of an estate in lines: `FILE ADDRESS -> REFERENCE...`.
fn code(lines: &str) -> BTreeMap<RepoPath, Vec<Part>> {
    let mut code: BTreeMap<RepoPath, Vec<Part>> = BTreeMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("a file and an address");
        let (file, address) = (path(word()), word().to_owned());
        let kind = match address.split('.').collect::<Vec<_>>()[..] {
            ["data", kind, _] => PartKind::Data(kind.to_owned()),
            ["local", _] => PartKind::Local,
            ["module", _] => PartKind::Module(None),
            [kind, _] => PartKind::Resource(kind.to_owned()),
            _ => panic!("`{address}` is no address"),
        };
        let references = words.skip(1).map(str::to_owned).collect();
        let folder = file.parent().expect("a file is in a folder");
        code.entry(folder).or_default().push(Part { address, kind, file, lines: None, references });
    }
    code
}

fn commit(day: i64, author: &str, files: &[&str]) -> Commit {
    Commit {
        id: format!("{day:040}"),
        at_secs: day * DAY_SECS,
        subject: format!("Day {day}"),
        authors: vec![Person { name: author.to_owned(), email: format!("{author}@example.com") }],
        files: files.iter().map(|file| change(file)).collect(),
    }
}

/// `A path`, `D path`, `F path` (formatting only), `R from to`, or a path that is modified.
fn change(text: &str) -> FileChange {
    let words: Vec<_> = text.split(' ').collect();
    let (kind, from, path, is_formatting) = match words[..] {
        ["A", file] => (ChangeKind::Added, None, file, false),
        ["D", file] => (ChangeKind::Removed, None, file, false),
        ["F", file] => (ChangeKind::Modified, None, file, true),
        ["R", from, file] => (ChangeKind::Modified, Some(path(from)), file, true),
        [file] => (ChangeKind::Modified, None, file, false),
        _ => panic!("`{text}` is no change"),
    };
    FileChange { path: self::path(path), from, kind, is_formatting }
}

fn history(estate: &Estate, commits: impl IntoIterator<Item = Commit>) -> History {
    let mut commits: Vec<Commit> = commits.into_iter().collect();
    commits.sort_by_key(|commit| std::cmp::Reverse(commit.at_secs));
    let mut reader = HistoryReader::new(estate);
    for commit in commits {
        reader.take(commit);
    }
    reader.finish()
}

fn found(estate: &Estate, lines: &str, commits: impl IntoIterator<Item = Commit>) -> Vec<Finding> {
    let (graph, code) = (Graph::of(estate), code(lines));
    let history = history(estate, commits);
    let nobody = |_: &Stack| Vec::new();
    let material = Material { estate, graph: &graph, code: &code, history: Some(&history), code_owners: &nobody };
    judge(&material, &Criterion::ALL.into())
}

/// Findings as text: what a person reads first.
fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let stacks: Vec<_> = finding.stacks.iter().map(ToString::to_string).collect();
        let radius =
            finding.radius.map(|radius| format!(" [{} -> {}]", radius.before, radius.after)).unwrap_or_default();
        let (gravity, rule) = (finding.gravity.as_str(), finding.rule);
        let _ = writeln!(text, "{gravity} {rule} {}: {}{radius}", stacks.join(" "), finding.summary);
        let _ = writeln!(text, "  {}", proposed(&finding.proposal));
    }
    text
}

fn proposed(proposal: &Proposal) -> String {
    match proposal {
        Proposal::Split { pieces, crossing, obstacles, .. } => {
            let pieces: Vec<_> =
                pieces.iter().map(|piece| format!("{} = {}", piece.name, piece.addresses.join(" "))).collect();
            format!("split: {}; {crossing} crossing; {}", pieces.join(", "), obstacles.join("; "))
        }
        Proposal::Merge { stacks, into, obstacles } => {
            format!("merge {stacks:?} into {into}; {}", obstacles.join("; "))
        }
        Proposal::Share { stacks } => format!("share {stacks:?}"),
        Proposal::Move { from, addresses, capability, to } => {
            format!("move {} from {from} to {to:?} of {capability}", addresses.join(" "))
        }
        Proposal::Own { stacks, owner } => format!("{owner} owns {stacks:?}"),
    }
}

fn with_teams(mut estate: Estate, teams: &[(&str, &[&str])]) -> Estate {
    for (name, members) in teams {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        let team = Team { name: name.parse().expect("a name"), members, span: Span { start: 0, end: 0 } };
        estate.teams.insert(team.name.clone(), team);
    }
    estate
}

fn owned(mut stack: Stack, owner: &str) -> Stack {
    stack.owner = Some(owner.to_owned());
    stack
}

const DATA_AND_NETWORK: &str = "
    stacks/shop/net.tf aws_vpc.main ->
    stacks/shop/net.tf aws_subnet.a -> aws_vpc.main
    stacks/shop/net.tf aws_subnet.b -> aws_vpc.main
    stacks/shop/queue.tf aws_sqs_queue.in -> aws_kms_key.main
    stacks/shop/queue.tf aws_sqs_queue.dead -> aws_sqs_queue.in local.tags
    stacks/shop/queue.tf aws_kms_key.main ->
    stacks/shop/queue.tf local.tags -> data.aws_region.here
    stacks/shop/queue.tf data.aws_region.here ->
    stacks/shop/net.tf aws_iam_role.everything ->
";

#[test]
fn permissions_over_unrelated_services_are_found() {
    insta::assert_snapshot!(told(&found(&estate([stack("stacks/shop")]), DATA_AND_NETWORK, [])), @r"
    high unrelated-permissions shop: needs permissions over unrelated services: network and messaging [7 -> 4]
      split: shop = aws_vpc.main aws_subnet.a aws_subnet.b aws_iam_role.everything, shop-messaging = aws_sqs_queue.in aws_sqs_queue.dead aws_kms_key.main; 0 crossing;
    ");
}

#[test]
fn services_that_hold_together_or_are_of_one_kind_are_none() {
    let coupled =
        format!("{DATA_AND_NETWORK}\nstacks/shop/net.tf aws_vpc_endpoint.sqs -> aws_vpc.main aws_sqs_queue.in");
    assert_eq!(told(&found(&estate([stack("stacks/shop")]), &coupled, [])), "");
    let one_kind = "
        stacks/shop/a.tf aws_db_instance.a ->
        stacks/shop/a.tf aws_db_subnet_group.a ->
        stacks/shop/a.tf aws_dynamodb_table.b ->
        stacks/shop/a.tf aws_dynamodb_table.c ->
        stacks/shop/a.tf aws_s3_bucket.single ->
        stacks/shop/a.tf aws_iam_role.x ->
        stacks/shop/a.tf aws_iam_role.y ->
    ";
    assert_eq!(told(&found(&estate([stack("stacks/shop")]), one_kind, [])), "");
}

fn one_kind(folder: &str, kind: &str, count: usize) -> String {
    (0..count).fold(String::new(), |text, at| text + &format!("{folder}/main.tf {kind}.r{at} ->\n"))
}

#[test]
fn resources_of_another_capability_are_found() {
    let mut estate = estate([
        stack("stacks/net").serves("network"),
        stack("stacks/db").serves("database"),
        stack("stacks/db2").serves("database"),
    ]);
    estate.capabilities.extend([capability("network"), capability("database")]);
    let lines = one_kind("stacks/net", "aws_subnet", 8)
        + &one_kind("stacks/db", "aws_db_instance", 3)
        + &one_kind("stacks/db2", "aws_db_instance", 3)
        + "stacks/net/main.tf aws_db_instance.a -> aws_subnet.r0\n"
        + "stacks/net/main.tf aws_db_instance.b -> aws_subnet.r0\n";
    insta::assert_snapshot!(told(&found(&estate, &lines, [])), @r#"
    medium another-capability net: serves network, and has what database is made of: database [10 -> 8]
      move aws_db_instance.a aws_db_instance.b from net to ["db", "db2"] of database
    "#);
}

#[test]
fn a_stack_that_serves_several_capabilities_is_found() {
    let network = one_kind("stacks/all", "aws_subnet", 5);
    let database = (0..4).fold(String::new(), |text, at| {
        text + &format!("stacks/all/db.tf aws_db_instance.d{at} -> aws_subnet.r{at}\n")
    });
    let lines = network.clone() + &database;
    insta::assert_snapshot!(told(&found(&estate([stack("stacks/all")]), &lines, [])), @r"
    medium several-capabilities all: serves several technical capabilities: network and database [9 -> 5]
      split: all = aws_subnet.r0 aws_subnet.r1 aws_subnet.r2 aws_subnet.r3 aws_subnet.r4, all-database = aws_db_instance.d0 aws_db_instance.d1 aws_db_instance.d2 aws_db_instance.d3; 4 crossing;
    ");
    let back = lines + "stacks/all/main.tf aws_subnet.last -> aws_db_instance.d0\n";
    insta::assert_snapshot!(told(&found(&estate([stack("stacks/all")]), &back, [])), @r"
    medium several-capabilities all: serves several technical capabilities: network and database [10 -> 6]
      split: all = aws_subnet.r0 aws_subnet.r1 aws_subnet.r2 aws_subnet.r3 aws_subnet.r4 aws_subnet.last, all-database = aws_db_instance.d0 aws_db_instance.d1 aws_db_instance.d2 aws_db_instance.d3; 5 crossing; all and all-database refer to each other (5 references): aws_subnet.last refers to aws_db_instance.d0, and aws_db_instance.d0 refers to aws_subnet.r0
    ");
    let three = network + &database.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_eq!(told(&found(&estate([stack("stacks/all")]), &three, [])), "");
}

#[test]
fn a_capability_whose_stacks_belong_to_many_is_found() {
    let two = |owner: &str| {
        estate([
            owned(stack("stacks/a").serves("platform"), "team-a"),
            owned(stack("stacks/b").serves("platform"), owner),
        ])
    };
    insta::assert_snapshot!(told(&found(&two("team-b"), "", [])), @r#"
    low spread-capability b: the capability platform is served by stacks of team-a and team-b
      team-a owns ["b"]
    "#);
    assert_eq!(told(&found(&two("team-a"), "", [])), "");
}

const TWO_FILES: &str = "
    stacks/shop/app.tf aws_lambda_function.a ->
    stacks/shop/app.tf aws_lambda_function.b -> aws_lambda_function.a
    stacks/shop/app.tf aws_lambda_function.c -> aws_lambda_function.a
    stacks/shop/base.tf aws_lambda_layer_version.base ->
    stacks/shop/base.tf aws_lambda_layer_version.more -> aws_lambda_layer_version.base
";

/// A commit a week for a year, and one a year before all.
fn weekly(files: &[&str]) -> Vec<Commit> {
    (0..52).map(|week| commit(week * 7, "ada", files)).collect()
}

#[test]
fn parts_that_change_at_different_paces_are_found() {
    let shop = estate([stack("stacks/shop")]);
    insta::assert_snapshot!(told(&found(&shop, TWO_FILES, weekly(&["stacks/shop/app.tf"]))), @r"
    high different-paces shop: has parts that change at very different paces: 52 changes beside none [5 -> 3]
      split: shop = aws_lambda_function.a aws_lambda_function.b aws_lambda_function.c, shop-base = aws_lambda_layer_version.base aws_lambda_layer_version.more; 0 crossing;
    ");
    let with = |more: Vec<Commit>| found(&shop, TWO_FILES, weekly(&["stacks/shop/app.tf"]).into_iter().chain(more));
    // Six changes in a year are no stillness beside fifty.
    let often = (0..6).map(|at| commit(at * 50 + 1, "ada", &["stacks/shop/base.tf"])).collect();
    assert_eq!(told(&with(often)), "");
    // A file of last month may yet change.
    assert_eq!(told(&with(vec![commit(330, "ada", &["A stacks/shop/base.tf"])])), "");
    // One change, white space and a move are none.
    let still = vec![
        commit(20, "ada", &["stacks/shop/base.tf"]),
        commit(30, "ada", &["R stacks/shop/old.tf stacks/shop/base.tf"]),
        commit(25, "ada", &["F stacks/shop/old.tf"]),
    ];
    assert_eq!(with(still).len(), 1);
    // What it was called before counts as well.
    let under_its_old_name = (0..6).map(|at| commit(at * 4 + 1, "ada", &["stacks/shop/old.tf"]));
    let renamed =
        under_its_old_name.chain([commit(30, "ada", &["R stacks/shop/old.tf stacks/shop/base.tf"])]).collect();
    assert_eq!(told(&with(renamed)), "");
}

#[test]
fn of_a_short_history_no_pace_is_known() {
    let commits = (0..20).map(|week| commit(week * 7, "ada", &["stacks/shop/app.tf"]));
    assert_eq!(told(&found(&estate([stack("stacks/shop")]), TWO_FILES, commits)), "");
}

fn pair() -> Estate {
    estate([stack("stacks/api"), stack("stacks/queue").reads("stack.api.id"), stack("stacks/other")])
}

#[test]
fn stacks_that_change_together_are_found() {
    let both = ["stacks/api/main.tf", "stacks/queue/io.tf"];
    let together = |count: i64| (0..count).map(|at| commit(at * 7, "ada", &both)).collect::<Vec<_>>();
    let lines = "stacks/api/main.tf aws_sqs_queue.a ->\nstacks/queue/io.tf aws_sqs_queue.a ->\nstacks/queue/io.tf aws_sqs_queue.b ->";
    insta::assert_snapshot!(told(&found(&pair(), lines, together(6))), @r#"
    medium always-together api queue: is nearly always changed by the same commits as queue [2 -> 3]
      merge ["api", "queue"] into queue;
    "#);
    assert_eq!(found(&pair(), lines, together(12))[0].gravity, Gravity::High);
    assert_eq!(told(&found(&pair(), lines, together(5))), "");
    // Three alone to six in common: two of three is no always.
    let alone = (0..3).map(|at| commit(at * 7 + 1, "ada", &["stacks/api/main.tf"]));
    assert_eq!(told(&found(&pair(), lines, together(6).into_iter().chain(alone))), "");
}

#[test]
fn the_same_edit_in_several_stacks_asks_for_a_module() {
    let both = ["stacks/api/main.tf", "stacks/other/main.tf"];
    let commits = (0..8).map(|at| commit(at * 7, "ada", &both));
    insta::assert_snapshot!(told(&found(&pair(), "", commits)), @r#"
    medium always-together api other: is nearly always changed by the same commits as other
      share ["api", "other"]
    "#);
}

#[test]
fn what_says_nothing_of_two_stacks_is_left_out() {
    let many: Vec<String> = (0..9).map(|at| format!("stacks/s{at}")).collect();
    let estate = estate(many.iter().map(|folder| stack(folder)));
    let sweeping: Vec<String> = many.iter().map(|folder| format!("{folder}/main.tf")).collect();
    let sweeping: Vec<&str> = sweeping.iter().map(String::as_str).collect();
    let two = ["stacks/s0/main.tf", "stacks/s1/main.tf"];
    let formatting = ["F stacks/s0/main.tf", "F stacks/s1/main.tf"];
    let locks = ["stacks/s0/.terraform.lock.hcl", "stacks/s1/.terraform.lock.hcl"];
    let commits = (0..20).flat_map(|at| {
        [
            commit(at * 7, "ada", &sweeping),
            commit(at * 7 + 1, "renovate[bot]", &two),
            commit(at * 7 + 2, "ada", &formatting),
            commit(at * 7 + 3, "ada", &locks),
        ]
    });
    let commits: Vec<Commit> = commits.collect();
    let walked = history(&estate, commits.clone()).walked;
    assert_eq!(
        (walked.commits, walked.counted, walked.sweeping, walked.automatic, walked.formatting),
        (80, 0, 20, 20, 20)
    );
    assert_eq!(told(&found(&estate, "", commits)), "");
}

#[test]
fn a_merge_that_would_make_a_circle_says_so() {
    let estate =
        estate([stack("stacks/a"), stack("stacks/b").reads("stack.a.id"), stack("stacks/c").reads("stack.b.id")]);
    let commits = (0..8).map(|at| commit(at * 7, "ada", &["stacks/a/main.tf", "stacks/c/io.tf"]));
    insta::assert_snapshot!(told(&found(&estate, "", commits)), @r#"
    medium always-together a c: is nearly always changed by the same commits as c
      merge ["a", "c"] into a; b depends on one of them, and another depends on it: as one stack they would depend on each other in a circle
    "#);
}

fn teams() -> Estate {
    let stacks = [owned(stack("stacks/shop"), "team-shop"), owned(stack("stacks/net"), "team-net")];
    with_teams(estate(stacks), &[("team-shop", &["ada@example.com"]), ("team-net", &["bob"]), ("everybody", &["*"])])
}

#[test]
fn a_stack_that_several_teams_change_is_found() {
    let by = |author: &str, file: &str, from: i64, count: i64| {
        (0..count).map(|at| commit(from + at, author, &[file])).collect::<Vec<_>>()
    };
    let commits = by("ada", "stacks/shop/app.tf", 0, 10).into_iter().chain(by("bob", "stacks/shop/base.tf", 20, 8));
    insta::assert_snapshot!(told(&found(&teams(), TWO_FILES, commits)), @r"
    high several-teams shop: is changed by several teams: team-shop and team-net [5 -> 3]
      split: shop = aws_lambda_function.a aws_lambda_function.b aws_lambda_function.c, shop-net = aws_lambda_layer_version.base aws_lambda_layer_version.more; 0 crossing;
    ");
    let same_file = by("ada", "stacks/shop/app.tf", 0, 10).into_iter().chain(by("bob", "stacks/shop/app.tf", 20, 5));
    insta::assert_snapshot!(told(&found(&teams(), TWO_FILES, same_file)), @r#"
    medium several-teams shop: is changed by several teams: team-shop and team-net
      team-shop owns ["shop"]
    "#);
    let a_hand = by("ada", "stacks/shop/app.tf", 0, 10).into_iter().chain(by("bob", "stacks/shop/app.tf", 20, 4));
    assert_eq!(told(&found(&teams(), TWO_FILES, a_hand)), "");
}

#[test]
fn a_stack_that_its_owner_does_not_change_is_found() {
    let commits = |ada: i64, bob: i64| {
        let ada = (0..ada).map(|at| commit(at, "ada", &["stacks/net/main.tf"]));
        ada.chain((0..bob).map(|at| commit(100 + at, "bob", &["stacks/net/main.tf"]))).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(told(&found(&teams(), "", commits(9, 2))), @r#"
    medium not-by-its-owner net: belongs to team-net, and others make 82 % of its commits
      team-shop owns ["net"]
    "#);
    assert_eq!(told(&found(&teams(), "", commits(7, 2))), "");
    assert_eq!(found(&teams(), "", commits(20, 0))[0].gravity, Gravity::High);
}

#[test]
fn without_teams_people_belong_where_they_work() {
    let estate = estate([owned(stack("stacks/shop"), "team-shop"), owned(stack("stacks/net"), "team-net")]);
    let work = |author: &str, file: &str, from: i64, count: i64| {
        (0..count).map(|at| commit(from + at, author, &[file])).collect::<Vec<_>>()
    };
    // Eve works on the network, and now and then on the shop: of so few of hers there nothing is said.
    let commits = [
        work("ada", "stacks/shop/app.tf", 0, 12),
        work("eve", "stacks/net/main.tf", 0, 12),
        work("eve", "stacks/shop/app.tf", 50, 6),
        work("sam", "stacks/shop/app.tf", 70, 3),
    ];
    let findings = found(&estate, TWO_FILES, commits.concat());
    insta::assert_snapshot!(told(&findings), @r#"
    medium several-teams shop: is changed by several teams: team-shop and team-net
      team-shop owns ["shop"]
    "#);
    let inferred = findings[0].evidence.iter().find(|evidence| evidence.text.contains("no `team` block")).unwrap();
    assert_eq!(inferred.items, ["ada (team-shop)", "eve (team-net)"]);
}

#[test]
fn owners_that_differ_are_found() {
    let estate = teams();
    let (graph, code) = (Graph::of(&estate), BTreeMap::new());
    let history = history(&estate, []);
    let say = |owner: &'static str| move |_: &Stack| vec![owner.to_owned()];
    let judged = |code_owners: &dyn Fn(&Stack) -> Vec<String>| {
        let material = Material { estate: &estate, graph: &graph, code: &code, history: Some(&history), code_owners };
        judge(&material, &BTreeSet::from([Criterion::Team]))
    };
    insta::assert_snapshot!(told(&judged(&say("Team-Net"))), @r#"
    low owners-differ shop: belongs to team-shop, and CODEOWNERS says Team-Net
      team-shop owns ["shop"]
    "#);
}

#[test]
fn criteria_that_agree_make_it_graver() {
    let both = |commits: i64| {
        let ada = (0..10).map(|at| commit(at, "ada", &["stacks/shop/net.tf"]));
        ada.chain((0..commits).map(|at| commit(20 + at, "bob", &["stacks/shop/queue.tf"]))).collect::<Vec<_>>()
    };
    let gravities = |lines: &str| {
        let findings = found(&teams(), lines, both(5));
        findings.iter().map(|finding| (finding.rule, finding.gravity)).collect::<Vec<_>>()
    };
    let together = "\nstacks/shop/net.tf aws_vpc_endpoint.sqs -> aws_vpc.main aws_sqs_queue.in";
    assert_eq!(gravities(&format!("{DATA_AND_NETWORK}{together}")), [("several-teams", Gravity::Medium)]);
    assert_eq!(
        gravities(DATA_AND_NETWORK),
        [("several-teams", Gravity::High), ("unrelated-permissions", Gravity::High)]
    );
}

/// Commits of one stack each, of four.
fn lonely_commits() -> impl Strategy<Value = Vec<Commit>> {
    let one =
        (0..400_i64, 0..4_usize, proptest::sample::subsequence(vec!["main.tf", "net.tf", "db.tf"], 1..=3), 0..3_usize);
    vec(one, 0..120).prop_map(|commits| {
        let commit = |(day, stack, files, author): (i64, usize, Vec<&str>, usize)| {
            let files: Vec<String> = files.iter().map(|file| format!("stacks/s{stack}/{file}")).collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            commit(day, ["ada", "bob", "eve"][author], &files)
        };
        commits.into_iter().map(commit).collect()
    })
}

proptest! {
    #[test]
    fn stacks_that_never_share_a_commit_are_never_merged(commits in lonely_commits()) {
        let estate = estate((0..4).map(|at| stack(&format!("stacks/s{at}"))));
        let findings = found(&estate, "", commits);
        let is_merge = |finding: &Finding| matches!(finding.proposal, Proposal::Merge { .. } | Proposal::Share { .. });
        prop_assert!(!findings.iter().any(is_merge));
    }

    #[test]
    fn a_split_takes_every_resource_along_once(commits in lonely_commits(), edges in vec((0..12_usize, 0..12_usize), 0..8)) {
        let types = ["aws_vpc", "aws_sqs_queue", "aws_db_instance", "aws_iam_role"];
        let files = ["main.tf", "net.tf", "db.tf"];
        let mut lines = String::new();
        for at in 0..12 {
            let references: Vec<String> = edges.iter().filter(|(from, _)| *from == at).map(|(_, to)| format!("{}.r{to}", types[to % 4])).collect();
            let _ = writeln!(lines, "stacks/s0/{} {}.r{at} -> {}", files[at % 3], types[at % 4], references.join(" "));
        }
        let estate = estate((0..4).map(|at| stack(&format!("stacks/s{at}"))));
        let all: BTreeSet<String> = code(&lines)[&path("stacks/s0")].iter().map(|part| part.address.clone()).collect();
        for finding in found(&estate, &lines, commits) {
            if let Proposal::Split { pieces, .. } = &finding.proposal {
                let mut addresses: Vec<_> = pieces.iter().flat_map(|piece| piece.addresses.clone()).collect();
                addresses.sort();
                prop_assert_eq!(addresses, all.iter().cloned().collect::<Vec<_>>());
                let radius = finding.radius.unwrap();
                prop_assert!(radius.after < radius.before && pieces.iter().all(|piece| piece.resources > 0));
                prop_assert_eq!(pieces.iter().filter(|piece| piece.is_rest).count(), 1);
            }
        }
    }
}
