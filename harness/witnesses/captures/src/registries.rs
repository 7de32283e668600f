//! The registries of a vanilla JoinGame beside ours, to the value.

use sim_proto::Version;
use sim_proto::nbt::{self, Compound, Tag};
use sim_proto::wire::Reader;

/// What the comparison of registries came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Registries that are there on both sides.
    pub(crate) registries: usize,
    /// Entries that are there on both sides.
    pub(crate) entries: usize,
    /// Values that are equal.
    pub(crate) equal: usize,
    /// What differs.
    pub(crate) different: Vec<String>,
}

/// Compares a codec, of 751 and later, with our registries of its protocol.
pub(crate) fn compare(protocol: i32, codec: &Compound) -> Compared {
    let mut compared = Compared::default();
    let ours = vb_data::codec_registries(protocol);
    for registry in ours {
        if codec.get(registry.name).is_none() {
            compared.differs(registry.name, "ours alone has it");
        }
    }
    for given in &codec.entries {
        let name = &given.name;
        let Some(registry) = ours.iter().find(|registry| registry.name == *name) else {
            compared.differs(name, "vanilla alone has it");
            continue;
        };
        compared.registries += 1;
        compared.registry(Version::new(protocol), registry, &given.tag);
    }
    compared
}

impl Compared {
    fn differs(&mut self, path: &str, what: impl core::fmt::Display) {
        self.different.push(format!("{path}: {what}"));
    }

    fn registry(&mut self, version: Version, ours: &vb_data::Registry, theirs: &Tag) {
        let items = theirs
            .as_compound()
            .and_then(|compound| compound.get("value"))
            .and_then(Tag::as_list)
            .map_or(&[][..], |list| &list.items);
        let names: Vec<_> = items.iter().map(name_of).collect();
        for entry in ours.entries {
            if !names.contains(&Some(entry.name)) {
                self.differs(
                    &format!("{}/{}", ours.name, entry.name),
                    "ours alone has it",
                );
            }
        }
        for (item, name) in items.iter().zip(names) {
            let path = format!("{}/{}", ours.name, name.unwrap_or("(no name)"));
            let Some(entry) = name.and_then(|name| ours.entry(name)) else {
                self.differs(&path, "vanilla alone has it");
                continue;
            };
            self.entries += 1;
            let item = item.as_compound();
            let id = item.and_then(|item| item.get("id")?.as_i64());
            self.leaf(&path, "id", &Some(i64::from(entry.id)), &id);
            let element = nbt::read_compound_payload(&mut Reader::new(entry.element, version), "");
            match (element, item.and_then(|item| item.get("element"))) {
                (Ok(ours), Some(theirs)) => self.tag(&path, &Tag::Compound(ours), theirs),
                (Err(error), _) => {
                    self.differs(&path, format_args!("ours cannot be read: {error}"))
                }
                (Ok(_), None) => self.differs(&path, "vanilla's has no element"),
            }
        }
    }

    /// Compares two values, compounds whatever the order of their names.
    pub(crate) fn tag(&mut self, path: &str, ours: &Tag, theirs: &Tag) {
        match (ours, theirs) {
            (Tag::Compound(ours), Tag::Compound(theirs)) => {
                for entry in &theirs.entries {
                    let path = format!("{path}.{}", entry.name);
                    match ours.get(&entry.name) {
                        Some(ours) => self.tag(&path, ours, &entry.tag),
                        None => self
                            .differs(&path, format_args!("vanilla alone has it: {:?}", entry.tag)),
                    }
                }
                for entry in &ours.entries {
                    if theirs.get(&entry.name).is_none() {
                        self.differs(&format!("{path}.{}", entry.name), "ours alone has it");
                    }
                }
            }
            (Tag::List(ours), Tag::List(theirs)) => {
                self.leaf(path, "length", &ours.items.len(), &theirs.items.len());
                for (index, (ours, theirs)) in ours.items.iter().zip(&theirs.items).enumerate() {
                    self.tag(&format!("{path}[{index}]"), ours, theirs);
                }
            }
            (ours, theirs) => self.leaf(path, "value", ours, theirs),
        }
    }

    fn leaf<T: PartialEq + core::fmt::Debug>(
        &mut self,
        path: &str,
        what: &str,
        ours: &T,
        theirs: &T,
    ) {
        if ours == theirs {
            self.equal += 1;
        } else {
            self.differs(
                path,
                format_args!("{what} is {ours:?} to us and {theirs:?} to vanilla"),
            );
        }
    }
}

fn name_of(item: &Tag) -> Option<&str> {
    item.as_compound()?.get("name")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compound(entries: &[(&str, Tag)]) -> Tag {
        let mut compound = Compound::default();
        for (name, tag) in entries {
            compound.push(*name, tag.clone());
        }
        Tag::Compound(compound)
    }

    fn different(ours: &Tag, theirs: &Tag) -> Vec<String> {
        let mut compared = Compared::default();
        compared.tag("at", ours, theirs);
        compared.different
    }

    #[test]
    fn the_order_of_names_means_nothing() {
        let one = compound(&[("a", Tag::Int(1)), ("b", Tag::Byte(2))]);
        let other = compound(&[("b", Tag::Byte(2)), ("a", Tag::Int(1))]);
        assert!(different(&one, &other).is_empty());
    }

    #[test]
    fn a_value_of_another_type_is_another_value() {
        let one = compound(&[("a", Tag::Int(1))]);
        let other = compound(&[("a", Tag::Byte(1))]);
        assert_eq!(different(&one, &other).len(), 1);
    }

    #[test]
    fn what_one_side_lacks_is_told_for_either_side() {
        let empty = compound(&[]);
        let full = compound(&[("a", Tag::Int(1))]);
        assert_eq!(different(&empty, &full).len(), 1);
        assert_eq!(different(&full, &empty), ["at.a: ours alone has it"]);
    }
}
