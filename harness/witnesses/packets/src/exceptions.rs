//! Where a witness is known to be wrong.

use std::collections::BTreeSet;

use serde_json::Value;

/// The list, in which each witness has a section.
const LIST: &str = include_str!("../../exceptions.json");

/// Where the witness is known to be wrong, and why. What an entry excuses must fail, on each of its protocols, as the
/// entry says; else it has expired, which is a problem itself.
#[derive(Debug)]
pub struct Exceptions(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    ranges: Vec<(i32, i32)>,
    packet: String,
    fault: String,
    used: BTreeSet<i32>,
}

/// A problem with one kind of packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `clientbound play login`.
    pub packet: String,
    /// What is wrong.
    pub text: String,
}

impl Exceptions {
    /// The section of one witness.
    ///
    /// # Errors
    ///
    /// What is wrong with the list.
    pub fn read(section: &str) -> Result<Self, String> {
        Self::parse(LIST, section)
    }

    fn parse(list: &str, section: &str) -> Result<Self, String> {
        let list: Value = serde_json::from_str(list).map_err(|error| error.to_string())?;
        let entries = list[section]
            .as_array()
            .ok_or_else(|| format!("no section `{section}`"))?;
        entries
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// How many entries a protocol has.
    pub fn count(&self, protocol: i32) -> usize {
        self.0.iter().filter(|entry| entry.covers(protocol)).count()
    }

    /// What is left of the problems of one protocol, and which entries have expired.
    pub fn sift(&mut self, protocol: i32, problems: &[Problem]) -> Vec<String> {
        let mut left = Vec::new();
        for problem in problems {
            let excuse = self.0.iter_mut().find(|entry| {
                entry.covers(protocol)
                    && entry.packet == problem.packet
                    && problem.text.contains(&entry.fault)
            });
            match excuse {
                Some(entry) => drop(entry.used.insert(protocol)),
                None => left.push(format!("{}: {}", problem.packet, problem.text)),
            }
        }
        let expired = self
            .0
            .iter()
            .filter(|entry| entry.covers(protocol) && !entry.used.contains(&protocol));
        left.extend(expired.map(|Entry { packet, fault, .. }| {
            format!("the exception for {packet} ({fault}) has expired: there is no such fault")
        }));
        left
    }
}

impl Entry {
    fn covers(&self, protocol: i32) -> bool {
        self.ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&protocol))
    }
}

fn entry(value: &Value) -> Result<Entry, String> {
    let text = |key: &str| match value[key].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("an entry without `{key}`: {value}")),
    };
    // Not used here, but an exception without them is none.
    text("reason")?;
    text("source")?;
    Ok(Entry {
        ranges: text("protocols")?
            .split(',')
            .map(range)
            .collect::<Result<_, _>>()?,
        packet: text("packet")?,
        fault: text("fault")?,
        used: BTreeSet::new(),
    })
}

/// `47` or `4-758`.
fn range(text: &str) -> Result<(i32, i32), String> {
    let number = |text: &str| {
        text.trim()
            .parse::<i32>()
            .map_err(|_| format!("no range of protocols: {text}"))
    };
    let (from, to) = match text.split_once('-') {
        Some((from, to)) => (number(from)?, number(to)?),
        None => (number(text)?, number(text)?),
    };
    if from > to {
        Err(format!("no range of protocols: {text}"))
    } else {
        Ok((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Exceptions {
        let list = r#"{"codec": [{
            "protocols": "4-47, 735", "packet": "clientbound play login", "fault": "left over", "reason": "r", "source": "s"
        }]}"#;
        Exceptions::parse(list, "codec").unwrap()
    }

    fn problem(text: &str) -> Problem {
        Problem {
            packet: "clientbound play login".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_listed_fault_is_excused_on_its_protocols_only() {
        let fault = [problem("1 byte left over")];
        assert!(list().sift(5, &fault).is_empty());
        assert!(list().sift(735, &fault).is_empty());
        assert_eq!(list().sift(736, &fault).len(), 1);
    }

    #[test]
    fn another_fault_is_not_excused_and_the_exception_expires() {
        assert_eq!(list().sift(5, &[problem("does not decode")]).len(), 2);
        assert_eq!(list().sift(5, &[]).len(), 1);
        assert!(list().sift(48, &[]).is_empty());
    }

    #[test]
    fn an_exception_needs_everything() {
        for broken in [
            r#"{"codec": [{}]}"#,
            "{}",
            r#"{"codec": [{"protocols": "5-4"}]}"#,
        ] {
            assert!(Exceptions::parse(broken, "codec").is_err(), "{broken}");
        }
        assert!(range("5-4").is_err());
        assert!(range("x").is_err());
    }

    #[test]
    fn the_committed_list_reads() {
        for section in ["codec", "captures"] {
            assert!(Exceptions::read(section).is_ok(), "{section}");
        }
    }
}
