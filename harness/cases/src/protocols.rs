//! Sets of protocols: as a clause states them, as a user selects them, as the data supports them.

use std::fmt;
use std::str::FromStr;

use sim_client::release_named;

use crate::suggest;

/// Inclusive ranges of protocol numbers, ascending, as a clause states them. No range means every protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(Vec<(i32, i32)>);

impl Ranges {
    /// Every protocol there is or will be.
    #[must_use]
    pub const fn all() -> Self {
        Self(Vec::new())
    }

    /// Whether the protocol lies in one of the ranges.
    #[must_use]
    pub fn contains(&self, protocol: i32) -> bool {
        self.0.is_empty()
            || self
                .0
                .iter()
                .any(|&(low, high)| (low..=high).contains(&protocol))
    }
}

/// A text that is no list of ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `all` nor ranges such as `340-777` separated by commas")]
pub struct RangesError(String);

impl FromStr for Ranges {
    type Err = RangesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().trim_matches('`');
        if text == "all" {
            return Ok(Self::all());
        }
        let wrong = || RangesError(text.to_owned());
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let part = part.trim().trim_matches('`');
            let (low, high) = match (part.split_once('-'), part.strip_suffix('+')) {
                (Some((low, high)), _) => (
                    number(low).ok_or_else(wrong)?,
                    number(high).ok_or_else(wrong)?,
                ),
                (None, Some(low)) => (number(low).ok_or_else(wrong)?, i32::MAX),
                (None, None) => {
                    let only = number(part).ok_or_else(wrong)?;
                    (only, only)
                }
            };
            if low > high || ranges.last().is_some_and(|&(_, before)| before >= low) {
                return Err(wrong());
            }
            ranges.push((low, high));
        }
        Ok(Self(ranges))
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all");
        }
        for (index, &(low, high)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match (low == high, high == i32::MAX) {
                (true, _) => write!(f, "{comma}{low}")?,
                (_, true) => write!(f, "{comma}{low}+")?,
                _ => write!(f, "{comma}{low}-{high}")?,
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Option<i32> {
    let text = text.trim();
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// A protocol selection that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// Neither a protocol of a release, nor a range, nor a Minecraft version.
    #[error(
        "`{given}` is no protocol, range of protocols or Minecraft version that is known.{hint}"
    )]
    Unknown {
        /// What was written.
        given: String,
        /// The nearest known ones, as a sentence; may be empty.
        hint: String,
    },
    /// A release that exists but for which there are no packet tables here.
    #[error(
        "protocol {protocol} ({minecraft}) is known, but there are no packet tables for it; there are for {supported}"
    )]
    Unsupported {
        /// The protocol asked for.
        protocol: i32,
        /// The newest Minecraft version that speaks it.
        minecraft: String,
        /// Those that can be selected.
        supported: String,
    },
    /// A range in which no protocol has packet tables.
    #[error("no protocol with packet tables lies in `{given}`; there are {supported}")]
    EmptyRange {
        /// What was written.
        given: String,
        /// Those that can be selected.
        supported: String,
    },
}

/// The protocols that `texts` name, ascending, each once; all that are supported when there is no text.
///
/// # Errors
/// When a text names nothing that is known, or nothing that is supported.
pub fn select(texts: &[String]) -> Result<Vec<i32>, SelectionError> {
    if texts.is_empty() {
        return Ok(vb_data::supported().to_vec());
    }
    let mut chosen = Vec::new();
    for text in texts.iter().flat_map(|text| text.split(',')) {
        chosen.extend(select_one(text.trim())?);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// The newest Minecraft version that speaks the protocol, or `?`.
#[must_use]
pub fn minecraft(protocol: i32) -> &'static str {
    vb_data::release(protocol)
        .and_then(|release| release.versions.last())
        .copied()
        .unwrap_or("?")
}

/// Protocols in few words, `340-404, 764`: a span holds all of `among` that lie in it. Both ascend.
#[must_use]
pub fn spans(some: &[i32], among: &[i32]) -> String {
    let mut spans: Vec<(i32, i32)> = Vec::new();
    let mut open = false;
    for protocol in among {
        if !some.contains(protocol) {
            open = false;
            continue;
        }
        match spans.last_mut().filter(|_| open) {
            Some((_, last)) => *last = *protocol,
            None => spans.push((*protocol, *protocol)),
        }
        open = true;
    }
    Ranges(spans).to_string()
}

fn select_one(text: &str) -> Result<Vec<i32>, SelectionError> {
    if let Some(release) = release_named(text) {
        return supported(release.protocol).map(|protocol| vec![protocol]);
    }
    if number(text).is_some() {
        return Err(unknown(text));
    }
    let ranges: Ranges = text.parse().map_err(|_| unknown(text))?;
    let inside: Vec<i32> = vb_data::supported()
        .iter()
        .copied()
        .filter(|&p| ranges.contains(p))
        .collect();
    if inside.is_empty() {
        return Err(SelectionError::EmptyRange {
            given: text.to_owned(),
            supported: supported_list(),
        });
    }
    Ok(inside)
}

fn supported(protocol: i32) -> Result<i32, SelectionError> {
    if vb_data::supported().contains(&protocol) {
        return Ok(protocol);
    }
    Err(SelectionError::Unsupported {
        protocol,
        minecraft: minecraft(protocol).to_owned(),
        supported: supported_list(),
    })
}

fn supported_list() -> String {
    let list: Vec<String> = vb_data::supported()
        .iter()
        .map(ToString::to_string)
        .collect();
    list.join(", ")
}

fn unknown(text: &str) -> SelectionError {
    let numbers: Vec<String> = vb_data::releases()
        .iter()
        .map(|r| r.protocol.to_string())
        .collect();
    let names = vb_data::releases()
        .iter()
        .flat_map(|release| release.versions.iter().copied());
    let hint = suggest::did_you_mean(text, numbers.iter().map(String::as_str).chain(names));
    SelectionError::Unknown {
        given: text.to_owned(),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_both_ends() {
        let ranges: Ranges = "4-338, 735".parse().unwrap();
        assert!(ranges.contains(4) && ranges.contains(338) && ranges.contains(735));
        assert!(!ranges.contains(3) && !ranges.contains(339) && !ranges.contains(736));
        assert_eq!(ranges.to_string(), "4-338, 735");
        assert!("all".parse::<Ranges>().unwrap().contains(777));
        assert!("764+".parse::<Ranges>().unwrap().contains(777));
    }

    #[test]
    fn ranges_are_written_as_they_are_read() {
        for text in ["all", "47", "47-340", "764+", "4-338, 735, 764+"] {
            assert_eq!(text.parse::<Ranges>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_span_holds_all_that_lie_in_it() {
        let among = [4, 5, 47, 340, 764, 777];
        for (some, told) in [
            (&[4, 5, 47][..], "4-47"),
            (&[4, 47, 340], "4, 47-340"),
            (&[777], "777"),
            (&among, "4-777"),
        ] {
            assert_eq!(spans(some, &among), told);
        }
    }

    fn selected(texts: &[&str]) -> Result<Vec<i32>, SelectionError> {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        select(&texts)
    }

    #[test]
    fn protocols_are_selected_by_number_range_and_version() {
        assert_eq!(selected(&[]).unwrap(), vb_data::supported());
        assert_eq!(selected(&["340"]).unwrap(), [340]);
        assert_eq!(selected(&["1.8.9"]).unwrap(), [47]);
        assert_eq!(
            selected(&["762-764", "47", "763, 47"]).unwrap(),
            [47, 762, 763, 764]
        );
    }

    #[test]
    fn what_cannot_be_selected_says_why_and_what_can() {
        let every = supported_list();
        assert!(
            every.starts_with("4, 5, 47, ") && every.ends_with(", 777"),
            "{every}"
        );
        let Err(SelectionError::Unknown { given, hint }) = selected(&["1.8.99"]) else {
            panic!("a version that there is not");
        };
        assert_eq!(given, "1.8.99");
        assert!(hint.contains("1.8.9"), "{hint}");
        assert!(matches!(
            selected(&["3"]),
            Err(SelectionError::Unknown { .. })
        ));
        let empty = SelectionError::EmptyRange {
            given: "6-46".to_owned(),
            supported: every.clone(),
        };
        assert_eq!(selected(&["6-46"]), Err(empty));
        let untold = vb_data::releases()
            .iter()
            .map(|release| release.protocol)
            .find(|protocol| !vb_data::supported().contains(protocol));
        if let Some(protocol) = untold {
            let unsupported = SelectionError::Unsupported {
                protocol,
                minecraft: minecraft(protocol).to_owned(),
                supported: every,
            };
            assert_eq!(selected(&[&protocol.to_string()]), Err(unsupported));
        }
    }

    #[test]
    fn a_protocol_has_the_name_of_its_newest_version() {
        assert_eq!(minecraft(47), "1.8.9");
        assert_eq!(minecraft(-1), "?");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for wrong in ["", "x", "5-4", "1-3,2-4", "-", "4-"] {
            assert!(wrong.parse::<Ranges>().is_err(), "{wrong}");
        }
    }
}
