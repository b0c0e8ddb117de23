//! The parts of code and what they refer to, as Terraform code of each form has them.

use std::fmt::Write;

use terrace_config::fixture::MemoryTree;
use terrace_config::{MemoryCache, load_code, load_estate, load_parts};
use terrace_domain::code::part::PartKind;
use terrace_domain::path::RepoPath;

const ESTATE: &str = "//- terrace.hcl\nestate \"shop\" {}\n//- stacks/a/stack.hcl\nstack \"a\" {}\n";

/// Each part of all folders as a line.
fn parts(fixture: &str) -> String {
    let tree = MemoryTree::parse(&format!("{ESTATE}{fixture}"));
    let estate = load_estate(&tree, &RepoPath::root()).estate.unwrap();
    let code = load_code(&tree, &estate, estate.stacks.values(), &MemoryCache::default());
    let mut text = String::new();
    for (folder, parts) in load_parts(&tree, &estate, &code) {
        for part in parts {
            let lines = part.lines.map_or_else(String::new, |(first, last)| format!(":{first}-{last}"));
            let module = match &part.kind {
                PartKind::Module(Some(module)) => format!(" = {module}"),
                PartKind::Module(None) => " = elsewhere".to_owned(),
                _ => String::new(),
            };
            let references: Vec<_> = part.references.iter().map(String::as_str).collect();
            let references = if references.is_empty() { "nothing".to_owned() } else { references.join(" ") };
            let file = part.file.relative_to(&folder);
            let _ = writeln!(text, "{folder}/{file}{lines} {}{module} -> {references}", part.address);
        }
    }
    text
}

#[test]
fn references_are_found_wherever_an_expression_stands() {
    insta::assert_snapshot!(parts(r#"
//- stacks/a/main.tf
locals {
  tags = { for name, value in var.tags : name => "${value}-${aws_kms_key.main.id}" }
  list = data.aws_ami.base[*].id
}

resource "aws_db_instance" "main" {
  count      = length(aws_subnet.all)
  name       = "${local.tags["a"]}-${each.key}"
  depends_on = [aws_iam_role.db, module.net]
  lifecycle {
    replace_triggered_by = [aws_kms_key.main.id]
  }
  dynamic "setting" {
    for_each = aws_parameter.all
    content {
      value = setting.value
    }
  }
}
resource "aws_kms_key" "main" {}
data "aws_ami" "base" {
  user = <<-TEXT
    %{ for host in aws_instance.hosts ~}
    ${host} ${local["list"]}
    %{ endfor ~}
  TEXT
}
module "net" {
  source = "../../modules/net"
  id     = (aws_kms_key.main).id
}
module "far" { source = "acme/far/aws" }
variable "tags" { default = {} }
output "x" { value = aws_kms_key.main.id }
//- modules/net/main.tf
resource "aws_vpc" "main" {}
"#), @r"
    modules/net/main.tf:1-1 aws_vpc.main -> nothing
    stacks/a/main.tf:6-19 aws_db_instance.main -> aws_iam_role.db aws_kms_key.main aws_parameter.all aws_subnet.all local.tags module.net setting.value
    stacks/a/main.tf:20-20 aws_kms_key.main -> nothing
    stacks/a/main.tf:21-27 data.aws_ami.base -> aws_instance.hosts local.list
    stacks/a/main.tf:3-3 local.list -> data.aws_ami.base
    stacks/a/main.tf:2-2 local.tags -> aws_kms_key.main
    stacks/a/main.tf:32-32 module.far = elsewhere -> nothing
    stacks/a/main.tf:28-31 module.net = modules/net -> aws_kms_key.main
    ");
}

#[test]
fn json_and_override_files_count_as_well() {
    insta::assert_snapshot!(parts(r#"
//- stacks/a/main.tf.json
{
  "locals": {"id": "${aws_vpc.main.id}"},
  "resource": {
    "aws_vpc": {"main": {}},
    "aws_subnet": {"a": [{"vpc_id": "x-${local.id}", "depends_on": ["aws_iam_role.r"], "note": "aws_vpc.main"}]}
  },
  "data": {"aws_ami": {"base": {"owner": "%{ if aws_vpc.main.id != \"\" }a%{ endif }"}}},
  "module": {"m": {"source": "../../modules/m"}}
}
//- stacks/a/main_override.tf
resource "aws_vpc" "main" {
  tags = local.tags
}
//- stacks/a/broken.tf
resource "aws_vpc" {
  x =
//- modules/m/main.tf
"#), @r"
    stacks/a/main.tf.json aws_subnet.a -> aws_iam_role.r local.id
    stacks/a/main.tf.json aws_vpc.main -> local.tags
    stacks/a/main.tf.json data.aws_ami.base -> aws_vpc.main
    stacks/a/main.tf.json local.id -> aws_vpc.main
    stacks/a/main.tf.json module.m = modules/m -> nothing
    ");
}
