//! What the guest `misbehave` can do wrong, and how the log names it.

use reference_backend::TrapKind;

/// As little as the guest needs, so that it is used up soon.
pub const FUEL: u64 = 2_000_000;
/// Real time, and more than a callback that does nothing waits for its turn on a busy machine.
pub const CPU_MS: u64 = 300;
pub const MEMORY: u64 = 4 << 20;

/// A letter of the guest, what it is, and how the log names it.
pub type Fault = (char, &'static str, Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Trap(&'static str),
    Cpu,
    Memory,
    Stack,
    HostCall(&'static str),
}

impl Kind {
    /// Whether the log names this.
    pub fn is(self, found: &TrapKind) -> bool {
        match (self, found) {
            (Self::Trap(part), TrapKind::Trap(text))
            | (Self::HostCall(part), TrapKind::HostCall(text)) => text.contains(part),
            (Self::Cpu, TrapKind::CpuBudget) | (Self::Stack, TrapKind::StackOverflow) => true,
            (Self::Memory, TrapKind::MemoryLimit { limit }) => *limit == MEMORY,
            _ => false,
        }
    }
}

/// What can go wrong in every callback.
pub const EVERYWHERE: [Fault; 9] = [
    ('t', "an unreachable instruction", Kind::Trap("unreachable")),
    SPIN,
    ('e', "memory without end", Kind::Memory),
    ('r', "a stack overrun", Kind::Stack),
    (
        'o',
        "a load outside the memory",
        Kind::Trap("out of bounds"),
    ),
    (
        'h',
        "a call with a handle that is not there",
        Kind::HostCall("handle"),
    ),
    (
        'x',
        "a drop of a handle that is not there",
        Kind::HostCall("handle"),
    ),
    (
        'p',
        "a string outside the memory",
        Kind::HostCall("out of bounds"),
    ),
    ('u', "a string that is not UTF-8", Kind::HostCall("utf-8")),
];

pub const SPIN: Fault = ('s', "an endless loop", Kind::Cpu);

/// What can go wrong where a session is lent.
pub const BORROW: Fault = (
    'k',
    "a borrow that is not dropped",
    Kind::HostCall("borrow"),
);

/// What can go wrong where something is answered.
pub const ANSWERS: [Fault; 3] = [
    (
        'l',
        "an answer with a string outside the memory",
        Kind::HostCall("out of bounds"),
    ),
    (
        'a',
        "an answer outside the memory",
        Kind::HostCall("out of bounds"),
    ),
    (
        'm',
        "an answer that is not aligned",
        Kind::HostCall("aligned"),
    ),
];

pub const CASE: Fault = ('i', "an answer of no case", Kind::HostCall("discriminant"));
