//! `wit/SPEC.md`, read into clauses. The text is compiled in, so the binary needs no file beside it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::clause::{Clause, Killer, Level, Subject};
use crate::protocols::Ranges;

/// The normative text.
pub const SPEC: &str = include_str!("../../../wit/SPEC.md");

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| match Registry::parse(SPEC) {
    Ok(registry) => registry,
    Err(error) => panic!("wit/SPEC.md: {error}"),
});

/// All clauses, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    clauses: Vec<Clause>,
    by_id: BTreeMap<String, usize>,
}

/// What is wrong with the text of a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {clause}: {fault}")]
pub struct SpecError {
    /// Counted from 1; of the clause's heading.
    pub line: usize,
    /// The clause's id, as written.
    pub clause: String,
    /// What is wrong.
    pub fault: SpecFault,
}

/// The ways in which a clause can be written wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecFault {
    /// The heading is not of the form `VB-GROUP-NN`.
    #[error("an id has the form VB-GROUP-NN")]
    Id,
    /// The id was used above.
    #[error("the id is used twice")]
    Twice,
    /// A line `- key: value` is missing.
    #[error("`- {0}: …` is missing")]
    Missing(&'static str),
    /// A line `- key: value` has a key or value that is not known.
    #[error("`- {0}: {1}` is not understood")]
    Value(String, String),
    /// There is no sentence, or more than one paragraph of it.
    #[error("one paragraph with the normative sentence is needed, there are {0}")]
    Sentences(usize),
    /// There is no paragraph that starts so.
    #[error("a paragraph that starts with `{0}` is needed")]
    Paragraph(&'static str),
}

/// The clauses of the text compiled in.
///
/// # Panics
/// When the text compiled in is malformed, which this crate's tests exclude.
#[must_use]
pub fn registry() -> &'static Registry {
    &REGISTRY
}

impl Registry {
    /// Reads the clauses of a text; whatever stands before, between and after them is for people.
    ///
    /// # Errors
    /// At the first clause that is malformed.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut registry = Self::default();
        let mut current: Option<(usize, &str, Vec<&str>)> = None;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                if let Some(section) = current.take() {
                    registry.add(section)?;
                }
                let title = line.trim_start_matches('#').trim();
                if line.starts_with("### ") && title.starts_with("VB-") {
                    current = Some((index + 1, title, Vec::new()));
                }
            } else if let Some((_, _, lines)) = &mut current {
                lines.push(line);
            }
        }
        if let Some(section) = current {
            registry.add(section)?;
        }
        Ok(registry)
    }

    /// All clauses, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.iter()
    }

    /// The clause of this id, written exactly so.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Clause> {
        self.by_id
            .get(id)
            .and_then(|&index| self.clauses.get(index))
    }

    fn add(&mut self, (line, id, body): (usize, &str, Vec<&str>)) -> Result<(), SpecError> {
        let wrong = |fault| SpecError {
            line,
            clause: id.to_owned(),
            fault,
        };
        let clause = clause(id, &body).map_err(wrong)?;
        if self
            .by_id
            .insert(clause.id.clone(), self.clauses.len())
            .is_some()
        {
            return Err(wrong(SpecFault::Twice));
        }
        self.clauses.push(clause);
        Ok(())
    }
}

fn clause(id: &str, body: &[&str]) -> Result<Clause, SpecFault> {
    let group = group(id).ok_or(SpecFault::Id)?;
    let (mut level, mut subject, mut protocols, mut killers) = (None, None, None, Vec::new());
    for (key, value) in body.iter().filter_map(|line| attribute(line)) {
        let unknown = || SpecFault::Value(key.to_owned(), value.to_owned());
        match key {
            "level" => level = Some(parse_level(value).ok_or_else(unknown)?),
            "subject" => subject = Some(parse_subject(value).ok_or_else(unknown)?),
            "protocols" => protocols = Some(value.parse::<Ranges>().map_err(|_| unknown())?),
            "killer" => killers.push(killer(value).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        }
    }
    if killers.is_empty() {
        return Err(SpecFault::Missing("killer"));
    }
    let paragraphs = paragraphs(body);
    let starting = |mark: &'static str| {
        let found = paragraphs
            .iter()
            .find_map(|paragraph| paragraph.strip_prefix(mark));
        found
            .map(|rest| rest.trim().to_owned())
            .ok_or(SpecFault::Paragraph(mark))
    };
    let (why, source) = (starting("Why:")?, starting("Source:")?);
    let sentences: Vec<&String> = paragraphs
        .iter()
        .filter(|p| !p.starts_with("Why:") && !p.starts_with("Source:"))
        .collect();
    let [sentence] = sentences.as_slice() else {
        return Err(SpecFault::Sentences(sentences.len()));
    };
    Ok(Clause {
        id: id.to_owned(),
        group: group.to_owned(),
        level: level.ok_or(SpecFault::Missing("level"))?,
        subject: subject.ok_or(SpecFault::Missing("subject"))?,
        protocols: protocols.ok_or(SpecFault::Missing("protocols"))?,
        killers,
        sentence: (*sentence).clone(),
        why,
        source,
    })
}

fn group(id: &str) -> Option<&str> {
    let (group, number) = id.strip_prefix("VB-")?.split_once('-')?;
    let upper = !group.is_empty() && group.bytes().all(|b| b.is_ascii_uppercase());
    (upper && number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit())).then_some(group)
}

fn attribute(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix("- ")?.split_once(':')?;
    Some((key.trim(), value.trim()))
}

fn parse_level(text: &str) -> Option<Level> {
    match text {
        "MUST" => Some(Level::Must),
        "SHOULD" => Some(Level::Should),
        _ => None,
    }
}

fn parse_subject(text: &str) -> Option<Subject> {
    match text {
        "guest" => Some(Subject::Guest),
        "host" => Some(Subject::Host),
        _ => None,
    }
}

fn killer(text: &str) -> Option<Killer> {
    let (name, about) = text
        .split_once(" — ")
        .or_else(|| text.split_once(" - "))
        .unwrap_or((text, ""));
    let name = name.trim().trim_matches('`');
    (!name.is_empty()).then(|| Killer {
        name: name.to_owned(),
        about: about.trim().to_owned(),
    })
}

/// The paragraphs that are no attributes, each with its lines joined by a space.
fn paragraphs(body: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    let mut current: Vec<&str> = Vec::new();
    for line in body.iter().copied().chain([""]) {
        let line = line.trim();
        if line.is_empty() || line.starts_with("- ") {
            if !current.is_empty() {
                out.push(current.join(" "));
                current.clear();
            }
        } else {
            current.push(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Title\n\ntext\n\n## Group\n\n### VB-KA-03\n\n- level: SHOULD\n- subject: guest\n\
        - protocols: 4-338, 340-777\n- killer: every-25s — sends a keep-alive every 25 s\n- killer: none\n\n\
        One normative\nsentence.\n\nWhy: because.\n\nSource: somewhere.\n\n## Next\n\nmore text\n";

    #[test]
    fn reads_a_clause_whole() {
        let registry = Registry::parse(GOOD).unwrap();
        let clause = registry.get("VB-KA-03").unwrap();
        assert_eq!(
            (clause.group.as_str(), clause.level, clause.subject),
            ("KA", Level::Should, Subject::Guest)
        );
        assert_eq!(clause.sentence, "One normative sentence.");
        assert_eq!(
            (clause.why.as_str(), clause.source.as_str()),
            ("because.", "somewhere.")
        );
        assert_eq!(clause.killers.len(), 2);
        assert_eq!(clause.killers[0].name, "every-25s");
        assert!(clause.protocols.contains(340) && !clause.protocols.contains(339));
    }

    #[test]
    fn what_is_malformed_names_its_line_and_fault() {
        let fault =
            |from: &str, to: &str| Registry::parse(&GOOD.replace(from, to)).unwrap_err().fault;
        assert_eq!(fault("VB-KA-03", "VB-ka-3"), SpecFault::Id);
        assert_eq!(fault("- level: SHOULD\n", ""), SpecFault::Missing("level"));
        assert_eq!(
            fault("SHOULD", "MAY"),
            SpecFault::Value("level".into(), "MAY".into())
        );
        assert_eq!(fault("Why:", "Because:"), SpecFault::Paragraph("Why:"));
        assert_eq!(
            fault("One normative\nsentence.", ""),
            SpecFault::Sentences(0)
        );
        assert_eq!(
            Registry::parse(&format!("{GOOD}{GOOD}")).unwrap_err().fault,
            SpecFault::Twice
        );
        assert_eq!(
            Registry::parse(&GOOD.replace("VB-KA-03", "VB-X"))
                .unwrap_err()
                .line,
            7
        );
    }

    #[test]
    fn the_text_compiled_in_is_well_formed() {
        assert!(registry().iter().count() > 0);
    }
}
