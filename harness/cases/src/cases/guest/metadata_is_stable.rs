//! A plugin's name must be one thing, in the log, the configuration and the next start.

use vb_contract::{HostEvent, PluginMetadata, PluginState};

use crate::case::Case;
use crate::lab::door::Need;
use crate::lab::guest::GuestLab;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-META-01";

/// What the latest instance said before and after on-enable.
fn metadata(lab: &GuestLab) -> Result<(PluginMetadata, PluginMetadata), Stop> {
    let said = lab.recorder.all(|seen| match &seen.event {
        HostEvent::Plugin {
            state: PluginState::Enabled { before, after },
            ..
        } => Some((*before.clone()?, *after.clone()?)),
        _ => None,
    });
    said.last()
        .cloned()
        .ok_or_else(|| Stop::Untestable("the guest was not enabled".to_owned(), Vec::new()))
}

fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    id.starts_with(|c: char| c.is_ascii_lowercase()) && id.len() <= 64 && id.chars().all(allowed)
}

/// The grammar of https://semver.org, version 2.0.0.
fn is_semantic(version: &str) -> bool {
    let (rest, build) = version
        .split_once('+')
        .map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest
        .split_once('-')
        .map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let pre_part =
        |part: &str| word(part) && (!part.bytes().all(|b| b.is_ascii_digit()) || number(part));
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(pre_part))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "metadata-is-stable",
    &["VB-META-01"],
    "Reads the metadata before and after on-enable, in two instances.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest()
.needing(&[Need::HostEvents]);

async fn run(lab: &GuestLab) -> Outcome {
    let first = metadata(lab)?;
    lab.another_host().await?;
    let second = metadata(lab)?;
    let all = [&first.0, &first.1, &second.0, &second.1];
    if let Some(other) = all.iter().find(|other| **other != &first.0) {
        let got = format!("{:?}, then {:?}", first.0, other);
        return Err(Finding::new(CLAUSE, "the same metadata on each call", got).into());
    }
    if !is_id(&first.0.id) {
        let expected =
            "an identifier of 1 to 64 lower-case letters, digits, `-` and `_`, a letter first";
        return Err(Finding::new(CLAUSE, expected, format!("{:?}", first.0.id)).into());
    }
    if !is_semantic(&first.0.version) {
        let expected = "a version after Semantic Versioning 2.0.0, such as 1.2.3";
        return Err(Finding::new(CLAUSE, expected, format!("{:?}", first.0.version)).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantic_versions() {
        for good in ["0.0.0", "1.2.3", "1.0.0-alpha.1", "1.0.0-x-y.7+build.01"] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in [
            "", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.3.4",
        ] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }

    #[test]
    fn identifiers() {
        assert!(is_id("a") && is_id("a-1_b") && is_id(&"a".repeat(64)));
        assert!(!is_id("") && !is_id("1a") && !is_id("A") && !is_id(&"a".repeat(65)));
    }
}
