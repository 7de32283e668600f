//! What is printed.

use std::collections::BTreeMap;

use crate::judge::Judged;
use crate::package::Server;

/// Problems with one kind of packet of one protocol that are printed.
const SHOWN_OF_KIND: usize = 5;
/// How many packets the pinned package has: fewer would prove less than this claims.
const CAPTURES: usize = 3358;

/// One server: a line of figures, what its chunks have over, in which values of JoinGame it differs from us, what our
/// client remarks, and what is wrong.
pub(crate) fn print(server: &Server, judged: &Judged, problems: &[String], exceptions: usize) {
    let verdict = if problems.is_empty() { "ok" } else { "FAILED" };
    let all = server.captures.len();
    println!(
        "{:>3} {:<7} {verdict:<6}  {} of {all} packets decoded, {} played, {} kinds; {} fields as the package has them, in {} packets; {exceptions} exceptions",
        server.protocol,
        server.version,
        judged.decoded,
        judged.played,
        judged.whole.len() + judged.broken.len(),
        judged.fields,
        judged.compared,
    );
    if let Some(compared) = &judged.registries {
        println!(
            "      registries: {}, {} entries, {} values equal, {} differ",
            compared.registries,
            compared.entries,
            compared.equal,
            compared.different.len()
        );
    }
    if !judged.join.named.is_empty() {
        let named: Vec<_> = judged.join.named.iter().copied().collect();
        println!("      our JoinGame differs in {}", named.join(", "));
    }
    counted("bytes over behind a chunk's sections", &judged.left_over);
    counted("remarks", &judged.remarks);
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = 0;
    for problem in problems {
        let kind = problem.split_once(':').map_or("", |(kind, _)| kind);
        let count = of_kind.entry(kind).or_default();
        *count += 1;
        if *count <= SHOWN_OF_KIND {
            shown += 1;
            println!("      {problem}");
        }
    }
    if problems.len() > shown {
        println!("      and {} more", problems.len() - shown);
    }
}

fn counted<T: core::fmt::Display>(what: &str, counts: &BTreeMap<T, usize>) {
    if counts.is_empty() {
        return;
    }
    let all: Vec<_> = counts
        .iter()
        .map(|(one, count)| format!("{one} ({count} times)"))
        .collect();
    println!("      {what}: {}", all.join(", "));
}

/// Of all servers.
#[derive(Debug, Default)]
pub(crate) struct Total {
    servers: usize,
    good: usize,
    packets: usize,
    decoded: usize,
    played: usize,
    fields: usize,
    with_registries: usize,
    registries_equal: usize,
}

impl Total {
    pub(crate) fn add(&mut self, server: &Server, judged: &Judged, good: bool) {
        self.servers += 1;
        self.good += usize::from(good);
        self.packets += server.captures.len();
        self.decoded += judged.decoded;
        self.played += judged.played;
        self.fields += judged.fields;
        if let Some(compared) = &judged.registries {
            self.with_registries += 1;
            self.registries_equal += usize::from(compared.different.is_empty());
        }
    }

    pub(crate) fn print(&self, proofs: usize) {
        println!(
            "{} of {} packets decoded to the last byte, {} played without a fault, {} fields equal; registries equal on {} of {} protocols that have them; {proofs} layouts proved",
            self.decoded,
            self.packets,
            self.played,
            self.fields,
            self.registries_equal,
            self.with_registries,
        );
        println!("{} of {} protocols", self.good, self.servers);
    }

    /// Whether all is well; with all of the package's packets, when all were asked for.
    pub(crate) fn is_good(&self, all: bool) -> bool {
        let whole = !all || self.packets == CAPTURES;
        if !whole {
            println!(
                "the package has {} packets, {CAPTURES} were expected",
                self.packets
            );
        }
        whole && self.servers > 0 && self.good == self.servers
    }
}
