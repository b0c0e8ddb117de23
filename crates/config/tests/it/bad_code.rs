//! What can be wrong between an estate and its Terraform code.

use insta::assert_snapshot;

use crate::check::check;

#[test]
fn inputs_and_variables() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  inputs = {
    regoin = env.region
    other  = 1
  }
}
//- a/variables.tf
variable "region" {
  type = string
}
variable "size" {
  default = 1
}
"#), @r#"
    error[missing-input]: the variable `region` gets no value
     --> a/stack.hcl:1:7
      |
    1 | stack "a" {
      |       ^^^ no input `region`
      |
     ::: a/variables.tf:1:10
      |
    1 | variable "region" {
      |          -------- declared here without a default
      |
      = help: Add `region` to the stack's `inputs`, or give the variable a default.

    error[unknown-input]: the stack `a` has no variable `regoin`
     --> a/stack.hcl:3:5
      |
    3 |     regoin = env.region
      |     ^^^^^^ no such variable
      |
      = help: Did you mean `region`?

    error[unknown-input]: the stack `a` has no variable `other`
     --> a/stack.hcl:4:5
      |
    4 |     other  = 1
      |     ^^^^^ no such variable
      |
      = help: Add `variable "other" {}` to the stack's code, or remove the input.
    "#);
}

#[test]
fn values_files_may_give_what_inputs_do_not() {
    let fixture = |file: &str| {
        format!("//- a/stack.hcl\nstack \"a\" {{}}\n//- a/main.tf\nvariable \"x\" {{}}\n//- {file}\nx = 1\n")
    };
    assert_eq!(check(&fixture("a/terraform.tfvars")), "");
    assert_eq!(check(&fixture("a/x.auto.tfvars")), "");
    assert!(check(&fixture("a/dev.tfvars")).contains("missing-input"));
    assert!(check(&fixture("a/deeper/terraform.tfvars")).contains("missing-input"));
}

#[test]
fn modules() {
    assert_snapshot!(check(r#"
//- stacks/a/stack.hcl
stack "a" {}
//- stacks/a/main.tf
module "outside" {
  source = "../../../elsewhere"
}
module "gone" {
  source = "../../modules/gone"
}
module "ring" {
  source = "../../modules/ring"
}
module "remote" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.0.0"
}
//- modules/ring/main.tf
module "back" {
  source = "../gnir"
}
//- modules/gnir/main.tf
module "ring" {
  source = "../ring"
}
//- modules/gone/README.md
"#), @r#"
    error[cycle]: modules call each other in a circle: `modules/gnir` -> `modules/ring` -> `modules/gnir`
     --> modules/gnir/main.tf:2:12
      |
    2 |   source = "../ring"
      |            ^^^^^^^^^ calls `modules/ring`
      |
     ::: modules/ring/main.tf:2:12
      |
    2 |   source = "../gnir"
      |            --------- calls `modules/gnir`

    error[module-outside]: the module `outside` lies outside of the repository
     --> stacks/a/main.tf:2:12
      |
    2 |   source = "../../../elsewhere"
      |            ^^^^^^^^^^^^^^^^^^^^ leads out of the repository
      |
      = help: A release holds what its commit holds: move the module into the repository, or use a remote source with a version.

    error[missing-module]: there is no Terraform code in `modules/gone`
     --> stacks/a/main.tf:5:12
      |
    5 |   source = "../../modules/gone"
      |            ^^^^^^^^^^^^^^^^^^^^ called here as the module `gone`
    "#);
}

#[test]
fn code_that_cannot_be_read_is_a_warning_and_silences_what_is_not_known() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  inputs = { x = stack.b.anything }
}
//- a/main.tf
variable "y" {}
output "z" { value = 1 }
//- a/broken.tf
variable "x" {
  default =
}
//- b/stack.hcl
stack "b" {}
//- b/main.tf.json
{"output": 
"#), @r#"
    warning[unreadable-code]: cannot read `a/broken.tf`: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
     --> a/broken.tf:2:12
      |
    2 |   default =
      |            ^ here
      |
      = help: Terraform may still understand it. What it declares is not known here, so inputs and outputs of this folder are not checked.

    warning[unreadable-code]: cannot read `b/main.tf.json`: EOF while parsing a value at line 2 column 0
     --> b/main.tf.json:1:1
      |
    1 | {"output": 
      | ^ here
      |
      = help: Terraform may still understand it. What it declares is not known here, so inputs and outputs of this folder are not checked.
    "#);
}

#[test]
fn a_cloud_block_and_no_code() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
terraform {
  cloud {
    organization = "x"
  }
}
//- b/stack.hcl
stack "b" {}
//- b/modules/m/main.tf
"#), @r#"
    error[cloud]: the stack `a` has a `cloud` block
     --> a/stack.hcl:1:7
      |
    1 | stack "a" {}
      |       ^^^ its code has `terraform { cloud { ... } }`
      |
      = help: Remove the `cloud` block: Terrace keeps states where terrace.hcl says, and both cannot be.

    error[no-code]: the stack `b` has no Terraform code
     --> b/stack.hcl:1:7
      |
    1 | stack "b" {}
      |       ^^^ no `.tf` file in its folder
      |
      = help: A stack is a folder of `.tf` files beside its stack.hcl.
    "#);
}

#[test]
fn links() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  inputs = { x = 1 }
}
//- a/common.tf -> ../shared/common.tf
//- shared/common.tf
variable "x" {}
module "m" {
  source = "../linked"
}
//- linked -> modules/m
//- modules/m/main.tf
output "o" {}
//- b/stack.hcl
stack "b" {}
//- b/loop.tf -> loop.tf
//- b/gone.tf -> ../nowhere.tf
//- b/out.tf -> /etc/passwd
"#), @r#"
    warning[broken-link]: `b/gone.tf` is a symbolic link that leads to no file of the repository
    --> b/gone.tf

    warning[broken-link]: `b/loop.tf` is a symbolic link that leads to no file of the repository
    --> b/loop.tf

    warning[broken-link]: `b/out.tf` is a symbolic link that leads to no file of the repository
    --> b/out.tf
    "#);
}

#[test]
fn a_module_in_a_submodule() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
module "m" { source = "../vendor/modules/m" }
//- vendor @submodule
"#), @r#"
    error[missing-module]: there is no Terraform code in `vendor/modules/m`
     --> a/main.tf:1:23
      |
    1 | module "m" { source = "../vendor/modules/m" }
      |                       ^^^^^^^^^^^^^^^^^^^^^ called here as the module `m`
      |
      = help: It lies in a git submodule, whose files are not part of the commit: copy the module into the repository.
    "#);
}

#[test]
fn sources_that_cannot_be_followed() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
module "absolute" { source = "/srv/modules/m" }
module "computed" { source = "../${var.which}" }
module "none" {}
"#), @r#"
    error[module-outside]: the module `absolute` lies outside of the repository
     --> a/main.tf:1:30
      |
    1 | module "absolute" { source = "/srv/modules/m" }
      |                              ^^^^^^^^^^^^^^^^ leads out of the repository
      |
      = help: A release holds what its commit holds: move the module into the repository, or use a remote source with a version.

    warning[computed-source]: the source of the module `computed` is not a plain text
     --> a/main.tf:2:30
      |
    2 | module "computed" { source = "../${var.which}" }
      |                              ^^^^^^^^^^^^^^^^^ not known before Terraform runs
      |
      = help: Write the source out: what the module is made of is otherwise not part of the stack's release.

    warning[computed-source]: the source of the module `none` is not a plain text
     --> a/main.tf:3:1
      |
    3 | module "none" {}
      | ^^^^^^ not known before Terraform runs
      |
      = help: Write the source out: what the module is made of is otherwise not part of the stack's release.
    "#);
}

#[test]
fn an_override_of_the_backend() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
terraform {
  backend "s3" {}
}
module "m" { source = "../modules/m" }
//- a/zz_override.tf
terraform {
  backend "gcs" {
    bucket = "one-for-all"
  }
}
//- b/stack.hcl
stack "b" {}
//- b/main.tf
//- b/override.tf.json
{"terraform": {"backend": {"s3": {"key": "one-for-all"}}}}
//- c/stack.hcl
stack "c" {}
//- c/main.tf
//- c/broken_override.tf
terraform {
  backend "s3" {
//- d/stack.hcl
stack "d" {}
//- d/main.tf
//- d/terrace_override.tf.json
{}
//- modules/m/m.tf
//- modules/m/x_override.tf
terraform {
  backend "s3" {}
}
"#), @r#"
    error[backend-override]: `a/zz_override.tf` overrides the state of the stack `a`
     --> a/zz_override.tf:2:3
      |
    2 |   backend "gcs" {
      |   ^^^^^^^ can win over the estate's `state`, and the same in every environment
      |
      = help: Move the `backend` block to a file that is not an override, where Terrace replaces it with the estate's `state`, or remove it.

    error[backend-override]: `b/override.tf.json` overrides the state of the stack `b`
     --> b/override.tf.json:1:1
      |
    1 | {"terraform": {"backend": {"s3": {"key": "one-for-all"}}}}
      | ^ can win over the estate's `state`, and the same in every environment
      |
      = help: Move the `backend` block to a file that is not an override, where Terrace replaces it with the estate's `state`, or remove it.

    error[backend-override]: cannot tell whether `c/broken_override.tf` overrides the state of the stack `c`
     --> c/broken_override.tf:1:1
      |
    1 | terraform {
      | ^ an override file that cannot be read
      |
      = help: Mend the file, or give it a name that does not end in `_override`.

    warning[unreadable-code]: cannot read `c/broken_override.tf`: invalid block body; expected `}`, newline or identifier
     --> c/broken_override.tf:2:17
      |
    2 |   backend "s3" {
      |                 ^ here
      |
      = help: Terraform may still understand it. What it declares is not known here, so inputs and outputs of this folder are not checked.

    error[reserved-file]: the name of `d/terrace_override.tf.json` is Terrace's own
     --> d/terrace_override.tf.json:1:1
      |
    1 | {}
      | ^ Terrace sets the state's place by a file of this name
      |
      = help: Give the file another name.
    "#);
}

#[test]
fn an_override_of_something_else() {
    assert_eq!(
        check(
            r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
variable "x" { default = 1 }
//- a/override.tf
variable "x" { default = 2 }
terraform { required_version = ">= 1" }
"#
        ),
        ""
    );
}

#[test]
fn a_secret_that_would_be_shown() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tf
output "password" {
  value     = "x"
  sensitive = true
}
output "id" { value = "y" }
//- b/stack.hcl
stack "b" {
  inputs = {
    plain     = { login = stack.a.password, again = stack.a.password }
    marked    = stack.a.password
    ephemeral = stack.a.password
    id        = stack.a.id
  }
}
//- b/variables.tf
variable "plain" {}
variable "marked" { sensitive = true }
variable "ephemeral" { ephemeral = true }
variable "id" {}
"#), @r#"
    warning[sensitive-input]: the variable `plain` would show `stack.a.password`, which is sensitive
     --> b/stack.hcl:3:27
      |
    3 |     plain     = { login = stack.a.password, again = stack.a.password }
      |                           ^^^^^^^^^^^^^^^^ a sensitive output
      |
     ::: a/main.tf:1:8
      |
    1 | output "password" {
      |        ---------- marked as sensitive here
      |
     ::: b/variables.tf:1:10
      |
    1 | variable "plain" {}
      |          ------- not marked here
      |
      = help: Mark the variable `sensitive = true`, so that Terraform does not print its value.
    "#);
}

#[test]
fn files_of_opentofu_where_terraform_runs() {
    let shown = check(
        r#"
//- a/stack.hcl
stack "a" {}
//- a/main.tofu
//- b/stack.hcl
stack "b" {}
//- b/main.tf
//- b/zz_override.tofu
terraform {
  backend "s3" {}
}
//- c/stack.hcl
stack "c" {}
//- c/main.tf
//- c/terrace_override.tofu.json
{}
//- d/stack.hcl
stack "d" {}
//- d/main.tf
//- d/linked_override.tf -> ../shared/backend.txt
//- shared/backend.txt
terraform {
  backend "s3" {}
}
"#,
    );
    let errors: Vec<&str> = shown.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        errors,
        [
            "error[no-code]: the stack `a` has no Terraform code",
            "error[backend-override]: `b/zz_override.tofu` overrides the state of the stack `b`",
            "error[reserved-file]: the name of `c/terrace_override.tofu.json` is Terrace's own",
            "error[backend-override]: `d/linked_override.tf` overrides the state of the stack `d`",
        ]
    );
    assert!(shown.contains("help: Only OpenTofu reads `.tofu` files: set `binary = \"tofu\"`"), "{shown}");
}
