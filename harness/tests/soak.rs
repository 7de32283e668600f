//! The soak itself: the same seed gives the same bytes, the reference breaks nothing, and hosts that are broken on
//! purpose are noticed, made small, and shown again by the command that is printed.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::process::Command;

use reference_backend::Fault;
use vbspec::soak::run::{self, Finished};
use vbspec::soak::world::World;
use vbspec::soak::{Played, Stage, Violation};

fn stage(fault: Option<&str>) -> Stage {
    let fault = fault.map(|name| Fault::named(name).expect("a fault of this name"));
    Stage::set(fault).expect("guests run here")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let stage = stage(None);
    for seed in 0..12 {
        let world = World::of(seed);
        let first = stage.play(&world);
        assert_eq!(first, stage.play(&world), "seed {seed}");
        assert_ne!(
            first.digest,
            stage.play(&World::of(seed + 1000)).digest,
            "seed {seed}"
        );
    }
}

#[test]
fn nothing_is_broken_by_the_reference() {
    let stage = stage(None);
    let mut sessions = 0;
    let sum = run::run(&stage, 0..100, None, NonZeroUsize::MIN, |finished| {
        sessions += finished.played.sessions;
        assert_eq!(
            finished.played.violations,
            [],
            "{}",
            World::of(finished.seed)
        );
    });
    assert_eq!((sum.worlds, sum.broken, sum.sessions), (100, 0, sessions));
    assert!(sessions > 200, "{sessions} sessions");
}

/// Seeds in which a broken host has to be noticed.
const SEEDS: u64 = 150;

/// The first seed of a broken host that breaks one of `promises`, made small; it is broken again by what is left of it.
fn noticed(fault: &str, promises: &[&str]) {
    let stage = stage(Some(fault));
    let wanted = |played: &Played| {
        let known = |name| promises.contains(&name);
        played
            .violations
            .first()
            .is_some_and(|found| known(found.promise))
    };
    let Some(seed) = (0..SEEDS).find(|seed| wanted(&stage.play(&World::of(*seed)))) else {
        panic!("{fault} is not noticed in {SEEDS} seeds");
    };
    let Finished { shrunk, .. } = run::one(&stage, seed, None);
    let shrunk = shrunk.expect("what fails is made small");
    assert!(
        promises.contains(&shrunk.violation.promise),
        "{fault}: {:?}",
        shrunk.violation
    );
    let all = World::of(seed).parts();
    // The fault shows in one client or order and what leads to it.
    assert!(
        shrunk.parts.len() <= 8 && shrunk.parts.len() < all,
        "{fault}: {} of {all} parts",
        shrunk.parts.len()
    );
    let again = stage.play(&World::of(seed).keeping(&shrunk.parts));
    assert!(
        again.violations.contains(&shrunk.violation),
        "{fault}: {:?}",
        again.violations
    );
}

macro_rules! notices {
    ($($test:ident: $fault:literal breaks $($promise:literal)|+;)+) => {
        $(#[test]
        fn $test() {
            noticed($fault, &[$($promise),+]);
        })+
    };
}

notices! {
    notices_two_ends_on_kick: "two-ends-on-kick" breaks "one-end";
    notices_no_end_on_reset: "no-end-on-reset" breaks "one-end";
    notices_late_packet: "late-packet" breaks "nothing-after-end";
    notices_swaps_two: "swaps-two" breaks "serverbound-order";
    notices_unbounded_queue: "unbounded-queue" breaks "bounded-queue";
    notices_starts_twice: "starts-twice" breaks "one-start";
    notices_disconnects_first: "disconnects-first" breaks "disconnect-last";
    notices_spawns_per_packet: "spawns-per-packet" breaks "no-overlap";
    notices_ok_then_dropped: "ok-then-dropped" breaks "invalid-is-refused";
    notices_compression_late: "compression-late" breaks "bystander-is-untouched";
}

/// The bystander misses its first echo in every world of such a host, so that its complaint comes first and is what is
/// made small.
#[test]
fn notices_drops_early_packets() {
    let stage = stage(Some("drops-early-packets"));
    let promised = (0..SEEDS).find_map(|seed| {
        let played = stage.play(&World::of(seed));
        let known = |found: &&Violation| found.promise == "early-packets-wait";
        played.violations.iter().find(known).cloned()
    });
    let found = promised.expect("a world in which a client sends something at once");
    assert_eq!(found.clause, "VB-DSP-03");
    assert!(found.what.contains("the first "), "{}", found.what);
}

fn vbspec(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .arg("soak")
        .args(arguments)
        .output()
        .expect("vbspec runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn prints_a_rate_and_no_bar_where_there_is_no_terminal() {
    let (code, out, err) = vbspec(&["--seeds", "0..3"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("3 worlds with "), "{out}");
    assert!(
        out.contains("sessions a second\nnothing is broken\n"),
        "{out}"
    );
    assert_eq!(err, "");
}

#[test]
fn prints_a_line_for_each_seed_the_same_each_time() {
    let lines = || {
        let (code, out, _) = vbspec(&["--seeds", "20..24", "--format", "jsonl"]);
        assert_eq!(code, 0, "{out}");
        let lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines
    };
    let (first, second) = (lines(), lines());
    assert_eq!(first.len(), 6);
    assert_eq!(first[..5], second[..5]);
    assert!(
        first[1].starts_with(r#"{"event":"seed-finished","seed":20,"#),
        "{}",
        first[1]
    );
    assert!(
        first[5].starts_with(r#"{"event":"soak-finished","worlds":4,"broken":0,"#),
        "{}",
        first[5]
    );
}

#[test]
fn a_failure_repeats_by_the_command_that_it_prints() {
    let (code, out, _) = vbspec(&["--seeds", "0..60", "--fault", "ok-then-dropped"]);
    assert_eq!(code, 1, "{out}");
    let repeat = out
        .lines()
        .find_map(|line| line.trim().strip_prefix("repeat: vbspec soak "))
        .expect("a command");
    assert!(
        repeat.contains("--keep") && repeat.contains("--fault ok-then-dropped"),
        "{repeat}"
    );
    let words: Vec<&str> = repeat.split(' ').collect();
    let (code, out, _) = vbspec(&words);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("invalid-is-refused"), "{out}");
}

#[test]
fn what_cannot_be_followed_is_an_error_that_says_how() {
    for (arguments, words) in [
        (&["--seeds", "7"][..], "seeds are written FROM..TO"),
        (&["--seeds", "5..5"], "the seed 5 alone is 5..6"),
        (&["--seeds", "1..x"], "`x` is no number from 0 to"),
        (
            &["--seeds", "0..2", "--keep", "0"],
            "give it one seed, such as `--seeds 0..1`",
        ),
        (&["--seeds", "0..1", "--keep", "999"], "has the parts 0 to"),
        (
            &["--seeds", "0..1", "--keep", "1,x"],
            "`x` is no number of a part",
        ),
        (&["--fault", "two-ends-on-kik"], "two-ends-on-kick"),
    ] {
        let (code, _, err) = vbspec(arguments);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn a_world_without_parts_still_has_its_bystander() {
    let played = stage(None).play(&World::of(1).keeping(&BTreeSet::new()));
    assert_eq!(played.violations, []);
    assert!(played.sessions >= 1);
}
