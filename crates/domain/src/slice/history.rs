//! What the history of a repository says of an estate's stacks: who changed what, when, and together with what. Owns which commits count;
//! where they come from, others know.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::affected::ChangeKind;
use crate::estate::{Estate, STACK_FILE};
use crate::name::StackName;
use crate::path::RepoPath;

/// A commit that changes more stacks than this is sweeping: a new provider version, a renamed tag. Nobody designs one change across so many,
/// and it says nothing of any two of them.
pub const SWEEPING_STACKS_MIN: usize = 9;

/// Files that change for reasons of their own, whatever the stack does: locks of provider versions, and words for people.
const NO_CODE: [&str; 3] = [".terraform.lock.hcl", ".md", ".txt"];

/// A commit as git tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, 40 hexadecimal characters.
    pub id: String,
    /// When its author made it, in seconds since 1970.
    pub at_secs: i64,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it: the author first, then those whom `Co-authored-by` names.
    pub authors: Vec<Person>,
    /// The files that it changes.
    pub files: Vec<FileChange>,
}

/// A person as git knows them, after the mailmap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The email address.
    pub email: String,
}

/// What a commit does to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file, as it is called after the commit (a removed one: before).
    pub path: RepoPath,
    /// How it was called before, where it was renamed.
    pub from: Option<RepoPath>,
    /// What is done.
    pub kind: ChangeKind,
    /// Whether nothing but white space differs.
    pub is_formatting: bool,
}

/// The commits that say something of stacks, and what they touch. Stacks, people and files are numbered.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The stacks, in order of name.
    pub(super) stacks: Vec<StackName>,
    /// Everybody who changed a stack.
    pub(super) people: Vec<Person>,
    /// The files of stacks, by the names that they have now.
    pub(super) files: Vec<TrackedFile>,
    /// The commits that count, the newest first.
    pub(super) touches: Vec<Touch>,
    /// What was looked at.
    pub walked: Walked,
}

/// How much of a history was looked at, and what of it was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// The commits of the window.
    pub commits: usize,
    /// Those that change a stack, and count.
    pub counted: usize,
    /// Those that change many stacks at once.
    pub sweeping: usize,
    /// Those of programs.
    pub automatic: usize,
    /// Those that change nothing but white space or names of files.
    pub formatting: usize,
    /// When the oldest commit was made, in seconds since 1970.
    pub oldest_secs: i64,
    /// When the newest was made.
    pub newest_secs: i64,
}

/// A file of a stack.
#[derive(Debug, Clone)]
pub(super) struct TrackedFile {
    pub(super) stack: usize,
    pub(super) path: RepoPath,
    /// When it was added; `None` where that was before the window.
    pub(super) born_secs: Option<i64>,
}

/// A commit that counts.
#[derive(Debug, Clone)]
pub(super) struct Touch {
    pub(super) id: String,
    pub(super) at_secs: i64,
    pub(super) subject: String,
    pub(super) authors: Vec<usize>,
    /// The files that it changes, those that it adds left out.
    pub(super) changed: Vec<usize>,
    /// The stacks in which it changes or adds a file, in order.
    pub(super) stacks: Vec<usize>,
    /// The stacks that it makes.
    pub(super) founded: Vec<usize>,
}

/// Takes a history commit by commit.
pub struct HistoryReader<'e> {
    by_folder: HashMap<&'e str, usize>,
    people: HashMap<Person, usize>,
    files: HashMap<RepoPath, usize>,
    /// What older names of files became.
    renamed: HashMap<RepoPath, RepoPath>,
    history: History,
}

impl<'e> HistoryReader<'e> {
    /// A reader for an estate as it is now.
    pub fn new(estate: &'e Estate) -> Self {
        let stacks = estate.stacks.values().enumerate();
        Self {
            by_folder: stacks.map(|(at, stack)| (stack.folder.as_str(), at)).collect(),
            people: HashMap::new(),
            files: HashMap::new(),
            renamed: HashMap::new(),
            history: History { stacks: estate.stacks.keys().cloned().collect(), ..History::default() },
        }
    }

    /// Takes the next commit; they come from the newest to the oldest, so that the present name of a file is known before its older ones.
    pub fn take(&mut self, commit: Commit) {
        self.note_time(commit.at_secs);
        let changes: Vec<(usize, FileChange)> =
            commit.files.into_iter().filter_map(|change| self.of_a_stack(change)).collect();
        // A name that the file had before goes with it, whether the commit counts or not.
        for (_, change) in &changes {
            if let Some(from) = &change.from {
                self.renamed.insert(from.clone(), change.path.clone());
            }
        }
        let told = changes.iter().any(|(_, change)| !change.is_formatting);
        let mut stacks: Vec<usize> =
            changes.iter().filter(|(_, change)| !change.is_formatting).map(|(at, _)| *at).collect();
        stacks.sort_unstable();
        stacks.dedup();
        let walked = &mut self.history.walked;
        let counts = match () {
            () if changes.is_empty() => None,
            () if !told => Some(&mut walked.formatting),
            () if commit.authors.first().is_some_and(Person::is_program) => Some(&mut walked.automatic),
            () if stacks.len() >= SWEEPING_STACKS_MIN => Some(&mut walked.sweeping),
            () => None,
        };
        let left_out = counts.map(|count| *count += 1).is_some();
        let mut touch = Touch {
            id: commit.id,
            at_secs: commit.at_secs,
            subject: commit.subject,
            authors: Vec::new(),
            changed: Vec::new(),
            stacks,
            founded: Vec::new(),
        };
        for (stack, change) in changes {
            let is_founding = change.kind == ChangeKind::Added && change.path.file_name() == STACK_FILE;
            let file = self.file(stack, change.path);
            match change.kind {
                ChangeKind::Added => {
                    self.history.files[file].born_secs = Some(commit.at_secs);
                    touch.founded.extend(is_founding.then_some(stack));
                }
                ChangeKind::Modified if !change.is_formatting => touch.changed.push(file),
                ChangeKind::Modified | ChangeKind::Removed => {}
            }
        }
        if !left_out && !touch.stacks.is_empty() {
            touch.authors = commit
                .authors
                .into_iter()
                .filter(|author| !author.is_program())
                .map(|author| self.person(author))
                .collect();
            self.history.walked.counted += 1;
            self.history.touches.push(touch);
        }
    }

    /// What was taken.
    pub fn finish(self) -> History {
        self.history
    }

    fn note_time(&mut self, at_secs: i64) {
        let walked = &mut self.history.walked;
        if walked.commits == 0 {
            (walked.oldest_secs, walked.newest_secs) = (at_secs, at_secs);
        }
        walked.oldest_secs = walked.oldest_secs.min(at_secs);
        walked.newest_secs = walked.newest_secs.max(at_secs);
        walked.commits += 1;
    }

    /// The change with the file's present name, and the stack whose file it is now.
    fn of_a_stack(&self, mut change: FileChange) -> Option<(usize, FileChange)> {
        if let Some(now) = self.renamed.get(&change.path) {
            change.path = now.clone();
        }
        let is_code = !NO_CODE.iter().any(|ending| change.path.as_str().ends_with(ending));
        let stack = crate::slice::folders_around(change.path.as_str()).find_map(|folder| self.by_folder.get(folder))?;
        is_code.then_some((*stack, change))
    }

    fn file(&mut self, stack: usize, path: RepoPath) -> usize {
        let files = &mut self.history.files;
        *self.files.entry(path).or_insert_with_key(|path| {
            files.push(TrackedFile { stack, path: path.clone(), born_secs: None });
            files.len() - 1
        })
    }

    fn person(&mut self, person: Person) -> usize {
        let people = &mut self.history.people;
        *self.people.entry(person).or_insert_with_key(|person| {
            people.push(person.clone());
            people.len() - 1
        })
    }
}

impl Person {
    /// Whether it is a program: forges and their dependency updates sign so.
    pub fn is_program(&self) -> bool {
        self.name.ends_with("[bot]") || self.email.contains("[bot]@")
    }

    /// Whether a member of a team, or an owner, means this person: an email address as it is, a user name where the part of the address
    /// before the `@` is the same (of the addresses that GitHub hides: what follows the `+`).
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.strip_prefix('@').unwrap_or(name);
        if name.contains('@') {
            return self.email.eq_ignore_ascii_case(name);
        }
        let local = self.email.split('@').next().unwrap_or_default();
        let user = if self.email.ends_with("@users.noreply.github.com") {
            local.split_once('+').map_or(local, |(_, user)| user)
        } else {
            local
        };
        !name.is_empty() && (user.eq_ignore_ascii_case(name) || self.name == name)
    }
}

impl History {
    /// How many seconds the window reaches back from the newest commit.
    pub(super) fn span_secs(&self) -> i64 {
        self.walked.newest_secs - self.walked.oldest_secs
    }

    /// The commits that touch each stack, the newest first.
    pub(super) fn by_stack(&self) -> Vec<Vec<&Touch>> {
        let mut by_stack = vec![Vec::new(); self.stacks.len()];
        for touch in &self.touches {
            for stack in &touch.stacks {
                by_stack[*stack].push(touch);
            }
        }
        by_stack
    }

    /// How many commits change each file, and the files of each stack.
    pub(super) fn paces(&self) -> (Vec<usize>, Vec<Vec<usize>>) {
        let mut changes = vec![0; self.files.len()];
        for file in self.touches.iter().flat_map(|touch| &touch.changed) {
            changes[*file] += 1;
        }
        let mut of_stack = vec![Vec::new(); self.stacks.len()];
        for (at, file) in self.files.iter().enumerate() {
            of_stack[file.stack].push(at);
        }
        (changes, of_stack)
    }

    /// The stacks that two at a time are changed by the same commits, with how often; stacks that a commit makes do not count in it.
    pub(super) fn pairs(&self) -> BTreeMap<(usize, usize), usize> {
        let mut pairs: HashMap<(usize, usize), usize> = HashMap::new();
        for touch in &self.touches {
            let founded: HashSet<&usize> = touch.founded.iter().collect();
            let stacks: Vec<usize> = touch.stacks.iter().filter(|stack| !founded.contains(stack)).copied().collect();
            for (at, one) in stacks.iter().enumerate() {
                for other in &stacks[at + 1..] {
                    *pairs.entry((*one, *other)).or_insert(0) += 1;
                }
            }
        }
        pairs.into_iter().collect()
    }
}
