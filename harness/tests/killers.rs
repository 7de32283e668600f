//! Who tests the tester: for every clause that has a case, each deliberately broken guest or host that the
//! specification names must be caught by one of the clause's cases, on one of its protocols at least.

use libtest_mimic::{Arguments, Failed, Trial};
use vbspec::cases;
use vbspec::clause::{Clause, Killer};
use vbspec::selftest;
use vbspec::spec;

const SEED: u64 = 1;

fn main() {
    let arguments = Arguments::from_args();
    let with_case = |clause: &&Clause| {
        cases::all()
            .iter()
            .any(|case| case.clauses.contains(&clause.id.as_str()))
    };
    let trials = spec::registry()
        .iter()
        .filter(with_case)
        .flat_map(|clause| {
            clause.killers.iter().map(move |killer| {
                let name = format!("{}::{}", clause.id, killer.name);
                Trial::test(name, move || catches(clause, killer))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn catches(clause: &'static Clause, killer: &Killer) -> Result<(), Failed> {
    let judge = selftest::broken(clause, killer).map_err(|why| format!("Error: {why}"))?;
    let caught = selftest::catch(clause, &judge, SEED);
    caught.map(drop).map_err(|why| {
        Failed::from(format!(
            "Error: no case of {} catches {}: {why}",
            clause.id, killer.name
        ))
    })
}
