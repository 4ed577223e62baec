//! What is linked is what `deny.toml` allows. `cargo deny check` says the same and more; this needs no extra tool.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_linked_crate_has_an_allowed_licence_and_is_not_banned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let deny = std::fs::read_to_string(root.join("deny.toml")).expect("deny.toml");
    let allowed = quoted(line_starting(&deny, "allow = "));
    let banned: Vec<String> =
        deny.lines().filter(|l| l.trim().starts_with("{ name")).map(|l| quoted(l).remove(0)).collect();
    assert!(allowed.len() > 5 && banned.len() > 2, "deny.toml was not understood");
    for package in packages(root) {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        assert!(!banned.contains(&name), "{name} is banned by deny.toml");
        assert!(permits(&licence, &allowed), "{name} is under `{licence}`, which deny.toml does not allow");
    }
}

/// An SPDX expression of OR, AND and brackets is satisfied when one side of every OR is.
fn permits(expression: &str, allowed: &[String]) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    flat.split(" AND ").all(|part| part.split(" OR ").any(|one| allowed.iter().any(|a| a == one.trim())))
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    assert!(permits("MIT OR Apache-2.0", &allowed));
    assert!(permits("(MIT OR Apache-2.0) AND Unicode-3.0", &allowed));
    assert!(permits("Unlicense/MIT", &allowed));
    assert!(!permits("AGPL-3.0-only", &allowed));
    assert!(!permits("MIT AND GPL-2.0", &allowed));
    assert!(!permits("", &allowed));
}

fn packages(root: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root)
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn line_starting<'t>(text: &'t str, start: &str) -> &'t str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_default()
}

fn quoted(line: &str) -> Vec<String> {
    line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
