//! What `verify` and the readers say of releases that somebody meddled with.

use std::fs;

use terrace_config::tree::FileTree;
use terrace_domain::name::StackName;
use terrace_release::build::Built;
use terrace_release::layout::Layout;
use terrace_release::oci::{Descriptor, Index, Manifest};
use terrace_release::tree::ReleaseTree;
use terrace_release::verify::verify;
use terrace_release::{contract, stored};

use crate::shop::Shop;

fn problems(layout: &Layout, descriptor: &Descriptor, only: Option<&str>) -> Vec<String> {
    let only: Option<StackName> = only.map(|name| name.parse().unwrap());
    let found = verify(layout, descriptor, only.as_ref()).unwrap();
    found.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.fault)).collect()
}

/// Puts other bytes for a stack's manifest into an index of their own, as somebody who can write to the layout would.
fn meddle(shop: &Shop, built: &Built, stack: &str, change: impl FnOnce(&Layout, &mut Manifest)) -> Descriptor {
    let layout = &shop.layout;
    let mut index = Index::read(&layout.read(&built.descriptor).unwrap(), "it").unwrap();
    let entry = index.manifests.iter_mut().find(|entry| entry.annotation("dev.terrace.stack") == Some(stack)).unwrap();
    let mut manifest = stored::stack(layout, entry).unwrap().manifest;
    change(layout, &mut manifest);
    let written = layout.write_blob(&entry.media_type, &manifest.to_bytes()).unwrap();
    (entry.digest, entry.size) = (written.digest, written.size);
    let mut descriptor = layout.write_blob(&built.descriptor.media_type, &index.to_bytes()).unwrap();
    descriptor.artifact_type.clone_from(&built.descriptor.artifact_type);
    descriptor.annotations.clone_from(&built.descriptor.annotations);
    descriptor
}

#[test]
fn all_problems_are_told_with_stack_and_blob() {
    let shop = Shop::new();
    let built = shop.build();
    assert_eq!(problems(&shop.layout, &built.descriptor, None), Vec::<String>::new());
    let release = stored::estate_release(&shop.layout, &built.descriptor).unwrap();
    let base = stored::stack(&shop.layout, &release.stacks["base"]).unwrap();
    let web = stored::stack(&shop.layout, &release.stacks["web"]).unwrap();
    let layer = shop.layout.blob_path(&base.manifest.layers[0].digest);
    let mut bytes = fs::read(&layer).unwrap();
    bytes[600] ^= 1;
    fs::write(&layer, bytes).unwrap();
    fs::remove_file(shop.layout.blob_path(&web.manifest.config.digest)).unwrap();
    let found = problems(&shop.layout, &built.descriptor, None);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with(&format!(
        "the stack `base`: a layer of files is damaged: the blob {} has the content of sha256:",
        base.manifest.layers[0].digest
    )));
    assert_eq!(
        found[1],
        format!("the stack `web`: a contract `web` is missing: there is no blob {}", web.manifest.config.digest)
    );
    assert_eq!(problems(&shop.layout, &built.descriptor, Some("web")).len(), 1);
    let error = verify(&shop.layout, &built.descriptor, Some(&"nope".parse().unwrap())).unwrap_err().to_string();
    assert!(error.ends_with("has no stack `nope`"), "{error}");
}

#[test]
fn a_tampered_layer_is_not_read() {
    let shop = Shop::new();
    let built = shop.build();
    let tree = ReleaseTree::open(&shop.layout, &built.descriptor).unwrap();
    let release = stored::estate_release(&shop.layout, &built.descriptor).unwrap();
    let base = stored::stack(&shop.layout, &release.stacks["base"]).unwrap();
    let path = shop.layout.blob_path(&base.manifest.layers[0].digest);
    let text = fs::read(&path).unwrap();
    let tampered: Vec<u8> = String::from_utf8(text).unwrap().replace("default = 1", "default = 9").into();
    fs::write(&path, tampered).unwrap();
    let entry = tree.find(&terrace_domain::path::RepoPath::new("stacks/base/main.tf").unwrap()).unwrap();
    let error = tree.read(entry).unwrap_err().to_string();
    assert!(error.contains("is damaged") && error.contains("stacks/base/main.tf"), "{error}");
}

#[test]
fn contracts_of_another_source_or_stack_are_seen() {
    let shop = Shop::new();
    let built = shop.build();
    let release = stored::estate_release(&shop.layout, &built.descriptor).unwrap();
    let web = stored::stack(&shop.layout, &release.stacks["web"]).unwrap();
    // The layer of another stack under this one's contract.
    let other = meddle(&shop, &built, "base", |_, manifest| manifest.layers = web.manifest.layers.clone());
    let found = problems(&shop.layout, &other, None);
    assert!(
        found.iter().any(|text| text.contains("`stacks/base/main.tf` is in the contract, but not in the layer")),
        "{found:#?}"
    );
    assert!(found.iter().any(|text| text.contains("`stacks/web/main.tf` is in the layer, but not in the contract")));
    // A whole other stack.
    let other = meddle(&shop, &built, "base", |_, manifest| *manifest = web.manifest.clone());
    let found = problems(&shop.layout, &other, None);
    assert!(found.contains(
        &"the stack `base`: the contract is of the stack `web`, and the index lists it as `base`".to_owned()
    ));
    // Another content of a shared file, with contract and layer that agree.
    let other = meddle(&shop, &built, "base", |layout, manifest| {
        let mut contract = stored::contract_of(layout, manifest).unwrap();
        let at = contract.files.iter().position(|file| file.path.as_str() == "modules/store/main.tf").unwrap();
        contract.files[at].blob.0[0] ^= 1;
        manifest.config = layout.write_blob(&manifest.config.media_type, &contract::to_bytes(&contract)).unwrap();
    });
    let found = problems(&shop.layout, &other, None);
    assert!(found.iter().any(|text| text.contains("the manifest names the source")), "{found:#?}");
    assert!(found.iter().any(|text| text.contains("they are not of one commit")), "{found:#?}");
    let error = ReleaseTree::open(&shop.layout, &other).err().unwrap().to_string();
    assert_eq!(
        error,
        "the stack `base` and the stack `web` have the file `modules/store/main.tf` with different contents: they are not of one commit"
    );
}

#[test]
fn documents_of_other_types_are_refused_by_name() {
    let shop = Shop::new();
    let built = shop.build();
    let found = |other: &Descriptor| problems(&shop.layout, other, Some("base")).join("\n");
    let kind = meddle(&shop, &built, "base", |_, manifest| manifest.artifact_type = Some("application/x".to_owned()));
    assert!(found(&kind).contains("is of the type `application/x`, which is not known here"), "{}", found(&kind));
    let layer = meddle(&shop, &built, "base", |_, manifest| manifest.layers[0].media_type.push_str("+gzip"));
    assert!(found(&layer).contains("+gzip`, which is not known here"), "{}", found(&layer));
    let schema = meddle(&shop, &built, "base", |layout, manifest| {
        let text = String::from_utf8(layout.read(&manifest.config).unwrap()).unwrap();
        let text = text.replace("terrace.release/1", "terrace.release/2");
        manifest.config = layout.write_blob(&manifest.config.media_type, text.as_bytes()).unwrap();
    });
    assert!(found(&schema).contains("is of the type `terrace.release/2`"), "{}", found(&schema));
    let path = meddle(&shop, &built, "base", |layout, manifest| {
        let text = String::from_utf8(layout.read(&manifest.config).unwrap()).unwrap();
        let text = text.replace("modules/store/main.tf", "../../../etc/passwd");
        manifest.config = layout.write_blob(&manifest.config.media_type, text.as_bytes()).unwrap();
    });
    assert!(found(&path).contains("its path climbs out of its folder"), "{}", found(&path));
    let manifest = stored::estate_release(&shop.layout, &built.descriptor).unwrap().stacks["web"].clone();
    assert!(stored::estate_release(&shop.layout, &manifest).is_err());
}
