//! What the configuration phase tells the client, around the elements of vb-data.
//!
//! Every element is sent with its data, also to a client that says that it has the pack: such a client takes the data
//! instead, and any other could not do without it. So one path serves all clients, and what they end up with does not
//! hang on which patch version they are. It costs what `cargo test -p backend-proto -- --nocapture sizes` prints.

use bytes::{BufMut, Bytes, BytesMut};
use vb_data::{KnownPack, Registry, TagRegistry};

use crate::nbt::{NbtExt, Tag};
use crate::version::Version;
use crate::wire::WriteExt;

/// The one feature that makes a vanilla game.
const FEATURES: [&str; 1] = ["minecraft:vanilla"];

/// The channel by which the server says what it is.
const BRAND_CHANNEL: &str = "minecraft:brand";

/// The registries of animals' looks that 770 brings.
const ANIMAL_VARIANTS: [&str; 5] = [
    "minecraft:cat_variant",
    "minecraft:chicken_variant",
    "minecraft:cow_variant",
    "minecraft:frog_variant",
    "minecraft:pig_variant",
];

/// Whether a registry is one of those that public data for 770 lack.
pub(crate) fn is_animal_variant(registry: &str) -> bool {
    ANIMAL_VARIANTS.contains(&registry)
}

pub(crate) fn brand(brand: &str) -> Bytes {
    let mut out = BytesMut::new();
    out.put_string(BRAND_CHANNEL);
    out.put_string(brand);
    out.freeze()
}

pub(crate) fn feature_flags() -> Bytes {
    let mut out = BytesMut::new();
    out.put_len(FEATURES.len());
    for feature in FEATURES {
        out.put_string(feature);
    }
    out.freeze()
}

pub(crate) fn known_packs(packs: &[KnownPack]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_len(packs.len());
    for pack in packs {
        out.put_string(pack.namespace);
        out.put_string(pack.id);
        out.put_string(pack.version);
    }
    out.freeze()
}

pub(crate) fn tags(registries: &[TagRegistry]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_len(registries.len());
    for registry in registries {
        out.put_string(registry.registry);
        out.put_len(registry.tags.len());
        for tag in registry.tags {
            out.put_string(tag.name);
            out.put_len(tag.entries.len());
            for entry in tag.entries {
                out.put_varint(*entry);
            }
        }
    }
    out.freeze()
}

/// The `registry_data` packets of a protocol, in order: one for all, or one for each where known packs came with it.
pub(crate) fn registry_data(version: Version, registries: &[Registry]) -> Vec<Bytes> {
    if version.has_known_packs() {
        registries.iter().map(one_registry).collect()
    } else {
        vec![all_registries(registries)]
    }
}

fn one_registry(registry: &Registry) -> Bytes {
    let elements: usize = registry
        .entries
        .iter()
        .map(|entry| entry.element.len() + entry.name.len())
        .sum();
    let mut out = BytesMut::with_capacity(elements + 8 * registry.entries.len() + 64);
    out.put_string(registry.name);
    out.put_len(registry.entries.len());
    for entry in registry.entries {
        out.put_string(entry.name);
        out.put_bool(true);
        out.put_u8(registry.element_kind().type_id());
        out.put_slice(entry.element);
    }
    out.freeze()
}

fn all_registries(registries: &[Registry]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_tag(Tag::Compound);
    put_registries(registries, &mut out);
    out.put_tag(Tag::End);
    out.freeze()
}

/// Appends registries as named values of a compound of NBT, each with its entries in order: what a client is told of them
/// in one piece, in JoinGame at first and in the configuration phase later.
pub fn put_registries(registries: &[Registry], out: &mut BytesMut) {
    for registry in registries {
        out.put_named(Tag::Compound, registry.name);
        out.put_named(Tag::String, "type");
        out.put_nbt_string(registry.name);
        out.put_named(Tag::List, "value");
        out.put_list(Tag::Compound, registry.entries.len());
        for entry in registry.entries {
            out.put_named(Tag::String, "name");
            out.put_nbt_string(entry.name);
            out.put_named(Tag::Int, "id");
            out.put_i32(entry.id);
            out.put_named(Tag::Compound, "element");
            out.put_slice(entry.element);
            out.put_tag(Tag::End);
        }
        out.put_tag(Tag::End);
    }
}

#[cfg(test)]
mod tests {
    use vb_data::{Entry, Tag as DataTag};

    use super::*;

    const REGISTRY: Registry = Registry {
        name: "m:r",
        entries: &[
            Entry {
                name: "m:a",
                id: 0,
                element: b"\x01\0\x01x\x05\0",
            },
            Entry {
                name: "m:b",
                id: 1,
                element: b"\0",
            },
        ],
    };

    #[test]
    fn a_registry_of_its_own_packet() {
        let packets = registry_data(Version::new(766), &[REGISTRY, REGISTRY]);
        assert_eq!(packets.len(), 2);
        let expected = b"\x03m:r\x02\x03m:a\x01\x0a\x01\0\x01x\x05\0\x03m:b\x01\x0a\0";
        assert_eq!(&packets[0][..], expected);
    }

    #[test]
    fn all_registries_in_one_compound() {
        let packets = registry_data(Version::new(765), &[REGISTRY]);
        assert_eq!(packets.len(), 1);
        let expected: &[&[u8]] = &[
            b"\x0a\x0a\0\x03m:r\x08\0\x04type\0\x03m:r\x09\0\x05value\x0a\0\0\0\x02",
            b"\x08\0\x04name\0\x03m:a\x03\0\x02id\0\0\0\0\x0a\0\x07element\x01\0\x01x\x05\0\0",
            b"\x08\0\x04name\0\x03m:b\x03\0\x02id\0\0\0\x01\x0a\0\x07element\0\0",
            b"\0\0",
        ];
        assert_eq!(packets[0], expected.concat());
    }

    #[test]
    fn tags_packs_and_flags() {
        let tags = super::tags(&[TagRegistry {
            registry: "m:r",
            tags: &[DataTag {
                name: "m:t",
                entries: &[0, 300],
            }],
        }]);
        assert_eq!(&tags[..], b"\x01\x03m:r\x01\x03m:t\x02\0\xac\x02");
        let packs = known_packs(&[KnownPack {
            namespace: "m",
            id: "c",
            version: "1",
        }]);
        assert_eq!(&packs[..], b"\x01\x01m\x01c\x011");
        assert_eq!(&feature_flags()[..], b"\x01\x11minecraft:vanilla");
        assert_eq!(&brand("b")[..], b"\x0fminecraft:brand\x01b");
    }

    #[test]
    fn sizes_stay_far_under_the_frame_limit() {
        for &protocol in vb_data::supported() {
            let version = Version::new(protocol);
            if !version.has_configuration_phase() {
                continue;
            }
            let packets = registry_data(version, vb_data::registries(protocol));
            let total: usize = packets.iter().map(Bytes::len).sum();
            let tags = super::tags(vb_data::tags(protocol)).len();
            println!(
                "{protocol}: {} packets, {total} bytes, tags {tags} bytes",
                packets.len()
            );
            assert!(
                packets
                    .iter()
                    .all(|packet| packet.len() < crate::MAX_FRAME / 4)
            );
        }
    }
}
