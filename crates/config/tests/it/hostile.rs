//! Whatever is in the files, loading ends, and with words.

use proptest::prelude::*;
use terrace_config::fixture::MemoryTree;
use terrace_config::{render, sources, wire};

use crate::check::{SMALLEST, diagnose};

const STACK: &str = r#"stack "app" {
  capability = "checkout"
  watch      = ["shared/**", "./x"]
  depends_on = [stack.network]
  inputs = {
    id   = stack.network.id
    list = [for k, v in env.map : "${k}-${v}" if v != null]
    text = <<-EOT
      %{ if env.big ~} ${upper("x")} %{ endif }
    EOT
  }
}
"#;

const CODE: &str = r#"variable "id" { type = string }
module "m" { source = "../m" }
output "out" { value = module.m.x["y"][*].z }
"#;

fn survives(terrace: Vec<u8>, stack: Vec<u8>, code: Vec<u8>) {
    let tree = MemoryTree::default()
        .with("terrace.hcl", terrace)
        .with("app/stack.hcl", stack)
        .with("app/main.tf", code.clone())
        .with("app/main.tf.json", code);
    let diagnostics = diagnose(&tree);
    let texts = sources(&tree, &diagnostics);
    render(&diagnostics, &texts, true);
    wire(&diagnostics, &texts);
}

/// The text with some of its bytes replaced, dropped or doubled.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..text.len(), 0..4u8, any::<u8>());
    proptest::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, how, byte) in changes {
            let at = at % bytes.len().max(1);
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..(at + usize::from(byte % 16)).min(bytes.len()))),
                2 => {
                    let piece = bytes[at..(at + usize::from(byte)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => bytes.insert(at, b"{}[]()\"$%<>~=.\n"[usize::from(byte) % 15]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(SMALLEST.into(), bytes.clone(), bytes);
    }

    #[test]
    fn mutations(terrace in mutated(SMALLEST), stack in mutated(STACK), code in mutated(CODE)) {
        survives(terrace, stack, code);
    }
}
