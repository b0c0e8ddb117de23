//! References that lead nowhere, or in a circle.

use insta::assert_snapshot;

use crate::check::check;

#[test]
fn to_stacks() {
    assert_snapshot!(check(r#"
//- network/stack.hcl
stack "network" {}
//- network/main.tf
output "network_id" { value = 1 }
//- app/stack.hcl
stack "app" {
  capability = "checkout"
  depends_on = [stack.databse]
  inputs = {
    a = stack.netwrok.network_id
    b = stack.network.network_idd
    c = stack.network
    d = stack.network.subnets
    e = stack
  }
}
//- app/main.tf
variable "a" {}
variable "b" {}
variable "c" {}
variable "d" {}
variable "e" {}
"#), @r#"
    error[unknown-capability]: there is no capability `checkout`
     --> app/stack.hcl:2:16
      |
    2 |   capability = "checkout"
      |                ^^^^^^^^^^ not in terrace.hcl
      |
      = help: Add `capability "checkout" { ... }` to terrace.hcl.

    error[unknown-stack]: there is no stack `databse`
     --> app/stack.hcl:3:17
      |
    3 |   depends_on = [stack.databse]
      |                 ^^^^^^^^^^^^^ not in this estate
      |
      = help: `terrace list` names all stacks.

    error[unknown-stack]: there is no stack `netwrok`
     --> app/stack.hcl:5:9
      |
    5 |     a = stack.netwrok.network_id
      |         ^^^^^^^^^^^^^^^^^^^^^^^^ not in this estate
      |
      = help: Did you mean `stack.network`?

    error[unknown-output]: the stack `network` has no output `network_idd`
     --> app/stack.hcl:6:9
      |
    6 |     b = stack.network.network_idd
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^ no such output
      |
      = help: Did you mean `stack.network.network_id`?

    error[unknown-reference]: `stack.network` is a whole stack
     --> app/stack.hcl:7:9
      |
    7 |     c = stack.network
      |         ^^^^^^^^^^^^^ no output named
      |
      = help: Name one of its outputs: `stack.network.OUTPUT`. What must only come first belongs in `depends_on`.

    error[unknown-output]: the stack `network` has no output `subnets`
     --> app/stack.hcl:8:9
      |
    8 |     d = stack.network.subnets
      |         ^^^^^^^^^^^^^^^^^^^^^ no such output
      |
      = help: Add `output "subnets" { value = ... }` in `network`.

    error[unknown-reference]: nothing is called `stack` here
     --> app/stack.hcl:9:9
      |
    9 |     e = stack
      |         ^^^^^ unknown
      |
      = help: Name a stack and its output: `stack.NAME.OUTPUT`.
    "#);
}

#[test]
fn to_values() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {
  vars = { region = "x", size = 1 }
}
environment "prod" {
  vars = { region = "x" }
}
pipeline {
  stage "dev" { environment = "dev" }
}
//- a/stack.hcl
stack "a" {
  inputs = {
    a = env.regoin
    b = env.size + 1
    c = var.region
    d = estate.owner
    e = [for stack in env.list : stack.colour]
    f = enviroment.name
  }
}
//- a/main.tf
variable "a" {}
variable "b" {}
variable "c" {}
variable "d" {}
variable "e" {}
variable "f" {}
"#), @r#"
    error[unknown-value]: no environment has a value `regoin`
     --> a/stack.hcl:3:9
      |
    3 |     a = env.regoin
      |         ^^^^^^^^^^ read here
      |
      = help: Did you mean `env.region`?

    error[unknown-value]: the environment `prod` has no value `size`
     --> a/stack.hcl:4:9
      |
    4 |     b = env.size + 1
      |         ^^^^^^^^ read here
      |
     ::: terrace.hcl:5:13
      |
    5 | environment "prod" {
      |             ------ no `size` in its `vars`
      |
      = help: Add `size` to `vars` in terrace.hcl: every environment needs it.

    error[unknown-reference]: nothing is called `var` here
     --> a/stack.hcl:5:9
      |
    5 |     c = var.region
      |         ^^^ unknown
      |
      = help: `var` belongs to Terraform's own files; here, `env.KEY` and `stack.NAME.OUTPUT` give values.

    error[unknown-reference]: the estate has no attribute `owner`
     --> a/stack.hcl:6:9
      |
    6 |     d = estate.owner
      |         ^^^^^^^^^^^^ unknown
      |
      = help: Only `estate.name` is known.

    error[unknown-value]: no environment has a value `list`
     --> a/stack.hcl:7:23
      |
    7 |     e = [for stack in env.list : stack.colour]
      |                       ^^^^^^^^ read here
      |
     ::: terrace.hcl:2:13
      |
    2 | environment "dev" {
      |             ----- no `list` in its `vars`
    ...
    5 | environment "prod" {
      |             ------ no `list` in its `vars`
      |
      = help: Add `list` to `vars` in terrace.hcl: every environment needs it.

    error[unknown-reference]: nothing is called `enviroment` here
     --> a/stack.hcl:8:9
      |
    8 |     f = enviroment.name
      |         ^^^^^^^^^^ unknown
      |
      = help: References begin with `env`, `stack` or `estate`; a text needs quotes.
    "#);
}

#[test]
fn circles() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  inputs = { x = stack.c.x }
}
//- a/main.tf
variable "x" {}
output "x" {}
//- b/stack.hcl
stack "b" {
  inputs = { x = stack.a.x }
}
//- b/main.tf
variable "x" {}
output "x" {}
//- c/stack.hcl
stack "c" {
  depends_on = [stack.b]
}
//- c/main.tf
output "x" {}
//- self/stack.hcl
stack "self" {
  inputs = { x = stack.self.x }
}
//- self/main.tf
variable "x" {}
output "x" {}
"#), @r#"
    error[cycle]: stacks depend on each other in a circle: c -> b -> a -> c
     --> c/stack.hcl:2:17
      |
    2 |   depends_on = [stack.b]
      |                 ^^^^^^^ `c` depends on `b`
      |
     ::: b/stack.hcl:2:18
      |
    2 |   inputs = { x = stack.a.x }
      |                  --------- `b` depends on `a`
      |
     ::: a/stack.hcl:2:18
      |
    2 |   inputs = { x = stack.c.x }
      |                  --------- `a` depends on `c`
      |
      = help: Take one of these steps out: move what both need into a stack of its own, and let both read that.

    error[cycle]: the stack `self` depends on itself
     --> self/stack.hcl:2:18
      |
    2 |   inputs = { x = stack.self.x }
      |                  ^^^^^^^^^^^^ `self` depends on `self`
      |
      = help: Take one of these steps out: move what both need into a stack of its own, and let both read that.
    "#);
}

#[test]
fn a_circle_of_many_is_shown_in_part() {
    let stack = |n: usize| {
        let next = (n + 1) % 200;
        format!("//- s{n}/stack.hcl\nstack \"s{n}\" {{\n  depends_on = [stack.s{next}]\n}}\n//- s{n}/main.tf\n")
    };
    let text = check(&(0..200).map(stack).collect::<Vec<_>>().concat());
    assert_eq!(text.matches("depends on `").count(), 20, "{text}");
    assert!(text.contains("(180 more)") && text.contains("and 180 more places"), "{text}");
}
