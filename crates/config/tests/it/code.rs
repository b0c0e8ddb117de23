//! What is learnt from Terraform code.

use std::sync::Mutex;

use terrace_config::fixture::MemoryTree;
use terrace_config::tree::{FileEntry, FileTree, ObjectId20, ReadError};
use terrace_config::{Code, MemoryCache, load_code, load_estate};
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;

use crate::check::SMALLEST;

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn load(tree: &dyn FileTree, cache: &MemoryCache) -> (Estate, Code) {
    let estate = load_estate(tree, &RepoPath::root()).estate.unwrap();
    let code = load_code(tree, &estate, estate.stacks.values(), cache);
    (estate, code)
}

#[test]
fn chains_lead_from_a_stack_to_each_module() {
    let tree = MemoryTree::parse(
        r#"
//- stacks/s/stack.hcl
stack "s" {}
//- stacks/s/main.tf
module "a" { source = "../../modules/a" }
//- modules/a/main.tf
module "b" { source = "../b" }
module "nested" { source = "./nested" }
//- modules/a/nested/main.tf
//- modules/b/main.tf
//- modules/unused/main.tf
"#,
    )
    .with("terrace.hcl", SMALLEST);
    let (estate, code) = load(&tree, &MemoryCache::default());
    let reached: Vec<String> = code
        .reached(&estate.stacks["s"].name)
        .into_iter()
        .map(|(folder, chain)| {
            assert_eq!(Some(&folder), chain.last());
            chain.iter().map(RepoPath::as_str).collect::<Vec<_>>().join(" > ")
        })
        .collect();
    assert_eq!(reached, ["modules/a", "modules/a > modules/a/nested", "modules/a > modules/b"]);
    assert!(code.facts(&path("modules/unused")).is_none());
}

#[test]
fn override_files_change_what_others_declare() {
    let tree = MemoryTree::parse(
        r#"
//- s/stack.hcl
stack "s" {}
//- s/a_override.tf
variable "x" { default = 1 }
variable "ghost" {}
module "m" { source = "../two" }
terraform {
  required_version = ">= 2"
  backend "gcs" {}
}
//- s/main.tf
terraform {
  required_version = ">= 1"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "s3" {}
}
variable "x" {
  type      = string
  sensitive = true
}
module "m" { source = "../one" }
//- one/main.tf
//- two/main.tf
"#,
    )
    .with("terrace.hcl", SMALLEST);
    let (_, code) = load(&tree, &MemoryCache::default());
    let facts = code.facts(&path("s")).unwrap();
    let x = &facts.variables["x"];
    assert!(x.has_default && x.sensitive);
    assert_eq!(x.type_constraint.as_deref(), Some("string"));
    assert!(!facts.variables.contains_key("ghost"));
    assert_eq!(facts.module_calls[0].source, "../two");
    assert_eq!(facts.required_version, [">= 2"]);
    assert_eq!(facts.backend.as_deref(), Some("gcs"));
    assert_eq!(code.calls(&path("s")), [path("two")]);
}

/// A tree whose files have ids, and that notes what is read.
struct Watched {
    tree: MemoryTree,
    entries: Vec<FileEntry>,
    read: Mutex<Vec<String>>,
}

impl FileTree for Watched {
    fn files(&self) -> &[FileEntry] {
        &self.entries
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        self.read.lock().unwrap().push(entry.path.to_string());
        self.tree.read(entry)
    }
}

#[test]
fn facts_are_remembered_by_content() {
    let tree = MemoryTree::parse(
        "//- s/stack.hcl\nstack \"s\" {}\n//- s/main.tf\nvariable \"x\" {}\n//- t/stack.hcl\nstack \"t\" {}\n//- t/same.tf\nvariable \"x\" {}\n",
    )
    .with("terrace.hcl", SMALLEST);
    let mut entries = tree.files().to_vec();
    for entry in &mut entries {
        entry.id = Some(ObjectId20([u8::from(entry.path.file_name().strip_suffix(".tf").is_some()); 20]));
    }
    let tree = Watched { tree, entries, read: Mutex::default() };
    let cache = MemoryCache::default();
    load(&tree, &cache);
    tree.read.lock().unwrap().clear();
    let (_, code) = load(&tree, &cache);
    let mut read = tree.read.lock().unwrap().clone();
    read.sort();
    assert_eq!(read, ["s/stack.hcl", "t/stack.hcl", "terrace.hcl"]);
    assert_eq!(code.facts(&path("t")).unwrap().variables["x"].declared.0, path("t/same.tf"));
}

/// The variables that the stack `s` has in an estate with these settings.
fn variables_with(settings: &str) -> Vec<String> {
    let tree = MemoryTree::parse(
        r#"
//- s/stack.hcl
stack "s" {}
//- s/a.tf
variable "terraform" {}
//- s/a.tofu
variable "tofu" { sensitive = true }
//- s/b.tofu.json
{"variable": {"json": {}}}
//- s/c.tf
variable "both" {}
//- s/c_override.tofu
variable "both" { default = 1 }
"#,
    )
    .with("terrace.hcl", SMALLEST.replace("estate \"e\" {}", &format!("estate \"e\" {{\n{settings}\n}}")));
    let (_, code) = load(&tree, &MemoryCache::default());
    let facts = code.facts(&path("s")).unwrap();
    assert_eq!(facts.variables["both"].has_default, facts.variables.contains_key("tofu"));
    facts.variables.keys().cloned().collect()
}

#[test]
fn only_opentofu_reads_its_own_files() {
    let tofu = ["both", "json", "tofu"];
    assert_eq!(variables_with("terraform {\n binary = \"tofu\" \n}"), tofu);
    assert_eq!(variables_with("terraform {\n binary = \"/opt/tofu-1.9/bin/tofu\" \n}"), tofu);
    assert_eq!(variables_with("terraform {\n binary = \"/opt/tofu/terraform\" \n}"), ["both", "terraform"]);
    assert_eq!(variables_with(""), ["both", "terraform"]);
}

const TWO_STACKS: &str = r#"
//- stacks/net/stack.hcl
stack "net" {}
//- stacks/net/main.tf
terraform {
  required_providers {
    aws = { source = "registry.terraform.io/hashicorp/AWS" }
  }
}
resource "aws_vpc" "main" {}
resource "terraform_data" "note" {}
module "labels" { source = "../../modules/labels" }
module "far" { source = "example/far/aws" }
output "id" { value = aws_vpc.main.id }
//- stacks/app/stack.hcl
stack "app" {}
//- stacks/app/main.tf
resource "google_sql_database" "main" {}
//- modules/labels/main.tf
resource "random_id" "this" {
  count = 2
}
"#;

#[test]
fn providers_are_those_that_code_asks_for_and_those_that_it_implies() {
    let (_, code) = load(&MemoryTree::parse(TWO_STACKS).with("terrace.hcl", SMALLEST), &MemoryCache::default());
    let of = |stack: &str| code.providers(&stack.parse().unwrap()).into_iter().collect::<Vec<_>>();
    assert_eq!(of("net"), ["hashicorp/aws", "hashicorp/random"]);
    assert_eq!(of("app"), ["hashicorp/google"]);
    assert_eq!(of("nobody"), [""; 0]);
}

#[test]
fn a_plan_fits_the_code_that_it_was_made_of() {
    use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
    let (_, code) = load(&MemoryTree::parse(TWO_STACKS).with("terrace.hcl", SMALLEST), &MemoryCache::default());
    let change = |(address, action): &(&str, Action)| ResourceChange {
        address: (*address).to_owned(),
        previous_address: None,
        resource_type: String::new(),
        name: String::new(),
        provider: String::new(),
        deposed: None,
        action: *action,
        reason: None,
        importing: None,
        attributes: Vec::new(),
        more: 0,
        because: Vec::new(),
        unknowns: 0,
        traits: Traits::default(),
        is_protected: false,
    };
    let output = |name: &&str| OutputChange {
        name: (*name).to_owned(),
        action: Action::Update,
        is_unknown: false,
        is_sensitive: false,
    };
    let fit = |stack: &str, resources: &[(&str, Action)], outputs: &[&str]| {
        let resources = resources.iter().map(change).collect();
        let outputs = outputs.iter().map(output).collect();
        code.fit(&stack.parse().unwrap(), &PlanFacts { resources, outputs, ..PlanFacts::default() })
    };
    let good = fit(
        "net",
        &[
            ("aws_vpc.main", Action::Update),
            (r#"module.labels["a.b"].random_id.this[1]"#, Action::Create),
            ("module.far.aws_anything.at_all", Action::Create),
            ("aws_eip.gone", Action::Delete),
        ],
        &["id"],
    );
    assert_eq!((good.found, good.misfits.len(), good.is_proven()), (3, 0, true));
    let bad =
        fit("app", &[("aws_vpc.main", Action::Update), ("module.labels.random_id.this", Action::Create)], &["id"]);
    let misfits: Vec<&str> = bad.misfits.iter().map(String::as_str).collect();
    assert_eq!(
        misfits,
        ["the module `labels` of `module.labels.random_id.this`", "the output `id`", "the resource `aws_vpc.main`"]
    );
    let unproven = fit("app", &[("aws_vpc.main", Action::Delete)], &[]);
    assert!(unproven.misfits.is_empty() && !unproven.is_proven(), "what is taken away is in no code");
}
