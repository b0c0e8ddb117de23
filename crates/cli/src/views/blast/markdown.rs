//! The radius for a pull request, as GitHub and its like render Markdown (`CommonMark` 0.31, GitHub Flavored Markdown). Whatever the plan, the text
//! stays below what such a comment may have, and no name in it is read as anything but a name.

use std::fmt::Write;

use terrace_domain::blast::{Changed, Ring, Touched, Why};
use terrace_domain::name::StackName;

use super::text::held_in_words;
use super::{Report, counts_in_words, plain, share_in_words, sign, traits_in_words};
use crate::views::count;
use crate::views::drawing::shortened;

/// The most that a report has, in bytes, and so in characters: GitHub takes 65,536 characters, and others may write around it. Each list has its
/// own room, and tests hold all of them together to this.
#[cfg(test)]
const BYTES_MAX: usize = 60_000;
/// The longest name, in characters: longer ones lose their middle.
const NAME_LENGTH_MAX: usize = 160;
/// The longest reason.
const REASON_LENGTH_MAX: usize = 500;
/// So many names stand beside each other.
const NAMES_MAX: usize = 4;

/// How many bytes each list may have.
mod room {
    pub(super) const REASONS: usize = 12_000;
    pub(super) const RESOURCES: usize = 16_000;
    pub(super) const OUTPUTS: usize = 6_000;
    pub(super) const READERS: usize = 6_000;
    pub(super) const FURTHER: usize = 3_000;
    pub(super) const CAPABILITIES: usize = 4_000;
    pub(super) const OWNERS: usize = 2_000;
    pub(super) const POTENTIAL: usize = 4_000;
    pub(super) const NOTES: usize = 2_000;
}

impl Report<'_> {
    /// The report.
    pub fn markdown(&self) -> String {
        let actual = &self.radius.actual;
        let mut text = format!(
            "## Blast radius of {} in {}: {}\n\n",
            code(&self.subject()),
            code(actual.environment.as_str()),
            actual.level
        );
        self.facts(&mut text);
        let reasons = actual.reasons.iter().map(|reason| {
            let words = shortened(&plain(&reason.text), REASON_LENGTH_MAX);
            format!("- **{}**, {}: {}", reason.level, reason.rule, prose(&words))
        });
        list(&mut text, "### Why", reasons, "reasons", room::REASONS);
        let resources = actual.resources().map(|(stack, touched)| resource(stack, touched));
        folded(&mut text, "Resources", resources, "resources", room::RESOURCES);
        let outputs = actual.changed.iter().flat_map(|(stack, changed)| outputs(stack, changed));
        folded(&mut text, "Outputs", outputs, "outputs", room::OUTPUTS);
        let readers = actual.readers.iter().map(|(stack, reading)| {
            let read =
                reading.iter().flat_map(|(from, outputs)| outputs.keys().map(move |name| format!("{from}.{name}")));
            format!("- {}{} reads {}", code(stack.as_str()), self.of(stack), names(read))
        });
        list(&mut text, "### Reads what changes", readers, "stacks", room::READERS);
        let further = actual.further.iter().map(|(stack, through)| {
            format!("- {}{} through {}", code(stack.as_str()), self.of(stack), code(through.as_str()))
        });
        folded(&mut text, "Further down, may be reached", further, "stacks", room::FURTHER);
        let capabilities = actual.capabilities.iter().map(|(name, resting)| {
            let owner = resting.owner.as_deref().map(|owner| format!(" of {}", code(owner))).unwrap_or_default();
            let how = match &resting.through {
                Some(needed) => format!("needs {}", code(needed.as_str())),
                None => format!("served by {}", names(&resting.served_by)),
            };
            let perhaps = if resting.ring == Ring::Further { ", perhaps" } else { "" };
            format!("- {} ({}{owner}): {how}{perhaps}", code(name.as_str()), resting.layer.as_str())
        });
        list(&mut text, "### Capabilities that rest on it", capabilities, "capabilities", room::CAPABILITIES);
        let owners = actual.owners.keys().map(|owner| format!("- {}", code(owner)));
        list(&mut text, "### Owners", owners, "owners", room::OWNERS);
        self.potential(&mut text);
        list(
            &mut text,
            "### Notes",
            self.notes.iter().map(|note| format!("- {}", prose(&plain(note)))),
            "notes",
            room::NOTES,
        );
        text
    }

    /// The numbers, as a table.
    fn facts(&self, text: &mut String) {
        let actual = &self.radius.actual;
        let others = if actual.is_counted { "" } else { "; of the others nothing is known" };
        let share = format!("{}{others}", share_in_words(actual.share));
        let potential = &self.radius.potential;
        let rows = [
            ("resources", counts_in_words(actual.counts)),
            ("share of the environment", share),
            ("read by", count(actual.readers.len(), "stack")),
            ("further down", count(actual.further.len(), "stack")),
            (
                "could reach",
                format!("{}, {}", count(potential.instances.len(), "instance"), held_in_words(&potential.held)),
            ),
        ];
        text.push_str("| | |\n|-|-|\n");
        text.extend(rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")));
    }

    /// Whose a stack is.
    fn of(&self, stack: &StackName) -> String {
        self.owner(stack).map(|owner| format!(" of {}", code(owner))).unwrap_or_default()
    }

    fn potential(&self, text: &mut String) {
        let potential = &self.radius.potential;
        let reached = potential.instances.iter().map(|reached| {
            let held = reached.held.as_ref().map_or_else(|| "never seen".to_owned(), held_in_words);
            let why = match &reached.why {
                Why::Own => "planned here".to_owned(),
                Why::SameIdentity(providers) => format!("same identity, {}", names(providers)),
            };
            format!("- {}: {held}; {why}", code(&format!("{}/{}", reached.environment, reached.stack)))
        });
        folded(text, "What the same identity and code could reach", reached, "instances", room::POTENTIAL);
    }
}

fn outputs<'r>(stack: &'r StackName, changed: &'r Changed) -> impl Iterator<Item = String> + 'r {
    changed.outputs.values().map(move |output| {
        let name = code(&format!("{stack}.{}", output.change.name));
        let unknown = if output.change.is_unknown { ", known only after the apply" } else { "" };
        let readers = if output.readers.is_empty() {
            "nobody reads it".to_owned()
        } else {
            format!("read by {}", names(&output.readers))
        };
        format!("- {} {name}: {readers}{unknown}", code(sign(output.change.action)))
    })
}

fn resource(stack: &StackName, touched: &Touched) -> String {
    let mut about: Vec<String> = traits_in_words(touched).into_iter().map(str::to_owned).collect();
    if !touched.because.is_empty() {
        about.push(format!("because of {}", names(&touched.because)));
    }
    let about = if about.is_empty() { String::new() } else { format!(" {}", about.join("; ")) };
    format!("- {} {} in {}{about}", code(sign(touched.action)), code(&touched.address), code(stack.as_str()))
}

/// A list below a heading; nothing where it is empty.
fn list(text: &mut String, heading: &str, rows: impl Iterator<Item = String>, what: &str, room: usize) {
    let mut rows = rows.peekable();
    if rows.peek().is_some() {
        let _ = write!(text, "\n{heading}\n\n");
        fill(text, rows, what, room);
    }
}

/// A list that is shown when one asks for it.
fn folded(text: &mut String, heading: &str, rows: impl Iterator<Item = String>, what: &str, room: usize) {
    let mut rows = rows.peekable();
    if rows.peek().is_some() {
        let _ = write!(text, "\n<details><summary>{heading}</summary>\n\n");
        fill(text, rows, what, room);
        text.push_str("\n</details>\n");
    }
}

/// The rows that fit, and a sentence on those that do not.
fn fill(text: &mut String, rows: impl Iterator<Item = String>, what: &str, room: usize) {
    let (mut left, mut left_out) = (room, 0_usize);
    for row in rows {
        // What comes after a row that does not fit is no more important.
        if left_out > 0 || row.len() + 1 > left {
            left_out += 1;
            continue;
        }
        left -= row.len() + 1;
        text.push_str(&row);
        text.push('\n');
    }
    if left_out > 0 {
        let _ = writeln!(
            text,
            "\n_{left_out} more {what} are left out: a comment takes no more. `terrace blast --all` shows them._"
        );
    }
}

/// Names with commas, the first of many.
fn names<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(NAMES_MAX).map(|name| code(&name.to_string())).collect();
    let more = names.count();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A name as code.
fn code(text: &str) -> String {
    span(&shortened(&plain(text), NAME_LENGTH_MAX))
}

/// A code span: nothing in it is read as Markdown, HTML, a mention or a link (`CommonMark`, "Code spans": a string of back quotes longer than any
/// inside begins and ends it). A pipe would still end the cell of a table, so names are not put into tables.
fn span(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space at each end is taken off.
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Words with names in them: as they are where they are only letters and plain punctuation, else as code.
fn prose(text: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | ':' | ';' | '.' | '(' | ')' | '%' | '-' | '/' | '\'')
    };
    // An underscore between letters is one (GitHub Flavored Markdown, "Emphasis"), and so are all in types and names.
    let is_in_word = text.split('_').all(|part| !part.is_empty() && !part.starts_with(' ') && !part.ends_with(' '));
    let is_harmless = text.chars().all(|c| is_plain(c) || c == '_') && (is_in_word || !text.contains('_'));
    if is_harmless && !text.contains("://") && !text.contains("www.") { text.to_owned() } else { span(text) }
}

#[cfg(test)]
mod tests {
    use terrace_domain::plan::{Action, OutputChange, PlanFacts};

    use super::*;
    use crate::views::blast::fixture::{Fixture, change};

    /// A stack that hundreds read, each with an owner and a capability of its own.
    fn crowded(readers: usize) -> Fixture {
        let mut text = String::from(
            "//- terrace.hcl\nestate \"harbour\" {}\nenvironment \"dev\" {}\npipeline {\n  stage \"dev\" { environment = \"dev\" }\n}\n",
        );
        let long = "a".repeat(80);
        for at in 0..readers {
            let _ = writeln!(
                text,
                "capability \"c{at}-{long}\" {{\n  layer = \"business\"\n  owner = \"o{at}-{long}\"\n}}"
            );
        }
        text.push_str(
            "//- stacks/core/stack.hcl\nstack \"core\" {}\n//- stacks/core/main.tf\nresource \"aws_vpc\" \"a\" {}\n",
        );
        for at in 0..readers {
            let _ = writeln!(text, "output \"o{at}\" {{ value = 1 }}");
        }
        for at in 0..readers {
            let _ = writeln!(
                text,
                "//- stacks/r{at}/stack.hcl\nstack \"r{at}-{long}\" {{\n  capability = \"c{at}-{long}\"\n  inputs = {{ id = stack.core.o{at} }}\n}}\n\
                 //- stacks/r{at}/main.tf\nvariable \"id\" {{}}\nresource \"aws_vpc\" \"a\" {{}}"
            );
        }
        Fixture::new(&text)
    }

    fn facts(addresses: impl Iterator<Item = String>, outputs: usize) -> PlanFacts {
        let resource = |address| terrace_domain::plan::ResourceChange { address, ..change(Action::Delete) };
        let output =
            |at| OutputChange { name: format!("o{at}"), action: Action::Update, is_unknown: true, is_sensitive: false };
        PlanFacts {
            resources: addresses.map(resource).collect(),
            outputs: (0..outputs).map(output).collect(),
            complete: true,
            ..PlanFacts::default()
        }
    }

    #[test]
    fn a_report_stays_below_the_limit_whatever_the_plan() {
        use room::{CAPABILITIES, FURTHER, NOTES, OUTPUTS, OWNERS, POTENTIAL, READERS, REASONS, RESOURCES};
        let lists = [REASONS, RESOURCES, OUTPUTS, READERS, FURTHER, CAPABILITIES, OWNERS, POTENTIAL, NOTES];
        assert!(
            lists.iter().sum::<usize>() + 4_000 < BYTES_MAX,
            "with headings, the table, and what is said of what is left out"
        );

        let fixture = crowded(300);
        let hostile = "`|<b>\u{1f4a5}\n".repeat(100);
        let many = facts((0..20_000).map(|at| format!("aws_vpc.a[\"{at}{hostile}\"]")), 300);
        let radius = fixture.radius_of("dev", &[("core", many)]);
        let report = Report { notes: vec![hostile.repeat(10); 100], ..fixture.report(&radius) };
        let text = report.markdown();
        assert!(text.len() < BYTES_MAX, "{} bytes", text.len());
        for what in ["resources", "outputs", "stacks", "capabilities", "owners", "instances", "notes"] {
            assert!(text.contains(&format!("more {what} are left out")), "{what}");
        }
        assert!(text.contains("20000 destroyed") && text.contains("| read by | 300 stacks |"), "numbers are whole");
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn names_are_read_as_nothing_but_names() {
        let cases = [
            ("aws_vpc.main", "`aws_vpc.main`"),
            ("a[\"`\"]", "``a[\"`\"]``"),
            ("`a`", "`` `a` ``"),
            ("a``b", "```a``b```"),
            (" a", "`  a `"),
            ("", "`  `"),
            ("a\nb\tc\u{1b}[31m", "`a b c [31m`"),
            ("a\u{202e}b\u{2028}c", "`a\u{fffd}b\u{fffd}c`"),
            ("<img src=x>|@all #1 ![x](y) https://z", "`<img src=x>|@all #1 ![x](y) https://z`"),
        ];
        for (name, expected) in cases {
            assert_eq!(code(name), expected);
        }
        assert_eq!(code(&"x".repeat(5_000)).chars().count(), NAME_LENGTH_MAX + 2);
    }

    #[test]
    fn reasons_with_names_of_anybodys_are_code() {
        assert_eq!(prose("1 resource is lost: aws_db_instance.main"), "1 resource is lost: aws_db_instance.main");
        for hostile in
            ["a: m[\"*x*\"]", "see https://x.example", "_a_ b", "a | b", "<b>", "@all", "#12", "a\\b", "www.x"]
        {
            assert_eq!(prose(hostile), span(hostile));
        }
    }

    #[test]
    fn no_line_begins_or_ends_anything_but_what_it_should() {
        let fixture = crowded(1);
        let hostile = "a[\"`x`\n</details>\n# h\n- i\n```\n\"]";
        let radius = fixture.radius_of("dev", &[("core", facts([format!("aws_vpc.{hostile}")].into_iter(), 1))]);
        let text = fixture.report(&radius).markdown();
        let beginnings = ["## ", "### ", "| ", "|-", "- ", "<details><summary>", "</details>"];
        for line in text.lines().filter(|line| !line.is_empty()) {
            assert!(beginnings.iter().any(|beginning| line.starts_with(beginning)), "{line}");
        }
        assert_eq!(text.matches("\n</details>\n").count(), text.matches("<details>").count());
    }
}
