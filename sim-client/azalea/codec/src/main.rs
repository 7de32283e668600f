//! Reads packets that a server of Minecraft 26.1 (protocol 775) could send with azalea's codec: lines of
//! `STATE NAME HEX` on standard input, where HEX is the packet from its id on. Answers each with `STATE NAME whole`, or
//! with `STATE NAME` and what is wrong.
//!
//! Names are the caller's. Exits with 0 when it could read the lines, 2 when it could not.

use std::fmt::Debug;
use std::io::{self, Cursor, Write as _};
use std::process::ExitCode;

use azalea_protocol::packets::ProtocolPacket;
use azalea_protocol::packets::config::ClientboundConfigPacket;
use azalea_protocol::packets::game::ClientboundGamePacket;
use azalea_protocol::packets::login::ClientboundLoginPacket;
use azalea_protocol::packets::status::ClientboundStatusPacket;

/// A line that is none.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    for line in io::stdin().lines() {
        let answer = line
            .map_err(|error| error.to_string())
            .and_then(|line| answer(&line));
        match answer {
            Ok(answer) if writeln!(out, "{answer}").is_ok() => {}
            Ok(_) => return ExitCode::FAILURE,
            Err(error) => {
                eprintln!(
                    "{error}\nusage: azalea-codec, with lines of `STATE NAME HEX` on standard input"
                );
                return USAGE.into();
            }
        }
    }
    ExitCode::SUCCESS
}

fn answer(line: &str) -> Result<String, String> {
    let parts: Vec<_> = line.split(' ').collect();
    let [state, name, hex] = parts[..] else {
        return Err(format!("not three words: {line}"));
    };
    let packet = bytes(hex).ok_or_else(|| format!("no bytes in hexadecimal digits: {hex}"))?;
    let read = match state {
        "status" => read::<ClientboundStatusPacket>(&packet),
        "login" => read::<ClientboundLoginPacket>(&packet),
        "configuration" => read::<ClientboundConfigPacket>(&packet),
        "play" => read::<ClientboundGamePacket>(&packet),
        _ => return Err(format!("no state in which servers send packets: {state}")),
    };
    let verdict = match read {
        Ok(()) => "whole".to_owned(),
        Err(error) => error.replace('\n', " "),
    };
    Ok(format!("{state} {name} {verdict}"))
}

fn read<P: ProtocolPacket + Debug>(packet: &[u8]) -> Result<(), String> {
    let (id, data) = split(packet).ok_or("no id")?;
    let mut cursor = Cursor::new(data);
    P::read(id, &mut cursor).map_err(|error| error.to_string())?;
    match data.len() - usize::try_from(cursor.position()).unwrap_or(data.len()) {
        0 => Ok(()),
        left => Err(format!("{left} bytes left over")),
    }
}

/// The id, a varint of at most three bytes, and what follows it.
fn split(packet: &[u8]) -> Option<(u32, &[u8])> {
    let mut id = 0;
    for (index, byte) in packet.iter().enumerate().take(3) {
        id |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((id, &packet[index + 1..]));
        }
    }
    None
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| {
            u8::from_str_radix(
                std::str::from_utf8(pair)
                    .ok()
                    .filter(|pair| pair.len() == 2)?,
                16,
            )
            .ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_whole_or_not() {
        // A keep-alive of 26.1.
        let whole = "play keep_alive 2c0000000000000007";
        assert_eq!(answer(whole).unwrap(), "play keep_alive whole");
        assert!(!answer(&format!("{whole}00")).unwrap().ends_with("whole"));
        assert!(!answer("play keep_alive 2c00").unwrap().ends_with("whole"));
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        for line in ["", "play x", "play x 0", "play x zz", "game x 00"] {
            assert!(answer(line).is_err(), "{line}");
        }
    }
}
