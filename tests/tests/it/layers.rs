//! The star holds: imports point inward, and the pure crates reach nothing outside.
//!
//! ARCHITECTURE.md draws the picture; this test fails the build when an arrow points the wrong way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of our crates may import.
const ARROWS: &[(&str, &[&str])] = &[
    ("causeway-core", &[]),
    ("causeway-tls", &["causeway-core"]),
    ("causeway-pickup", &["causeway-core"]),
    ("causeway-hl7", &["causeway-core", "causeway-tls", "causeway-pickup"]),
    ("causeway-dicom", &["causeway-core", "causeway-tls"]),
    ("causeway-chinese-medicine", &["causeway-core", "causeway-tls", "causeway-pickup"]),
    ("causeway-fetch", &["causeway-core", "causeway-tls"]),
    ("causeway-mappers", &["causeway-core"]),
    ("causeway-router", &["causeway-core"]),
    ("causeway-storage", &["causeway-core"]),
    ("causeway-serve", &["causeway-core", "causeway-tls"]),
    ("causeway-render", &["causeway-core"]),
    (
        "causeway-ops",
        &[
            "causeway-chinese-medicine",
            "causeway-core",
            "causeway-tls",
            "causeway-pickup",
            "causeway-hl7",
            "causeway-dicom",
            "causeway-fetch",
            "causeway-mappers",
            "causeway-router",
            "causeway-storage",
            "causeway-serve",
            "causeway-render",
        ],
    ),
];

/// What the pure crates may import from others. A new name here is a decision, not a detail.
const PURE: &[(&str, &[&str])] = &[
    (
        "causeway-core",
        &[
            "base64",
            "encoding_rs",
            "jiff",
            "memchr",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "sha1",
            "sha2",
            "thiserror",
            "toml",
            "unicode-normalization",
            "uuid",
        ],
    ),
    ("causeway-mappers", &["base64", "jiff", "serde", "serde_json", "sha1", "smol_str", "uuid"]),
    ("causeway-router", &["jiff", "serde", "serde_json", "thiserror", "tracing"]),
];

/// Words that have no place in the sources of the pure crates.
const OUTSIDE: &[&str] = &[
    "std::net",
    "std::fs",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant::now",
    "thread::spawn",
    "tokio::",
    "rusqlite::",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Package → its normal dependencies; optional ones serve the contract suites and the schemas only.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let normal = package["dependencies"].as_array().expect("dependencies").iter();
            (
                text(&package["name"]),
                normal.filter(|d| d["kind"].is_null() && d["optional"] != true).map(|d| text(&d["name"])).collect(),
            )
        })
        .collect()
}

#[test]
fn imports_point_inward() {
    let dependencies = dependencies();
    for (name, allowed) in ARROWS {
        let ours: BTreeSet<_> =
            dependencies[*name].iter().filter(|d| d.starts_with("causeway-")).map(String::as_str).collect();
        let wrong: Vec<_> = ours.iter().filter(|d| !allowed.contains(d)).collect();
        assert!(wrong.is_empty(), "{name} must not import {wrong:?}");
    }
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).chain(["causeway-tests"]).collect();
    let unknown: Vec<_> = dependencies.keys().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "give {unknown:?} a place in ARROWS");
}

#[test]
fn the_pure_crates_import_only_what_was_decided() {
    let dependencies = dependencies();
    for (name, allowed) in PURE {
        let wrong: Vec<_> = dependencies[*name]
            .iter()
            .filter(|d| !d.starts_with("causeway-") && !allowed.contains(&d.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{name} must stay pure, but imports {wrong:?}");
    }
}

#[test]
fn the_pure_crates_reach_nothing_outside() {
    for folder in ["core", "mappers", "router"] {
        for file in sources(&root().join(folder).join("src")) {
            let text = std::fs::read_to_string(&file).expect("readable");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                let found: Vec<_> = OUTSIDE.iter().filter(|word| line.contains(*word)).collect();
                assert!(found.is_empty(), "{}:{} reaches outside: {found:?}", file.display(), number + 1);
            }
        }
    }
}

/// The `.rs` files below a folder, without the contract suites, which are tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.file_stem().is_some_and(|stem| stem == "contract") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}
