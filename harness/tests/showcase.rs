//! A guest that sends one of each kind of packet that lobbies and queues send, each right, on every protocol: no clause has
//! anything against it. The clauses about what a guest takes are judged on the lobby, which is the same guest.

mod support;

use vbspec::select;
use vbspec::verdict::VerdictKind;

const SEED: u64 = 1;

/// One of each era of what is sent.
const ERAS: [i32; 8] = [4, 47, 340, 758, 762, 763, 766, 777];

#[test]
fn each_kind_of_packet_is_right_on_every_protocol() {
    passes(&["RAW-08", "RAW-13"], vb_data::supported());
}

#[test]
fn a_player_who_is_shown_everything_comes_in_world() {
    passes(
        &[
            "JOIN-04", "JOIN-09", "JOIN-11", "TXT-03", "RAW-07", "RAW-10", "RAW-11", "RAW-12",
        ],
        &ERAS,
    );
}

fn passes(clauses: &[&str], protocols: &[i32]) {
    let guest = support::guest("showcase.wasm", &[]);
    let only: Vec<String> = clauses.iter().map(|id| (*id).to_owned()).collect();
    for job in select::jobs(protocols, &only, &[]).expect("they exist") {
        let (name, protocol) = (job.case.name, job.protocol);
        let verdict = guest.judge(job, SEED).verdict;
        assert_eq!(
            verdict.kind,
            VerdictKind::Pass,
            "{name} on {protocol}: {verdict:?}"
        );
    }
}
