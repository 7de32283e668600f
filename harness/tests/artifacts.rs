//! The committed components are what the manifest says, and were built from the contract and the sources as they are.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Manifest {
    contract: Contract,
    artifact: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Contract {
    sha256: String,
    files: Vec<String>,
}

#[derive(Deserialize)]
struct Artifact {
    file: String,
    bytes: usize,
    sha256: String,
    sources_sha256: String,
    sources: Vec<String>,
}

fn manifest() -> Manifest {
    let text = fs::read_to_string(support::artifact("MANIFEST.toml")).expect("there is a manifest");
    toml::from_str(&text).expect("the manifest can be read")
}

#[test]
fn components_are_those_of_the_manifest() {
    for artifact in manifest().artifact {
        let bytes = fs::read(support::artifact(&artifact.file)).expect("the component is there");
        assert_eq!(bytes.len(), artifact.bytes, "{}", artifact.file);
        assert_eq!(
            hex(&Sha256::digest(&bytes)),
            artifact.sha256,
            "{}",
            artifact.file
        );
    }
}

#[test]
fn components_are_up_to_date() {
    let manifest = manifest();
    assert_eq!(
        hash(&manifest.contract.files),
        manifest.contract.sha256,
        "the contract has changed: rebuild the guests"
    );
    for artifact in manifest.artifact {
        let now = hash(&artifact.sources);
        assert_eq!(
            now, artifact.sources_sha256,
            "the sources of {} have changed: rebuild the guests",
            artifact.file
        );
    }
}

/// As the manifest's head describes it.
fn hash(paths: &[String]) -> String {
    let mut files = Vec::new();
    for path in paths {
        collect(&support::root(), Path::new(path), &mut files);
    }
    let mut names: Vec<(String, PathBuf)> = files
        .into_iter()
        .map(|path| {
            (
                path.to_string_lossy().replace('\\', "/"),
                support::root().join(path),
            )
        })
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    for (name, path) in names {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(fs::read(path).expect("a source is there"));
    }
    hex(&hash.finalize())
}

fn collect(root: &Path, path: &Path, files: &mut Vec<PathBuf>) {
    if !root.join(path).is_dir() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(root.join(path)).expect("the folder is there") {
        collect(
            root,
            &path.join(entry.expect("the entry can be read").file_name()),
            files,
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
