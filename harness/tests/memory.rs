//! What VB-END-01 makes of guests whose memory grows in large steps.

mod support;

use vbspec::case::Job;
use vbspec::select;
use vbspec::subject::guest::GuestSubject;
use vbspec::subject::options::GuestOptions;
use vbspec::verdict::{Verdict, VerdictKind};

const SEED: u64 = 1;

/// The only protocol that the guest writes.
const PROTOCOL: i32 = 4;

/// From the guest's text: where its collector begins, in pages.
const MOST: &str = "(global $most i32 (i32.const 194))";

fn judged(text: &str) -> Verdict {
    let options = GuestOptions::new("sawtooth.wasm", &[], &[], &[]).expect("no options");
    let bytes = support::componentized(text, "virtual-backend-plugin");
    let guest = GuestSubject::from_bytes(options, &bytes).expect("it starts");
    let case = select::chosen(&["VB-END-01".to_owned()], &[]).expect("it has a case")[0];
    let job = Job {
        case,
        protocol: PROTOCOL,
    };
    guest.judge(job, SEED).verdict
}

#[test]
fn a_collector_that_lets_its_heap_grow_for_a_while_keeps_nothing() {
    let text = support::text("sawtooth.wat");
    let verdict = judged(&text);
    assert_eq!(verdict.kind, VerdictKind::Pass, "{verdict:?}");
}

#[test]
fn a_heap_that_is_never_collected_fills_the_memory() {
    let text = support::text("sawtooth.wat");
    assert!(text.contains(MOST));
    let verdict = judged(&text.replace(MOST, "(global $most i32 (i32.const 0x7fffffff))"));
    assert_eq!(verdict.kind, VerdictKind::Fail, "{verdict:?}");
    let failure = verdict.failure.expect("a failure");
    assert_eq!(failure.clause, "VB-END-01");
    assert!(failure.got.contains("memory limit"), "{}", failure.got);
}
