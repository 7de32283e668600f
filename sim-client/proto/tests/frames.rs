//! Frames as a vanilla client's pipeline takes them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use sim_proto::Version;
use sim_proto::wire::{
    Frame, FrameDecoder, FrameEncoder, FrameError, FrameNote, MAX_FRAME, Writer,
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
fn a_compressed_packet_must_reach_the_threshold() {
    for (length, fits) in [(256, true), (255, false)] {
        let data = vec![7; length];
        let result = one(775, Some(256), &compressed(length, &data));
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
    for (protocol, max) in [(754, 1 << 21), (755, 1 << 23)] {
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
fn the_stated_size_must_be_the_real_one() {
    let data = vec![7; 300];
    assert_eq!(
        one(775, Some(64), &compressed(301, &data)),
        Err(FrameError::SizeMismatch {
            stated: 301,
            actual: 300,
            more: false
        })
    );
    assert_eq!(
        one(775, Some(64), &compressed(299, &data)),
        Err(FrameError::SizeMismatch {
            stated: 299,
            actual: 299,
            more: true
        })
    );
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
fn empty_frames_are_skipped_and_counted() {
    let mut decoder = decoder(775, None);
    decoder.push(&[0, 0, 1, 5]);
    assert_eq!(decoder.next_frame().unwrap().unwrap().id, 5);
    assert_eq!(decoder.empty_frames(), 2);
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
