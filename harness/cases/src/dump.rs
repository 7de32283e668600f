//! A packet's bytes, field by field.

use bytes::Bytes;
use sim_proto::{Version, annotate};
use vb_data::{Direction, State};

/// Lines that are shown from a dump's start, and as many from its end: faults sit at either, and a codec has
/// thousands between.
const LINES: usize = 40;

/// One line for the packet, one for each field (`offset | bytes | field = value`), then what is wrong, if anything.
#[must_use]
pub fn packet(
    protocol: i32,
    state: State,
    direction: Direction,
    id: i32,
    data: &Bytes,
) -> Vec<String> {
    let rendered = annotate(Version::new(protocol), state, direction, id, data).render();
    let lines: Vec<String> = rendered.lines().map(str::to_owned).collect();
    let left_out = lines.len().saturating_sub(2 * LINES);
    if left_out == 0 {
        return lines;
    }
    let (head, tail) = (
        lines.iter().take(LINES),
        lines.iter().skip(LINES + left_out),
    );
    head.cloned()
        .chain([format!("   ... | {left_out} lines are left out")])
        .chain(tail.cloned())
        .collect()
}
