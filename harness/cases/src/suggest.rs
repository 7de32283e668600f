//! The nearest known names for one that is not known.

/// How many names are suggested at most.
const MOST: usize = 3;

/// The candidates nearest to `given`, best first, at most three. Empty when nothing is close.
///
/// A candidate is close when it contains `given`, or when no more than a third of its letters (at least two)
/// have to change.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = given.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let edits = distance(&wanted, &lower);
            let allowed = (lower.chars().count().max(wanted.chars().count()) / 3).max(2);
            let contained = wanted.chars().count() >= 3 && lower.contains(&wanted);
            (edits <= allowed || contained)
                .then_some((if contained { 0 } else { edits }, candidate))
        })
        .collect();
    ranked.sort();
    ranked.dedup();
    ranked
        .into_iter()
        .take(MOST)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// ` Did you mean a, b or c?`, or nothing when nothing is close: made to be put behind a sentence.
#[must_use]
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(given, candidates);
    match near.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" Did you mean {only}?"),
        Some((last, rest)) => format!(" Did you mean {} or {last}?", rest.join(", ")),
    }
}

/// Levenshtein's distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, cb) in row.iter_mut().skip(1).zip(&b) {
            let above = *slot;
            let value = (diagonal + usize::from(ca != *cb))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            left = value;
            *slot = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let ids = ["VB-KA-01", "VB-KA-02", "VB-JOIN-01"];
        assert_eq!(nearest("VB-KA-1", ids), ["VB-KA-01", "VB-KA-02"]);
        assert!(nearest("something else altogether", ids).is_empty());
        assert_eq!(did_you_mean("vb-join-1", ids), " Did you mean VB-JOIN-01?");
    }
}
