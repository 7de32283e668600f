//! The known names that are nearest to one that is not known.

/// The candidates that are near to `name`, the nearest first and equal ones in their order: at most a third of a name's
/// letters differ, case and the kind of hyphen aside.
#[must_use]
pub fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = fold(name);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(&name, &fold(candidate)), candidate))
        .filter(|(edits, candidate)| *edits * 3 <= candidate.chars().count().max(3))
        .collect();
    near.sort_by_key(|(edits, _)| *edits);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The candidate that is nearest to `name`, if one is near.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(name, candidates).first().copied()
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far() {
        let known = ["permissions", "deny", "fallback"];
        assert_eq!(nearest("permission", known), Some("permissions"));
        assert_eq!(nearest("Permissions", known), Some("permissions"));
        assert_eq!(nearest("denied", known), None);
        assert_eq!(nearest("zzz", known), None);
    }

    #[test]
    fn the_nearest_comes_first() {
        let known = ["server-two", "server-one", "server-on", "elsewhere"];
        assert_eq!(near("server_on", known), [known[2], known[1], known[0]]);
    }
}
