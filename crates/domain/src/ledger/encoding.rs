//! What exactly an entry's hash is computed of. The encoding is the JSON Canonicalization Scheme (RFC 8785) of one object, so that any
//! other tool can compute the same from what `terrace ledger log --json` prints: all fields but `hash`, in the order of their names,
//! without spaces, absent ones as `null`, the body as a JSON string. `docs/ledger.md` has an example.

use std::io::Write;

use sha2::{Digest, Sha256};

use super::{Hash, Record};

impl Record<'_> {
    /// The hash.
    pub fn hash(&self) -> Hash {
        self.hash_with(&mut Vec::new())
    }

    /// The hash, computed in a buffer that can be used again.
    pub fn hash_with(&self, buffer: &mut Vec<u8>) -> Hash {
        buffer.clear();
        self.encode(buffer);
        Hash(Sha256::digest(buffer.as_slice()).into())
    }

    /// Appends the bytes that the hash is computed of.
    pub fn encode(&self, into: &mut Vec<u8>) {
        text(into, "{\"actor\":", Some(self.actor));
        number(into, ",\"at\":", Some(self.at));
        text(into, ",\"body\":", Some(self.body));
        text(into, ",\"environment\":", self.environment);
        text(into, ",\"kind\":", Some(self.kind));
        hash(into, ",\"prev\":", self.prev);
        text(into, ",\"reason\":", self.reason);
        text(into, ",\"release\":", self.release);
        number(into, ",\"run\":", self.run);
        number(into, ",\"run_seq\":", self.run_seq);
        number(into, ",\"seq\":", Some(self.seq));
        text(into, ",\"stack\":", self.stack);
        text(into, ",\"stage\":", self.stage);
        into.push(b'}');
    }
}

fn hash(into: &mut Vec<u8>, name: &str, hash: Hash) {
    into.extend_from_slice(name.as_bytes());
    into.push(b'"');
    into.extend_from_slice(&hash.to_hex());
    into.push(b'"');
}

fn number(into: &mut Vec<u8>, name: &str, number: Option<impl std::fmt::Display>) {
    into.extend_from_slice(name.as_bytes());
    match number {
        // Writing into memory does not fail.
        Some(number) => drop(write!(into, "{number}")),
        None => into.extend_from_slice(b"null"),
    }
}

/// `serde_json` escapes strings as RFC 8785, section 3.2.2.2, asks for; a test holds it to that.
fn text(into: &mut Vec<u8>, name: &str, text: Option<&str>) {
    into.extend_from_slice(name.as_bytes());
    match text {
        // Writing into memory does not fail.
        Some(text) => drop(serde_json::to_writer(into, text)),
        None => into.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_this_one() {
        let mut record = Record {
            seq: 7,
            prev: Hash::ZERO,
            at: -1,
            actor: "ada@host",
            kind: "run_event",
            run: Some(3),
            run_seq: Some(2),
            stage: Some("dev"),
            environment: None,
            stack: None,
            release: None,
            reason: Some("\u{0}\u{1f}\u{8}\u{9}\u{a}\u{c}\u{d}\"\\/\u{7f}é\u{2028}😀"),
            body: r#"{"a":"ü"}"#,
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let zeros = "0".repeat(64);
        let expected = [
            r#"{"actor":"ada@host","at":-1,"body":"{\"a\":\"ü\"}","environment":null,"kind":"run_event","prev":""#,
            &zeros,
            r#"","reason":"\u0000\u001f\b\t\n\f\r\"\\/"#,
            "\u{7f}é\u{2028}😀",
            r#"","release":null,"run":3,"run_seq":2,"seq":7,"stack":null,"stage":"dev"}"#,
        ];
        assert_eq!(String::from_utf8(bytes).unwrap(), expected.concat());
        let before = record.hash();
        record.environment = Some("");
        assert_ne!(record.hash(), before, "an empty text is not an absent one");
    }
}
