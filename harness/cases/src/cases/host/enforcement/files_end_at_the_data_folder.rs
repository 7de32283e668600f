//! A plugin is code from somewhere else: whoever lends it a folder must not lend the machine with it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use vb_contract::{HostConfig, PluginConfig};

use crate::case::Case;
use crate::lab::carried::FILES;
use crate::lab::door::{Component, Need, Plan};
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-08";

/// What stands in the files that no guest may read.
const SECRET: &str = "not-for-guests";

/// The plugin's name, and so its folder's.
const NAME: &str = "files";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "files-end-at-the-data-folder",
    &["VB-ENF-08"],
    "Tells a guest with a data folder to read, to write and to set times beside and above it: by `..`, by absolute paths and \
     by links that lie in it.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::Files]);

/// In so many folders that a host lends a guest looks for ways out: it need not lend one, and may lend several.
const FOLDERS: usize = 4;

/// A way out and what it is.
type Way = (String, &'static str);

async fn run(lab: &HostLab) -> Outcome {
    let untestable = |error| Stop::Untestable(format!("no folder to look at: {error}"), Vec::new());
    let place = tempfile::tempdir().map_err(untestable)?;
    let data = place.path().join("data");
    let ways = prepare(place.path(), &data).map_err(untestable)?;
    let beside = [
        ("../new".to_owned(), "a file beside its folder"),
        ("../../new".to_owned(), "a file above its folder"),
        (
            place.path().join("new").display().to_string(),
            "a file by its absolute path",
        ),
    ];
    let secrets = [place.path().join("secret"), data.join("other/secret")];
    let times = || secrets.each_ref().map(|path| modified(path));
    let before = times();
    let mut script = Vec::new();
    for folder in 0..FOLDERS {
        // In the first second of 1970, as nothing else is.
        let touches = ways.iter();
        script.extend(touches.map(|(path, _)| format!("touch-at {folder} {path} 1")));
        script.extend(ways.iter().map(|(path, _)| format!("cat {folder} {path}")));
        let writes = beside.iter();
        script.extend(writes.map(|(path, _)| format!("put {folder} {path} {SECRET}")));
    }
    let lines = obey(lab, &data, &script.join("\n")).await?;
    for (path, what) in &ways {
        let read = |line: &String| line.contains(&format!(" {path}: ok {SECRET}"));
        if lines.iter().any(read) {
            return Err(out(what, "read"));
        }
    }
    if times() != before {
        return Err(out("a file by a name that leads out", "set the times of"));
    }
    for (path, what) in &beside {
        let wrote = |line: &String| line.contains(&format!(" {path} {SECRET}: ok"));
        let there = place.path().join("new").exists() || data.join("new").exists();
        if there && lines.iter().any(wrote) {
            return Err(out(what, "wrote"));
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

fn out(what: &str, did: &str) -> Stop {
    let expected = "a guest to reach no file but those under its data folder";
    Finding::new(CLAUSE, expected, format!("it {did} {what}")).into()
}

/// Lays out a host's data folders, with secrets around that of the guest, and answers the ways to them.
fn prepare(place: &Path, data: &Path) -> io::Result<Vec<Way>> {
    let own = data.join(NAME);
    let secret = place.join("secret");
    fs::create_dir_all(&own)?;
    fs::create_dir_all(data.join("other"))?;
    fs::write(&secret, SECRET)?;
    fs::write(data.join("other/secret"), SECRET)?;
    let mut ways = vec![
        (
            "../../secret".to_owned(),
            "a file above its folder, by `..`",
        ),
        (
            "../other/secret".to_owned(),
            "another plugin's file, by `..`",
        ),
        ("other/secret".to_owned(), "another plugin's file"),
        (secret.display().to_string(), "a file by its absolute path"),
        (
            secret
                .strip_prefix("/")
                .unwrap_or(&secret)
                .display()
                .to_string(),
            "a file from the machine's root",
        ),
    ];
    ways.extend(links(&own, &secret)?);
    Ok(ways)
}

#[cfg(unix)]
fn links(own: &Path, secret: &Path) -> io::Result<Vec<Way>> {
    use std::os::unix::fs::symlink;
    symlink("../../secret", own.join("relative"))?;
    symlink(secret, own.join("absolute"))?;
    symlink("../..", own.join("folder"))?;
    fs::hard_link(secret, own.join("hard"))?;
    let ways = [
        ("relative", "a file through a symbolic link"),
        ("absolute", "a file through an absolute symbolic link"),
        (
            "folder/secret",
            "a file through a symbolic link to a folder",
        ),
        ("hard", "a file through a hard link"),
    ];
    Ok(ways.map(|(path, what)| (path.to_owned(), what)).to_vec())
}

#[cfg(not(unix))]
fn links(_: &Path, _: &Path) -> io::Result<Vec<Way>> {
    Ok(Vec::new())
}

/// What the guest says of each line. A host that refuses it has said enough.
async fn obey(lab: &HostLab, data: &Path, script: &str) -> Result<Vec<String>, Stop> {
    let config = HostConfig {
        data_dir: Some(data.to_owned()),
        ..HostConfig::default()
    };
    let mut plugin = PluginConfig::default();
    plugin.config.insert("do".to_owned(), script.to_owned());
    let plan = Plan::new(config).guest(NAME, Component::carried(FILES), plugin);
    let _host = lab.try_start(plan).await?;
    lab.settle().await;
    let lines = lab.recorder.guest_log(NAME);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}
