//! What a policy file declares and calls, read out of the interpreter's syntax tree. Owns what the interpreter itself finds out too late or not at
//! all: functions that nobody knows, functions that call themselves, and rules that rest on each other too deep.

use std::collections::{BTreeMap, HashMap, HashSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use regorus::Engine;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::error::Problem;

/// How many rules may rest on each other, one below the other: many times what people write, and what fits the stack.
pub(crate) const DEPTH_MAX: usize = 500;

/// A file, as far as anybody has to know it.
#[derive(Debug, Default)]
pub(crate) struct Syntax {
    /// The parts of its package's name.
    pub package: Vec<String>,
    /// Its rules, in its own sequence.
    pub rules: Vec<RuleSyntax>,
    /// What imports call the rules and packages that they bring.
    imports: BTreeMap<String, Vec<String>>,
    /// What imports call anything.
    aliases: HashSet<String>,
}

/// A rule as it is written; of one name there may be several.
#[derive(Debug)]
pub(crate) struct RuleSyntax {
    /// The parts of its name: more than one for `deny.bucket`.
    pub name: Vec<String>,
    /// What it is.
    pub form: Form,
    /// The line where it begins.
    pub line: u32,
    /// Its number in the file, from 0.
    pub number: usize,
    mentions: Mentions,
}

/// What a rule names.
#[derive(Debug, Default)]
struct Mentions {
    calls: Vec<Call>,
    /// References to anything, as far as they are constant.
    references: Vec<Vec<String>>,
    /// The variables whose values are read, with their places.
    used: Vec<(String, u32, u32)>,
    /// The variables that may get a value somewhere in the rule.
    bound: HashSet<String>,
}

/// What a rule gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A value or a set.
    Value,
    /// What holds where nothing else does.
    Default,
    /// It has arguments.
    Function,
}

#[derive(Debug)]
struct Call {
    path: Vec<String>,
    line: u32,
    column: u32,
}

impl Syntax {
    /// Reads the syntax tree of an engine's only file.
    pub(crate) fn read(engine: &Engine, text: &str) -> Result<Self, String> {
        let tree = engine.get_ast_as_json().map_err(|error| error.to_string())?;
        let mut deserializer = serde_json::Deserializer::from_str(&tree);
        deserializer.disable_recursion_limit();
        let tree = Json::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
        let module = &tree[0]["ast"];
        let package = path_of(&module["package"]["refr"]).unwrap_or_default();
        let rules = module["rules"].as_array().into_iter().flatten().enumerate();
        let rules = rules.filter_map(|(number, rule)| rule_of(rule, number, text)).collect();
        let imports = module["imports"].as_array().into_iter().flatten();
        let imports: BTreeMap<_, _> = imports.filter_map(|import| import_of(import, text)).collect();
        let aliases = imports.keys().cloned().collect();
        let imports = imports.into_iter().filter(|(_, path)| path[0] == DATA).collect();
        Ok(Self { package, rules, imports, aliases })
    }

    /// The paths of its rules below `data`, functions among them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Vec<String>> {
        self.rules.iter().map(|rule| self.package.iter().chain(&rule.name).cloned().collect())
    }

    /// The whole path of what is named here so.
    fn resolve(&self, path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        if first == DATA {
            return path.to_vec();
        }
        if let Some(imported) = self.imports.get(first) {
            return imported.iter().chain(rest).cloned().collect();
        }
        self.own(path)
    }

    /// The whole path of a rule of this package.
    fn own(&self, name: &[String]) -> Vec<String> {
        std::iter::once(DATA.to_owned()).chain(self.package.iter().cloned()).chain(name.iter().cloned()).collect()
    }
}

/// The root of all rules and data.
const DATA: &str = "data";
/// What the policies are asked about.
const INPUT: &str = "input";

/// The parts of a reference as far as they are constant; `None` for anything else.
fn path_of(expression: &Json) -> Option<Vec<String>> {
    // From the last part to the first: a chain of references nests to the left.
    let mut parts = Vec::new();
    let mut at = expression;
    loop {
        if let Some(var) = at.get("Var") {
            parts.push(var["value"].as_str()?.to_owned());
            parts.reverse();
            return Some(parts);
        }
        if let Some(dot) = at.get("RefDot") {
            parts.push(dot["field"][1].as_str()?.to_owned());
            at = &dot["refr"];
        } else if let Some(bracket) = at.get("RefBrack") {
            match bracket["index"]["String"]["value"].as_str() {
                Some(part) => parts.push(part.to_owned()),
                // What comes after is not constant either.
                None => parts.clear(),
            }
            at = &bracket["refr"];
        } else {
            return None;
        }
    }
}

fn position(span: &Json, key: &str) -> u32 {
    span[key].as_u64().and_then(|number| number.try_into().ok()).unwrap_or(1)
}

fn rule_of(rule: &Json, number: usize, text: &str) -> Option<RuleSyntax> {
    let (body, form, head) = match (rule.get("Spec"), rule.get("Default")) {
        (Some(spec), _) => {
            let heads = [("Set", Form::Value), ("Compr", Form::Value), ("Func", Form::Function)];
            let (head, form) = heads.iter().find_map(|(key, form)| Some((spec["head"].get(*key)?, *form)))?;
            (spec, form, head)
        }
        (None, Some(default)) => {
            let has_arguments = default["args"].as_array().is_some_and(|args| !args.is_empty());
            (default, if has_arguments { Form::Function } else { Form::Default }, default)
        }
        (None, None) => return None,
    };
    let mut reading = Reading { text, found: Mentions::default() };
    reading.head(head);
    reading.walk(&body["bodies"]);
    let line = position(&body["span"], "line");
    Some(RuleSyntax { name: path_of(&head["refr"])?, form, line, number, mentions: reading.found })
}

/// The name of an import: what is after `as`, else its last part.
fn import_of(import: &Json, text: &str) -> Option<(String, Vec<String>)> {
    let path = path_of(&import["refr"])?;
    let alias = import.get("as").filter(|alias| !alias.is_null());
    let name = match alias {
        Some(span) => text.get(position(span, "start") as usize..position(span, "end") as usize)?.to_owned(),
        None => path.last()?.clone(),
    };
    Some((name, path))
}

/// Collects what a rule names.
struct Reading<'t> {
    text: &'t str,
    found: Mentions,
}

impl Reading<'_> {
    fn head(&mut self, head: &Json) {
        let mut name = &head["refr"];
        while let Some(bracket) = name.get("RefBrack") {
            self.walk(&bracket["index"]);
            name = &bracket["refr"];
        }
        for argument in head["args"].as_array().into_iter().flatten() {
            self.bind(argument);
        }
        self.walk(&head["key"]);
        self.walk(&head["assign"]);
        self.walk(&head["value"]);
    }

    /// A part in which variables are read.
    fn walk(&mut self, node: &Json) {
        match node {
            Json::Object(entries) => entries.iter().for_each(|(key, value)| self.entry(node, key, value)),
            Json::Array(items) => items.iter().for_each(|item| self.walk(item)),
            _ => {}
        }
    }

    fn entry(&mut self, node: &Json, key: &str, value: &Json) {
        match key {
            "Var" => {
                self.found.references.extend(path_of(node));
                if let Some(name) = value["value"].as_str() {
                    let span = &value["span"];
                    self.found.used.push((name.to_owned(), position(span, "line"), position(span, "col")));
                }
            }
            "RefDot" => {
                self.found.references.extend(path_of(node));
                self.walk(&value["refr"]);
            }
            "RefBrack" => {
                self.found.references.extend(path_of(node));
                self.walk(&value["refr"]);
                self.bind(&value["index"]);
            }
            "Call" => {
                self.call(value);
                self.walk(&value["params"]);
            }
            // As a statement of its own a call may give its value to its last argument.
            "Expr" if value["expr"].get("Call").is_some() => {
                let call = &value["expr"]["Call"];
                self.call(call);
                let params = call["params"].as_array().map_or(&[][..], Vec::as_slice);
                match params {
                    [first @ .., last] if !first.is_empty() => {
                        for param in first {
                            self.walk(param);
                        }
                        self.bind(last);
                    }
                    _ => self.walk(&call["params"]),
                }
            }
            "AssignExpr" => {
                self.bind(&value["lhs"]);
                if value["op"] == "Eq" { self.bind(&value["rhs"]) } else { self.walk(&value["rhs"]) }
            }
            "SomeVars" => value["vars"].as_array().into_iter().flatten().for_each(|span| self.bind_span(span)),
            "SomeIn" => {
                self.bind(&value["key"]);
                self.bind(&value["value"]);
                self.walk(&value["collection"]);
            }
            "Every" => {
                self.bind_span(&value["key"]);
                self.bind_span(&value["value"]);
                self.walk(&value["domain"]);
                self.walk(&value["query"]);
            }
            "with_mods" => {
                // What is replaced need not be there.
                for replaced in value.as_array().into_iter().flatten() {
                    self.walk(&replaced["as"]);
                }
            }
            "span" => {}
            _ => self.walk(value),
        }
    }

    fn call(&mut self, call: &Json) {
        let Some(path) = path_of(&call["fcn"]) else { return };
        let mut first = &call["fcn"];
        while let Some(dot) = first.get("RefDot").or_else(|| first.get("RefBrack")) {
            first = &dot["refr"];
        }
        let span = &first["Var"]["span"];
        self.found.calls.push(Call { path, line: position(span, "line"), column: position(span, "col") });
    }

    /// A pattern: the variables in it may get their values by it.
    fn bind(&mut self, node: &Json) {
        if let Some(name) = node["Var"]["value"].as_str() {
            self.found.references.extend(path_of(node));
            self.found.bound.insert(name.to_owned());
        } else if let Some(array) = node.get("Array") {
            array["items"].as_array().into_iter().flatten().for_each(|item| self.bind(item));
        } else if let Some(object) = node.get("Object") {
            for field in object["fields"].as_array().into_iter().flatten() {
                self.walk(&field[1]);
                self.bind(&field[2]);
            }
        } else {
            self.walk(node);
        }
    }

    fn bind_span(&mut self, span: &Json) {
        if span.is_object() {
            let range = position(span, "start") as usize..position(span, "end") as usize;
            self.found.bound.extend(self.text.get(range).map(str::to_owned));
        }
    }
}

/// What is wrong with these files together, by what they call and name.
pub(crate) fn check(files: &[(&str, &Syntax)]) -> Vec<Problem> {
    let mut problems = unknown_functions(files);
    problems.extend(unknown_variables(files));
    let graph = Graph::of(files);
    problems.extend(graph.circles());
    if problems.is_empty() {
        problems.extend(graph.too_deep());
    }
    problems
}

fn unknown_functions(files: &[(&str, &Syntax)]) -> Vec<Problem> {
    let rules = files.iter().flat_map(|(_, syntax)| syntax.rules.iter().map(|rule| syntax.own(&rule.name)));
    let declared: HashSet<Vec<String>> = rules.collect();
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut problems = Vec::new();
    for (file, syntax) in files {
        for call in syntax.rules.iter().flat_map(|rule| &rule.mentions.calls) {
            if declared.contains(&syntax.resolve(&call.path)) {
                continue;
            }
            let name = call.path.join(".");
            let is_known = *known.entry(name.clone()).or_insert_with(|| is_builtin(&name));
            if !is_known {
                let what = if call.path[0] == DATA || syntax.imports.contains_key(&call.path[0]) {
                    format!("there is no function `{name}`")
                } else {
                    format!("there is no function `{name}` in this package, and Terrace's Rego has no such builtin")
                };
                problems.push(Problem::at(file, call.line, call.column, what));
            }
        }
    }
    problems
}

/// Variables that can never have a value. The interpreter would come upon them only where all that stands before them holds.
fn unknown_variables(files: &[(&str, &Syntax)]) -> Vec<Problem> {
    let mut rules: HashSet<(&[String], &str)> = HashSet::new();
    for (_, syntax) in files {
        rules.extend(syntax.rules.iter().map(|rule| (syntax.package.as_slice(), rule.name[0].as_str())));
    }
    let mut problems = Vec::new();
    for (file, syntax) in files {
        for rule in &syntax.rules {
            let mut told = HashSet::new();
            for (name, line, column) in &rule.mentions.used {
                let is_known = rule.mentions.bound.contains(name)
                    || name.starts_with('_')
                    || [DATA, INPUT].contains(&name.as_str())
                    || syntax.aliases.contains(name)
                    || rules.contains(&(syntax.package.as_slice(), name.as_str()));
                if !is_known && told.insert(name) {
                    problems.push(Problem::at(
                        file,
                        *line,
                        *column,
                        format!("the variable `{name}` never has a value"),
                    ));
                }
            }
        }
    }
    problems
}

/// Whether the interpreter has this function: it says so when it is called, and has no list that could be asked.
fn is_builtin(name: &str) -> bool {
    const PROBE: &str = "data.probe.answer";
    let mut engine = Engine::new();
    if engine.add_policy("probe".to_owned(), format!("package probe\n\nanswer := {name}()\n")).is_err() {
        return false;
    }
    let answer = engine.eval_rule(PROBE.to_owned());
    !answer.is_err_and(|error| error.to_string().contains("could not find function"))
}

/// What rests on what.
struct Graph<'a> {
    /// Files and lines of the rules, with their names.
    rules: DiGraph<(&'a str, u32, String), Edge>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// A function calls a function.
    Call,
    /// A rule names a rule.
    Reference,
}

impl<'a> Graph<'a> {
    fn of(files: &[(&'a str, &'a Syntax)]) -> Self {
        let mut rules = DiGraph::new();
        let mut nodes: HashMap<Vec<String>, (NodeIndex, Form)> = HashMap::new();
        for (file, syntax) in files {
            for rule in &syntax.rules {
                let path = syntax.own(&rule.name);
                nodes
                    .entry(path)
                    .or_insert_with(|| (rules.add_node((*file, rule.line, rule.name.join("."))), rule.form));
            }
        }
        for (_, syntax) in files {
            for rule in &syntax.rules {
                let (from, form) = nodes[&syntax.own(&rule.name)];
                for call in &rule.mentions.calls {
                    if let Some((to, _)) = nodes.get(&syntax.resolve(&call.path)) {
                        let edge = if form == Form::Function { Edge::Call } else { Edge::Reference };
                        rules.update_edge(from, *to, edge);
                    }
                }
                for reference in &rule.mentions.references {
                    let path = syntax.resolve(reference);
                    // `data.main.names[0]` names the rule `names`.
                    let named = (1..=path.len()).rev().find_map(|length| nodes.get(&path[..length]));
                    let named = named.filter(|(to, form)| *to != from && *form != Form::Function);
                    if let Some((to, _)) = named.filter(|(to, _)| rules.find_edge(from, *to).is_none()) {
                        rules.add_edge(from, *to, Edge::Reference);
                    }
                }
            }
        }
        Self { rules }
    }

    /// Functions that call themselves: they would end only with the stack. Rules that do are found when they are evaluated.
    fn circles(&self) -> Vec<Problem> {
        let mut calls = self.rules.clone();
        calls.retain_edges(|graph, edge| graph[edge] == Edge::Call);
        let mut problems: Vec<Problem> = Vec::new();
        for circle in kosaraju_scc(&calls) {
            let first = circle.iter().copied().min().expect("a component has a member");
            if circle.len() > 1 || calls.contains_edge(first, first) {
                let (file, line, name) = &calls[first];
                let what = match circle.len() {
                    1 => format!("the function `{name}` calls itself, which Rego does not allow"),
                    _ => format!("the function `{name}` calls itself through others, which Rego does not allow"),
                };
                problems.push(Problem::at(file, *line, 1, what));
            }
        }
        problems.sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
        problems
    }

    /// The first rule that rests on too many others, one below the other.
    fn too_deep(&self) -> Option<Problem> {
        let mut depths: Vec<usize> = vec![0; self.rules.node_count()];
        // What others rest on comes before them.
        for circle in kosaraju_scc(&self.rules) {
            let below = circle.iter().flat_map(|node| self.rules.neighbors(*node)).map(|node| depths[node.index()]);
            let depth = below.max().unwrap_or(0) + circle.len();
            for node in &circle {
                depths[node.index()] = depth;
            }
            if depth > DEPTH_MAX {
                let (file, line, name) = &self.rules[circle[0]];
                let what = format!("`{name}` rests on more than {DEPTH_MAX} rules, one below the other");
                return Some(Problem::at(file, *line, 1, what));
            }
        }
        None
    }
}
