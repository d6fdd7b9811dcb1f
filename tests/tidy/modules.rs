//! Files that no crate of the package contains.

use std::collections::{BTreeMap, BTreeSet};

use crate::TextFile;
use crate::code::code_of;

/// Rust files that no `mod` declaration leads to.
pub(crate) fn dead_files(files: &[TextFile]) -> Vec<String> {
    let rust: BTreeMap<&str, &TextFile> =
        files.iter().filter(|file| file.is_rust()).map(|file| (file.path.as_str(), file)).collect();
    let mut alive: BTreeSet<String> = BTreeSet::new();
    let mut pending: Vec<String> = rust.keys().filter(|path| is_root(path)).map(|&path| path.to_owned()).collect();
    while let Some(path) = pending.pop() {
        let Some(file) = rust.get(path.as_str()) else { continue };
        if !alive.insert(path.clone()) {
            continue;
        }
        let folder = folder_of_modules(&path);
        for name in declared(&file.text) {
            pending.push(format!("{folder}/{name}.rs"));
            pending.push(format!("{folder}/{name}/mod.rs"));
        }
    }
    rust.keys().filter(|path| !alive.contains(**path)).map(|path| (*path).to_owned()).collect()
}

/// Whether cargo finds a crate here by itself.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["build.rs"] => true,
        [.., "src", "lib.rs" | "main.rs"] => true,
        [.., "src", "bin", _, "main.rs"] | [.., "src", "bin", _] => true,
        [.., "tests" | "benches" | "examples" | "fuzz_targets", file] => file.ends_with(".rs"),
        [.., "tests" | "benches" | "examples", _, "main.rs"] => true,
        _ => false,
    }
}

/// The folder in which the modules that a file declares are looked for.
fn folder_of_modules(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        // The crates that cargo finds by their files look beside themselves.
        _ if is_root(path) => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// The modules that a file declares as files.
fn declared(text: &str) -> Vec<String> {
    let code = code_of(text);
    code.lines()
        .filter_map(|line| {
            let (before, name) = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
            let visibility = before.trim();
            let plain = name.chars().all(|character| character.is_alphanumeric() || character == '_');
            let declares = visibility.is_empty() || visibility.starts_with("pub") || visibility.ends_with(']');
            (plain && declares).then(|| name.to_owned())
        })
        .collect()
}

#[test]
fn a_file_that_nothing_leads_to_is_dead() {
    let sample = crate::sample;
    let files = [
        sample("src/lib.rs", "//! A.\nmod a;\npub(crate) mod b;\n// mod dead;\n#[cfg(test)] mod tests;\n"),
        sample("src/a.rs", "mod deep;"),
        sample("src/a/deep.rs", ""),
        sample("src/b/mod.rs", "pub mod deep;"),
        sample("src/b/deep.rs", ""),
        sample("src/tests.rs", ""),
        sample("src/dead.rs", "mod deader;"),
        sample("src/dead/deader.rs", ""),
        sample("src/bin/tool/main.rs", "mod args;"),
        sample("src/bin/tool/args.rs", ""),
        sample("tests/cli/main.rs", "mod harness;"),
        sample("tests/cli/harness.rs", ""),
        sample("tests/cli/forgotten.rs", ""),
        sample("tests/one.rs", ""),
    ];
    assert_eq!(dead_files(&files), ["src/dead.rs", "src/dead/deader.rs", "tests/cli/forgotten.rs"]);
}
