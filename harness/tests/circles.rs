//! No file of the harness can only be read together with many others: circles of imports stay small.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The most files that may import each other in a circle.
const LARGEST: usize = 3;

/// The crates of the harness, by their sources.
const CRATES: [&str; 2] = ["harness/src", "harness/cases/src"];

/// A module by its path within its crate: `["lab", "door"]`.
type Module = Vec<String>;

#[test]
fn circles_of_imports_stay_small() {
    for sources in CRATES {
        let imports = imports(&support::root().join(sources));
        assert!(imports.len() > 10, "{sources}: nothing was read");
        let largest = circles(&imports).into_iter().max_by_key(BTreeSet::len);
        let largest = largest.unwrap_or_default();
        let names: Vec<String> = largest.iter().map(|module| module.join("::")).collect();
        assert!(
            largest.len() <= LARGEST,
            "{sources}: {} files import each other: {}",
            largest.len(),
            names.join(", ")
        );
    }
}

/// The reader of imports is tried with a circle that is there: of four, through a group, `super` and a path in code.
#[test]
fn a_circle_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("lib.rs", "pub mod a;\npub mod b;\n");
    write("a.rs", "use crate::{b::One, c};\n");
    write(
        "b/mod.rs",
        "mod inner;\nfn f() { crate::b::inner::run() }\n",
    );
    write("b/inner.rs", "use super::super::c::Thing;\n");
    write("c.rs", "use crate::a::{self, Other};\n");
    write(
        "d.rs",
        "use crate::a::Other;\n#[cfg(test)]\nmod tests { use crate::e::E; }\n",
    );
    write("e.rs", "// use crate::c;\nuse crate::d::D;\n");
    let circles = circles(&imports(folder.path()));
    let named: Vec<Vec<String>> = circles
        .into_iter()
        .filter(|circle| circle.len() > 1)
        .map(|circle| circle.iter().map(|module| module.join("::")).collect())
        .collect();
    assert_eq!(named, [["a", "b", "b::inner", "c"]]);
}

/// What each module imports of its own crate, tests left out.
fn imports(sources: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = Vec::new();
    collect(sources, &mut files);
    let modules: BTreeMap<Module, PathBuf> = files
        .into_iter()
        .map(|path| (module_of(sources, &path), path))
        .collect();
    let known: BTreeSet<&Module> = modules.keys().collect();
    modules
        .iter()
        .map(|(module, path)| {
            let text = fs::read_to_string(path).expect("a source");
            let code = text.split("#[cfg(test)]\nmod tests").next();
            let mut found = BTreeSet::new();
            for target in paths(code.unwrap_or_default(), module) {
                let mut target = target;
                while !target.is_empty() && !known.contains(&target) {
                    target.pop();
                }
                // The root only says what there is.
                if !target.is_empty() && target != *module {
                    found.insert(target);
                }
            }
            (module.clone(), found)
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn module_of(sources: &Path, path: &Path) -> Module {
    let relative = path.strip_prefix(sources).expect("below the sources");
    let mut module: Module = relative
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if module
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        module.pop();
    }
    module
}

/// Every path that begins with `crate::` or `super::`, groups taken apart.
fn paths(code: &str, module: &Module) -> Vec<Module> {
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut out = Vec::new();
    for (at, word) in code
        .match_indices("crate::")
        .chain(code.match_indices("super::"))
    {
        let before = code.get(..at).unwrap_or_default();
        // The rest of a path, or of a name, that began before.
        if before.ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c)) {
            continue;
        }
        let base = match word {
            "crate::" => Vec::new(),
            _ => module
                .get(..module.len().saturating_sub(1))
                .unwrap_or_default()
                .to_vec(),
        };
        expand(
            code.get(at + word.len()..).unwrap_or_default(),
            base,
            &mut out,
        );
    }
    out
}

/// Reads a path, or a group of them; answers how many bytes it took.
fn expand(text: &str, base: Module, out: &mut Vec<Module>) -> usize {
    let mut path = base;
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(group) = rest.strip_prefix('{') {
            let mut read = 1;
            loop {
                let inner = group.get(read - 1..).unwrap_or_default();
                let blank = inner.len() - inner.trim_start_matches([' ', '\n', ',']).len();
                read += blank;
                let inner = inner.get(blank..).unwrap_or_default();
                if inner.is_empty() || inner.starts_with('}') {
                    return at + read + 1;
                }
                // What is no path is passed over, so that this ends.
                read += expand(inner, path.clone(), out).max(1);
            }
        }
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        match rest.get(..length) {
            Some("super") => drop(path.pop()),
            Some("" | "self") | None => {}
            Some(name) => path.push(name.to_owned()),
        }
        at += length;
        match text.get(at..) {
            Some(more) if length > 0 && more.starts_with("::") => at += 2,
            _ => {
                out.push(path);
                return at;
            }
        }
    }
}

/// The sets of modules of which each reaches each.
fn circles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reached = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(module) = open.pop() {
            for next in imports.get(&module).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> = imports
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let together = |one: &Module, other: &Module| {
        let reaches =
            |from: &Module, to: &Module| all.get(from).is_some_and(|to_all| to_all.contains(to));
        reaches(one, other) && reaches(other, one)
    };
    imports
        .keys()
        .map(|module| {
            let circle = imports.keys().filter(|other| together(module, other));
            circle.cloned().collect()
        })
        .collect()
}
