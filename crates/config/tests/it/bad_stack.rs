//! What can be wrong in one `stack.hcl`.

use insta::assert_snapshot;

use crate::check::check;

#[test]
fn an_identity_is_a_text_in_every_environment() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {
  vars = { who = "deployer", empty = "" }
}
environment "prod" {
  vars = { who = 3, empty = " " }
}
pipeline {
  stage "dev" { environment = "dev" }
}
//- a/stack.hcl
stack "a" { identity = env.who }
//- a/main.tf
//- b/stack.hcl
stack "b" { identity = env.empty }
//- b/main.tf
//- c/stack.hcl
stack "c" { identity = stack.a.name }
//- c/main.tf
//- d/stack.hcl
stack "d" { identity = env.nobody }
//- d/main.tf
//- e/stack.hcl
stack "e" { identity = "deployer-${env.name}-${stack.name}" }
//- e/main.tf
"#), @r#"
    error[wrong-type]: an identity is a text that is not empty, found number
     --> a/stack.hcl:1:24
      |
    1 | stack "a" { identity = env.who }
      |                        ^^^^^^^ in the environment `prod`
      |
      = help: Name what the stack runs as in the cloud: `identity = "deployer-${env.name}"`.

    error[wrong-type]: an identity is a text that is not empty, found an empty one
     --> b/stack.hcl:1:24
      |
    1 | stack "b" { identity = env.empty }
      |                        ^^^^^^^^^ in the environment `dev`
      |
      = help: Name what the stack runs as in the cloud: `identity = "deployer-${env.name}"`.

    error[unknown-reference]: an identity cannot read `stack.a.name`
     --> c/stack.hcl:1:24
      |
    1 | stack "c" { identity = stack.a.name }
      |                        ^^^^^^^^^^^^ an output
      |
      = help: What a stack runs as must be known before anything runs: use `stack.name`, `stack.path`, `env.*` and `estate.name`.

    error[unknown-value]: no environment has a value `nobody`
     --> d/stack.hcl:1:24
      |
    1 | stack "d" { identity = env.nobody }
      |                        ^^^^^^^^^^ read here
      |
     ::: terrace.hcl:2:13
      |
    2 | environment "dev" {
      |             ----- no `nobody` in its `vars`
    ...
    5 | environment "prod" {
      |             ------ no `nobody` in its `vars`
      |
      = help: Add `nobody` to `vars` in terrace.hcl: every environment needs it.
    "#);
}

#[test]
fn unknown_words() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  depend_on = []
  inputs {
    a = 1
  }
}
environment "dev" {}
//- a/main.tf
"#), @r#"
    error[unknown-attribute]: a `stack` block has no attribute `depend_on`
     --> a/stack.hcl:2:3
      |
    2 |   depend_on = []
      |   ^^^^^^^^^ unknown attribute
      |
      = help: Did you mean `depends_on`?

    error[unknown-block]: a `stack` block has no block `inputs`
     --> a/stack.hcl:3:3
      |
    3 |   inputs {
      |   ^^^^^^ unknown block
      |
      = help: `inputs` is an attribute, not a block.

    error[unknown-block]: stack.hcl has no block `environment`
     --> a/stack.hcl:7:1
      |
    7 | environment "dev" {}
      | ^^^^^^^^^^^ unknown block
      |
      = help: `environment` belongs in terrace.hcl, at the top level.
    "#);
}

#[test]
fn no_stack_or_two() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
# nothing yet
//- b/stack.hcl
stack "b" {}
stack "c" {}
//- b/main.tf
//- c/stack.hcl
stack {}
//- d/stack.hcl
stack "name" {}
//- e/stack.hcl
stack "größe" {}
"#), @r#"
    error[missing-block]: the file has no `stack` block
     --> a/stack.hcl:1:1
      |
    1 | # nothing yet
      | ^
      |
      = help: Write `stack "NAME" {}`.

    error[duplicate-block]: a folder is one stack
     --> b/stack.hcl:2:1
      |
    1 | stack "b" {}
      | ----- the first one
    2 | stack "c" {}
      | ^^^^^ the second one
      |
      = help: Put the second stack in a folder of its own.

    error[missing-label]: a `stack` block needs a label: the stack's name
     --> c/stack.hcl:1:1
      |
    1 | stack {}
      | ^^^^^ write `stack "..." {`

    error[reserved-name]: a stack cannot be called `name`
     --> d/stack.hcl:1:7
      |
    1 | stack "name" {}
      |       ^^^^^^ `stack.name` means the stack itself

    error[invalid-name]: a name begins with a letter and has letters, digits, `-` and `_` only; this one has `ö`
     --> e/stack.hcl:1:7
      |
    1 | stack "größe" {}
      |       ^^^^^^^ not a name
    "#);
}

#[test]
fn wrong_types() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  capability  = ["x"]
  owner       = 7
  description = null
  inputs      = merge({}, {})
  depends_on  = ["b", stack.b.id, env.name]
  watch       = "x"
}
//- a/main.tf
//- b/stack.hcl
stack "b" {
  inputs     = { (env.name) = 1 }
  depends_on = stack.a
}
//- b/main.tf
output "id" { value = 1 }
"#), @r#"
    error[wrong-type]: expected a string, found a list
     --> a/stack.hcl:2:17
      |
    2 |   capability  = ["x"]
      |                 ^^^^^ must be a string

    error[wrong-type]: expected a string, found a number
     --> a/stack.hcl:3:17
      |
    3 |   owner       = 7
      |                 ^ must be a string

    error[wrong-type]: expected a string, found null
     --> a/stack.hcl:4:17
      |
    4 |   description = null
      |                 ^^^^ must be a string

    error[wrong-type]: `inputs` must be written out as an object
     --> a/stack.hcl:5:17
      |
    5 |   inputs      = merge({}, {})
      |                 ^^^^^^^^^^^^^ must be `{ variable = value }`

    error[wrong-type]: expected a stack
     --> a/stack.hcl:6:18
      |
    6 |   depends_on  = ["b", stack.b.id, env.name]
      |                  ^^^ must be `stack.NAME`

    error[wrong-type]: `depends_on` names whole stacks
     --> a/stack.hcl:6:23
      |
    6 |   depends_on  = ["b", stack.b.id, env.name]
      |                       ^^^^^^^^^^ write `stack.b`
      |
      = help: A stack whose output an input reads is depended on anyhow.

    error[wrong-type]: expected a stack
     --> a/stack.hcl:6:35
      |
    6 |   depends_on  = ["b", stack.b.id, env.name]
      |                                   ^^^^^^^^ must be `stack.NAME`

    error[wrong-type]: expected a list of strings, found a string
     --> a/stack.hcl:7:17
      |
    7 |   watch       = "x"
      |                 ^^^ must be a list of strings

    error[wrong-type]: the name of an input must be a plain word
     --> b/stack.hcl:2:19
      |
    2 |   inputs     = { (env.name) = 1 }
      |                   ^^^^^^^^ not a plain word

    error[wrong-type]: expected a list of stacks
     --> b/stack.hcl:3:16
      |
    3 |   depends_on = stack.a
      |                ^^^^^^^ must be `[stack.NAME, ...]`
    "#);
}

#[test]
fn patterns() {
    assert_snapshot!(check(r#"
//- stacks/a/stack.hcl
stack "a" {
  watch = ["policies/*.rego", "../../../outside", "a[", "./data", "shared", "none/**"]
}
//- stacks/a/main.tf
//- stacks/a/data/x
//- shared/y
//- policies/deep/z.rego
"#), @r#"
    warning[unmatched-pattern]: no file matches `policies/*.rego`
     --> stacks/a/stack.hcl:2:12
      |
    2 |   watch = ["policies/*.rego", "../../../outside", "a[", "./data", "shared", "none/**"]
      |            ^^^^^^^^^^^^^^^^^ matches nothing
      |
      = help: A pattern that begins with `./` or `../` is read from the stack's folder, every other from the estate's root.

    error[wrong-pattern]: the pattern cannot be used
     --> stacks/a/stack.hcl:2:31
      |
    2 |   watch = ["policies/*.rego", "../../../outside", "a[", "./data", "shared", "none/**"]
      |                               ^^^^^^^^^^^^^^^^^^ the path `../../../outside` leads out of the repository

    error[wrong-pattern]: the pattern cannot be used
     --> stacks/a/stack.hcl:2:51
      |
    2 |   watch = ["policies/*.rego", "../../../outside", "a[", "./data", "shared", "none/**"]
      |                                                   ^^^^ unclosed character class; missing ']'

    warning[unmatched-pattern]: no file matches `none/**`
     --> stacks/a/stack.hcl:2:77
      |
    2 |   watch = ["policies/*.rego", "../../../outside", "a[", "./data", "shared", "none/**"]
      |                                                                             ^^^^^^^^^ matches nothing
      |
      = help: A pattern that begins with `./` or `../` is read from the stack's folder, every other from the estate's root.
    "#);
}

#[test]
fn a_name_used_twice_and_a_stack_inside_a_stack() {
    assert_snapshot!(check(r#"
//- net/stack.hcl
stack "net" {}
//- net/main.tf
//- net/inner/stack.hcl
stack "inner" {}
//- net/inner/main.tf
//- net-2/stack.hcl
stack "net" {}
//- net-2/main.tf
"#), @r#"
    error[nested-stack]: the stack `inner` lies inside the stack `net`
     --> net/inner/stack.hcl:1:7
      |
    1 | stack "inner" {}
      |       ^^^^^^^ inside
      |
     ::: net/stack.hcl:1:7
      |
    1 | stack "net" {}
      |       ----- around it
      |
      = help: Move one of them: a stack's folder is all its own, so that each can be released alone.

    error[duplicate-name]: two stacks are called `net`
     --> net/stack.hcl:1:7
      |
    1 | stack "net" {}
      |       ^^^^^ the second one
      |
     ::: net-2/stack.hcl:1:7
      |
    1 | stack "net" {}
      |       ----- the first one
      |
      = help: A stack's name is unique in its estate: state, releases and records are kept under it.
    "#);
}

#[test]
fn what_cannot_be_taken_over() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  move {
    from      = stack.a
    resources = ["x_y.z", "x_y.z[0]", "module.m.x_y.z", "data.x_y.z", "z"]
  }
  move "b" {
    from      = stack.b.id
    resources = ["x_y.z"]
  }
  move {
    form      = stack.c
    resources = "x_y.w"
  }
  move {
    from      = stack.nowhere
    resources = []
  }
}
//- a/main.tf
//- b/stack.hcl
stack "b" {}
//- b/main.tf
"#), @r#"
    error[wrong-move]: `a` cannot take over from itself
     --> a/stack.hcl:3:17
      |
    3 |     from      = stack.a
      |                 ^^^^^^^ the stack itself
      |
      = help: `from` names the stack that had the resources. Within one stack, Terraform's `moved` blocks rename them.

    error[wrong-address]: `x_y.z[0]` is one instance of `x_y.z`
     --> a/stack.hcl:4:27
      |
    4 |     resources = ["x_y.z", "x_y.z[0]", "module.m.x_y.z", "data.x_y.z", "z"]
      |                           ^^^^^^^^^^ cannot move
      |
      = help: Terraform forgets whole resources only (`removed` blocks name no keys): move `x_y.z`, or give the instance a resource of its own first, with a `moved` block.

    error[wrong-address]: `module.m.x_y.z` is a part of `module.m`
     --> a/stack.hcl:4:39
      |
    4 |     resources = ["x_y.z", "x_y.z[0]", "module.m.x_y.z", "data.x_y.z", "z"]
      |                                       ^^^^^^^^^^^^^^^^ cannot move
      |
      = help: The module's code may serve others: move `module.m` as a whole, or take the resource out of it first.

    error[wrong-address]: `data.x_y.z` is a data source
     --> a/stack.hcl:4:57
      |
    4 |     resources = ["x_y.z", "x_y.z[0]", "module.m.x_y.z", "data.x_y.z", "z"]
      |                                                         ^^^^^^^^^^^^ cannot move
      |
      = help: Data sources are read anew wherever they are: those that the moved code needs are copied.

    error[wrong-address]: `z` is no address of a resource or module
     --> a/stack.hcl:4:71
      |
    4 |     resources = ["x_y.z", "x_y.z[0]", "module.m.x_y.z", "data.x_y.z", "z"]
      |                                                                       ^^^ cannot move
      |
      = help: Write `TYPE.NAME` or `module.NAME`, as in `aws_s3_bucket.logs`.

    error[extra-label]: a `move` block has no label
     --> a/stack.hcl:6:8
      |
    6 |   move "b" {
      |        ^^^ one too many

    error[wrong-type]: `from` names a whole stack
     --> a/stack.hcl:7:17
      |
    7 |     from      = stack.b.id
      |                 ^^^^^^^^^^ write `stack.b`
      |
      = help: `resources` says what is taken over from it.

    error[missing-attribute]: a `move` block needs `from`
      --> a/stack.hcl:10:3
       |
    10 |   move {
       |   ^^^^ write `from = stack.NAME` and `resources = [...]`

    error[unknown-attribute]: a `move` block has no attribute `form`
      --> a/stack.hcl:11:5
       |
    11 |     form      = stack.c
       |     ^^^^ unknown attribute
       |
       = help: Did you mean `from`?

    error[wrong-type]: expected a list of strings, found a string
      --> a/stack.hcl:12:17
       |
    12 |     resources = "x_y.w"
       |                 ^^^^^^^ must be a list of strings

    error[unknown-stack]: there is no stack `nowhere`
      --> a/stack.hcl:15:17
       |
    15 |     from      = stack.nowhere
       |                 ^^^^^^^^^^^^^ not in this estate
       |
       = help: `terrace list` names all stacks.
    "#);
}
