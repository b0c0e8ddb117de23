//! The vault on a disk: what is put is got back by whom it is for, and nothing else is taken for it.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

struct Fixture {
    folder: TempDir,
    vault: Vault,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&folder.path().join("snapshots"), vec![Identity::generate()], vec![]).unwrap();
    Fixture { folder, vault }
}

/// Bytes that do not shrink, so that a sealed file has several pieces.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap()
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn what_is_put_is_got_back() {
    let Fixture { vault, folder: _folder } = fixture();
    for bytes in [b"".to_vec(), b"a secret".to_vec(), noise(300_000)] {
        let sealed = vault.put(&bytes).unwrap();
        assert_eq!(sealed, Sealed { digest: Digest::of(&bytes), size: bytes.len() as u64 });
        assert_eq!(vault.get(sealed.digest).unwrap(), bytes);
    }
}

#[test]
fn files_are_their_owners_alone_and_hold_no_secret() {
    let Fixture { vault, folder } = fixture();
    let sealed = vault.put(b"hunter2 hunter2 hunter2").unwrap();
    let path = vault.path(sealed.digest);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!((mode(path.parent().unwrap()), mode(&folder.path().join("snapshots"))), (0o700, 0o700));
    let stored = fs::read(&path).unwrap();
    assert!(!stored.windows(7).any(|window| window == b"hunter2"));
    assert!(stored.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    fs::set_permissions(folder.path().join("snapshots"), Permissions::from_mode(0o755)).unwrap();
    Vault::open(&folder.path().join("snapshots"), vault.identities.clone(), vec![]).unwrap();
    assert_eq!(mode(&folder.path().join("snapshots")), 0o700);
}

#[test]
fn the_same_bytes_are_stored_once_and_mended() {
    let Fixture { vault, folder: _folder } = fixture();
    let sealed = vault.put(b"state").unwrap();
    let path = vault.path(sealed.digest);
    let first = fs::read(&path).unwrap();
    vault.put(b"state").unwrap();
    assert_eq!(fs::read(&path).unwrap(), first, "what is sealed anew has other bytes");
    fs::write(&path, &first[..first.len() - 1]).unwrap();
    vault.put(b"state").unwrap();
    assert_eq!(vault.get(sealed.digest).unwrap(), b"state");
}

#[test]
fn others_open_what_was_sealed_for_them_and_nothing_else() {
    let Fixture { vault, folder } = fixture();
    let at = folder.path().join("snapshots");
    let (colleague, stranger) = (Identity::generate(), Identity::generate());
    let ours = Vault::open(&at, vault.identities.clone(), vec![colleague.recipient(), colleague.recipient()]).unwrap();
    let digest = ours.put(b"for two").unwrap().digest;
    for identity in [colleague, vault.identities[0].clone()] {
        assert_eq!(Vault::open(&at, vec![identity], vec![]).unwrap().get(digest).unwrap(), b"for two");
    }
    let error = Vault::open(&at, vec![stranger.clone()], vec![]).unwrap().get(digest).unwrap_err();
    assert!(matches!(error, VaultError::NotOurs(_)), "{error}");
    let blind = Vault::open(&at, vec![], vec![stranger.recipient()]).unwrap();
    let digest = blind.put(b"written, not read").unwrap().digest;
    assert!(matches!(blind.get(digest), Err(VaultError::NotOurs(_))));
    assert!(matches!(Vault::open(&at, vec![], vec![]), Err(VaultError::NoRecipient)));
}

#[test]
fn what_is_wrong_with_a_file_is_told_apart() {
    let Fixture { vault, folder: _folder } = fixture();
    let digest = vault.put(&noise(200_000)).unwrap().digest;
    let path = vault.path(digest);
    let whole = fs::read(&path).unwrap();
    let header = whole.windows(5).position(|window| window == b"\n--- ").unwrap() + 5 + 43 + 1;
    let problem = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        vault.get(digest).unwrap_err()
    };
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let piece = 64 * 1024 + 16;
    assert!(matches!(problem(&flipped(header + 16 + 5)), VaultError::Changed(_)));
    assert!(matches!(problem(&flipped(whole.len() - 1)), VaultError::EndDamaged(_)));
    assert!(matches!(problem(&whole[..whole.len() - 1]), VaultError::EndDamaged(_)));
    let between = problem(&whole[..header + 16 + piece]);
    assert!(matches!(between, VaultError::CutOff(_) | VaultError::EndDamaged(_)), "{between}");
    assert!(matches!(problem(&whole[..header + 16]), VaultError::CutOff(_)));
    assert!(matches!(problem(&whole[..header - 10]), VaultError::CutOff(_)));
    assert!(matches!(problem(&whole[..header + 3]), VaultError::CutOff(_)));
    assert!(matches!(problem(&[]), VaultError::CutOff(_) | VaultError::NotSealed(_)));
    assert!(matches!(problem(b"a plain text, and no sealed file\n"), VaultError::NotSealed(_)));
    let other = vault.put(b"another").unwrap().digest;
    fs::copy(vault.path(other), &path).unwrap();
    assert!(matches!(vault.get(digest).unwrap_err(), VaultError::Exchanged { found, .. } if found == other));
    fs::remove_file(&path).unwrap();
    assert!(matches!(vault.get(digest), Err(VaultError::Missing(_))));
}

#[test]
fn a_file_is_sealed_and_opened_and_the_plain_one_removed() {
    let Fixture { vault, folder } = fixture();
    let (plan, sealed) = (folder.path().join("plan.tfplan"), folder.path().join("plan.age"));
    fs::write(&plan, noise(100_000)).unwrap();
    let kept = vault.seal_file(&plan, &sealed).unwrap();
    assert!(!plan.exists());
    assert_eq!(vault.open_file(&sealed, &plan).unwrap(), kept);
    assert_eq!(fs::read(&plan).unwrap(), noise(100_000));
    assert_eq!(fs::metadata(&plan).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&plan).unwrap();
    let mut file = OpenOptions::new().write(true).open(&sealed).unwrap();
    file.seek(SeekFrom::End(-5)).unwrap();
    file.write_all(b"x").unwrap();
    assert!(vault.open_file(&sealed, &plan).is_err());
    assert!(!plan.exists(), "nothing that is not whole is left");
    assert!(matches!(vault.seal_file(&plan, &sealed), Err(VaultError::Missing(_))));
    assert!(sealed.exists(), "and what was there stays");
}

#[test]
fn what_cannot_be_written_is_told_and_the_plain_file_stays() {
    let Fixture { vault, folder } = fixture();
    let plan = folder.path().join("plan.tfplan");
    fs::write(&plan, b"plan").unwrap();
    let error = vault.seal_file(&plan, &folder.path().join("nowhere/plan.age")).unwrap_err();
    assert!(matches!(error, VaultError::Io { .. }) && error.to_string().contains("nowhere"), "{error}");
    assert!(plan.exists());
}

#[test]
fn a_small_file_that_holds_too_much_is_refused() {
    let Fixture { vault, folder } = fixture();
    let (large, sealed) = (folder.path().join("large"), folder.path().join("large.age"));
    File::create(&large).unwrap().set_len(BYTES_MAX + 1).unwrap();
    assert!(matches!(vault.seal_file(&large, &sealed), Err(VaultError::TooLarge(path)) if path == large));
    assert!(large.exists() && !sealed.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_bytes_come_back_and_any_changed_bit_is_found(
        bytes in proptest::collection::vec(any::<u8>(), 0..5000), at in any::<prop::sample::Index>(), bit in 0..8_u32
    ) {
        let Fixture { vault, folder: _folder } = fixture();
        let digest = vault.put(&bytes).unwrap().digest;
        prop_assert_eq!(&vault.get(digest).unwrap(), &bytes);
        let path = vault.path(digest);
        let mut stored = fs::read(&path).unwrap();
        let at = at.index(stored.len());
        stored[at] ^= 1 << bit;
        fs::write(&path, stored).unwrap();
        prop_assert!(vault.get(digest).is_err());
    }
}
