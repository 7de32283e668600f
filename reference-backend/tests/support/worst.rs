//! Guests that do their worst by text.

use super::wat::{BACKEND_IMPORTS, Wat};

/// Has the host refuse listeners and handlers in a task, this many of each, and again after so many milliseconds.
macro_rules! refuse {
    ($times:literal, $delay:literal) => {
        concat!(
            "(local $n i32)
    (loop $again
      (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))
      (call $register (i32.const 32) (i32.const 3) (i32.const 1) (i32.const 256))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const ",
            $times,
            "))))
    (call $schedule (i64.const ",
            $delay,
            ") (i32.const 256))"
        )
    };
}

/// A guest that has the host refuse 20,000 calls in a second, by the host's clock, and has no opinion of anybody.
pub fn refused() -> Wat {
    Wat {
        imports: BACKEND_IMPORTS,
        enable: "(call $schedule (i64.const 0) (i32.const 256))",
        task: refuse!("1000", "100"),
        event: "(i32.const 192)",
        ..Wat::default()
    }
}

/// The same as fast as it can.
pub fn refused_without_end() -> Wat {
    Wat {
        task: refuse!("2000", "0"),
        ..refused()
    }
}

/// Lets the first player pass, and answers `server-pre-connect` with `send-to-limbo` and one reason of 60 MiB from then
/// on: zeros, which are text.
pub fn long_reason() -> Wat {
    Wat {
        event: "
    (i32.store (i32.const 700) (i32.add (i32.load (i32.const 700)) (i32.const 1)))
    (if (i32.eq (i32.load (i32.const 700)) (i32.const 1)) (then (return (i32.const 192))))
    (i32.store8 (i32.const 512) (i32.const 3))
    (i32.store8 (i32.const 516) (i32.const 2))
    (i32.store (i32.const 520) (i32.const 600))
    (i32.store (i32.const 524) (i32.const 1))
    (i32.store (i32.const 600) (i32.const 4096))
    (i32.store (i32.const 604) (i32.const 62914560))
    (i32.const 512)",
        pages: 970,
        ..Wat::default()
    }
}
