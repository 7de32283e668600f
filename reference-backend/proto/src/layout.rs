//! The packets whose layout changes between protocols, each as a list of ranges: a layout holds from its protocol until
//! the next one in the list. Source: minecraft-data 3.117.0.

use crate::version::Version;

/// What follows the name in login start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginStart {
    Name,
    NameSignature,
    NameSignatureOptionalUuid,
    NameOptionalUuid,
    NameUuid,
}

const LOGIN_START: &[(i32, LoginStart)] = &[
    (4, LoginStart::Name),
    (759, LoginStart::NameSignature),
    (760, LoginStart::NameSignatureOptionalUuid),
    (761, LoginStart::NameOptionalUuid),
    (764, LoginStart::NameUuid),
];

/// How login success writes the player's UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UuidForm {
    /// 32 hexadecimal digits.
    Undashed,
    /// 36 characters.
    Dashed,
    /// 16 bytes, big-endian.
    Binary,
}

/// The fields of login success around the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginSuccess {
    pub(crate) uuid: UuidForm,
    pub(crate) properties: bool,
    pub(crate) strict_error_handling: bool,
    pub(crate) session_id: bool,
}

const LOGIN_SUCCESS: &[(i32, LoginSuccess)] = {
    const BINARY: LoginSuccess = LoginSuccess {
        uuid: UuidForm::Binary,
        properties: false,
        strict_error_handling: false,
        session_id: false,
    };
    const WITH_PROPERTIES: LoginSuccess = LoginSuccess {
        properties: true,
        ..BINARY
    };
    &[
        (
            4,
            LoginSuccess {
                uuid: UuidForm::Undashed,
                ..BINARY
            },
        ),
        (
            5,
            LoginSuccess {
                uuid: UuidForm::Dashed,
                ..BINARY
            },
        ),
        (735, BINARY),
        (759, WITH_PROPERTIES),
        (
            766,
            LoginSuccess {
                strict_error_handling: true,
                ..WITH_PROPERTIES
            },
        ),
        (768, WITH_PROPERTIES),
        (
            776,
            LoginSuccess {
                session_id: true,
                ..WITH_PROPERTIES
            },
        ),
    ]
};

/// What follows the text in a system message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SystemMessage {
    Nothing,
    /// `i8` position.
    Position,
    /// `i8` position, UUID of the sender.
    PositionSender,
    /// Varint index into the chat types.
    ChatType,
    /// Whether it goes over the hotbar.
    Overlay,
}

const SYSTEM_MESSAGE: &[(i32, SystemMessage)] = &[
    (4, SystemMessage::Nothing),
    (47, SystemMessage::Position),
    (735, SystemMessage::PositionSender),
    (759, SystemMessage::ChatType),
    (760, SystemMessage::Overlay),
];

/// The layout of login start.
pub(crate) fn login_start(version: Version) -> LoginStart {
    pick(LOGIN_START, version)
}

/// The layout of login success.
pub(crate) fn login_success(version: Version) -> LoginSuccess {
    pick(LOGIN_SUCCESS, version)
}

/// The layout of a system message.
pub(crate) fn system_message(version: Version) -> SystemMessage {
    pick(SYSTEM_MESSAGE, version)
}

/// The last layout that starts at or before the version; the first one for anything older.
fn pick<T: Copy>(ranges: &[(i32, T)], version: Version) -> T {
    let next = ranges.partition_point(|(from, _)| *from <= version.protocol());
    ranges[next.saturating_sub(1)].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_starts_where_it_says_and_ends_before_the_next() {
        for (protocol, expected) in [
            (4, LoginStart::Name),
            (758, LoginStart::Name),
            (759, LoginStart::NameSignature),
            (760, LoginStart::NameSignatureOptionalUuid),
            (761, LoginStart::NameOptionalUuid),
            (763, LoginStart::NameOptionalUuid),
            (764, LoginStart::NameUuid),
            (777, LoginStart::NameUuid),
        ] {
            assert_eq!(login_start(Version::new(protocol)), expected, "{protocol}");
        }
        for (protocol, uuid, properties, strict, session) in [
            (4, UuidForm::Undashed, false, false, false),
            (5, UuidForm::Dashed, false, false, false),
            (578, UuidForm::Dashed, false, false, false),
            (735, UuidForm::Binary, false, false, false),
            (758, UuidForm::Binary, false, false, false),
            (759, UuidForm::Binary, true, false, false),
            (765, UuidForm::Binary, true, false, false),
            (766, UuidForm::Binary, true, true, false),
            (767, UuidForm::Binary, true, true, false),
            (768, UuidForm::Binary, true, false, false),
            (775, UuidForm::Binary, true, false, false),
            (776, UuidForm::Binary, true, false, true),
            (777, UuidForm::Binary, true, false, true),
        ] {
            let expected = LoginSuccess {
                uuid,
                properties,
                strict_error_handling: strict,
                session_id: session,
            };
            assert_eq!(
                login_success(Version::new(protocol)),
                expected,
                "{protocol}"
            );
        }
        for (protocol, expected) in [
            (5, SystemMessage::Nothing),
            (47, SystemMessage::Position),
            (734, SystemMessage::Position),
            (735, SystemMessage::PositionSender),
            (758, SystemMessage::PositionSender),
            (759, SystemMessage::ChatType),
            (760, SystemMessage::Overlay),
            (777, SystemMessage::Overlay),
        ] {
            assert_eq!(
                system_message(Version::new(protocol)),
                expected,
                "{protocol}"
            );
        }
    }

    #[test]
    fn every_table_is_ascending() {
        assert!(LOGIN_START.is_sorted_by_key(|(from, _)| *from));
        assert!(LOGIN_SUCCESS.is_sorted_by_key(|(from, _)| *from));
        assert!(SYSTEM_MESSAGE.is_sorted_by_key(|(from, _)| *from));
    }
}
