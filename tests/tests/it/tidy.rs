//! What a reviewer would otherwise have to look for in every change.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer files are split: one file is one notion.
const LINES_MAX: usize = 600;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The files git knows, with their text, as far as they are text.
pub(crate) fn tracked(endings: &[&str]) -> Vec<(String, String)> {
    let output =
        Command::new("git").args(["ls-files", "-z", "--cached"]).current_dir(root()).output().expect("git runs");
    assert!(output.status.success(), "not a git checkout");
    let names = String::from_utf8(output.stdout).expect("UTF-8 names");
    names
        .split('\0')
        .filter(|name| endings.iter().any(|ending| name.ends_with(ending)))
        .filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?)))
        .collect()
}

#[test]
fn every_source_file_is_one_notion_and_says_which() {
    for (name, text) in tracked(&[".rs"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines; split it");
        assert!(text.starts_with("//!") || text.starts_with("#!["), "{name} does not say what it is for");
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TO", "FIX"].map(|start| {
        format!(
            "{start}{}",
            if start == "TO" {
                "DO"
            } else if start == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    for (name, text) in tracked(&[".rs", ".md", ".sh", ".mjs", ".js", ".toml"]) {
        for mark in &marks {
            let found =
                text.lines().position(|line| line.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == mark));
            assert_eq!(found, None, "{name} holds {mark}");
        }
        let ignored = ["#[ig", "nore"].concat();
        assert!(!name.ends_with(".rs") || !text.contains(&ignored), "{name} skips a test");
    }
}

#[test]
fn the_repository_stands_alone() {
    let outside = ["..", "shared"].join("/");
    for (name, text) in tracked(&[".rs", ".md", ".sh", ".mjs", ".js", ".toml", ".json", ".yml"]) {
        assert!(!text.contains(&outside), "{name} refers to a folder outside the repository");
    }
}

#[test]
fn every_plant_still_applies_to_the_code_it_breaks() {
    for (name, _) in tracked(&[".patch"]).into_iter().filter(|(name, _)| name.starts_with("tests/plants/")) {
        let applied =
            Command::new("git").args(["apply", "--check", &name]).current_dir(root()).output().expect("git runs");
        assert!(applied.status.success(), "{name}: {}", String::from_utf8_lossy(&applied.stderr));
    }
}

#[test]
fn the_documents_name_only_paths_that_exist() {
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root().join(name)).expect(name);
        for target in links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            assert!(path.is_empty() || root().join(path).exists(), "{name} links to {target}, which is not there");
        }
        for path in text.split('`').skip(1).step_by(2).filter(|code| looks_like_a_path(code)) {
            assert!(root().join(path).exists(), "{name} names `{path}`, which is not there");
        }
    }
}

/// Tests and plants that the documents name are there, and every plant is named.
#[test]
fn the_documents_name_only_tests_and_plants_that_exist() {
    let source: String = tracked(&[".rs"]).into_iter().map(|(_, text)| text).collect();
    let plants: Vec<String> = tracked(&[".patch"])
        .iter()
        .filter_map(|(name, _)| Some(name.strip_prefix("tests/plants/")?.strip_suffix(".patch")?.to_owned()))
        .collect();
    let promises = std::fs::read_to_string(root().join("docs/promises.md")).expect("read");
    let operating = std::fs::read_to_string(root().join("docs/operating.md")).expect("read");
    let words = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let made_of = |word: &str, joint: char, least: usize| {
        word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
            && word.matches(joint).count() >= least
    };
    for test in words(&(promises.clone() + &operating)).iter().filter(|word| made_of(word, '_', 3)) {
        let there = source.contains(&format!("fn {test}(")) || source.contains(&format!("\"{test}\""));
        assert!(there || test.starts_with("causeway_"), "a document names `{test}`, which is no test");
    }
    let named = words(&promises);
    for plant in &plants {
        assert!(named.contains(plant), "docs/promises.md does not name the plant {plant}");
    }
    for word in named.iter().filter(|word| made_of(word, '-', 1)) {
        assert!(plants.contains(word), "docs/promises.md names the plant {word}, which is not there");
    }
}

/// The targets of Markdown links inside the repository.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|t| !t.contains("://") && !t.starts_with("mailto:"))
        .collect()
}

/// A word in backticks with a slash and nothing that a path would not have.
fn looks_like_a_path(code: &str) -> bool {
    let first = code.split('/').next().unwrap_or_default();
    code.contains('/')
        && !code.starts_with('/')
        && code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && ["core", "connectors", "mappers", "router", "storage", "serve", "ops", "tests", "docs"].contains(&first)
}
