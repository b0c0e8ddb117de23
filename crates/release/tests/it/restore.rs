//! A repository that is lost and comes back from its releases.

use std::fs;

use terrace_release::restore::{RestoreError, restore};
use terrace_release::tree::ReleaseTree;
use terrace_testkit::repository::Repository;

use crate::shop::{Nobody, Shop};

#[test]
fn what_is_restored_makes_the_same_releases() {
    let shop = Shop::new();
    let built = shop.build();
    let tree = ReleaseTree::open(&shop.layout, &built.descriptor).unwrap();
    let lost = Repository::empty();
    let folder = lost.beside("restored");
    let count = restore(&tree, &folder).unwrap();
    assert_eq!(count, terrace_config::tree::FileTree::files(&tree).len());
    assert_eq!(fs::read_link(folder.join("stacks/web/notes.txt")).unwrap().to_str(), Some("../../shared/notes.txt"));
    for name in ["terrace.hcl", "stacks", "modules", "shared"] {
        fs::rename(folder.join(name), lost.root().join(name)).unwrap();
    }
    lost.commit("Restored");
    let again = Shop { layout: shop.other_layout("again"), repository: lost };
    let rebuilt = again.build_into(&again.layout, &Nobody, false).unwrap();
    assert_eq!(rebuilt.release.stacks, built.release.stacks);
    assert_eq!(rebuilt.release.estate, built.release.estate);
}

#[test]
fn nothing_is_written_over() {
    let shop = Shop::new();
    let built = shop.build();
    let tree = ReleaseTree::open(&shop.layout, &built.descriptor).unwrap();
    let folder = shop.repository.beside("taken");
    fs::create_dir(&folder).unwrap();
    restore(&tree, &folder).unwrap();
    assert!(matches!(restore(&tree, &folder), Err(RestoreError::NotEmpty(_))));
    let file = shop.repository.beside("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(restore(&tree, &file), Err(RestoreError::NotEmpty(_))));
    // A release that is damaged leaves no folder, and nothing beside it.
    let release = terrace_release::stored::estate_release(&shop.layout, &built.descriptor).unwrap();
    let web = terrace_release::stored::stack(&shop.layout, &release.stacks["web"]).unwrap();
    fs::remove_file(shop.layout.blob_path(&web.manifest.layers[0].digest)).unwrap();
    let tree = ReleaseTree::open(&shop.layout, &built.descriptor).unwrap();
    let half = shop.repository.beside("new/half");
    assert!(matches!(restore(&tree, &half), Err(RestoreError::Read(_))));
    assert_eq!(fs::read_dir(half.parent().unwrap()).unwrap().count(), 0);
}
