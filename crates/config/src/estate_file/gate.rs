//! Reads the `gate` blocks of a stage: what each asks for, as the domain has it.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::structure::Block;
use jiff::civil::{Date, DateTime};
use terrace_domain::blast::Level;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{GATE_KINDS, Gate, GateRule, Stage};
use terrace_domain::expression::Span;
use terrace_domain::rehearsal::{Kind, Lost};
use terrace_domain::run::{Answer, RadiusLimits};
use terrace_domain::value::Value;
use terrace_domain::window::{DAY_MINUTES, DAYS, Freeze, Window, Zone};

use crate::policies::POLICY_FOLDER;
use crate::section::{File, Schema, quoted, with_article};

/// Rehearsals that prove something of a release; a recovery is practised with what runs already, and has a gate of its own.
const PROVABLE: [&str; 2] = [Kind::Zero.as_str(), Kind::Upgrade.as_str()];
/// What can be lost.
const LOSSES: [&str; 3] = [Lost::ALL[0].as_str(), Lost::ALL[1].as_str(), Lost::ALL[2].as_str()];
/// The levels of a blast radius.
const LEVELS: [&str; 5] =
    [Level::None.as_str(), Level::Low.as_str(), Level::Medium.as_str(), Level::High.as_str(), Level::Critical.as_str()];

/// What a gate's setting may be.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Rehearsals,
    Losses,
    Duration,
    WholeNumber,
    Count,
    Share,
    Level,
    Answer,
    Days,
    Clock,
    Zone,
    Freezes,
}

/// The settings of each kind of gate.
fn gate_schema(kind: &str) -> (Schema, &'static [Type]) {
    let (what, attributes, types): (_, &'static [&'static str], &'static [Type]) = match kind {
        "evidence" => ("an `evidence` gate", &["of"], &[Type::Rehearsals]),
        "blast_radius" => (
            "a `blast_radius` gate",
            &["max_destroys", "max_share", "max_level", "approve_from", "stateful", "irreversible"],
            &[Type::WholeNumber, Type::Share, Type::Level, Type::Level, Type::Answer, Type::Answer],
        ),
        "policy" => ("a `policy` gate", &["path", "paths", "namespaces"], &[Type::Text, Type::Texts, Type::Texts]),
        "approval" => ("an `approval` gate", &["by", "count"], &[Type::Texts, Type::Count]),
        "window" => (
            "a `window` gate",
            &["days", "from", "to", "time_zone", "freeze"],
            &[Type::Days, Type::Clock, Type::Clock, Type::Zone, Type::Freezes],
        ),
        "soak" => ("a `soak` gate", &["for"], &[Type::Duration]),
        "recovery" => ("a `recovery` gate", &["younger_than", "of"], &[Type::Duration, Type::Losses]),
        _ => ("a `clean` gate", &[], &[]),
    };
    (Schema { what, attributes, blocks: &[] }, types)
}

/// The gates of a stage. Those of which something is wrong are reported, and left out.
pub(super) fn read<'b>(file: &mut File<'_>, blocks: impl Iterator<Item = &'b Block>) -> Vec<Gate> {
    let gates: Vec<Gate> = blocks.filter_map(|block| read_gate(file, block)).collect();
    for (at, gate) in gates.iter().enumerate() {
        for earlier in &gates[..at] {
            compare(file, earlier, gate);
        }
    }
    gates
}

/// Two gates of one stage: windows complete each other, and must not overlap; every other kind is there once.
fn compare(file: &mut File<'_>, earlier: &Gate, gate: &Gate) {
    let diagnostic = match (&earlier.rule, &gate.rule) {
        (GateRule::Window(one), GateRule::Window(other)) => {
            if !one.overlaps(other) {
                return;
            }
            let summary = format!("the windows {} and {} overlap", one.in_words(), other.in_words());
            Diagnostic::error("overlapping-windows", summary).help(
                "Changes are made while any window is open: let each begin where another ends, or make one of them.",
            )
        }
        (GateRule::Policy { .. }, _) => return,
        (one, other) if one.kind() == other.kind() => {
            let kind = gate.rule.kind();
            Diagnostic::error("duplicate-gate", format!("the stage has two gates `{kind}`"))
                .help("Put what they ask for into one of them.")
        }
        _ => return,
    };
    let places = (file.place(gate.span), file.place(earlier.span));
    file.report(diagnostic.at(places.0, "the second one").also(places.1, "the first one"));
}

/// An `evidence` gate that names no rehearsal asks for those of the pipeline: without any it would ask for nothing, and let everything through.
pub(super) fn check_idle(file: &mut File<'_>, stages: &[Stage]) {
    let is_provable = |kind: &Kind| PROVABLE.contains(&kind.as_str());
    if stages.iter().any(|stage| stage.rehearse.iter().any(is_provable)) {
        return;
    }
    for gate in stages.iter().flat_map(|stage| &stage.gates) {
        if matches!(&gate.rule, GateRule::Evidence { of } if of.is_empty()) {
            let diagnostic =
                Diagnostic::error("idle-gate", "the gate asks for nothing: no stage rehearses zero or upgrade")
                    .at(file.place(gate.span), "lets everything through")
                    .help("Say which rehearsals it asks for: `of = [\"zero\", \"upgrade\"]`.");
            file.report(diagnostic);
        }
    }
}

fn read_gate(file: &mut File<'_>, block: &Block) -> Option<Gate> {
    let label = file.label(block, "gate's kind")?;
    if !GATE_KINDS.contains(&label.value) {
        let help = nearest(label.value, GATE_KINDS)
            .map_or_else(|| format!("Known: {}.", quoted(&GATE_KINDS)), |near| format!("Did you mean `{near}`?"));
        let diagnostic = Diagnostic::error("unknown-gate", format!("there is no gate `{}`", label.value))
            .at(file.place(label.span), "unknown")
            .help(help);
        file.report(diagnostic);
        return None;
    }
    let (schema, types) = gate_schema(label.value);
    let errors_before = file.diagnostics.len();
    let section = file.section(&block.body, schema);
    let mut settings = Settings::default();
    for attribute in section.attributes() {
        let key = attribute.key.as_str();
        let Some(at) = schema.attributes.iter().position(|known| *known == key) else { continue };
        let Some(setting) = file.lowered(attribute) else { continue };
        let Some(value) = file.constant(&setting) else { continue };
        match types[at].mismatch(&value) {
            None => drop(settings.0.insert(schema.attributes[at], (value, setting.span))),
            Some(expected) => {
                let summary = format!("expected {expected}, found {}", with_article(&value));
                file.error("wrong-type", setting.span, summary, format!("must be {expected}"));
            }
        }
    }
    // What was said wrongly is not taken for what was not said.
    if file.diagnostics.len() > errors_before {
        return None;
    }
    let rule = settings.rule(file, label.value, label.span);
    (file.diagnostics.len() == errors_before).then_some(Gate { rule: rule?, span: label.span })
}

/// The settings of a gate, each of its type, with their places.
#[derive(Default)]
struct Settings(BTreeMap<&'static str, (Value, Span)>);

impl Settings {
    fn text(&self, key: &str) -> Option<&str> {
        if let Some((Value::String(text), _)) = self.0.get(key) { Some(text) } else { None }
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let Some((Value::List(items), _)) = self.0.get(key) else { return Vec::new() };
        let text = |item: &Value| if let Value::String(text) = item { Some(text.clone()) } else { None };
        items.iter().filter_map(text).collect()
    }

    fn number(&self, key: &str) -> Option<&serde_json::Number> {
        if let Some((Value::Number(number), _)) = self.0.get(key) { Some(number) } else { None }
    }

    fn millis(&self, key: &str) -> Option<u64> {
        self.text(key).and_then(|text| crate::duration::millis(text).ok())
    }

    fn rule(&self, file: &mut File<'_>, kind: &str, span: Span) -> Option<GateRule> {
        Some(match kind {
            "evidence" => {
                GateRule::Evidence { of: self.texts("of").iter().filter_map(|word| Kind::from_word(word)).collect() }
            }
            "blast_radius" => GateRule::BlastRadius(self.limits(file, span)?),
            "policy" => {
                let path = self.text("path").map(str::to_owned);
                let paths: Vec<_> = path.into_iter().chain(self.texts("paths")).collect();
                let paths = if paths.is_empty() { vec![POLICY_FOLDER.to_owned()] } else { paths };
                GateRule::Policy { paths, namespaces: self.texts("namespaces") }
            }
            "approval" => {
                let count = self.number("count").and_then(serde_json::Number::as_u64).unwrap_or(1);
                GateRule::Approval { by: self.texts("by"), count: u32::try_from(count).unwrap_or(u32::MAX) }
            }
            "window" => GateRule::Window(self.window(file)?),
            "soak" => {
                let Some(for_ms) = self.millis("for") else {
                    let missing = Diagnostic::error("missing-attribute", "the gate does not say how long")
                        .at(file.place(span), "has no `for`")
                        .help("Say how long a release must have run in the stage before: `for = \"24h\"`.");
                    file.report(missing);
                    return None;
                };
                GateRule::Soak { for_ms }
            }
            "recovery" => GateRule::Recovery {
                of: self.texts("of").iter().filter_map(|word| Lost::from_word(word)).collect(),
                younger_than_ms: self.millis("younger_than"),
            },
            _ => GateRule::Clean,
        })
    }

    fn limits(&self, file: &mut File<'_>, span: Span) -> Option<RadiusLimits> {
        if self.0.is_empty() {
            let diagnostic = Diagnostic::error("idle-gate", "the gate limits nothing")
                .at(file.place(span), "lets everything through")
                .help("Say what it limits: `max_destroys = 0`, `max_share = 0.25`, `max_level = \"medium\"`, `stateful = \"approve\"`.");
            file.report(diagnostic);
            return None;
        }
        let level = |key: &str| self.text(key).and_then(Level::from_word);
        let answer = |key: &str| self.text(key).and_then(Answer::from_word).unwrap_or_default();
        Some(RadiusLimits {
            max_destroys: self.number("max_destroys").and_then(serde_json::Number::as_u64),
            max_share: self.number("max_share").and_then(serde_json::Number::as_f64),
            max_level: level("max_level"),
            approve_from: level("approve_from"),
            stateful: answer("stateful"),
            irreversible: answer("irreversible"),
            ..RadiusLimits::default()
        })
    }

    fn window(&self, file: &mut File<'_>) -> Option<Window> {
        let zone = self.text("time_zone").map_or_else(|| Ok(Zone::utc()), str::parse).ok()?;
        let mut window = Window::always(zone);
        if let Some((_, span)) = self.0.get("days") {
            let days = self.texts("days");
            window.days = days.iter().filter_map(|day| u8::try_from(day_of(day)?).ok()).collect();
            if window.days.is_empty() {
                let help = "Name the days on which changes are made: `days = [\"mon\", \"tue\"]`.";
                let diagnostic =
                    Diagnostic::error("idle-gate", "the window never opens").at(file.place(*span), "no day");
                file.report(diagnostic.help(help));
                return None;
            }
        }
        window.from = self.text("from").and_then(minutes).unwrap_or(0) % DAY_MINUTES;
        window.to = self.text("to").and_then(minutes).unwrap_or(DAY_MINUTES);
        if let Some((Value::List(items), span)) = self.0.get("freeze") {
            window.freezes = items.iter().filter_map(freeze).collect();
            check_freezes(file, &window.freezes, *span);
        }
        Some(window)
    }
}

fn check_freezes(file: &mut File<'_>, freezes: &[Freeze], span: Span) {
    for (at, one) in freezes.iter().enumerate() {
        if one.to <= one.from {
            let summary = format!("the freeze from {} ends before it begins", one.from.strftime("%Y-%m-%d %H:%M"));
            file.error("wrong-value", span, summary, "`to` must be after `from`");
        }
        let overlapping = freezes[..at].iter().find(|other| other.from < one.to && one.from < other.to);
        if let Some(other) = overlapping {
            let date = |freeze: &Freeze| freeze.from.strftime("%Y-%m-%d").to_string();
            let summary = format!("the freezes from {} and from {} overlap", date(other), date(one));
            file.error("overlapping-windows", span, summary, "let one end where the other begins");
        }
    }
}

/// The place of a day in the week, from Monday; its word may be written out.
fn day_of(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    let full = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    DAYS.iter().position(|day| *day == word).or_else(|| full.iter().position(|day| *day == word))
}

/// `17:30` as minutes of the day; `24:00` is its end.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

/// `{ from = "2026-12-20", to = "2027-01-03", reason = "..." }`; a day without a time is its beginning, and the last day belongs to it.
fn freeze(value: &Value) -> Option<Freeze> {
    let Value::Object(entries) = value else { return None };
    let text = |key: &str| match entries.get(key) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let known: BTreeSet<&str> = ["from", "to", "reason"].into();
    if entries.keys().any(|key| !known.contains(key.as_str())) {
        return None;
    }
    let reason = match entries.get("reason") {
        None => String::new(),
        Some(_) => text("reason")?.to_owned(),
    };
    Some(Freeze { from: moment(text("from")?, false)?, to: moment(text("to")?, true)?, reason })
}

fn moment(text: &str, is_end: bool) -> Option<DateTime> {
    if text.contains(['T', ' ', ':']) {
        return text.parse().ok();
    }
    let date: Date = text.parse().ok()?;
    let date = if is_end { date.tomorrow().ok()? } else { date };
    Some(date.to_datetime(jiff::civil::Time::midnight()))
}

impl Type {
    /// What is expected, when the value is not that.
    fn mismatch(self, value: &Value) -> Option<&'static str> {
        let text = |fits: &dyn Fn(&str) -> bool| matches!(value, Value::String(text) if fits(text));
        let texts = |fits: &dyn Fn(&str) -> bool| matches!(value, Value::List(items) if items.iter().all(|item| matches!(item, Value::String(text) if fits(text))));
        let number =
            |fits: &dyn Fn(&serde_json::Number) -> bool| matches!(value, Value::Number(number) if fits(number));
        let (fits, expected) = match self {
            Self::Text => (text(&|_| true), "a string"),
            Self::Texts => (texts(&|_| true), "a list of strings"),
            Self::Rehearsals => (texts(&|word| PROVABLE.contains(&word)), "a list of \"zero\" or \"upgrade\""),
            Self::Losses => {
                (texts(&|word| LOSSES.contains(&word)), "a list of \"infrastructure\", \"state\" or \"code\"")
            }
            Self::Duration => {
                (text(&|text| crate::duration::millis(text).is_ok()), "a duration such as \"30m\" or \"7d\"")
            }
            Self::WholeNumber => (number(&serde_json::Number::is_u64), "a whole number from 0"),
            Self::Count => (
                number(&|number| number.as_u64().is_some_and(|count| count > 0 && u32::try_from(count).is_ok())),
                "a whole number from 1",
            ),
            Self::Share => (
                number(&|number| number.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share))),
                "a number from 0 to 1",
            ),
            Self::Level => {
                (text(&|word| LEVELS.contains(&word)), "\"none\", \"low\", \"medium\", \"high\" or \"critical\"")
            }
            Self::Answer => (text(&|word| Answer::from_word(word).is_some()), "\"allow\", \"approve\" or \"refuse\""),
            Self::Days => (texts(&|word| day_of(word).is_some()), "a list of days such as \"mon\""),
            Self::Clock => (text(&|text| minutes(text).is_some()), "a time of day such as \"08:00\""),
            Self::Zone => {
                (text(&|name| name.parse::<Zone>().is_ok()), "a time zone of the tz database such as \"Europe/Berlin\"")
            }
            Self::Freezes => (
                matches!(value, Value::List(items) if items.iter().all(|item| freeze(item).is_some())),
                "a list of `{ from = \"2026-12-20\", to = \"2027-01-03\", reason = \"...\" }`",
            ),
        };
        (!fits).then_some(expected)
    }
}
