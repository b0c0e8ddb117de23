//! Sees to it that the taker has the same configuration of the providers that moved code uses as the giver has: another region or account would
//! look for the objects where they are not.

use terrace_domain::diagnostic::Diagnostic;

use super::carry::Fate;
use super::folder::{Item, Kind};
use super::mover::Mover;

impl Mover<'_> {
    /// Takes along what the providers of the moved code and of its data sources need.
    pub(super) fn carry_providers(&mut self) {
        let mut names: Vec<String> = Vec::new();
        let items = self.from.code.items.iter().enumerate();
        for (_, item) in items.filter(|(at, _)| self.moved.contains(at) || self.carried.contains_key(at)) {
            match item.kind {
                Kind::Resource => names.extend(provider_of(&item.key)),
                Kind::Data => names.extend(item.key.strip_prefix("data.").and_then(provider_of)),
                // A module may use any that its caller has.
                Kind::Module => names.extend(self.configured()),
                _ => {}
            }
        }
        names.sort();
        names.dedup();
        for name in names {
            self.carry_provider(&name);
            self.carry_requirement(&name);
        }
    }

    /// The providers that the giver configures, and those that it requires.
    fn configured(&self) -> Vec<String> {
        let named = self.from.code.items.iter().filter_map(|item| match item.kind {
            Kind::Provider => item.key.strip_prefix("provider."),
            Kind::Required => item.key.strip_prefix("required."),
            _ => None,
        });
        named.filter(|name| !name.contains('.')).map(str::to_owned).collect()
    }

    fn carry_provider(&mut self, name: &str) {
        let key = format!("provider.{name}");
        let here = self.from.code.find(&key);
        let there = self.to.code.find(&key);
        match (here, there) {
            (None, None) => {}
            (Some(here), None) if self.uses_provider(name) => {
                let item = self.from.code.items[here].clone();
                let taker = &self.to.stack.name;
                let diagnostic =
                    Diagnostic::error("provider", format!("`{taker}` uses `{name}` without a `provider` block"))
                        .at(self.from.code.place(&item, &item.name_at), "what is moved has this one")
                        .help(format!(
                            "Give `{taker}` a `provider \"{name}\"` block that says the same, and deliver that."
                        ));
                self.wrong.push(diagnostic);
            }
            (Some(here), None) => {
                self.carried.insert(here, Fate::Copied);
                for found in self.from.code.items[here].references.clone() {
                    if let Some((needed, _)) = self.given(&found.key) {
                        self.carry_with_needs(needed);
                    }
                }
            }
            (None, Some(there)) => {
                let item = &self.to.code.items[there];
                let giver = &self.from.stack.name;
                let diagnostic =
                    Diagnostic::error("provider", format!("`{giver}` uses `{name}` without a `provider` block"))
                        .at(self.to.code.place(item, &item.name_at), "what is moved would have this one")
                        .help(format!(
                            "Give `{giver}` a `provider \"{name}\"` block that says the same, and deliver that."
                        ));
                self.wrong.push(diagnostic);
            }
            (Some(here), Some(there)) => self.compare_providers(name, here, there),
        }
    }

    fn carry_with_needs(&mut self, at: usize) {
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if self.carry_one(at) {
                let references = self.from.code.items[at].references.clone();
                open.extend(references.iter().filter_map(|found| self.given(&found.key)).map(|(needed, _)| needed));
            }
        }
    }

    /// Whether the taker has something of this provider already.
    fn uses_provider(&self, name: &str) -> bool {
        let mut items = self.to.code.items.iter();
        items.any(|item| match item.kind {
            Kind::Resource => provider_of(&item.key).as_deref() == Some(name),
            Kind::Data => item.key.strip_prefix("data.").and_then(provider_of).as_deref() == Some(name),
            _ => false,
        })
    }

    fn compare_providers(&mut self, name: &str, here: usize, there: usize) {
        let (own, other) = (self.from.code.items[here].clone(), self.to.code.items[there].clone());
        let mut differs = self.from.code.plain(&own, &own.span) != self.to.code.plain(&other, &other.span);
        if !differs {
            differs = own.references.iter().any(|found| !self.is_same_value(&found.key));
        }
        if differs {
            let diagnostic = Diagnostic::error("provider", format!("the two stacks configure `{name}` differently"))
                .at(self.to.code.place(&other, &other.name_at), "what is moved would have this one")
                .also(self.from.code.place(&own, &own.name_at), "and has this one")
                .help("Let both say the same, with the same inputs: another region or account would not find the objects.");
            self.wrong.push(diagnostic);
        }
    }

    /// Whether a variable or a local value means the same in both stacks.
    fn is_same_value(&self, key: &str) -> bool {
        let (Some(here), Some(there)) = (self.from.code.find(key), self.to.code.find(key)) else { return false };
        let (own, other) = (&self.from.code.items[here], &self.to.code.items[there]);
        let text = |side: &super::mover::Side<'_>, item: &Item| side.code.plain(item, &item.span);
        match key.strip_prefix("var.") {
            Some(name) => {
                let (input, input_there) = (self.from.hcl.input(name), self.to.hcl.input(name));
                let own_default = || text(&self.from, own) == text(&self.to, other);
                input == input_there
                    && input.is_none_or(|input| !input.contains("stack.name") && !input.contains("stack.path"))
                    && (input.is_some() || own_default())
            }
            None => {
                text(&self.from, own) == text(&self.to, other)
                    && own.references.iter().all(|found| self.is_same_value(&found.key))
            }
        }
    }

    /// The taker requires the provider as the giver does.
    fn carry_requirement(&mut self, name: &str) {
        let key = format!("required.{name}");
        let Some(here) = self.from.code.find(&key) else { return };
        let item = self.from.code.items[here].clone();
        let Some(there) = self.to.code.find(&key) else {
            self.carried.insert(here, Fate::Copied);
            return;
        };
        let other = &self.to.code.items[there];
        let source =
            |text: &str| text.split_once("source").and_then(|(_, rest)| rest.split('"').nth(1)).map(str::to_owned);
        let own = source(self.from.code.text(&item, &item.span));
        let others = source(self.to.code.text(other, &other.span));
        if own != others {
            let diagnostic =
                Diagnostic::error("provider", format!("`{name}` is another provider in each of the two stacks"))
                    .at(self.from.code.place(&item, &item.span), "what is moved has this one")
                    .also(self.to.code.place(other, &other.span), "and would have this one")
                    .help("Give one of the two another local name.");
            self.wrong.push(diagnostic);
        }
    }
}

/// The local name of the provider that a type of resource belongs to, unless it is told otherwise (Terraform language, "The provider
/// Meta-Argument").
fn provider_of(address: &str) -> Option<String> {
    let kind = address.split('.').next()?;
    Some(kind.split('_').next()?.to_owned())
}
