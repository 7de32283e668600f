//! What a plugin may say of itself.

use crate::config::is_plugin_name;
use crate::host::PluginMetadata;

/// Longest semantic version: what people write has a dozen characters.
const MAX_VERSION: usize = 256;

/// Whether identifier and version have the form that the contract asks for. The error is for the log.
pub(crate) fn check(metadata: &PluginMetadata) -> Result<(), String> {
    if !is_plugin_name(&metadata.id) {
        return Err(format!(
            "its metadata's id is {:?}: expected lower-case letters, digits, `-` and `_`, starting with a letter, at most 64",
            metadata.id
        ));
    }
    if !is_semantic_version(&metadata.version) {
        return Err(format!(
            "its metadata's version is {:?}: expected a semantic version such as 1.2.3",
            metadata.version
        ));
    }
    Ok(())
}

/// The grammar of semver.org 2.0.0.
fn is_semantic_version(version: &str) -> bool {
    if version.len() > MAX_VERSION {
        return false;
    }
    let (rest, build) = match version.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (version, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let number = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let identifier = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let pre_release = |text: &str| {
        identifier(text) && (number(text) || !text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(pre_release))
        && build.is_none_or(|build| build.split('.').all(identifier))
}

#[cfg(test)]
mod tests {
    use super::is_semantic_version;

    #[test]
    fn semantic_versions() {
        for good in [
            "0.0.0",
            "1.2.3",
            "10.20.30",
            "1.0.0-alpha.1",
            "1.0.0+x.01",
            "0.4.0-vb.1+a-b",
        ] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in [
            "", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3-01", "1.2.3+",
            "1.2.3 ",
        ] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
