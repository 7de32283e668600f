use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use thiserror::Error;
use vb_data::State;

/// The list, from this crate's folder.
const LIST: &str = "../../../fixtures/data/generator/proofs.txt";

/// A list of proofs that cannot be used.
#[derive(Debug, Error)]
pub enum ProofsError {
    /// It cannot be read or written.
    #[error("proofs.txt: {0}")]
    File(#[from] std::io::Error),
    /// A line is no row.
    #[error("proofs.txt, line {line}: no `state packet protocol source`")]
    Row {
        /// Which, from 1.
        line: usize,
    },
}

/// A packet that decodes with bytes or a codec that nobody here wrote, on a protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    /// The packet's state.
    pub state: State,
    /// Its name in the packet tables.
    pub packet: String,
    /// On which protocol.
    pub protocol: i32,
}

/// The generator's list of proofs, of which each witness holds the rows of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// The comment at the top.
    head: Vec<String>,
    rows: BTreeSet<(Proof, String)>,
}

impl Proofs {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// [`ProofsError`].
    pub fn read() -> Result<Self, ProofsError> {
        Self::parse(&std::fs::read_to_string(path())?)
    }

    fn parse(text: &str) -> Result<Self, ProofsError> {
        let mut head = Vec::new();
        let mut rows = BTreeSet::new();
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                head.push(line.to_owned());
            } else if !line.trim().is_empty() {
                rows.insert(row(line).ok_or(ProofsError::Row { line: index + 1 })?);
            }
        }
        Ok(Self { head, rows })
    }

    /// What is wrong with the committed rows of a source, as [`Proofs::check`] says; written anew before, if that is wanted.
    ///
    /// # Errors
    ///
    /// [`ProofsError`].
    pub fn hold(
        source: &str,
        protocols: &[i32],
        found: &BTreeSet<Proof>,
        write: bool,
    ) -> Result<Vec<String>, ProofsError> {
        let mut proofs = Self::read()?;
        if write {
            proofs.replace(source, protocols, found);
            proofs.write()?;
        }
        Ok(proofs.check(source, protocols, found))
    }

    /// What is wrong with the rows of a source on these protocols: rows without proof, proofs without row.
    pub fn check(&self, source: &str, protocols: &[i32], found: &BTreeSet<Proof>) -> Vec<String> {
        let held: BTreeSet<_> = self
            .rows
            .iter()
            .filter(|(proof, by)| by == source && protocols.contains(&proof.protocol))
            .map(|(proof, _)| proof.clone())
            .collect();
        let tell = |proof: &Proof, what: &str| {
            let Proof {
                state,
                packet,
                protocol,
            } = proof;
            format!("proofs.txt: `{state} {packet} {protocol} {source}` {what}")
        };
        let missing = found
            .difference(&held)
            .map(|proof| tell(proof, "is missing: --write adds it"));
        let wrong = held
            .difference(found)
            .map(|proof| tell(proof, "is not so here"));
        missing.chain(wrong).collect()
    }

    /// Puts what was found in the place of a source's rows on these protocols.
    pub fn replace(&mut self, source: &str, protocols: &[i32], found: &BTreeSet<Proof>) {
        self.rows
            .retain(|(proof, by)| by != source || !protocols.contains(&proof.protocol));
        let rows = found.iter().map(|proof| (proof.clone(), source.to_owned()));
        self.rows.extend(rows);
    }

    /// Writes the list.
    ///
    /// # Errors
    ///
    /// [`ProofsError::File`].
    pub fn write(&self) -> Result<(), ProofsError> {
        Ok(std::fs::write(path(), self.render())?)
    }

    fn render(&self) -> String {
        let mut text = String::new();
        for line in &self.head {
            let _ = writeln!(text, "{line}");
        }
        for (proof, source) in &self.rows {
            let Proof {
                state,
                packet,
                protocol,
            } = proof;
            let _ = writeln!(text, "{state} {packet} {protocol} {source}");
        }
        text
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(LIST)
}

fn row(line: &str) -> Option<(Proof, String)> {
    let parts: Vec<_> = line.split_whitespace().collect();
    let [state, packet, protocol, source] = parts[..] else {
        return None;
    };
    let proof = Proof {
        state: State::ALL.into_iter().find(|known| known.name() == state)?,
        packet: packet.to_owned(),
        protocol: protocol.parse().ok()?,
    };
    Some((proof, source.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# what it is\nplay title 47 capture\nplay title 47 codec\nplay title 340 capture\n";

    fn proof(packet: &str, protocol: i32) -> Proof {
        Proof {
            state: State::Play,
            packet: packet.to_owned(),
            protocol,
        }
    }

    #[test]
    fn a_list_is_written_as_it_was_read() {
        assert_eq!(Proofs::parse(TEXT).unwrap().render(), TEXT);
    }

    #[test]
    fn a_line_that_is_no_row_is_told() {
        for line in [
            "play title 47",
            "play title x capture",
            "game title 47 capture",
        ] {
            assert!(Proofs::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_row_without_proof_and_a_proof_without_row_are_told() {
        let proofs = Proofs::parse(TEXT).unwrap();
        let found = BTreeSet::from([proof("title", 47), proof("title", 340)]);
        assert!(proofs.check("capture", &[47, 340], &found).is_empty());
        let found = BTreeSet::from([proof("title", 47), proof("tags", 340)]);
        assert_eq!(proofs.check("capture", &[47, 340], &found).len(), 2);
        // What was not asked is not told.
        assert!(
            proofs
                .check("capture", &[47], &BTreeSet::from([proof("title", 47)]))
                .is_empty()
        );
    }

    #[test]
    fn rows_of_other_sources_stay() {
        let mut proofs = Proofs::parse(TEXT).unwrap();
        proofs.replace("capture", &[47, 340], &BTreeSet::from([proof("tags", 47)]));
        assert_eq!(
            proofs.render(),
            "# what it is\nplay tags 47 capture\nplay title 47 codec\n"
        );
    }
}
