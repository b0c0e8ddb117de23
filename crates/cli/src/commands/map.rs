//! `terrace map`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{Capability, Estate, Stack};
use terrace_domain::map::{CapabilityMap, Node, Part};
use terrace_domain::name::{CapabilityName, EnvironmentName, StackName};

use crate::error::{CommandError, CommandResult};
use crate::known::known;
use crate::project::Project;
use crate::selection::matching;
use crate::settings::Settings;
use crate::views;
use crate::views::map::{Answer, Chart, PictureError};

const AFTER_HELP: &str = "\
Business capabilities rest on technology capabilities, these on stacks, and stacks on resources. Resources are those of the last snapshots;
where nothing was delivered yet, those that the code declares.

Examples:
  terrace map
  terrace map checkout --depth 2                   what one capability rests on
  terrace map --output map.html                    a page that answers when it is pointed at
  terrace map --env prod --output map.svg
  terrace map --breaks aws-network                 what breaks if this stack breaks, and through what
  terrace map --rests checkout --json
  terrace map --unowned
  terrace map --clouds                             where several clouds serve one capability";

/// Show what the organisation can do, and what that rests on
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that is given or not, of which one question at most"
)]
#[command(after_help = AFTER_HELP, group(ArgGroup::new("question").args(["breaks", "rests", "unowned", "strays", "clouds"])))]
pub struct Map {
    /// Capabilities (with all that they rest on) and stacks (with all that they serve), stacks also by glob or folder; all where none is given
    #[arg(value_name = "CAPABILITY|STACK", conflicts_with = "question")]
    names: Vec<String>,
    /// Only this environment
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "question")]
    env: Option<String>,
    /// How many levels of the tree
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// What breaks if this stack breaks: stacks downstream, the capabilities that these serve, and those that need them
    #[arg(long, value_name = "STACK", help_heading = "Questions")]
    breaks: Option<String>,
    /// What this capability rests on, and what of that its `needs` do not say
    #[arg(long, value_name = "CAPABILITY", help_heading = "Questions")]
    rests: Option<String>,
    /// What belongs to nobody
    #[arg(long, help_heading = "Questions")]
    unowned: bool,
    /// Which stacks serve no capability, and which capabilities rest on no stack
    #[arg(long, help_heading = "Questions")]
    strays: bool,
    /// Where several clouds serve one capability
    #[arg(long, help_heading = "Questions")]
    clouds: bool,
    /// As what; by default as the ending of FILE says, or as a tree
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Write to a file instead of standard output: a picture (`.svg`), a page (`.html`), JSON (`.json`), Mermaid (`.mmd`), or text
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree
    Terminal,
    /// JSON (terrace.map/1, of questions terrace.map.NAME/1)
    Json,
    /// A flowchart for Markdown
    Mermaid,
    /// A picture
    Svg,
    /// A page with the picture, which shows what rests on what
    Html,
}

impl Map {
    /// Draws or answers.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let opened = project.open_work_tree()?;
        let format = self.format()?;
        let known = known(&project, &opened, settings)?;
        let map = CapabilityMap::new(&opened.estate, &opened.graph, &known);
        let text = match self.answer(&map)? {
            Some(answer) => self.answered(&answer, &map, format, settings)?,
            None => self.chart(&map)?.drawn(format, self.depth, settings.is_utf8)?,
        };
        let text = match self.output {
            Some(_) => console::strip_ansi_codes(&text).into_owned(),
            None => text,
        };
        super::run::deliver_text(&text, self.output.as_deref(), settings)
    }

    /// What is asked for: by name, by the file's ending, or a tree.
    fn format(&self) -> Result<Format, CommandError> {
        let ending = self.output.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str());
        let format = match (self.json, self.format, ending) {
            (true, ..) | (_, None, Some("json")) => Format::Json,
            (_, Some(format), _) => format,
            (_, None, Some("svg")) => Format::Svg,
            (_, None, Some("html" | "htm")) => Format::Html,
            (_, None, Some("mmd" | "mermaid")) => Format::Mermaid,
            (_, None, Some("txt") | None) => Format::Terminal,
            (_, None, Some(other)) => {
                return Err(CommandError::usage(format!(
                    "the ending `.{other}` says nothing of how the map is to be written"
                ))
                .help("Name a file that ends in .svg, .html, .json, .mmd or .txt, or say `--format`."));
            }
        };
        if self.depth.is_some() && format != Format::Terminal {
            return Err(CommandError::usage("`--depth` is about the tree, and this is none").help("Leave it out."));
        }
        Ok(format)
    }

    /// The answer to the question, if one is asked.
    fn answer<'a>(&self, map: &CapabilityMap<'a>) -> Result<Option<Answer<'a>>, CommandError> {
        Ok(if let Some(name) = &self.breaks {
            Some(Answer::Breaks(map.breaks(stack(map.estate, name)?)))
        } else if let Some(name) = &self.rests {
            let reach = map.rests(Node::Capability(capability(map.estate, name)?));
            let hidden = map.hidden(&reach);
            Some(Answer::Rests(reach, hidden))
        } else if self.unowned {
            Some(Answer::Unowned(map.unowned()))
        } else if self.strays {
            Some(Answer::Strays(map.strays()))
        } else if self.clouds {
            Some(Answer::Clouds(map.spreads()))
        } else {
            None
        })
    }

    fn answered<'a>(
        &self,
        answer: &Answer<'a>,
        map: &CapabilityMap<'a>,
        format: Format,
        settings: &Settings,
    ) -> Result<String, CommandError> {
        match format {
            Format::Terminal => Ok(answer.text(map, self.depth, settings.is_utf8)),
            Format::Json => Ok(answer.json(map)),
            Format::Mermaid | Format::Svg | Format::Html => Err(CommandError::usage(
                "an answer is text or JSON, and no picture",
            )
            .help(
                "`terrace map --output map.html` draws the map: point at something there, and the answer lights up.",
            )),
        }
    }

    fn chart<'a>(&self, map: &'a CapabilityMap<'a>) -> Result<Chart<'a>, CommandError> {
        let environments = match &self.env {
            None => map.environments.clone(),
            Some(name) => vec![environment(map.estate, name)?],
        };
        let chart = Chart::new(map, self.part(map)?, environments);
        if chart.is_empty() {
            views::say("There is nothing on the map: the estate has no capabilities and no stacks yet.");
        }
        Ok(chart)
    }

    fn part<'a>(&self, map: &'a CapabilityMap<'a>) -> Result<Part, CommandError> {
        if self.names.is_empty() {
            return Ok(map.whole());
        }
        let (mut capabilities, mut stacks): (Vec<&Capability>, Vec<&Stack>) = (Vec::new(), Vec::new());
        for name in &self.names {
            let found = map.estate.capabilities.get(name.as_str());
            capabilities.extend(found);
            match matching(map.estate, name) {
                Ok(names) => stacks.extend(names.iter().map(|name| &map.estate.stacks[name])),
                Err(_) if found.is_some() => {}
                Err(error) => return Err(no_such(map.estate, name, error)),
            }
        }
        Ok(map.part(capabilities, stacks))
    }
}

impl Chart<'_> {
    fn drawn(&self, format: Format, depth: Option<usize>, is_utf8: bool) -> Result<String, CommandError> {
        Ok(match format {
            Format::Terminal => self.text(depth, is_utf8),
            Format::Json => self.json(),
            Format::Mermaid => self.mermaid(),
            Format::Svg => self.svg().map_err(|error| too_large(&error))?,
            Format::Html => self.html().map_err(|error| too_large(&error))?,
        })
    }
}

fn too_large(error: &PictureError) -> CommandError {
    CommandError::usage(error.to_string())
        .help("Name a capability: then it is drawn with what it rests on. The tree and `--json` have no limit.")
}

/// What is neither a capability nor selects stacks; a glob that is none is told as such.
fn no_such(estate: &Estate, name: &str, error: CommandError) -> CommandError {
    if error.message.contains("is not a glob") {
        return error;
    }
    let names =
        estate.capabilities.keys().map(CapabilityName::as_str).chain(estate.stacks.keys().map(StackName::as_str));
    let error = CommandError::usage(format!("no capability and no stack is called `{name}`, and no stack matches it"));
    match nearest(name, names) {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error.help("`terrace map --depth 2` shows the capabilities, `terrace list` the stacks."),
    }
}

fn stack<'e>(estate: &'e Estate, name: &str) -> Result<&'e Stack, CommandError> {
    estate.stacks.get(name).ok_or_else(|| {
        let error = CommandError::usage(format!("no stack is called `{name}`"));
        if estate.capabilities.contains_key(name) {
            return error.help(format!("`{name}` is a capability: `--rests {name}` shows what it rests on."));
        }
        match nearest(name, estate.stacks.keys().map(StackName::as_str)) {
            Some(near) => error.help(format!("Did you mean `{near}`?")),
            None => error.help("`terrace list` shows all stacks."),
        }
    })
}

fn capability<'e>(estate: &'e Estate, name: &str) -> Result<&'e Capability, CommandError> {
    estate.capabilities.get(name).ok_or_else(|| {
        let error = CommandError::usage(format!("no capability is called `{name}`"));
        if estate.stacks.contains_key(name) {
            return error.help(format!("`{name}` is a stack: `--breaks {name}` shows what breaks with it."));
        }
        match nearest(name, estate.capabilities.keys().map(CapabilityName::as_str)) {
            Some(near) => error.help(format!("Did you mean `{near}`?")),
            None => error.help("`terrace map --depth 2` shows all capabilities."),
        }
    })
}

fn environment<'e>(estate: &'e Estate, name: &str) -> Result<&'e EnvironmentName, CommandError> {
    estate.environments.get_key_value(name).map(|(name, _)| name).ok_or_else(|| {
        let names: Vec<&str> = estate.environments.keys().map(EnvironmentName::as_str).collect();
        let error = CommandError::usage(format!("there is no environment `{name}`"));
        match nearest(name, names.iter().copied()) {
            Some(near) => error.help(format!("Did you mean `{near}`?")),
            None => error.help(format!("The environments are: {}.", names.join(", "))),
        }
    })
}
