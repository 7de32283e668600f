//! The server list ping of clients before 1.7, which came before frames, and to which later ones fall back.
//!
//! The answer is the kick packet of that time: `FF`, a length in UTF-16 units, and big-endian UTF-16.
//!
//! Source: the protocol community's page "Server List Ping" (sections 1.6, 1.4 to 1.5, and beta 1.8 to 1.3).

use thiserror::Error;

/// Longest answer in UTF-16 units: what its length can say.
pub const MAX_LEGACY_ANSWER: usize = u16::MAX as usize;

const PING: u8 = 0xfe;
const WITH_FIELDS: u8 = 0x01;
const PLUGIN_MESSAGE: u8 = 0xfa;
const KICK: u8 = 0xff;
const CHANNEL: &str = "MC|PingHost";
/// The protocol of 1.6.4, the last that asked in this way first.
const PROTOCOL: u8 = 78;
/// What an answer with fields begins with.
const MARK: &str = "§1\0";

/// How a client asks, by the last version that did so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyForm {
    /// Until 1.3: `FE`.
    Until1_3,
    /// 1.4 and 1.5: `FE 01`.
    Until1_5,
    /// 1.6, and later ones that get no answer to their own way of asking: `FE 01 FA` and where they connect to.
    Until1_6,
}

/// What a server says of itself to an old client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyStatus {
    /// The protocol and the version's name. None in the answer to `FE`, which has neither.
    pub version: Option<(String, String)>,
    /// The text under the server's name, section signs included.
    pub description: String,
    /// How many players are there.
    pub online: u32,
    /// How many may be.
    pub max: u32,
}

/// Why an old client could not read the answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LegacyError {
    /// Another packet than a kick.
    #[error("the answer begins with {0:#04x} instead of the kick packet's 0xff")]
    NotAKick(u8),
    /// Bytes after the text.
    #[error("{left} bytes follow the answer")]
    TrailingBytes {
        /// How many.
        left: usize,
    },
    /// A surrogate without its other half.
    #[error("the answer is not UTF-16")]
    Encoding,
    /// Another number of fields than the form has.
    #[error("the answer has {found} fields instead of {expected}")]
    Fields {
        /// By the form of the answer.
        expected: usize,
        /// As found.
        found: usize,
    },
    /// A number of players that is none.
    #[error("`{0}` is no number of players")]
    Number(String),
}

/// What the client sends.
pub fn request(form: LegacyForm, host: &str, port: u16) -> Vec<u8> {
    match form {
        LegacyForm::Until1_3 => vec![PING],
        LegacyForm::Until1_5 => vec![PING, WITH_FIELDS],
        LegacyForm::Until1_6 => {
            let mut payload = vec![PROTOCOL];
            put_string(&mut payload, host);
            payload.extend(i32::from(port).to_be_bytes());
            let mut request = vec![PING, WITH_FIELDS, PLUGIN_MESSAGE];
            put_string(&mut request, CHANNEL);
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            request.extend(length.to_be_bytes());
            request.extend(payload);
            request
        }
    }
}

/// Reads what a server has sent; None when the answer is not complete.
///
/// # Errors
///
/// What an old client shows nothing for.
pub fn answer(bytes: &[u8]) -> Result<Option<LegacyStatus>, LegacyError> {
    let rest = match bytes {
        [] => return Ok(None),
        [KICK, rest @ ..] => rest,
        [other, ..] => return Err(LegacyError::NotAKick(*other)),
    };
    let Some((length, rest)) = rest.split_first_chunk::<2>() else {
        return Ok(None);
    };
    let length = 2 * usize::from(u16::from_be_bytes(*length));
    if rest.len() < length {
        return Ok(None);
    }
    let (text, left) = rest.split_at(length);
    if !left.is_empty() {
        return Err(LegacyError::TrailingBytes { left: left.len() });
    }
    let (pairs, _) = text.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    let text = String::from_utf16(&units).map_err(|_| LegacyError::Encoding)?;
    status(&text).map(Some)
}

fn status(text: &str) -> Result<LegacyStatus, LegacyError> {
    if let Some(fields) = text.strip_prefix(MARK) {
        let fields: Vec<&str> = fields.split('\0').collect();
        let [protocol, version, description, online, max] = fields[..] else {
            return Err(LegacyError::Fields {
                expected: 6,
                found: 1 + fields.len(),
            });
        };
        return Ok(LegacyStatus {
            version: Some((protocol.to_owned(), version.to_owned())),
            description: description.to_owned(),
            online: number(online)?,
            max: number(max)?,
        });
    }
    let fields: Vec<&str> = text.split('§').collect();
    let [description, online, max] = fields[..] else {
        return Err(LegacyError::Fields {
            expected: 3,
            found: fields.len(),
        });
    };
    Ok(LegacyStatus {
        version: None,
        description: description.to_owned(),
        online: number(online)?,
        max: number(max)?,
    })
}

fn number(text: &str) -> Result<u32, LegacyError> {
    text.parse()
        .map_err(|_| LegacyError::Number(text.to_owned()))
}

/// A length in UTF-16 units, and the units.
fn put_string(out: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(MAX_LEGACY_ANSWER).collect();
    let length = u16::try_from(units.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(units.into_iter().flat_map(u16::to_be_bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kick(text: &str) -> Vec<u8> {
        let mut bytes = vec![KICK];
        put_string(&mut bytes, text);
        bytes
    }

    #[test]
    fn requests_are_those_of_the_page() {
        assert_eq!(request(LegacyForm::Until1_3, "h", 1), [0xfe]);
        assert_eq!(request(LegacyForm::Until1_5, "h", 1), [0xfe, 0x01]);
        let ping = request(LegacyForm::Until1_6, "ab", 25565);
        assert_eq!(ping[..5], [0xfe, 0x01, 0xfa, 0x00, 0x0b]);
        assert_eq!(ping[5..9], [0, b'M', 0, b'C']);
        // 7 and two bytes a unit of the host.
        assert_eq!(ping[27..29], [0, 11]);
        assert_eq!(ping[29..], [78, 0, 2, 0, b'a', 0, b'b', 0, 0, 0x63, 0xdd]);
    }

    #[test]
    fn both_answers_are_read() {
        let status = answer(&kick("§1\u{0}127\u{0}1.21\0A §6lobby\u{0}3\u{0}20"));
        let expected = LegacyStatus {
            version: Some(("127".to_owned(), "1.21".to_owned())),
            description: "A §6lobby".to_owned(),
            online: 3,
            max: 20,
        };
        assert_eq!(status, Ok(Some(expected.clone())));
        let bare = LegacyStatus {
            version: None,
            description: "A lobby".to_owned(),
            ..expected
        };
        assert_eq!(answer(&kick("A lobby§3§20")), Ok(Some(bare)));
    }

    #[test]
    fn what_is_cut_is_incomplete_and_what_is_wrong_is_said() {
        let whole = kick("a§1§2");
        for length in 0..whole.len() {
            assert_eq!(answer(&whole[..length]), Ok(None), "{length}");
        }
        let trailing = [whole.as_slice(), &[0]].concat();
        let wrong = [
            (trailing, LegacyError::TrailingBytes { left: 1 }),
            (vec![0x0a], LegacyError::NotAKick(0x0a)),
            (vec![0xff, 0, 1, 0xd8, 0], LegacyError::Encoding),
            (
                kick("a§1"),
                LegacyError::Fields {
                    expected: 3,
                    found: 2,
                },
            ),
            (
                kick("§1\u{0}127\0x\0a\u{0}1"),
                LegacyError::Fields {
                    expected: 6,
                    found: 5,
                },
            ),
            (kick("a§x§2"), LegacyError::Number("x".to_owned())),
        ];
        for (bytes, error) in wrong {
            assert_eq!(answer(&bytes), Err(error));
        }
    }
}
