//! What can be wrong in `terrace.hcl`.

use insta::assert_snapshot;

use crate::check::check;

#[test]
fn nothing_in_it() {
    assert_snapshot!(check("//- terrace.hcl\n# empty\n"), @r#"
    error[missing-block]: terrace.hcl has no `estate` block
     --> terrace.hcl:1:1
      |
    1 | # empty
      | ^
      |
      = help: Begin with `estate "NAME" {}`.

    error[missing-block]: the estate has no environment
     --> terrace.hcl:1:1
      |
    1 | # empty
      | ^
      |
      = help: Add `environment "dev" {}` and a stage that delivers to it.

    error[missing-block]: the pipeline has no stage
     --> terrace.hcl:1:1
      |
    1 | # empty
      | ^
      |
      = help: Add `stage "dev" { environment = "dev" }` to a `pipeline` block.
    "#);
}

#[test]
fn unknown_words() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {
  nmae = "x"
  sate "local" {}
}
terraform {}
environment "dev" {
  var = {}
  protected {}
}
disaster {
  rto = "1h"
}
pipeline {
  stage "dev" {
    environment = "dev"
    gate "aproval" {}
    gate "soak" { fro = "1h" }
  }
}
"#), @r#"
    error[unknown-attribute]: an `estate` block has no attribute `nmae`
     --> terrace.hcl:2:3
      |
    2 |   nmae = "x"
      |   ^^^^ unknown attribute
      |
      = help: Known here: the blocks `terraform`, `state`.

    error[unknown-block]: an `estate` block has no block `sate`
     --> terrace.hcl:3:3
      |
    3 |   sate "local" {}
      |   ^^^^ unknown block
      |
      = help: Did you mean `state`?

    error[unknown-block]: terrace.hcl has no block `terraform`
     --> terrace.hcl:5:1
      |
    5 | terraform {}
      | ^^^^^^^^^ unknown block
      |
      = help: `terraform` belongs in the `estate` block of terrace.hcl.

    error[unknown-attribute]: an `environment` block has no attribute `var`
     --> terrace.hcl:7:3
      |
    7 |   var = {}
      |   ^^^ unknown attribute
      |
      = help: Did you mean `vars`?

    error[unknown-block]: an `environment` block has no block `protected`
     --> terrace.hcl:8:3
      |
    8 |   protected {}
      |   ^^^^^^^^^ unknown block
      |
      = help: `protected` is an attribute, not a block.

    error[unknown-block]: terrace.hcl has no block `disaster`
      --> terrace.hcl:10:1
       |
    10 | disaster {
       | ^^^^^^^^ unknown block
       |
       = help: Known here: `estate`, `environment`, `capability`, `pipeline`, `team`, `trust`, `encryption`, `rehearsals`, `recovery`, `resource_types`.

    error[unknown-gate]: there is no gate `aproval`
      --> terrace.hcl:16:10
       |
    16 |     gate "aproval" {}
       |          ^^^^^^^^^ unknown
       |
       = help: Did you mean `approval`?

    error[unknown-attribute]: a `soak` gate has no attribute `fro`
      --> terrace.hcl:17:19
       |
    17 |     gate "soak" { fro = "1h" }
       |                   ^^^ unknown attribute
       |
       = help: Did you mean `for`?
    "#);
}

#[test]
fn wrong_types() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {
  terraform {
    binary   = 1
    version  = "newest"
    pass_env = ["OK", 2, "NOT OK"]
  }
  state "s4" {}
}
environment "dev" {
  vars      = ["region"]
  protected = "very"
}
environment "prod" {
  vars = { name = "x", size = env.size, bad = upper(1, 2) }
}
capability "c" {
  layer = "middle"
}
capability "d" {}
pipeline {
  stage "dev" { environment = "dev" }
}
"#), @r#"
    error[wrong-type]: expected a string, found a number
     --> terrace.hcl:3:16
      |
    3 |     binary   = 1
      |                ^ must be a string

    error[wrong-value]: `newest` is not a version constraint
     --> terrace.hcl:4:16
      |
    4 |     version  = "newest"
      |                ^^^^^^^^ write for example ">= 1.9, < 2.0"

    error[wrong-type]: expected a string, found a number
     --> terrace.hcl:5:23
      |
    5 |     pass_env = ["OK", 2, "NOT OK"]
      |                       ^ must be a string

    error[wrong-value]: `NOT OK` is not the name of an environment variable
     --> terrace.hcl:5:26
      |
    5 |     pass_env = ["OK", 2, "NOT OK"]
      |                          ^^^^^^^^ letters, digits and `_`, perhaps with a `*` at the end

    error[unknown-backend]: there is no state backend `s4`
     --> terrace.hcl:7:9
      |
    7 |   state "s4" {}
      |         ^^^^ unknown
      |
      = help: Did you mean `s3`?

    error[wrong-type]: expected an object, found a list
      --> terrace.hcl:10:15
       |
    10 |   vars      = ["region"]
       |               ^^^^^^^^^^ must be `{ key = value }`

    error[wrong-type]: expected a bool, found a string
      --> terrace.hcl:11:15
       |
    11 |   protected = "very"
       |               ^^^^^^ must be a bool

    error[reserved-name]: an environment's values cannot have the key `name`
      --> terrace.hcl:14:12
       |
    14 |   vars = { name = "x", size = env.size, bad = upper(1, 2) }
       |            ^^^^ `env.name` is the environment's own name

    error[expression]: `env.size` cannot be used here: the value must be a constant
      --> terrace.hcl:14:31
       |
    14 |   vars = { name = "x", size = env.size, bad = upper(1, 2) }
       |                               ^^^^^^^^

    error[expression]: `upper` takes one argument, found 2
      --> terrace.hcl:14:47
       |
    14 |   vars = { name = "x", size = env.size, bad = upper(1, 2) }
       |                                               ^^^^^^^^^^^

    error[wrong-value]: there is no layer `middle`
      --> terrace.hcl:17:11
       |
    17 |   layer = "middle"
       |           ^^^^^^^^ must be "business" or "technology"

    error[missing-attribute]: the capability has no `layer`
      --> terrace.hcl:19:12
       |
    19 | capability "d" {}
       |            ^^^ add `layer = "business"` or `"technology"`
    "#);
}

#[test]
fn wrong_stages() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
pipeline {
  stage "dev" {
    environment = "dev"
    rehearse    = ["nothing"]
    gate "blast_radius" {
      max_destroys = -1
      max_share    = 25
    }
    gate "approval" { by = "me" }
    gate "evidence" { of = ["zero", "twice"] }
  }
  stage "idle" {}
}
"#), @r#"
    error[wrong-value]: there is no rehearsal `nothing`
     --> terrace.hcl:6:20
      |
    6 |     rehearse    = ["nothing"]
      |                    ^^^^^^^^^ must be one of `zero`, `upgrade`, `recovery`

    error[wrong-type]: expected a whole number from 0, found a number
     --> terrace.hcl:8:22
      |
    8 |       max_destroys = -1
      |                      ^^ must be a whole number from 0

    error[wrong-type]: expected a number from 0 to 1, found a number
     --> terrace.hcl:9:22
      |
    9 |       max_share    = 25
      |                      ^^ must be a number from 0 to 1

    error[wrong-type]: expected a list of strings, found a string
      --> terrace.hcl:11:28
       |
    11 |     gate "approval" { by = "me" }
       |                            ^^^^ must be a list of strings

    error[wrong-type]: expected a list of "zero" or "upgrade", found a list
      --> terrace.hcl:12:28
       |
    12 |     gate "evidence" { of = ["zero", "twice"] }
       |                            ^^^^^^^^^^^^^^^^^ must be a list of "zero" or "upgrade"

    error[missing-attribute]: the stage neither delivers nor rehearses
      --> terrace.hcl:14:9
       |
    14 |   stage "idle" {}
       |         ^^^^^^ does nothing
       |
       = help: Give it an `environment`, or `rehearse = ["zero"]`.
    "#);
}

#[test]
fn gates_that_ask_for_nothing() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
environment "prod" {}
pipeline {
  stage "practice" { rehearse = ["recovery"] }
  stage "dev" {
    environment = "dev"
    gate "evidence" { of = [] }
  }
  stage "prod" {
    environment = "prod"
    gate "evidence" {}
  }
}
"#), @r#"
    error[idle-gate]: the gate asks for nothing: no stage rehearses zero or upgrade
     --> terrace.hcl:8:10
      |
    8 |     gate "evidence" { of = [] }
      |          ^^^^^^^^^^ lets everything through
      |
      = help: Say which rehearsals it asks for: `of = ["zero", "upgrade"]`.

    error[idle-gate]: the gate asks for nothing: no stage rehearses zero or upgrade
      --> terrace.hcl:12:10
       |
    12 |     gate "evidence" {}
       |          ^^^^^^^^^^ lets everything through
       |
       = help: Say which rehearsals it asks for: `of = ["zero", "upgrade"]`.
    "#);
}

#[test]
fn policies_that_are_not_there() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
environment "prod" {}
pipeline {
  stage "dev" {
    environment = "dev"
    gate "policy" {}
    gate "policy" {
      paths      = ["policies/aws", "policies/one.rego"]
      namespaces = "main"
    }
  }
  stage "prod" {
    environment = "prod"
    gate "policy" { path = "../policies" }
    gate "policy" { path = "policies/one.rego" }
  }
}
//- policy/README.md
//- policies/aws/limits.json
//- policies/one.rego
//- shared/rules/two.rego
"#), @r#"
    error[missing-policy]: there is no policy in `policy`
     --> terrace.hcl:7:10
      |
    7 |     gate "policy" {}
      |          ^^^^^^^^ asks for policies
      |
      = help: Write one, such as `policy/main.rego` (docs/policies.md), or name another folder with `path`.

    error[wrong-type]: expected a list of strings, found a string
      --> terrace.hcl:10:20
       |
    10 |       namespaces = "main"
       |                    ^^^^^^ must be a list of strings

    error[outside-path]: the path `../policies` leads out of the repository
      --> terrace.hcl:15:10
       |
    15 |     gate "policy" { path = "../policies" }
       |          ^^^^^^^^ its policies are elsewhere
       |
       = help: Policies are a part of the repository, so that a release holds them. Name a folder in it.
    "#);
}

#[test]
fn labels() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate {}
environment "dev" "europe" {}
environment "2nd" {}
pipeline "p" {
  stage "dev" { environment = "dev" }
}
"#), @r#"
    error[missing-block]: the estate has no environment
     --> terrace.hcl:1:1
      |
    1 | estate {}
      | ^
      |
      = help: Add `environment "dev" {}` and a stage that delivers to it.

    error[missing-label]: an `estate` block needs a label: the estate's name
     --> terrace.hcl:1:1
      |
    1 | estate {}
      | ^^^^^^ write `estate "..." {`

    error[extra-label]: an `environment` block has one label: the environment's name
     --> terrace.hcl:2:19
      |
    2 | environment "dev" "europe" {}
      |                   ^^^^^^^^ one too many

    error[invalid-name]: a name begins with a letter and has letters, digits, `-` and `_` only; this one has `2`
     --> terrace.hcl:3:13
      |
    3 | environment "2nd" {}
      |             ^^^^^ not a name

    error[extra-label]: a `pipeline` block has no label
     --> terrace.hcl:4:10
      |
    4 | pipeline "p" {
      |          ^^^ one too many

    error[unknown-environment]: there is no environment `dev`
     --> terrace.hcl:5:31
      |
    5 |   stage "dev" { environment = "dev" }
      |                               ^^^^^ not in terrace.hcl
      |
      = help: Add `environment "dev" {}` to terrace.hcl.
    "#);
}

#[test]
fn names_used_twice() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
estate "f" {}
environment "dev" {}
environment "dev" {}
capability "c" { layer = "business" }
capability "c" { layer = "technology" }
pipeline {
  stage "dev" { environment = "dev" }
  stage "dev" { environment = "dev" }
}
pipeline {}
"#), @r#"
    error[duplicate-block]: terrace.hcl has one `estate` block
     --> terrace.hcl:2:1
      |
    1 | estate "e" {}
      | ------ the first one
    2 | estate "f" {}
      | ^^^^^^ the second one

    error[duplicate-name]: two environments are called `dev`
     --> terrace.hcl:4:13
      |
    3 | environment "dev" {}
      |             ----- the first one
    4 | environment "dev" {}
      |             ^^^^^ the second one

    error[duplicate-name]: two capabilities are called `c`
     --> terrace.hcl:6:12
      |
    5 | capability "c" { layer = "business" }
      |            --- the first one
    6 | capability "c" { layer = "technology" }
      |            ^^^ the second one

    error[duplicate-name]: two stages are called `dev`
     --> terrace.hcl:9:9
      |
    8 |   stage "dev" { environment = "dev" }
      |         ----- the first one
    9 |   stage "dev" { environment = "dev" }
      |         ^^^^^ the second one

    error[duplicate-environment]: two stages deliver to the environment `dev`
     --> terrace.hcl:9:31
      |
    8 |   stage "dev" { environment = "dev" }
      |                               ----- the first one
    9 |   stage "dev" { environment = "dev" }
      |                               ^^^^^ the second one
      |
      = help: An environment has one stage, so that it is always clear which release it should run.

    error[duplicate-block]: terrace.hcl has one `pipeline` block
      --> terrace.hcl:11:1
       |
     7 | pipeline {
       | -------- the first one
    ...
    11 | pipeline {}
       | ^^^^^^^^ the second one
    "#);
}

#[test]
fn unknown_names() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {
  state "s3" {
    bucket = stack.network.bucket
    key    = "${env.nmae}/${stack.name}"
    region = var.region
  }
}
environment "dev" {}
environment "prod" {}
capability "checkout" {
  layer = "business"
  needs = ["container-platfrom", "payments"]
}
capability "container-platform" { layer = "technology" }
pipeline {
  stage "dev" { environment = "dve" }
}
"#), @r#"
    error[unknown-reference]: the state's settings cannot read `stack.network.bucket`
     --> terrace.hcl:3:14
      |
    3 |     bucket = stack.network.bucket
      |              ^^^^^^^^^^^^^^^^^^^^ an output of a stack
      |
      = help: Where a state is kept must be known before anything runs: use `stack.name`, `stack.path`, `env.*` and `estate.name`.

    error[unknown-value]: no environment has a value `nmae`
     --> terrace.hcl:4:17
      |
    4 |     key    = "${env.nmae}/${stack.name}"
      |                 ^^^^^^^^ read here
      |
      = help: Did you mean `env.name`?

    error[unknown-reference]: nothing is called `var` here
     --> terrace.hcl:5:14
      |
    5 |     region = var.region
      |              ^^^ unknown
      |
      = help: `var` belongs to Terraform's own files; here, `env.KEY` and `stack.NAME.OUTPUT` give values.

    error[unknown-capability]: there is no capability `container-platfrom`
      --> terrace.hcl:12:12
       |
    12 |   needs = ["container-platfrom", "payments"]
       |            ^^^^^^^^^^^^^^^^^^^^ not in terrace.hcl
       |
       = help: Did you mean `container-platform`?

    error[unknown-capability]: there is no capability `payments`
      --> terrace.hcl:12:34
       |
    12 |   needs = ["container-platfrom", "payments"]
       |                                  ^^^^^^^^^^ not in terrace.hcl
       |
       = help: Add `capability "payments" { ... }` to terrace.hcl.

    error[unknown-environment]: there is no environment `dve`
      --> terrace.hcl:16:31
       |
    16 |   stage "dev" { environment = "dve" }
       |                               ^^^^^ not in terrace.hcl
       |
       = help: Did you mean `dev`?
    "#);
}

#[test]
fn a_circle_of_capabilities() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
capability "a" {
  layer = "business"
  needs = ["b"]
}
capability "b" {
  layer = "technology"
  needs = ["c", "b"]
}
capability "c" {
  layer = "technology"
  needs = ["a"]
}
pipeline {
  stage "dev" { environment = "dev" }
}
"#), @r#"
    error[cycle]: capabilities need each other in a circle: a -> b -> c -> a
      --> terrace.hcl:5:12
       |
     5 |   needs = ["b"]
       |            ^^^ `a` needs `b`
    ...
     9 |   needs = ["c", "b"]
       |            --- `b` needs `c`
    ...
    13 |   needs = ["a"]
       |            --- `c` needs `a`

    error[cycle]: the capability `b` needs itself
     --> terrace.hcl:9:17
      |
    9 |   needs = ["c", "b"]
      |                 ^^^ `b` needs `b`
    "#);
}

#[test]
fn a_shared_state() {
    let estate = |key: &str| {
        format!(
            r#"
//- terrace.hcl
estate "e" {{
  state "s3" {{
    bucket = "b"
    key    = "{key}"
  }}
}}
environment "dev" {{}}
environment "prod" {{}}
pipeline {{
  stage "dev" {{ environment = "dev" }}
}}
//- a/stack.hcl
stack "a" {{}}
//- a/main.tf
//- b/stack.hcl
stack "b" {{}}
//- b/main.tf
"#
        )
    };
    assert_snapshot!(check(&estate("${env.name}.tfstate")), @r#"
    error[shared-state]: instances would share a state: `a` in `dev` and `b` in `dev`; `a` in `prod` and `b` in `prod`
     --> terrace.hcl:2:9
      |
    2 |   state "s3" {
      |         ^^^^ the same settings for both
      |
      = help: Use both `env.name` and `stack.name` in the settings, for example `key = "${env.name}/${stack.name}.tfstate"`.
    "#);
    assert_eq!(check(&estate("${env.name}/${stack.name}.tfstate")), "");
    assert_eq!(check(&estate("${stack.path}-${env.name}.tfstate")), "");
}
