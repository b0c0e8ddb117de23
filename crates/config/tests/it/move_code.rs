//! Moving code between stacks: what the files are afterwards, and what is refused.

use std::fmt::Write;

use insta::assert_snapshot;
use terrace_config::fixture::MemoryTree;
use terrace_config::{MoveRequest, Overlay, load_estate, move_code, render, sources};
use terrace_domain::path::RepoPath;

const ESTATE: &str = "//- terrace.hcl\nestate \"e\" {}\nenvironment \"dev\" {\n  vars = { region = \"eu\" }\n}\npipeline {\n  stage \"dev\" { environment = \"dev\" }\n}\n";

/// Moves addresses of `base` to `data`, and shows the files that changed, or why not.
fn moved(files: &str, addresses: &[&str]) -> String {
    let tree = MemoryTree::parse(&format!("{ESTATE}{files}"));
    let loaded = load_estate(&tree, &RepoPath::root());
    assert!(
        loaded.diagnostics.is_empty(),
        "{}",
        render(&loaded.diagnostics, &sources(&tree, &loaded.diagnostics), false)
    );
    let estate = loaded.estate.unwrap();
    let addresses: Vec<_> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let request = MoveRequest { from: &estate.stacks["base"], to: &estate.stacks["data"], addresses: &addresses };
    match move_code(&tree, &estate, request) {
        Ok(moved) => {
            let mut text = String::new();
            for file in &moved.files {
                match &file.after {
                    Some(after) => write!(text, "//- {}\n{after}", file.path).unwrap(),
                    None => writeln!(text, "//- {} is gone", file.path).unwrap(),
                }
            }
            for note in &moved.notes {
                writeln!(text, "note: {}", note.summary).unwrap();
            }
            text
        }
        Err(refused) => {
            let after = Overlay::new(&tree, refused.files.iter().map(|file| (file.path.clone(), file.after.clone())));
            render(&refused.diagnostics, &sources(&after, &refused.diagnostics), false)
        }
    }
}

/// Two stacks with just these files beside a `stack.hcl` each.
fn two(base: &str, data: &str) -> String {
    format!(
        "//- base/stack.hcl\nstack \"base\" {{\n}}\n//- base/main.tf\n{base}//- data/stack.hcl\nstack \"data\" {{\n}}\n//- data/main.tf\n{data}"
    )
}

/// A giver whose code needs much, a taker that has a variable of the same name, and a reader.
const WITH_NEEDS: &str = r#"
//- base/stack.hcl
stack "base" {
  inputs = {
    name   = "base-${stack.name}"
    region = env.region
    size   = 3
  }
}
//- base/main.tf
terraform {
  required_providers {
    cloud = { source = "x/cloud" }
  }
}
provider "cloud" {
  region = var.region
}

locals {
  tags = { team = var.name }
  only = 1
}

resource "cloud_net" "this" {
  count = var.size
}

# What nobody wants to lose.
resource "cloud_store" "logs" {
  name  = "${var.name}-logs" # keep
  tags  = local.tags
  zone  = data.cloud_zone.here.name
  net   = cloud_net.this[0].id
}

data "cloud_zone" "here" {
  region = var.region
}

output "logs" {
  value = cloud_store.logs.url
}
//- base/variables.tf
variable "name" {
  type = string
}
variable "region" {
  type = string
}
variable "size" {
  type = number
}
//- data/stack.hcl
stack "data" {
  inputs = { name = "data" }
}
//- data/main.tf
resource "null_thing" "x" {
  name = var.name
}
//- data/variables.tf
variable "name" {
  type = string
}
//- reader/stack.hcl
stack "reader" {
  inputs = {
    url = "${stack.base.logs}/x"
  }
}
//- reader/main.tf
variable "url" {}
"#;

#[test]
fn a_resource_moves_with_its_comments_and_all_that_it_needs() {
    assert_snapshot!(moved(WITH_NEEDS, &["cloud_store.logs"]), @r#"
    //- base/main.tf
    terraform {
      required_providers {
        cloud = { source = "x/cloud" }
      }
    }
    provider "cloud" {
      region = var.region
    }

    locals {
      only = 1
    }

    resource "cloud_net" "this" {
      count = var.size
    }

    removed {
      from = cloud_store.logs
      lifecycle {
        destroy = false
      }
    }
    //- base/outputs.tf
    output "net_0_id" {
      value = cloud_net.this[0].id
    }
    //- base/stack.hcl
    stack "base" {
      inputs = {
        region = env.region
        size   = 3
      }
    }
    //- base/variables.tf
    variable "region" {
      type = string
    }
    variable "size" {
      type = number
    }
    //- data/main.tf
    resource "null_thing" "x" {
      name = var.name
    }

    provider "cloud" {
      region = var.region
    }

    locals {
      tags = { team = var.base_name }
    }

    data "cloud_zone" "here" {
      region = var.region
    }

    # What nobody wants to lose.
    resource "cloud_store" "logs" {
      name  = "${var.base_name}-logs" # keep
      tags  = local.tags
      zone  = data.cloud_zone.here.name
      net   = var.net_0_id
    }

    output "logs" {
      value = cloud_store.logs.url
    }
    //- data/stack.hcl
    stack "data" {
      inputs = {
        name = "data"
        base_name = "base-base"
        region = env.region
        net_0_id = stack.base.net_0_id
      }
      move {
        from      = stack.base
        resources = ["cloud_store.logs"]
      }
    }
    //- data/variables.tf
    variable "name" {
      type = string
    }

    variable "net_0_id" {}

    variable "base_name" {
      type = string
    }

    variable "region" {
      type = string
    }
    //- data/versions.tf
    terraform {
      required_providers {
        cloud = { source = "x/cloud" }
      }
    }
    //- reader/stack.hcl
    stack "reader" {
      inputs = {
        url = "${stack.data.logs}/x"
      }
    }
    "#);
}

#[test]
fn what_stays_reads_what_moved_through_an_output() {
    let base = r#"resource "cloud_store" "main" {}
resource "cloud_user" "u" {
  reads  = [cloud_store.main.arn, "${cloud_store.main.arn}/*"]
  secret = cloud_store.main.password
}
output "both" {
  value = "${cloud_store.main.arn} ${cloud_user.u.id}"
}
"#;
    assert_snapshot!(moved(&two(base, ""), &["cloud_store.main"]), @r#"
    //- base/main.tf
    removed {
      from = cloud_store.main
      lifecycle {
        destroy = false
      }
    }
    resource "cloud_user" "u" {
      reads  = [var.store_arn, "${var.store_arn}/*"]
      secret = var.store_password
    }
    output "both" {
      value = "${var.store_arn} ${cloud_user.u.id}"
    }
    //- base/stack.hcl
    stack "base" {
      inputs = {
        store_arn = stack.data.store_arn
        store_password = stack.data.store_password
      }
    }
    //- base/variables.tf
    variable "store_arn" {}

    variable "store_password" {
      sensitive = true
    }
    //- data/main.tf
    resource "cloud_store" "main" {}
    //- data/outputs.tf
    output "store_arn" {
      value = cloud_store.main.arn
    }

    output "store_password" {
      value     = cloud_store.main.password
      sensitive = true
    }
    //- data/stack.hcl
    stack "data" {
      move {
        from      = stack.base
        resources = ["cloud_store.main"]
      }
    }
    "#);
}

#[test]
fn a_module_moves_with_its_source_led_to_the_same_folder() {
    let files = r#"
//- modules/store/main.tf
variable "name" {}
output "url" { value = var.name }
//- base/stack.hcl
stack "base" {
}
//- base/main.tf
module "store" {
  source = "../modules/store"
  name   = "x"
}
//- deep/data/stack.hcl
stack "data" {
  inputs = {
    url = stack.base.url
  }
}
//- deep/data/main.tf
variable "url" {}
resource "null_thing" "x" {
  url = upper(var.url)
}
//- base/outputs.tf
output "url" { value = module.store.url }
"#;
    assert_snapshot!(moved(files, &["module.store"]), @r#"
    //- base/main.tf
    removed {
      from = module.store
      lifecycle {
        destroy = false
      }
    }
    //- base/outputs.tf is gone
    //- deep/data/main.tf
    resource "null_thing" "x" {
      url = upper(module.store.url)
    }

    module "store" {
      source = "../../modules/store"
      name   = "x"
    }
    //- deep/data/outputs.tf
    output "url" { value = module.store.url }
    //- deep/data/stack.hcl
    stack "data" {
      move {
        from      = stack.base
        resources = ["module.store"]
      }
    }
    "#);
}

#[test]
fn two_stacks_never_read_from_each_other() {
    let base = "resource \"a_net\" \"n\" {}\nresource \"a_store\" \"s\" {\n  net = a_net.n.id\n}\nresource \"a_user\" \"u\" {\n  store = a_store.s.id\n}\n";
    assert_snapshot!(moved(&two(base, ""), &["a_store.s"]), @r#"
    error[cycle]: `base` and `data` would read from each other
     --> base/main.tf:3:9
      |
    3 |   net = a_net.n.id
      |         ^^^^^^^^^^ what moves reads `a_net.n`, which stays
    ...
    6 |   store = a_store.s.id
      |           ------------ what stays reads `a_store.s`, which moves
      |
      = help: Move what is read as well, or leave what reads it where it is: all of these go one way then.
    "#);
}

#[test]
fn a_circle_through_another_stack_is_found_in_the_texts_afterwards() {
    let files = r#"
//- base/stack.hcl
stack "base" {
}
//- base/main.tf
resource "a_store" "s" {}
resource "a_user" "u" {
  store = a_store.s.id
}
output "user" { value = a_user.u.id }
//- data/stack.hcl
stack "data" {
  inputs = { user = stack.base.user }
}
//- data/main.tf
variable "user" {}
"#;
    assert_snapshot!(moved(files, &["a_store.s"]), @r#"
    error[cycle]: stacks depend on each other in a circle: data -> base -> data
     --> data/stack.hcl:2:21
      |
    2 |   inputs = { user = stack.base.user }
      |                     ^^^^^^^^^^^^^^^ `data` depends on `base`
      |
     ::: base/stack.hcl:3:12
      |
    3 |     s_id = stack.data.s_id
      |            --------------- `base` depends on `data`
      |
      = help: Take one of these steps out: move what both need into a stack of its own, and let both read that.
    "#);
}

#[test]
fn what_no_machine_can_move_is_refused_with_its_place() {
    let base = r#"resource "a_store" "s" {
  path     = "${path.module}/x"
  provider = a.west
  provisioner "local-exec" {
    command = "true"
  }
}
resource "a_user" "u" {
  count      = 2
  depends_on = [a_store.s]
}
"#;
    assert_snapshot!(moved(&two(base, ""), &["a_store.s"]), @r#"
    error[provider-alias]: `a_store.s` uses another configuration of its provider
     --> base/main.tf:3:14
      |
    3 |   provider = a.west
      |              ^^^^^^ an alias
      |
      = help: Move it by hand: which configuration the other stack has for it, only you know.

    error[provisioner]: `a_store.s` has a provisioner
     --> base/main.tf:4:3
      |
    4 | /   provisioner "local-exec" {
    5 | |     command = "true"
    6 | |   }
      | |___^ it runs when the resource is made, and may read anything
      |
      = help: Move this resource by hand, or do without the provisioner first.
    "#);
}

#[test]
fn what_cannot_be_read_across_is_refused_with_its_place() {
    let base = r#"resource "a_store" "s" {
  count = 2
}
resource "a_user" "u" {
  count      = 2
  depends_on = [a_store.s]
  store      = a_store.s[count.index].id
  all        = a_store.s
  lifecycle {
    replace_triggered_by = [a_store.s]
  }
}
"#;
    assert_snapshot!(moved(&two(base, ""), &["a_store.s"]), @r#"
    error[boundary]: `a_store.s` would be read across the stacks
     --> base/main.tf:6:17
      |
    6 |   depends_on = [a_store.s]
      |                 ^^^^^^^^^ in `depends_on`
      |
      = help: Take it out: stacks are delivered one after the other, in the order in which they read from each other.

    error[boundary]: `a_store.s` would be read across the stacks
     --> base/main.tf:7:16
      |
    7 |   store      = a_store.s[count.index].id
      |                ^^^^^^^^^ by a computed index
      |
      = help: Write the index out, or tell all of them in an output by hand (`[*]`), and read that.

    error[boundary]: `a_store.s` would be read across the stacks
     --> base/main.tf:8:16
      |
    8 |   all        = a_store.s
      |                ^^^^^^^^^ as a whole
      |
      = help: Name the attributes that are read: an output of a whole resource tells more than anybody should know.

    error[boundary]: `a_store.s` would be read across the stacks
      --> base/main.tf:10:29
       |
    10 |     replace_triggered_by = [a_store.s]
       |                             ^^^^^^^^^ in `replace_triggered_by`
       |
       = help: Terraform takes only resources of the same stack there: move both, or take it out.
    "#);
}

#[test]
fn clashes_and_unknown_addresses_are_refused() {
    let base = "resource \"a_store\" \"s\" {}\nresource \"a_store\" \"t\" {}\n";
    let data = "resource \"a_store\" \"s\" {}\nresource \"a_other\" \"o\" {}\nremoved {\n  from = a_store.t\n  lifecycle {\n    destroy = false\n  }\n}\n";
    assert_snapshot!(moved(&two(base, data), &["a_store.s", "a_store.t", "a_store.ss", "a_other.o", "b.c"]), @r#"
    error[unknown-address]: the code of `base` has no `a_other.o`
     |
     = help: `data` has one: `--from data`.

    error[unknown-address]: the code of `base` has no `a_store.ss`
     |
     = help: Did you mean `a_store.s`?

    error[unknown-address]: the code of `base` has no `b.c`
     |
     = help: It has: a_store.s, a_store.t.

    error[name-clash]: `data` has a `a_store.s` of its own
     --> base/main.tf:1:20
      |
    1 | resource "a_store" "s" {}
      |                    ^^^ to be moved
      |
     ::: data/main.tf:1:20
      |
    1 | resource "a_store" "s" {}
      |                    --- there already
      |
      = help: Rename one of them first, with a `moved` block, and deliver that.

    error[name-clash]: `data` gave `a_store.t` away before
     --> data/main.tf:3:1
      |
    3 | / removed {
    4 | |   from = a_store.t
    5 | |   lifecycle {
    6 | |     destroy = false
    7 | |   }
    8 | | }
      | |_^ it is forgotten here
      |
      = help: Take this block out, and `a_store.t` out of the `move` block of `base`, once that move is delivered everywhere; then move it back.
    "#);
}

#[test]
fn providers_that_differ_are_refused() {
    let base = "provider \"a\" {\n  region = \"one\"\n}\nresource \"a_store\" \"s\" {}\n";
    let data = "provider \"a\" {\n  region = \"two\"\n}\n";
    assert_snapshot!(moved(&two(base, data), &["a_store.s"]), @r#"
    error[provider]: the two stacks configure `a` differently
     --> data/main.tf:1:10
      |
    1 | provider "a" {
      |          ^^^ what is moved would have this one
      |
     ::: base/main.tf:1:10
      |
    1 | provider "a" {
      |          --- and has this one
      |
      = help: Let both say the same, with the same inputs: another region or account would not find the objects.
    "#);
}

#[test]
fn a_path_of_the_stack_and_a_value_from_a_file_stay_behind() {
    let base =
        "variable \"x\" {}\nresource \"a_store\" \"s\" {\n  policy = file(\"${path.module}/p.json\")\n  x = var.x\n}\n";
    let files = format!("{}//- base/terraform.tfvars\nx = 1\n", two(base, ""));
    assert_snapshot!(moved(&files, &["a_store.s"]), @r#"
    error[values-file]: the variable `x` gets its value from a file
     --> base/main.tf:1:10
      |
    1 | variable "x" {}
      |          ^^^ no input, and no default
      |
      = help: Give `base` an input `x` in its stack.hcl first.

    error[own-path]: `a_store.s` reads a path of its own stack
     --> base/main.tf:3:20
      |
    3 |   policy = file("${path.module}/p.json")
      |                    ^^^^^^^^^^^ another folder after the move
      |
      = help: Move it and the files that it reads by hand, or put the files where both stacks read them.
    "#);
}

#[test]
fn a_move_that_is_under_way_is_finished_first() {
    let files = two("resource \"a_store\" \"s\" {}\n", "");
    let block = "stack \"base\" {\n  move {\n    from = stack.data\n    resources = [\"a_store.s\"]\n  }\n";
    assert_snapshot!(moved(&files.replace("stack \"base\" {\n", block), &["a_store.s"]), @r#"
    error[unfinished-move]: `base` still takes `a_store.s` over from `data`
     --> base/stack.hcl:4:18
      |
    4 |     resources = ["a_store.s"]
      |                  ^^^^^^^^^^^ by this `move` block
      |
      = help: Deliver that move everywhere, and take the address out of the block; then move it on.
    "#);
}

#[test]
fn a_file_with_other_line_ends_keeps_them() {
    let base = "# one\r\nresource \"a_store\" \"s\" {\r\n}\r\nresource \"a_user\" \"u\" {}\r\n";
    let text = moved(&two(base, ""), &["a_store.s"]);
    assert!(text.contains("removed {\r\n  from = a_store.s\r\n"), "{text:?}");
    assert!(text.contains("//- data/main.tf\n# one\nresource \"a_store\" \"s\" {\n}\n"), "{text:?}");
}
