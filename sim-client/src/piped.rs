//! Output whose reader may leave, as `head` and `grep -q` do.

use std::io::{self, ErrorKind, Write};

/// A writer for which a reader that has gone is no error: from the first broken pipe on, what is written goes nowhere,
/// so that whoever writes does the rest of his work and ends as he would have. Other errors are passed on.
#[derive(Debug)]
pub struct Piped<W> {
    out: W,
    gone: bool,
}

impl<W: Write> Piped<W> {
    /// Writes to this as long as somebody reads it.
    pub const fn new(out: W) -> Self {
        Self { out, gone: false }
    }

    /// Whether the reader has gone, as far as has been noticed.
    pub const fn is_gone(&self) -> bool {
        self.gone
    }

    fn unless_gone<T>(
        &mut self,
        nobody: T,
        act: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.gone {
            return Ok(nobody);
        }
        match act(&mut self.out) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(nobody)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), W::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes, then fails in one way.
    struct Failing(usize, ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(self.1.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error() {
        let mut out = Piped::new(Failing(3, ErrorKind::BrokenPipe));
        assert!(out.write_all(b"abc").is_ok() && !out.is_gone());
        assert!(out.write_all(b"d").is_ok() && out.is_gone());
        assert!(out.write_all(b"efg").is_ok() && out.flush().is_ok());
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut out = Piped::new(Failing(3, ErrorKind::StorageFull));
        let error = out.write_all(b"abcd").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(!out.is_gone());
    }
}
