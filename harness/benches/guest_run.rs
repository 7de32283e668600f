//! How long a whole `vbspec guest lobby.wasm` takes: compiling, and every case on every protocol.

use std::path::PathBuf;
use std::time::Instant;

use vbspec::event::Event;
use vbspec::runner;
use vbspec::select::{self, Expectations};
use vbspec::subject::guest::GuestSubject;
use vbspec::subject::options::GuestOptions;

const ROUNDS: usize = 3;

fn main() {
    let lobby = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/artifacts/lobby.wasm");
    let protocols = vb_data::supported();
    let jobs = select::jobs(protocols, &[], &[]).expect("every name is known");
    let threads = runner::default_threads();
    println!(
        "{} runs on {} protocols, {threads} threads",
        jobs.len(),
        protocols.len()
    );
    for round in 1..=ROUNDS {
        let began = Instant::now();
        let options = GuestOptions::new(&lobby.to_string_lossy(), &[], &[], &[])
            .expect("the options are good");
        let subject = GuestSubject::start(options).expect("the lobby starts");
        let started = began.elapsed();
        let mut slowest = Vec::new();
        let exit = runner::run(
            &jobs,
            runner::Conduct::once(threads, &Expectations::default()),
            |job| subject.judge(job, 1),
            |event| {
                if let Event::CaseFinished(finished) = event {
                    slowest.push((
                        finished.wall_us,
                        format!("{} on {}", finished.case, finished.protocol),
                    ));
                }
            },
        );
        println!(
            "round {round}: {:?} in all, {started:?} to compile and start; exit {exit:?}",
            began.elapsed()
        );
        slowest.sort();
        for (wall_us, what) in slowest.iter().rev().take(5) {
            println!("  {:>8} us  {what}", wall_us);
        }
    }
}
