//! The way in which public servers hold players for a while is a way to conform: real clients join it.

mod support;

use vbspec::clause::Level;
use vbspec::select;
use vbspec::verdict::VerdictKind;

const SEED: u64 = 1;

/// Where the rules of joining change, and the layouts of what is sent.
const PROTOCOLS: [i32; 16] = [
    4, 47, 340, 498, 578, 736, 754, 757, 758, 759, 760, 762, 763, 764, 765, 777,
];

/// The case that asks for a chunk.
const CHUNKS: &str = "chunks-decode-whole";

#[test]
fn a_spectator_over_one_chunk_without_types_of_chat_joins() {
    joins("limbo", &[]);
}

#[test]
fn a_spectator_without_a_chunk_joins() {
    // A SHOULD: movement does not tick without a chunk.
    joins("void", &["VB-JOIN-11"]);
}

fn joins(place: &str, warned: &[&str]) {
    let guest = support::guest("lobby.wasm", &[&format!("place={place}")]);
    let only = ["JOIN", "RAW-08", "KA-02"].map(ToOwned::to_owned);
    for job in select::jobs(&PROTOCOLS, &only, &[]).expect("they exist") {
        let (name, protocol) = (job.case.name, job.protocol);
        let verdict = guest.judge(job, SEED).verdict;
        let failure = verdict.failure.as_ref();
        let tolerated = failure.is_some_and(|failure| {
            failure.level == Level::Should && warned.contains(&failure.clause.as_str())
        });
        // Where there is no chunk, none can be judged.
        let tolerated = tolerated
            || (verdict.kind == VerdictKind::Skip && !warned.is_empty() && name == CHUNKS);
        assert!(
            verdict.kind == VerdictKind::Pass || tolerated,
            "{place}: {name} on {protocol}: {verdict:?}"
        );
    }
}
