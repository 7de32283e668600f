//! The judge shares no code with the judged: which crate may depend on which, held by what cargo says.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate and what it must not reach, directly or through others.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "vb-contract",
        &[
            "backend-proto",
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "wasmtime",
        ],
    ),
    (
        "vbspec-cases",
        &["backend-proto", "reference-backend", "vbspec", "wasmtime"],
    ),
    (
        "backend-proto",
        &[
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "wasmtime",
        ],
    ),
    (
        "sim-proto",
        &[
            "backend-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "wasmtime",
        ],
    ),
    (
        "sim-client",
        &["backend-proto", "reference-backend", "vbspec", "wasmtime"],
    ),
    ("reference-backend", &["sim-proto", "sim-client", "vbspec"]),
    (
        "host-faults",
        &["backend-proto", "reference-backend", "vbspec", "wasmtime"],
    ),
    (
        "guest-kit",
        &[
            "backend-proto",
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
        ],
    ),
    (
        "lobby-core",
        &[
            "backend-proto",
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "guest-bindings",
            "guest-draft",
            "wit-bindgen",
        ],
    ),
    (
        "probe-core",
        &[
            "backend-proto",
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "guest-bindings",
            "guest-draft",
            "wit-bindgen",
        ],
    ),
    (
        "guest-host",
        &[
            "backend-proto",
            "sim-proto",
            "sim-client",
            "reference-backend",
            "vbspec",
            "tokio",
            "guest-bindings",
            "guest-draft",
            "wit-bindgen",
        ],
    ),
];

#[test]
fn arrows_run_one_way_only() {
    let reaches = reaches();
    for (from, forbidden) in FORBIDDEN {
        let reached = reaches
            .get(*from)
            .unwrap_or_else(|| panic!("there is no crate {from}"));
        for to in *forbidden {
            assert!(!reached.contains(*to), "{from} reaches {to}");
        }
    }
}

/// What is not a dependency cannot be named, but a word in a comment or a feature would show that somebody thinks of it.
#[test]
fn no_case_knows_the_reference() {
    let mut folders = vec![support::root().join("harness/cases/src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of ours") {
            let path = entry.expect("an entry of ours").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            assert!(
                !text.contains("reference_backend"),
                "{} names the reference host",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files > 100, "{files} files of cases");
}

#[test]
fn the_data_depend_on_nothing() {
    assert_eq!(reaches()["vb-data"], BTreeSet::new());
}

/// For each crate of both workspaces what it reaches through normal dependencies.
fn reaches() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for manifest in ["Cargo.toml", "fixtures/guests/Cargo.toml"] {
        for (from, to) in dependencies(manifest) {
            edges.entry(from).or_default().extend(to);
        }
    }
    edges
        .keys()
        .map(|start| (start.clone(), closure(start, &edges)))
        .collect()
}

fn closure(start: &str, edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start.to_owned()];
    while let Some(next) = open.pop() {
        for to in edges.get(&next).into_iter().flatten() {
            if reached.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    reached
}

/// The declared normal dependencies of each crate of a workspace.
fn dependencies(manifest: &str) -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--offline",
            "--manifest-path",
        ])
        .arg(support::root().join(manifest))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap_or_default().to_owned();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let normal = list(&package["dependencies"])
                .into_iter()
                .filter(|dependency| dependency["kind"].is_null());
            (
                name(package),
                normal.map(|dependency| name(&dependency)).collect(),
            )
        })
        .collect()
}
