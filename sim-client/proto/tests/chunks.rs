//! Chunks: whole, or a fault that says what is wrong with them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Duel, PROTOCOLS, chunk_with, empty_chunk, join_game, named, overworld_sections};
use sim_proto::wire::{DecodeErrorKind, Writer};
use sim_proto::{Context, FaultKind, Packet, RemarkKind, Version, WorldShape, decode};
use vb_data::State;

/// Faults and remarks of a client in the world that gets this chunk.
fn judge(protocol: i32, data: &[u8]) -> (Option<DecodeErrorKind>, Vec<RemarkKind>) {
    let mut duel = Duel::new(protocol);
    duel.log_in()
        .send("login", &join_game(protocol))
        .send("map_chunk", data);
    let fault = duel.fault().map(|fault| match &fault.kind {
        FaultKind::Decode(kind) => kind.clone(),
        other => panic!("{protocol}: {other:?}"),
    });
    (
        fault,
        duel.remarks()
            .into_iter()
            .map(|remark| remark.kind.clone())
            .collect(),
    )
}

fn shape(protocol: i32) -> WorldShape {
    if protocol >= 757 {
        WorldShape {
            sky_light: true,
            min_y: -64,
            height: 384,
        }
    } else {
        WorldShape::CLASSIC
    }
}

fn context(protocol: i32) -> Context {
    Context {
        world: Some(shape(protocol)),
        biomes: Some(64),
        ..Context::new(Version::new(protocol))
    }
}

#[test]
fn an_empty_column_is_read_whole_on_every_protocol() {
    // 4 and 5 have a form of their own, tested below; 777 has light masks of its own.
    for release in vb_data::releases()
        .iter()
        .filter(|release| (47..777).contains(&release.protocol))
    {
        let protocol = release.protocol;
        let data = empty_chunk(protocol, 3, -4);
        let packet = decode(
            &context(protocol),
            State::Play,
            "map_chunk",
            &data.clone().into(),
        )
        .unwrap_or_else(|error| panic!("{protocol}: {error}"));
        let Packet::Chunk(chunk) = packet else {
            panic!("{protocol}")
        };
        assert_eq!((chunk.x, chunk.z, chunk.full), (3, -4, true), "{protocol}");
        let sections = if protocol >= 757 { 24 } else { 1 };
        assert_eq!(chunk.summary.sections, sections, "{protocol}");
        for cut in 0..data.len() {
            let cut = data[..cut].to_vec().into();
            assert!(
                decode(&context(protocol), State::Play, "map_chunk", &cut).is_err(),
                "{protocol}"
            );
            if data.len() > 2000 && cut.len() > 200 && cut.len() < data.len() - 200 {
                break;
            }
        }
        let mut more = data;
        more.push(0);
        let error = decode(&context(protocol), State::Play, "map_chunk", &more.into()).unwrap_err();
        assert_eq!(
            error.kind,
            DecodeErrorKind::TrailingBytes { count: 1 },
            "{protocol}"
        );
    }
}

#[test]
fn the_number_of_sections_must_match_the_height() {
    for protocol in PROTOCOLS.iter().filter(|protocol| **protocol >= 757) {
        let sections = overworld_sections(*protocol);
        let (fault, _) = judge(*protocol, &chunk_with(*protocol, 0, 0, sections - 1, 0));
        assert!(
            matches!(fault, Some(DecodeErrorKind::UnexpectedEnd { .. })),
            "{protocol}: {fault:?}"
        );
        let (fault, remarks) = judge(*protocol, &chunk_with(*protocol, 0, 0, sections + 1, 0));
        assert_eq!(fault, None);
        assert!(
            matches!(remarks[..], [RemarkKind::ChunkLeftOver { x: 0, z: 0, .. }]),
            "{protocol}: {remarks:?}"
        );
    }
}

#[test]
fn a_biome_id_must_be_in_the_registry() {
    for protocol in PROTOCOLS.iter().filter(|protocol| **protocol >= 757) {
        let count = vb_data::registries(*protocol)
            .iter()
            .find(|registry| registry.name == "minecraft:worldgen/biome")
            .unwrap()
            .entries
            .len();
        let last = i32::try_from(count).unwrap() - 1;
        assert_eq!(
            judge(*protocol, &chunk_with(*protocol, 0, 0, 24, last)),
            (None, vec![]),
            "{protocol}"
        );
        for id in [last + 1, 9999, -1] {
            let (fault, _) = judge(*protocol, &chunk_with(*protocol, 0, 0, 24, id));
            let expected = DecodeErrorKind::NoSuchId {
                id,
                registry: "minecraft:worldgen/biome",
                count,
            };
            assert_eq!(fault, Some(expected), "{protocol}");
        }
    }
}

/// A chunk of 757 or later whose first section is as given, the others air.
fn with_section(protocol: i32, blocks: &[u8], biomes: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.i32(0).i32(0);
    if protocol >= 770 {
        w.varint(0);
    } else {
        w.u8(10);
        if protocol < 764 {
            w.u16(0);
        }
        w.u8(0);
    }
    let mut data = Writer::new();
    for index in 0..24 {
        data.i16(0);
        if protocol >= 775 {
            data.i16(0);
        }
        let air: &[u8] = if protocol < 770 { &[0, 0, 0] } else { &[0, 0] };
        data.raw(if index == 0 { blocks } else { air })
            .raw(if index == 0 { biomes } else { air });
    }
    let data = data.into_bytes();
    w.length(data.len()).raw(&data).varint(0);
    if protocol < 763 {
        w.bool(true);
    }
    w.raw(&[0; 6]);
    w.into_bytes()
}

/// A paletted container: bits, palette if there is one, longs.
fn container(protocol: i32, bits: u8, palette: Option<&[i32]>, longs: &[u64]) -> Vec<u8> {
    let mut w = Writer::new();
    w.u8(bits);
    if let Some(palette) = palette {
        w.length(palette.len());
        for id in palette {
            w.varint(*id);
        }
    }
    if protocol < 770 {
        w.length(longs.len());
    }
    for long in longs {
        w.i64(long.cast_signed());
    }
    w.into_bytes()
}

const AIR_767: &[u8] = &[0, 0, 0];
const AIR_770: &[u8] = &[0, 0];

#[test]
fn palettes_and_data_of_each_width() {
    for (protocol, air) in [
        (758, AIR_767),
        (767, AIR_767),
        (770, AIR_770),
        (775, AIR_770),
    ] {
        let states = |bits: u8, palette: Option<&[i32]>, count: usize| {
            judge(
                protocol,
                &with_section(
                    protocol,
                    &container(protocol, bits, palette, &vec![0; count]),
                    air,
                ),
            )
        };
        let biomes = |bits: u8, palette: Option<&[i32]>, count: usize| {
            judge(
                protocol,
                &with_section(
                    protocol,
                    air,
                    &container(protocol, bits, palette, &vec![0; count]),
                ),
            )
        };
        let fine = (None, vec![]);
        // 1 to 4 bits take 4, 5 to 8 take what they say, more take what the block states need: 15.
        assert_eq!(states(1, Some(&[0, 1]), 256), fine, "{protocol}");
        assert_eq!(states(4, Some(&[0, 1]), 256), fine, "{protocol}");
        assert_eq!(states(5, Some(&[0, 1]), 342), fine, "{protocol}");
        assert_eq!(states(8, Some(&[0, 1]), 512), fine, "{protocol}");
        assert_eq!(states(15, None, 1024), fine, "{protocol}");
        // 1 to 3 bits take what they say, more take what the biomes need: 64 of them 6, 65 7.
        assert_eq!(biomes(1, Some(&[0, 1]), 1), fine, "{protocol}");
        assert_eq!(biomes(3, Some(&[0, 1]), 4), fine, "{protocol}");
        let direct = if protocol >= 775 { 8 } else { 7 };
        assert_eq!(biomes(6, None, direct), fine, "{protocol}");
    }
}

#[test]
fn numbers_without_a_palette_are_ids_too() {
    // 64 biomes on 767: 6 bits hold no id that is too high; a block state may be.
    let mut longs = vec![0; 1024];
    longs[0] = 26_683;
    let chunk = |longs: &[u64]| with_section(767, &container(767, 15, None, longs), AIR_767);
    assert_eq!(judge(767, &chunk(&longs)), (None, vec![]));
    longs[0] = 26_684;
    let expected = DecodeErrorKind::NoSuchId {
        id: 26_684,
        registry: "the block states",
        count: 26_684,
    };
    assert_eq!(judge(767, &chunk(&longs)).0, Some(expected));
}

#[test]
fn a_number_must_be_in_the_palette() {
    let chunk = |first: u64| {
        let mut longs = vec![0; 256];
        longs[255] = first << 60;
        with_section(767, &container(767, 4, Some(&[0, 1]), &longs), AIR_767)
    };
    assert_eq!(judge(767, &chunk(1)), (None, vec![]));
    let expected = DecodeErrorKind::NoSuchId {
        id: 2,
        registry: "the section's palette",
        count: 2,
    };
    assert_eq!(judge(767, &chunk(2)).0, Some(expected));
}

#[test]
fn a_palette_has_no_more_entries_than_its_bits_allow() {
    for (length, fits) in [(16, true), (17, false)] {
        let palette: Vec<i32> = (0..length).collect();
        let blocks = container(767, 4, Some(&palette), &[0; 256]);
        let (fault, _) = judge(767, &with_section(767, &blocks, AIR_767));
        assert_eq!(fault.is_none(), fits, "{fault:?}");
    }
}

#[test]
fn an_id_in_a_palette_must_exist() {
    let blocks = container(767, 4, Some(&[0, 26_684]), &[0; 256]);
    let expected = DecodeErrorKind::NoSuchId {
        id: 26_684,
        registry: "the block states",
        count: 26_684,
    };
    assert_eq!(
        judge(767, &with_section(767, &blocks, AIR_767)).0,
        Some(expected)
    );
    let biomes = container(767, 1, Some(&[0, 64]), &[0; 1]);
    let expected = DecodeErrorKind::NoSuchId {
        id: 64,
        registry: "minecraft:worldgen/biome",
        count: 64,
    };
    assert_eq!(
        judge(767, &with_section(767, AIR_767, &biomes)).0,
        Some(expected)
    );
}

#[test]
fn a_data_array_of_the_wrong_length_is_thrown_away_until_769() {
    let blocks = container(767, 4, Some(&[0, 1]), &[0; 255]);
    let expected = RemarkKind::SectionArray {
        section: 0,
        found: 255,
        expected: 256,
    };
    assert_eq!(
        judge(767, &with_section(767, &blocks, AIR_767)),
        (None, vec![expected])
    );
    // From 770 on the length is not said, and the rest is read as something else.
    let blocks = container(770, 4, Some(&[0, 1]), &[0; 255]);
    assert!(judge(770, &with_section(770, &blocks, AIR_770)).0.is_some());
}

#[test]
fn biomes_before_sections_must_be_as_many_as_the_height_asks_for() {
    let column = empty_chunk(754, 0, 0);
    // The varint array of 1024 plains.
    let at = column
        .windows(4)
        .position(|window| window == [0x80, 0x08, 0, 0])
        .unwrap();
    let mut short = column.clone();
    short.remove(at + 2);
    short[at..at + 2].copy_from_slice(&[0xff, 0x07]);
    let expected = DecodeErrorKind::CountMismatch {
        what: "biomes",
        found: 1023,
        expected: 1024,
    };
    assert_eq!(judge(754, &short).0, Some(expected));
    let mut unknown = column;
    unknown[at + 2] = 0x7f;
    assert_eq!(
        judge(754, &unknown),
        (None, vec![RemarkKind::UnknownBiome { id: 127, count: 79 }])
    );
}

#[test]
fn a_heightmap_must_be_a_compound_until_769() {
    let mut data = empty_chunk(767, 0, 0);
    data[8] = 0;
    assert!(matches!(judge(767, &data).0, Some(DecodeErrorKind::Nbt(_))));
}

/// `update_light` with so many bits in the sky mask and so many arrays, each of such a length.
fn light(protocol: i32, bits: u32, arrays: usize, length: usize) -> Vec<u8> {
    let mask = (1_u64 << bits) - 1;
    let mut w = Writer::new();
    w.varint(0).varint(0);
    if (735..763).contains(&protocol) {
        w.bool(true);
    }
    if protocol < 755 {
        w.varint(i32::try_from(mask).unwrap())
            .varint(0)
            .varint(0)
            .varint(0);
    } else {
        w.varint(1)
            .i64(mask.cast_signed())
            .varint(0)
            .varint(0)
            .varint(0)
            .length(arrays);
    }
    for _ in 0..arrays {
        w.length(length).raw(&vec![0xff; length]);
    }
    if protocol >= 755 {
        w.varint(0);
    }
    w.into_bytes()
}

fn judge_light(protocol: i32, data: &[u8]) -> (Option<DecodeErrorKind>, Vec<RemarkKind>) {
    let mut duel = Duel::new(protocol);
    duel.join().forget().send("update_light", data);
    let fault = duel.fault().map(|fault| match &fault.kind {
        FaultKind::Decode(kind) => kind.clone(),
        other => panic!("{protocol}: {other:?}"),
    });
    (
        fault,
        duel.remarks()
            .into_iter()
            .map(|remark| remark.kind.clone())
            .collect(),
    )
}

#[test]
fn light_arrays_are_as_many_as_the_mask_says_and_2048_bytes_long() {
    for protocol in PROTOCOLS.iter().filter(|protocol| **protocol >= 477) {
        let protocol = *protocol;
        assert_eq!(
            judge_light(protocol, &light(protocol, 3, 3, 2048)),
            (None, vec![]),
            "{protocol}"
        );
        assert!(
            judge_light(protocol, &light(protocol, 3, 2, 2048))
                .0
                .is_some(),
            "{protocol}"
        );
        assert_eq!(
            judge_light(protocol, &light(protocol, 1, 1, 2047)).0,
            Some(DecodeErrorKind::WrongLength {
                length: 2047,
                expected: 2048
            }),
            "{protocol}"
        );
        assert_eq!(
            judge_light(protocol, &light(protocol, 1, 1, 2049)).0,
            Some(DecodeErrorKind::LengthOverLimit {
                length: 2049,
                limit: 2048
            }),
            "{protocol}"
        );
        let (fault, remarks) = judge_light(protocol, &light(protocol, 1, 2, 2048));
        if protocol < 755 {
            assert!(
                matches!(fault, Some(DecodeErrorKind::TrailingBytes { .. })),
                "{protocol}"
            );
        } else {
            assert_eq!(
                (fault, remarks),
                (None, vec![RemarkKind::LightArraysLeftOver { count: 1 }]),
                "{protocol}"
            );
        }
    }
}

#[test]
fn light_masks_of_777_are_bytes() {
    let context = context(777);
    let mut w = Writer::new();
    w.varint(0).varint(0);
    w.length(2).raw(&[0b101, 1]).length(0).length(0).length(0);
    w.varint(3);
    for _ in 0..3 {
        w.length(2048).raw(&[0; 2048]);
    }
    w.varint(0);
    let packet = decode(
        &context,
        State::Play,
        "update_light",
        &w.into_bytes().into(),
    )
    .unwrap();
    assert!(
        matches!(packet, Packet::UpdateLight { light, .. } if light.sky_arrays == 3 && light.left_over == 0)
    );
}

#[test]
fn sky_light_is_in_the_overworld_only_until_476() {
    for protocol in [47, 340] {
        let nether = Context {
            world: Some(WorldShape {
                sky_light: false,
                ..WorldShape::CLASSIC
            }),
            ..Context::new(Version::new(protocol))
        };
        let data = empty_chunk(protocol, 0, 0);
        let Ok(Packet::Chunk(_)) = decode(&nether, State::Play, "map_chunk", &data.into()) else {
            panic!("{protocol}");
        };
    }
    // The other way round, bytes are missing.
    let mut w = Writer::new();
    w.i32(0)
        .i32(0)
        .bool(true)
        .u16(1)
        .length(8192 + 2048 + 256)
        .raw(&[0; 8192 + 2048 + 256]);
    assert!(matches!(
        judge(47, &w.into_bytes()).0,
        Some(DecodeErrorKind::UnexpectedEnd { .. })
    ));
}

#[test]
fn several_columns_at_once_on_47() {
    let mut w = Writer::new();
    w.bool(true).varint(2);
    w.i32(0).i32(0).u16(1).i32(0).i32(1).u16(3);
    let column = |sections: usize| sections * (8192 + 4096) + 256;
    w.raw(&vec![0; column(1) + column(2)]);
    let mut duel = Duel::new(47);
    duel.join().send("map_chunk_bulk", &w.clone().into_bytes());
    assert_eq!(duel.fault(), None);
    w.u8(0);
    duel.send("map_chunk_bulk", &w.into_bytes());
    assert!(duel.fault().is_some());
}

#[test]
fn columns_of_4_and_5_are_compressed() {
    use std::io::Write as _;
    let zlib = |bytes: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![0; bytes]).unwrap();
        encoder.finish().unwrap()
    };
    let chunk = |bytes: usize| {
        let data = zlib(bytes);
        let mut w = Writer::new();
        w.i32(1)
            .i32(2)
            .bool(true)
            .u16(1)
            .u16(0)
            .i32(i32::try_from(data.len()).unwrap())
            .raw(&data);
        decode(
            &context(5),
            State::Play,
            "map_chunk",
            &w.into_bytes().into(),
        )
    };
    // Blocks, metadata, two lights, biomes.
    let whole = 4096 + 3 * 2048 + 256;
    assert!(matches!(chunk(whole), Ok(Packet::Chunk(chunk)) if chunk.summary.sections == 1));
    // The client fills an array with what comes: zeros are what is missing, and nothing looks behind its end.
    let remarks = |bytes: usize| match chunk(bytes) {
        Ok(Packet::Chunk(chunk)) => chunk.remarks().to_vec(),
        other => panic!("{other:?}"),
    };
    let short = RemarkKind::ChunkShort {
        x: 1,
        z: 2,
        found: whole - 1,
        expected: whole,
    };
    assert_eq!(remarks(whole), []);
    assert_eq!(remarks(whole - 1), [short]);
    let most = 16 * (4096 + 4 * 2048) + 256;
    let over = RemarkKind::ChunkLeftOver {
        x: 1,
        z: 2,
        bytes: most - whole,
    };
    assert_eq!(remarks(most), std::slice::from_ref(&over));
    assert_eq!(remarks(most + 1), [over]);
}

#[test]
fn block_entities_are_read_through() {
    let mut data = empty_chunk(340, 0, 0);
    data.pop();
    let mut w = Writer::new();
    w.varint(1).u8(10).u16(0);
    named(&mut w, 3, "x");
    w.i32(1).u8(0);
    data.extend(w.into_bytes());
    assert_eq!(judge(340, &data), (None, vec![]));
    data.truncate(data.len() - 1);
    assert!(judge(340, &data).0.is_some());
}
