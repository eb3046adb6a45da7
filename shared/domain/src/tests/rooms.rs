//! The top-level modules ("rooms") depend on each other in the order of the list in `lib.rs`: a
//! room only uses rooms above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the crate, without items that are only compiled for tests.
struct Source {
    /// Its path within `src/`.
    path: PathBuf,
    /// Lines with their numbers.
    lines: Vec<(usize, String)>,
    /// Modules that are only compiled for tests: their file paths without extension, which are also
    /// their folders.
    tests: Vec<PathBuf>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_owned();
        let (mut lines, mut tests) = (Vec::new(), Vec::new());
        let mut numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned()));
        while let Some((number, line)) = numbered.next() {
            if line.trim() != "#[cfg(test)]" {
                lines.push((number, line));
                continue;
            }
            let Some((_, item)) = numbered.find(|(_, line)| !line.trim().starts_with("#[")) else { break };
            match module(&item) {
                Some(name) => tests.push(folder_of_modules(&path).join(name)),
                // `cargo fmt` ends an item of several lines with a brace at the indentation of its
                // first line.
                None if !item.ends_with([';', ',']) => {
                    let end = format!("{}}}", " ".repeat(item.len() - item.trim_start().len()));
                    numbered.find(|(_, line)| *line == end);
                }
                None => {}
            }
        }
        Self { path, lines, tests }
    }

    fn room(&self) -> Option<&str> {
        self.path.parent()?.iter().next()?.to_str()
    }

    /// How many `super` lead from its module to the crate root.
    fn depth(&self) -> usize {
        folder_of_modules(&self.path).iter().count()
    }
}

/// The name in `pub mod NAME;`.
fn module(line: &str) -> Option<&str> {
    let (visibility, name) = line.strip_suffix(';')?.split_once("mod ")?;
    matches!(visibility.trim(), "" | "pub" | "pub(crate)" | "pub(super)").then_some(name)
}

fn folder_of_modules(file: &Path) -> PathBuf {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib") => file.parent().unwrap().to_owned(),
        _ => file.with_extension(""),
    }
}

/// The sources of the crate without its tests, and the rooms in the order of the list.
fn sources() -> (Vec<Source>, Vec<String>) {
    let sources: Vec<Source> = rust_files(&root()).iter().map(|path| Source::read(path)).collect();
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(|source| source.tests.clone()).collect();
    let is_test =
        |source: &Source| source.path.with_extension("").ancestors().any(|path| tests.contains(path));
    let lib = sources.iter().find(|source| source.path == Path::new("lib.rs")).unwrap();
    let rooms = lib.lines.iter().filter_map(|(_, line)| module(line).map(ToOwned::to_owned)).collect();
    (sources.into_iter().filter(|source| !is_test(source)).collect(), rooms)
}

/// The rooms that a line of code names, or why they cannot be determined.
fn used(line: &str, depth: usize) -> Vec<Result<&str, &'static str>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let code = line.split("//").next().unwrap_or_default();
    let named = code.match_indices("crate::").filter(|(at, _)| !code[..*at].ends_with(is_word));
    let named = named.map(|(at, path)| {
        let rest = &code[at + path.len()..];
        let name = rest.split(|c| !is_word(c)).next().unwrap_or_default();
        if name.is_empty() { Err("name one room in each `use crate::...`") } else { Ok(name) }
    });
    let climbs = "super::".repeat(depth);
    let climbs = code.contains(&climbs).then_some(Err("name a room by `crate::`, not by `super::`"));
    let borrows = code.contains("#[path").then_some(Err("a file belongs to one module, so no `#[path]`"));
    named.chain(climbs).chain(borrows).collect()
}

#[test]
fn a_room_only_uses_rooms_above_it_in_the_list() {
    let (sources, rooms) = sources();
    let place: BTreeMap<&str, usize> =
        rooms.iter().enumerate().map(|(place, room)| (room.as_str(), place)).collect();
    let (mut faults, mut arrows) = (Vec::new(), BTreeSet::new());
    for source in &sources {
        let Some(room) = source.room() else { continue };
        // The other test reports rooms that are not in the list.
        let Some(&own) = place.get(room) else { continue };
        for (number, line) in &source.lines {
            for name in used(line, source.depth()) {
                let fault = match name {
                    Ok(name) => match place.get(name) {
                        Some(&other) if other > own => format!("{room} uses {name}, which is below it"),
                        Some(_) => {
                            arrows.insert((room, name));
                            continue;
                        }
                        None => format!("`{name}` is not a room"),
                    },
                    Err(why) => why.to_owned(),
                };
                faults.push(format!("src/{}:{number}: {fault}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(arrows.len() > rooms.len(), "the sources were not read: {arrows:?}");
}

#[test]
fn each_room_is_a_folder_with_a_head_comment_and_in_the_list() {
    let (sources, rooms) = sources();
    let listed: BTreeSet<&str> = rooms.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = sources.iter().filter_map(Source::room).collect();
    assert_eq!(listed, found, "the list in src/lib.rs, and the folders in src/");
    let outside = sources.iter().filter(|source| source.room().is_none());
    let outside: Vec<&Path> = outside.map(|source| source.path.as_path()).collect();
    assert_eq!(outside, [Path::new("lib.rs")], "every other file belongs to a room");
    for room in rooms {
        let page = fs::read_to_string(root().join(&room).join("mod.rs")).unwrap();
        assert!(page.starts_with("//! "), "src/{room}/mod.rs says what the room is for");
    }
}
