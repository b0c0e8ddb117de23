//! Evidence: signed statements about a release, attached to its digest. Owns the signing key's file, the envelope (DSSE), the
//! statements (in-toto) and the artifact that carries them (OCI). Knows nothing of where artifacts are stored, and never decides
//! whether evidence is enough.

pub mod attestation;
pub mod dsse;
pub mod keys;
pub mod statement;
pub mod trusted;
