//! Modules from elsewhere, fetched by the real Terraform from a git repository on disk whose tag is then moved.

use std::fs;
use std::path::Path;
use std::process::Command;

use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;
use terrace_release::vendor::TerraformGet;
use terrace_release::verify::verify;
use terrace_testkit::repository::Repository;
use terrace_testkit::tools;
use terrace_world::terraform::Environment;

use crate::shop::Shop;

fn environment(folder: &Path) -> Environment {
    let caller = [("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("HOME".into(), folder.into())];
    Environment::scrubbed(caller, &[], folder)
}

/// A module with another one in it, tagged `v1`.
fn module() -> Repository {
    let module = Repository::empty();
    module.write("main.tf", "module \"inner\" {\n  source = \"./inner\"\n}\noutput \"v\" {\n  value = \"one\"\n}\n");
    module.write("inner/main.tf", "output \"w\" {\n  value = 1\n}\n");
    module.write("run.sh", "#!/bin/sh\n");
    module.set_executable("run.sh", true);
    module.link("inside", "inner/main.tf");
    module.link("outside", "/etc/hostname");
    module.commit("One");
    module.git(&["tag", "v1"]);
    module
}

fn shop(module: &Repository) -> Shop {
    let shop = Shop::new();
    let source = format!("git::file://{}?ref=v1", module.root().display());
    shop.repository.write("modules/far/main.tf", format!("module \"far\" {{\n  source = \"{source}\"\n}}\n"));
    let main = format!(
        "module \"near\" {{\n  source = \"../../modules/far\"\n}}\nmodule \"again\" {{\n  source = \"{source}\"\n}}\n"
    );
    shop.repository.write("stacks/base/main.tf", format!("{main}output \"id\" {{\n  value = module.again.v\n}}\n"));
    shop.repository.commit("Call a module from elsewhere");
    shop
}

#[test]
fn a_tag_that_moves_does_not_move_a_release() {
    let Some(program) = tools::terraform() else { return };
    let module = module();
    let shop = shop(&module);
    let get = TerraformGet { program: program.clone(), environment: environment(&shop.scratch()) };
    let first = shop.build_into(&shop.layout, &get, false).unwrap();
    let left_out: Vec<_> = first.left_out.iter().map(|(stack, paths)| (stack.as_str(), paths.len())).collect();
    assert_eq!(left_out, [("base", 2)]);
    assert!(verify(&shop.layout, &first.descriptor, None).unwrap().problems.is_empty());
    // On another machine it is the same.
    let other = shop.other_layout("other");
    assert_eq!(shop.build_into(&other, &get, false).unwrap().descriptor, first.descriptor);

    module.write("main.tf", "output \"v\" {\n  value = \"two\"\n}\n");
    module.commit("Two");
    module.git(&["tag", "--force", "v1"]);
    let kept = shop.build_into(&shop.layout, &get, false).unwrap();
    assert_eq!((kept.descriptor, kept.new.len()), (first.descriptor.clone(), 0));
    let refreshed = shop.build_into(&shop.layout, &get, true).unwrap();
    assert_eq!(refreshed.new.iter().map(terrace_domain::name::StackName::as_str).collect::<Vec<_>>(), ["base"]);
    assert_eq!(refreshed.release.stacks["web"], first.release.stacks["web"]);
    assert_eq!(fs::read_dir(shop.scratch()).unwrap().count(), 0);

    // Terraform takes the modules of the first release, though the tag leads elsewhere, and though nobody could fetch them.
    let tree = ReleaseTree::open(&shop.layout, &first.descriptor).unwrap();
    let base = "base".parse().unwrap();
    let keys: Vec<_> = tree.contract(&base).unwrap().modules.iter().map(|module| module.key.as_str()).collect();
    assert_eq!(keys, ["again", "again.inner", "near.far", "near.far.inner"]);
    let work = shop.repository.beside("work");
    terrace_release::restore::restore(&tree, &work).unwrap();
    let vendored = tree.vendored(&base).unwrap().unwrap();
    assert!(vendored.lay_out(&work).unwrap());
    assert!(!vendored.lay_out(&work).unwrap());
    let folder = work.join("stacks/base");
    drop(module);
    let init = Command::new(&program)
        .args(["init", "-no-color", "-input=false"])
        .current_dir(&folder)
        .env_clear()
        .envs(environment(&work).iter())
        .output()
        .unwrap();
    // The provider of the local module is not here: modules come first, and are all that matters.
    let said = String::from_utf8_lossy(&init.stdout).into_owned() + &String::from_utf8_lossy(&init.stderr);
    assert!(said.contains("Initializing modules...") && !said.contains("Downloading"), "{said}");
    assert!(!said.contains("Failed to download module"), "{said}");
    let text = fs::read_to_string(folder.join(".terraform/modules/again/main.tf")).unwrap();
    assert!(text.contains("\"one\""), "{text}");
    assert!(!folder.join(".terraform/modules/again/.git").exists());
    assert!(folder.join(".terraform/modules/again/inside").is_symlink());
}

#[test]
fn a_module_that_cannot_be_fetched_stops_the_build_and_says_why() {
    let Some(program) = tools::terraform() else { return };
    let module = module();
    let shop = shop(&module);
    module.git(&["tag", "--delete", "v1"]);
    let get = TerraformGet { program, environment: environment(&shop.scratch()) };
    let error = shop.build_into(&shop.layout, &get, false).unwrap_err();
    assert_eq!(error.to_string(), "the stack `base` cannot be released");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.starts_with("the modules cannot be fetched: ") && source.contains("v1"), "{source}");
    assert_eq!(Layout::open(shop.layout.folder()).unwrap().index().unwrap().manifests, []);
}
