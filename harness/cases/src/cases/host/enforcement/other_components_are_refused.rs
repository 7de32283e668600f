//! What cannot work must be refused when it is loaded, with what was found and what was expected.

use crate::case::Case;
use crate::lab::carried::OTHER_TYPES;
use crate::lab::door::{Need, Plan};
use crate::lab::host::{HostLab, PROBE, may_play};
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-ENF-11";

/// The bytes with every `from` replaced by `to`, which is as long: lengths in the binary stay right.
fn replaced<const N: usize>(bytes: &[u8], from: &[u8; N], to: &[u8; N]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| w == from)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        if let Some(place) = out.get_mut(at..at + to.len()) {
            place.copy_from_slice(to);
        }
    }
    out
}

/// What it is, its bytes, what every host says of it, and what this draft's own says besides.
type Refused<'a> = (&'a str, &'a [u8], &'a [&'a str], &'a [&'a str]);

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "other-components-are-refused",
    &["VB-ENF-11"],
    "Loads what is no component, the probe made for another contract, and guests that import or export something else.",
    |lab| Box::pin(run(lab)),
).on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let other_version = replaced(PROBE, b"0.4.0-vb.1", b"0.4.0-vb.9");
    let other_import = replaced(PROBE, b"plugin/scheduler@", b"plugin/something@");
    let other_export = replaced(PROBE, b"plugin/guest@", b"plugin/quest@");
    let no_handler = replaced(PROBE, b"backend-handler@", b"backend-nothing@");
    // Each with what the words of any host must hold, and what those of this draft's own do besides.
    let cases: [Refused<'_>; 9] = [
        ("an empty file", b"", &[], &["empty"]),
        (
            "text",
            b"(component)",
            &[],
            &["not WebAssembly", "28 63 6f 6d", "00 61 73 6d"],
        ),
        (
            "a core module",
            b"\0asm\x01\0\0\0",
            &["module", "component"],
            &["core module"],
        ),
        (
            "an empty component",
            b"\0asm\x0d\0\x01\0",
            &["infrarust:plugin/guest@0.4.0-vb.1"],
            &["another world"],
        ),
        (
            "a component of another contract",
            &other_version,
            &["0.4.0-vb.9", "0.4.0-vb.1"],
            &[],
        ),
        (
            "a component that imports what no host has",
            &other_import,
            &["infrarust:plugin/something@0.4.0-vb.1"],
            &[],
        ),
        (
            "a component that does not export guest",
            &other_export,
            &[
                "infrarust:plugin/quest@0.4.0-vb.1",
                "infrarust:plugin/guest@0.4.0-vb.1",
            ],
            &[],
        ),
        (
            "a component that wants sessions and has no callbacks for them",
            &no_handler,
            &["infrarust:plugin/virtual-backend-handler@0.4.0-vb.1"],
            &[],
        ),
        (
            "a component whose callback takes something else",
            OTHER_TYPES,
            &[],
            &["on-scheduled-task", "u64", "u32"],
        ),
    ];
    for (what, bytes, words, own) in cases {
        let own = own.iter().filter(|_| lab.offers(Need::HostEvents));
        let mut words = words.iter().chain(own);
        let expected = format!("{what} to be refused, with what was found and what was expected");
        let guest = bytes.to_vec().into();
        let plan = Plan::default().guest("stranger", guest, may_play());
        match lab.try_start(plan).await? {
            Ok(_) => return Err(Finding::new(CLAUSE, expected, "it was loaded").into()),
            Err(message) => {
                if let Some(word) = words.find(|word| !message.contains(**word)) {
                    let got = format!("the error does not say `{word}`: {message}");
                    return Err(Finding::new(CLAUSE, expected, got).into());
                }
            }
        }
    }
    Ok(())
}
