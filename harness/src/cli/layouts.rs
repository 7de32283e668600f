//! `vbspec list --layouts`: how sure the layouts are by which clientbound packets are taken apart.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anstyle::Style;
use vb_data::{State, Sureness};

use super::CommandError;
use crate::protocols;

const BOLD: Style = Style::new().bold();

/// Where a packet's layout is how sure, and by whom.
type Spans = BTreeMap<Sureness, (BTreeSet<&'static str>, Vec<i32>)>;

/// Writes a row a packet and a row a protocol.
pub fn list(selected: &[i32], out: &mut dyn Write) -> Result<(), CommandError> {
    let mut packets: BTreeMap<(State, &str), Spans> = BTreeMap::new();
    let mut shares: BTreeMap<i32, BTreeMap<Sureness, usize>> = BTreeMap::new();
    for protocol in selected {
        for state in State::ALL {
            for packet in vb_data::layouts(*protocol, state) {
                let sureness = packet.sureness();
                let spans = packets.entry((state, packet.name)).or_default();
                let (sources, protocols) = spans.entry(sureness).or_default();
                sources.extend(packet.proofs());
                protocols.push(*protocol);
                *shares
                    .entry(*protocol)
                    .or_default()
                    .entry(sureness)
                    .or_default() += 1;
            }
        }
    }
    for ((state, name), spans) in &packets {
        let spans: Vec<String> = spans
            .iter()
            .map(|(sureness, of)| span(*sureness, of))
            .collect();
        writeln!(out, "{BOLD}{state} {name}{BOLD:#}  {}", spans.join("; "))?;
    }
    for (protocol, counts) in &shares {
        let of = |sureness| counts.get(&sureness).copied().unwrap_or(0);
        let all: usize = counts.values().sum();
        writeln!(
            out,
            "{BOLD}{protocol:>4}{BOLD:#} {:<8} {:>3} of {all} clientbound packets proved ({} %), {} stated, {} unknown",
            protocols::minecraft(*protocol),
            of(Sureness::Proved),
            of(Sureness::Proved) * 100 / all.max(1),
            of(Sureness::Stated),
            of(Sureness::Unknown),
        )?;
    }
    writeln!(
        out,
        "proved: bytes or a codec from outside decode by it; stated: minecraft-data says so, a fault in it warns; unknown: nobody says"
    )?;
    Ok(())
}

fn span(sureness: Sureness, (sources, protocols): &(BTreeSet<&str>, Vec<i32>)) -> String {
    let by = match sources.is_empty() {
        true => String::new(),
        false => format!(
            " ({})",
            sources.iter().copied().collect::<Vec<_>>().join(", ")
        ),
    };
    format!("{} {}{by}", sureness.name(), ranges(protocols))
}

/// Ascending protocols as runs of neighbours among all: `47-340, 404`.
fn ranges(protocols: &[i32]) -> String {
    let index = |protocol: &i32| vb_data::supported().binary_search(protocol).unwrap_or(0);
    let runs = protocols.chunk_by(|a, b| index(a) + 1 == index(b));
    let runs = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(i32::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn neighbours_among_the_protocols_are_one_run() {
        assert_eq!(ranges(&[4, 5, 47, 340, 393, 777]), "4-47, 340-393, 777");
        assert_eq!(ranges(&[]), "");
    }
}
