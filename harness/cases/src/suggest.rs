//! What was meant by a name that is not known.

use vb_contract::near;

/// How many names are suggested at most.
const MOST: usize = 3;

/// So many letters of a name, and it is meant.
const ENOUGH: usize = 3;

/// ` Did you mean a, b or c?`, or nothing when nothing is close: made to be put behind a sentence.
#[must_use]
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let meant = meant(given, candidates);
    match meant.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" Did you mean {only}?"),
        Some((last, rest)) => format!(" Did you mean {} or {last}?", rest.join(", ")),
    }
}

/// The candidates that contain `given`, then those that are near to it.
fn meant<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = given.to_lowercase();
    let enough = wanted.chars().count() >= ENOUGH;
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    candidates.sort_unstable();
    candidates.dedup();
    let (containing, others): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| enough && candidate.to_lowercase().contains(&wanted));
    let meant = containing.into_iter().chain(near(given, others));
    meant.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let ids = ["VB-KA-01", "VB-KA-02", "VB-JOIN-01"];
        assert_eq!(meant("VB-KA-1", ids), ["VB-KA-01", "VB-KA-02"]);
        assert_eq!(meant("join", ids), ["VB-JOIN-01"]);
        assert!(meant("something else altogether", ids).is_empty());
        assert_eq!(did_you_mean("vb-join-1", ids), " Did you mean VB-JOIN-01?");
    }
}
