//! Frames as a vanilla client's pipeline takes them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use sim_proto::Version;
use sim_proto::wire::{
    Frame, FrameDecoder, FrameEncoder, FrameError, FrameNote, MAX_FILLED, MAX_FRAME, Writer,
};

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.length(body.len()).raw(body);
    w.into_bytes()
}

fn compressed(stated: usize, data: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.length(stated).raw(&zlib(data));
    frame(&w.into_bytes())
}

fn decoder(protocol: i32, threshold: Option<usize>) -> FrameDecoder {
    let mut decoder = FrameDecoder::new(Version::new(protocol));
    decoder.set_threshold(threshold);
    decoder
}

fn one(protocol: i32, threshold: Option<usize>, bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    let mut decoder = decoder(protocol, threshold);
    decoder.push(bytes);
    decoder.next_frame()
}

proptest! {
    #[test]
    fn frames_come_back_in_any_split(
        packets in prop::collection::vec((0..200_i32, prop::collection::vec(any::<u8>(), 0..400)), 0..8),
        threshold in prop::option::of(0_usize..300),
        chunk in 1_usize..50,
    ) {
        let mut encoder = FrameEncoder::new();
        encoder.set_threshold(threshold);
        let mut stream = Vec::new();
        for (id, data) in &packets {
            stream.extend_from_slice(&encoder.encode(*id, data));
        }
        let mut decoder = decoder(775, threshold);
        let mut read = Vec::new();
        for part in stream.chunks(chunk) {
            decoder.push(part);
            while let Some(frame) = decoder.next_frame().unwrap() {
                prop_assert_eq!(frame.note, None);
                read.push((frame.id, frame.data.to_vec()));
            }
        }
        prop_assert_eq!(read, packets);
        prop_assert_eq!(decoder.pending(), 0);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        threshold in prop::option::of(0_usize..300),
    ) {
        let mut decoder = decoder(340, threshold);
        decoder.push(&bytes);
        while let Ok(Some(_)) = decoder.next_frame() {}
    }
}

#[test]
fn a_length_has_at_most_three_bytes() {
    let mut bytes = vec![0xff, 0xff, 0x7f];
    assert_eq!(one(775, None, &bytes), Ok(None));
    bytes.extend(std::iter::repeat_n(0, MAX_FRAME));
    assert_eq!(
        one(775, None, &bytes).unwrap().unwrap().data.len(),
        MAX_FRAME - 1
    );
    assert_eq!(
        one(775, None, &[0x80, 0x80, 0x80]),
        Err(FrameError::LengthTooLong)
    );
    // Not enough bytes to tell yet.
    assert_eq!(one(775, None, &[0x80, 0x80]), Ok(None));
}

#[test]
fn from_756_on_a_packet_may_be_compressed_below_the_threshold() {
    for (protocol, taken) in [(47, false), (755, false), (756, true), (777, true)] {
        let result = one(protocol, Some(256), &compressed(15, &[7; 15]));
        let (size, threshold) = (15, 256);
        if taken {
            let note = FrameNote::CompressedBelowThreshold { size, threshold };
            assert_eq!(result.unwrap().unwrap().note, Some(note), "{protocol}");
        } else {
            let error = FrameError::BelowThreshold { size, threshold };
            assert_eq!(result, Err(error), "{protocol}");
        }
    }
}

#[test]
fn until_755_a_compressed_packet_must_reach_the_threshold() {
    for (length, fits) in [(256, true), (255, false)] {
        let data = vec![7; length];
        let result = one(755, Some(256), &compressed(length, &data));
        assert_eq!(result.is_ok(), fits);
        if !fits {
            assert_eq!(
                result,
                Err(FrameError::BelowThreshold {
                    size: 255,
                    threshold: 256
                })
            );
        }
    }
}

#[test]
fn an_uncompressed_packet_above_the_threshold_is_only_odd() {
    for (length, note) in [
        (255, None),
        (
            256,
            Some(FrameNote::Uncompressed {
                size: 256,
                threshold: 256,
            }),
        ),
    ] {
        let mut body = vec![0];
        body.extend(vec![7; length]);
        assert_eq!(
            one(775, Some(256), &frame(&body)).unwrap().unwrap().note,
            note
        );
    }
}

#[test]
fn the_uncompressed_size_is_bounded_by_the_version() {
    for (protocol, max) in [(755, 1 << 21), (756, 1 << 23)] {
        let data = vec![0; max + 1];
        assert!(
            one(protocol, Some(0), &compressed(max, &data[..max])).is_ok(),
            "{protocol}"
        );
        assert_eq!(
            one(protocol, Some(0), &compressed(max + 1, &data)),
            Err(FrameError::TooLarge { size: max + 1, max })
        );
    }
}

#[test]
fn what_is_longer_than_stated_is_cut() {
    for protocol in [47, 755, 763, 764, 777] {
        let frame = one(protocol, Some(64), &compressed(299, &[7; 300]))
            .unwrap()
            .unwrap();
        assert_eq!(frame.data, vec![7; 298], "{protocol}");
        let note = FrameNote::LongerThanStated { stated: 299 };
        assert_eq!(frame.note, Some(note), "{protocol}");
    }
}

#[test]
fn until_763_what_is_shorter_than_stated_is_filled_up_with_zeros() {
    let (stated, actual) = (301, 299);
    for protocol in [47, 755, 763] {
        let frame = one(protocol, Some(64), &compressed(stated, &vec![7; actual]))
            .unwrap()
            .unwrap();
        let mut expected = vec![7; actual - 1];
        expected.extend([0, 0]);
        assert_eq!(frame.data, expected, "{protocol}");
        let note = FrameNote::ShorterThanStated { stated, actual };
        assert_eq!(frame.note, Some(note), "{protocol}");
    }
    for protocol in [764, 777] {
        assert_eq!(
            one(protocol, Some(64), &compressed(stated, &vec![7; actual])),
            Err(FrameError::SizeMismatch { stated, actual }),
            "{protocol}"
        );
    }
}

#[test]
fn a_stream_that_breaks_off_is_shorter_than_stated() {
    let stream = zlib(&[7; 300]);
    let mut body = Writer::new();
    body.length(300).raw(&stream[..stream.len() - 7]);
    let cut = frame(&body.into_bytes());
    assert_eq!(one(763, Some(64), &cut).unwrap().unwrap().data.len(), 299);
    let error = one(764, Some(64), &cut).unwrap_err();
    assert!(matches!(
        error,
        FrameError::SizeMismatch { stated: 300, .. }
    ));
}

#[test]
fn zeros_are_added_up_to_a_bound_of_the_whole_connection() {
    for (second, taken) in [(1, true), (2, false)] {
        let mut decoder = decoder(763, Some(0));
        decoder.push(&compressed(MAX_FILLED, &[7; 1]));
        decoder.push(&compressed(1 + second, &[7; 1]));
        assert_eq!(
            decoder.next_frame().unwrap().unwrap().data.len(),
            MAX_FILLED - 1
        );
        assert_eq!(decoder.next_frame().is_ok(), taken);
    }
}

#[test]
fn what_is_no_zlib_is_refused() {
    let mut body = Writer::new();
    body.length(300).raw(&[1, 2, 3, 4]);
    assert_eq!(
        one(775, Some(64), &frame(&body.into_bytes())),
        Err(FrameError::Zlib)
    );
    let mut body = Writer::new();
    body.varint(-1).raw(&[1, 2, 3, 4]);
    assert_eq!(
        one(775, Some(64), &frame(&body.into_bytes())),
        Err(FrameError::BadUncompressedLength)
    );
}

#[test]
fn an_error_stays() {
    let mut decoder = decoder(775, None);
    decoder.push(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(decoder.next_frame(), Err(FrameError::LengthTooLong));
    decoder.push(&frame(&[1, 2]));
    assert_eq!(decoder.next_frame(), Err(FrameError::LengthTooLong));
}

#[test]
fn until_772_empty_frames_are_skipped_and_counted() {
    for protocol in [47, 772] {
        let mut decoder = decoder(protocol, None);
        decoder.push(&[0, 0, 1, 5]);
        assert_eq!(decoder.next_frame().unwrap().unwrap().id, 5);
        assert_eq!(decoder.empty_frames(), 2);
    }
    for protocol in [773, 777] {
        assert_eq!(one(protocol, None, &[0, 1, 5]), Err(FrameError::Empty));
    }
}

#[test]
fn an_empty_packet_in_a_frame_is_skipped_on_all() {
    for protocol in [47, 772, 773, 777] {
        let mut decoder = decoder(protocol, Some(64));
        decoder.push(&[1, 0, 2, 0, 5]);
        assert_eq!(decoder.next_frame().unwrap().unwrap().id, 5);
        assert_eq!(decoder.empty_frames(), 1);
    }
}

#[test]
fn a_long_prefix_is_only_odd() {
    let note = one(775, None, &[0x81, 0x00, 5]).unwrap().unwrap().note;
    assert_eq!(note, Some(FrameNote::LongPrefix));
}

#[test]
fn a_frame_without_a_whole_id_is_refused() {
    assert_eq!(one(775, None, &[1, 0x80]), Err(FrameError::BadPacketId));
}
