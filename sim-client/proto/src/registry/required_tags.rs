//! Tags that the code of a game names, and without which its clients leave (751-757).

use crate::Version;
use crate::fault::FaultKind;
use crate::packet::TagGroup;
use crate::registry::with_namespace;

/// From a protocol on: lines of `registry tag`. Where they come from stands in their first lines.
const LISTS: &[(i32, &str)] = &[
    (751, include_str!("required_tags/751.txt")),
    (755, include_str!("required_tags/755.txt")),
    (757, include_str!("required_tags/757.txt")),
];

/// What makes a client leave that is sent these tags; None if nothing does.
pub(crate) fn missing(version: Version, sent: &[TagGroup]) -> Option<FaultKind> {
    if !version.needs_all_tags() {
        return None;
    }
    let is_there = |registry: &str, tag: &str| {
        sent.iter()
            .filter(|group| with_namespace(&group.registry) == registry)
            .any(|group| {
                let named = |known: &str| known == tag || with_namespace(known) == tag;
                group.tags.iter().any(|(known, _)| named(known))
            })
    };
    let mut missing = required(version).filter(|(registry, tag)| !is_there(registry, tag));
    let (registry, tag) = missing.next()?;
    Some(FaultKind::MissingTags {
        registry,
        tag,
        count: 1 + missing.count(),
    })
}

/// Registry and tag of each that must be there.
fn required(version: Version) -> impl Iterator<Item = (&'static str, &'static str)> {
    let list = LISTS
        .iter()
        .rev()
        .find(|(from, _)| version.from(*from))
        .map_or("", |(_, list)| *list);
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(protocol: i32) -> Vec<TagGroup> {
        let mut groups: Vec<TagGroup> = Vec::new();
        for (registry, tag) in required(Version::new(protocol)) {
            match groups.iter_mut().find(|group| group.registry == registry) {
                Some(group) => group.tags.push((tag.to_owned(), Vec::new())),
                None => groups.push(TagGroup {
                    registry: registry.to_owned(),
                    tags: vec![(tag.to_owned(), Vec::new())],
                }),
            }
        }
        groups
    }

    #[test]
    fn each_tag_of_the_list_is_missed_by_itself() {
        for (protocol, count) in [(751, 147), (754, 147), (755, 201), (756, 201), (757, 200)] {
            let version = Version::new(protocol);
            let whole = all(protocol);
            assert_eq!(missing(version, &whole), None, "{protocol}");
            assert_eq!(required(version).count(), count, "{protocol}");
            for (registry, tag) in required(version) {
                let mut groups = whole.clone();
                for group in &mut groups {
                    group
                        .tags
                        .retain(|(known, _)| known != tag || group.registry != registry);
                }
                let fault = FaultKind::MissingTags {
                    registry,
                    tag,
                    count: 1,
                };
                assert_eq!(missing(version, &groups), Some(fault), "{protocol}");
            }
        }
    }

    #[test]
    fn before_751_and_from_758_on_no_tag_is_needed() {
        for (protocol, needed) in [(736, false), (751, true), (757, true), (758, false)] {
            let fault = missing(Version::new(protocol), &[]);
            assert_eq!(fault.is_some(), needed, "{protocol}");
        }
    }
}
