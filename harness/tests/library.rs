//! Guests as a library judges them.

mod support;

use std::process::Command;

use vbspec::report::Format;
use vbspec::verdict::VerdictKind;
use vbspec::{Error, judge_adapter, judge_guest};

#[test]
fn a_good_guest_is_conforming_and_each_verdict_a_value() {
    let judgement = judge_guest(support::artifact("lobby.wasm"))
        .config("greeting", "hello")
        .protocols([47, 340])
        .protocols(764..)
        .cases(["KA-03", "join-game-comes-once"])
        .exclude("KA-03")
        .run()
        .unwrap();
    judgement.assert_conforming();
    let protocols = judgement.protocols();
    assert_eq!(protocols[..3], [47, 340, 764]);
    assert_eq!(judgement.count(VerdictKind::Pass), protocols.len());
    let verdicts = judgement.verdicts();
    let of: Vec<i32> = verdicts.map(|finished| finished.protocol).collect();
    assert_eq!(of, protocols);
    assert!(judgement.verdicts().all(|of| of.clauses == ["VB-JOIN-04"]));
    assert_eq!(judgement.failures().count(), 0);
    // What passes is not told of.
    assert!(!judgement.to_string().contains("join-game-comes-once"));
}

#[test]
fn a_failure_reads_as_on_the_terminal() {
    let file = support::artifact("faulty.wasm");
    let judging = || {
        judge_guest(&file)
            .config("mutant", "biome-9999")
            .protocols("1.21.4")
            .cases("JOIN-10")
    };
    let judgement = judging().run().unwrap();
    assert!(!judgement.is_conforming());
    let failure = judgement.failures().next().unwrap();
    assert_eq!(
        (failure.protocol, failure.verdict.kind),
        (769, VerdictKind::Fail)
    );
    let broken = failure.verdict.failure.as_ref().unwrap();
    assert_eq!(broken.clause, "VB-JOIN-10");
    let told = Command::new(env!("CARGO_BIN_EXE_vbspec"))
        .arg("guest")
        .arg(&file)
        .args([
            "--config",
            "mutant=biome-9999",
            "-p",
            "1.21.4",
            "-c",
            "JOIN-10",
        ])
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let but_the_time = |text: &str| {
        let cut = text.rfind(" in ").unwrap();
        text[..cut].to_owned()
    };
    let display = judgement.to_string();
    assert_eq!(but_the_time(&display), but_the_time(&told));
    let panic = std::panic::catch_unwind(|| judgement.assert_conforming()).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>(), Some(&display));
    assert!(judgement.report(Format::Junit).contains("<failure"));
    let expected = judging().xfail("JOIN-10@769").run().unwrap();
    expected.assert_conforming();
    assert_eq!(expected.counts(), [(VerdictKind::Xfail, 1)].into());
}

#[test]
fn what_cannot_be_judged_says_the_mend() {
    let lobby = support::artifact("lobby.wasm");
    let lobby = || judge_guest(&lobby);
    let missing = judge_guest("nowhere/plugin.wasm");
    let no_adapter = judge_adapter("/nowhere/adapter");
    for (error, words) in [
        (lobby().protocols("1.99").run(), "`1.99` is no protocol"),
        (
            lobby().cases("KA-99").run(),
            "`KA-99` is neither a case of a guest",
        ),
        (lobby().xfail("KA-03@3").run(), "`3` is no protocol"),
        (
            lobby().cases("KA").exclude("KA").run(),
            "nothing is selected",
        ),
        (lobby().grant("scheduller").run(), "grant(\"scheduller\"): "),
        (
            lobby().config("a=b", "c").run(),
            "config(\"a=b\", ..): a key is not empty",
        ),
        (
            lobby().deny("virtual-backend").run(),
            "which needs the capability virtual-backend, and may not have it: leave out deny(\"virtual-backend\")",
        ),
        (missing.run(), "cannot read nowhere/plugin.wasm"),
        (
            no_adapter.run(),
            "the adapter `/nowhere/adapter` does not start",
        ),
    ] {
        let error: Error = error.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words), "no {words:?} in {text:?}");
    }
}
