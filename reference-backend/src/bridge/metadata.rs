//! What a plugin may say of itself.

use crate::api::PluginMetadata;
use crate::config::is_plugin_name;
use crate::shown::shown;

/// Longest semantic version: what people write has a dozen characters.
const MAX_VERSION: usize = 256;
/// Longest name of a plugin or of an author, in bytes: a line of a list.
const MAX_NAME: usize = 128;
/// Most authors.
const MAX_AUTHORS: usize = 32;
/// Longest description, in bytes: a paragraph.
const MAX_DESCRIPTION: usize = 1024;

/// Whether identifier and version have the form that the contract asks for. The error is for the log.
pub(crate) fn check(metadata: &PluginMetadata) -> Result<(), String> {
    if !is_plugin_name(&metadata.id) {
        return Err(format!(
            "its metadata's id is \"{}\": expected lower-case letters, digits, `-` and `_`, starting with a letter, at most 64",
            shown(&metadata.id)
        ));
    }
    if !is_semantic_version(&metadata.version) {
        return Err(format!(
            "its metadata's version is \"{}\": expected a semantic version such as 1.2.3, at most {MAX_VERSION} bytes",
            shown(&metadata.version)
        ));
    }
    let PluginMetadata {
        name,
        authors,
        description,
        ..
    } = metadata;
    let author = authors.iter().map(String::len).max().unwrap_or_default();
    let description = description.as_ref().map_or(0, String::len);
    let bounds = [
        ("name", "bytes", name.len(), MAX_NAME),
        ("authors", "entries", authors.len(), MAX_AUTHORS),
        ("longest author", "bytes", author, MAX_NAME),
        ("description", "bytes", description, MAX_DESCRIPTION),
    ];
    match bounds.into_iter().find(|(_, _, is, most)| is > most) {
        Some((what, unit, is, most)) => Err(format!(
            "its metadata's {what} has {is} {unit}: expected at most {most}"
        )),
        None => Ok(()),
    }
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
    use super::*;

    #[test]
    fn what_a_plugin_says_of_itself_has_edges() {
        let say = |name: usize, authors: usize, author: usize, description: usize| PluginMetadata {
            id: "a".to_owned(),
            name: "n".repeat(name),
            version: "1.0.0".to_owned(),
            authors: vec!["a".repeat(author); authors],
            description: Some("d".repeat(description)),
        };
        let most = say(MAX_NAME, MAX_AUTHORS, MAX_NAME, MAX_DESCRIPTION);
        assert_eq!(check(&most), Ok(()));
        let past = [
            (
                say(MAX_NAME + 1, 1, 1, 1),
                "name has 129 bytes: expected at most 128",
            ),
            (
                say(1, MAX_AUTHORS + 1, 1, 1),
                "authors has 33 entries: expected at most 32",
            ),
            (
                say(1, 1, MAX_NAME + 1, 1),
                "longest author has 129 bytes: expected at most 128",
            ),
            (
                say(1, 1, 1, MAX_DESCRIPTION + 1),
                "description has 1025 bytes: expected at most 1024",
            ),
        ];
        for (past, what) in past {
            let refused = check(&past).expect_err(what);
            assert_eq!(refused, format!("its metadata's {what}"));
        }
        let evil = PluginMetadata {
            id: "x\n".repeat(1 << 20),
            ..say(1, 1, 1, 1)
        };
        let refused = check(&evil).expect_err("no id");
        assert!(refused.len() < 2048 && !refused.contains('\n'), "{refused}");
    }

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
