//! How much a component makes its host hold, counted from its bytes before anything is built of it.
//!
//! A component is small and what is built of it is not: an instance type that exports another twice doubles with each
//! level, and so do components that instantiate another twice. The engine builds each of them as often as it is meant,
//! about a kilobyte each time. Here the parser's own validator reads the component section by section, without function
//! bodies, and what each section adds is counted before the next one is read.
//!
//! Where the exact number would need the engine's own work, the largest that is possible is taken: an instance of a
//! component counts as much as the largest component so far.

use crate::config::Limits;
use std::collections::BTreeMap;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
    ComponentFuncTypeId, ComponentInstanceTypeId, ComponentItem, ComponentTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;
use wasmparser::{BinaryReaderError, CanonicalFunction, Encoding, Parser, Payload, Validator};

/// So many bytes of a section of the component, or of a name, count as one item at least: short names and lists cost
/// nothing beside their item, long ones are copied with it.
const ITEM_BYTES: u64 = 16;

/// What a component makes its host hold; limits of as much let it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    /// Types, imports, exports, instances, aliases and functions of the component, as often as they are built at most.
    pub component_items: u64,
    /// Functions, types, imports, exports, globals and segments of its core modules.
    pub module_items: u64,
}

/// Why a component is refused here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooMuch {
    ComponentItems,
    ModuleItems,
    /// A component inside it is given another one to instantiate, so that nothing bounds how often that is built.
    ComponentArgument,
    /// It is not valid, in the parser's words.
    Malformed(String),
}

impl From<BinaryReaderError> for TooMuch {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Counts, and stops as soon as a limit is passed.
pub(super) fn measure(bytes: &[u8], limits: &Limits) -> Result<Extent, TooMuch> {
    let mut count = Count {
        component_items: limits.component_items,
        module_items: limits.module_items,
        extent: Extent::default(),
        most: 0,
        open: Vec::new(),
        largest_type: 1,
        largest_component: 0,
        sizes: Sizes::default(),
    };
    let mut validator = Validator::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        count.before(&payload)?;
        validator.payload(&payload)?;
        count.after(&payload, &validator)?;
    }
    Ok(Extent {
        component_items: count.most,
        ..count.extent
    })
}

struct Count {
    component_items: u64,
    module_items: u64,
    extent: Extent,
    /// The most that the component's items could have been at any time, as far as was known then.
    most: u64,
    /// The component that is read and those around it; none for a core module.
    open: Vec<Option<Open>>,
    /// Of the types of imports and instances so far, how large the largest is.
    largest_type: u64,
    /// Of the components that are complete, how much the largest costs each time it is instantiated.
    largest_component: u64,
    sizes: Sizes,
}

/// A component that is being read.
#[derive(Default)]
struct Open {
    cost: u64,
    seen: Seen,
}

/// How many entries of each index space have been counted.
#[derive(Default, Clone, Copy)]
struct Seen {
    types: u32,
    functions: u32,
    instances: u32,
    components: u32,
    modules: u32,
    values: u32,
}

impl Seen {
    fn of(types: TypesRef<'_>) -> Self {
        Self {
            types: types.component_type_count(),
            functions: types.component_function_count(),
            instances: types.component_instance_count(),
            components: types.component_count(),
            modules: types.module_count(),
            values: types.value_count(),
        }
    }
}

impl Count {
    /// What can be said of a section from its head: before the validator has read it.
    fn before(&mut self, payload: &Payload<'_>) -> Result<(), TooMuch> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.open
                    .push((*encoding == Encoding::Component).then(Open::default));
                Ok(())
            }
            Payload::TypeSection(section) => {
                // A type has as many entries as its bytes at most.
                let bytes = section.range().len() as u64 / ITEM_BYTES;
                self.module(bytes.max(section.count().into()))
            }
            Payload::ImportSection(section) => {
                let imports = section.clone().into_imports();
                self.module(imports.map(|_| 1).sum())
            }
            Payload::FunctionSection(section) => self.module(section.count().into()),
            Payload::TableSection(section) => self.module(section.count().into()),
            Payload::MemorySection(section) => self.module(section.count().into()),
            Payload::TagSection(section) => self.module(section.count().into()),
            Payload::GlobalSection(section) => self.module(section.count().into()),
            Payload::ExportSection(section) => self.module(section.count().into()),
            Payload::ElementSection(section) => self.module(section.count().into()),
            Payload::DataSection(section) => self.module(section.count().into()),
            Payload::ModuleSection { .. }
            | Payload::ComponentSection { .. }
            | Payload::ComponentStartSection { .. } => self.component(1),
            Payload::InstanceSection(section) => self.section(section.count(), section.range()),
            Payload::CoreTypeSection(section) => self.section(section.count(), section.range()),
            Payload::ComponentAliasSection(section) => {
                self.section(section.count(), section.range())
            }
            Payload::ComponentTypeSection(section) => {
                self.section(section.count(), section.range())
            }
            Payload::ComponentCanonicalSection(section) => {
                self.section(section.count(), section.range())
            }
            Payload::ComponentExportSection(section) => {
                self.section(section.count(), section.range())
            }
            Payload::ComponentImportSection(section) => {
                self.section(section.count(), section.range())?;
                self.copies(section.count(), self.largest_type)
            }
            Payload::ComponentInstanceSection(section) => {
                self.section(section.count(), section.range())?;
                self.copies(section.count(), self.largest_type)?;
                let instantiated = section.clone().into_iter().filter(|instance| {
                    matches!(
                        instance,
                        Ok(wasmparser::ComponentInstance::Instantiate { .. })
                    )
                });
                let built = self
                    .largest_component
                    .saturating_mul(instantiated.count() as u64);
                self.component(built)
            }
            _ => Ok(()),
        }
    }

    /// What the validator has found out about it.
    fn after(&mut self, payload: &Payload<'_>, validator: &Validator) -> Result<(), TooMuch> {
        if let Payload::End(_) = payload
            && let Some(Some(ended)) = self.open.pop()
        {
            self.largest_component = self.largest_component.max(ended.cost);
        }
        let Some(Some(open)) = self.open.last() else {
            return Ok(());
        };
        let Some(types) = validator.types(0) else {
            return Ok(());
        };
        let (from, to) = (open.seen, Seen::of(types));
        let built = match payload {
            Payload::ComponentImportSection(_) => {
                let new = self.new_entries(types, from, to);
                if new.components {
                    return Err(TooMuch::ComponentArgument);
                }
                new.size
            }
            Payload::ComponentExportSection(_)
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentCanonicalSection(_) => self.new_entries(types, from, to).size,
            _ => 0,
        };
        let lowered = match payload {
            Payload::ComponentCanonicalSection(section) => {
                let mut lowered = 0_u64;
                for function in section.clone() {
                    if let CanonicalFunction::Lower { func_index, .. } = function? {
                        let function = types.component_function_at(func_index);
                        lowered = lowered.saturating_add(self.sizes.function(types, function).size);
                    }
                }
                lowered
            }
            _ => 0,
        };
        let largest = match payload {
            Payload::ComponentTypeSection(_) | Payload::End(_) => {
                let new = self.each_new(types, from, to);
                new.into_iter().map(|entry| entry.size).max()
            }
            _ => None,
        };
        self.largest_type = self.largest_type.max(largest.unwrap_or(0));
        if let Some(Some(open)) = self.open.last_mut() {
            open.seen = to;
        }
        self.component(built.saturating_add(lowered))
    }

    fn section(&mut self, count: u32, range: std::ops::Range<usize>) -> Result<(), TooMuch> {
        self.component(u64::from(count).max(range.len() as u64 / ITEM_BYTES))
    }

    /// So many entries may each be copies of what is this large.
    fn copies(&mut self, count: u32, largest: u64) -> Result<(), TooMuch> {
        let copies = largest.saturating_mul(count.into());
        self.within(self.extent.component_items.saturating_add(copies))
    }

    fn within(&mut self, items: u64) -> Result<(), TooMuch> {
        self.most = self.most.max(items);
        if items > self.component_items {
            return Err(TooMuch::ComponentItems);
        }
        Ok(())
    }

    fn component(&mut self, items: u64) -> Result<(), TooMuch> {
        if let Some(Some(open)) = self.open.last_mut() {
            open.cost = open.cost.saturating_add(items);
        }
        let all = &mut self.extent.component_items;
        *all = all.saturating_add(items);
        let all = *all;
        self.within(all)
    }

    fn module(&mut self, items: u64) -> Result<(), TooMuch> {
        let all = &mut self.extent.module_items;
        *all = all.saturating_add(items);
        if *all > self.module_items {
            return Err(TooMuch::ModuleItems);
        }
        Ok(())
    }

    fn new_entries(&mut self, types: TypesRef<'_>, from: Seen, to: Seen) -> Size {
        self.each_new(types, from, to)
            .into_iter()
            .fold(Size::default(), Size::and)
    }

    fn each_new(&mut self, types: TypesRef<'_>, from: Seen, to: Seen) -> Vec<Size> {
        let sizes = &mut self.sizes;
        let mut new = Vec::new();
        new.extend(
            (from.types..to.types).map(|at| sizes.any(types, types.component_any_type_at(at))),
        );
        new.extend(
            (from.functions..to.functions)
                .map(|at| sizes.function(types, types.component_function_at(at))),
        );
        new.extend(
            (from.instances..to.instances)
                .map(|at| sizes.instance(types, types.component_instance_at(at))),
        );
        new.extend(
            (from.components..to.components)
                .map(|at| sizes.component(types, types.component_at(at))),
        );
        new.extend(
            (from.modules..to.modules)
                .map(|at| sizes.entity(types, ComponentEntityType::Module(types.module_at(at)))),
        );
        new.extend((from.values..to.values).map(|at| sizes.value(types, types.value_at(at))));
        new
    }
}

/// How large a type is when everything in it is built as often as it is meant.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    size: u64,
    /// A component is among what it holds.
    components: bool,
}

impl Size {
    const ONE: Self = Self {
        size: 1,
        components: false,
    };

    fn and(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            components: self.components || other.components,
        }
    }
}

/// Each type is measured once; the validator bounds how deep they are.
#[derive(Default)]
struct Sizes {
    defined: BTreeMap<ComponentDefinedTypeId, Size>,
    functions: BTreeMap<ComponentFuncTypeId, Size>,
    instances: BTreeMap<ComponentInstanceTypeId, Size>,
    components: BTreeMap<ComponentTypeId, Size>,
}

impl Sizes {
    fn any(&mut self, types: TypesRef<'_>, id: ComponentAnyTypeId) -> Size {
        match id {
            ComponentAnyTypeId::Resource(_) => Size::ONE,
            ComponentAnyTypeId::Defined(id) => self.defined(types, id),
            ComponentAnyTypeId::Func(id) => self.function(types, id),
            ComponentAnyTypeId::Instance(id) => self.instance(types, id),
            ComponentAnyTypeId::Component(id) => self.component(types, id),
        }
    }

    fn entity(&mut self, types: TypesRef<'_>, entity: ComponentEntityType) -> Size {
        match entity {
            ComponentEntityType::Module(id) => {
                let module = &types[id];
                let entries = module.imports.len() + module.exports.len();
                Size {
                    size: 1 + entries as u64,
                    components: false,
                }
            }
            ComponentEntityType::Func(id) => self.function(types, id),
            ComponentEntityType::Value(ty) => self.value(types, ty),
            ComponentEntityType::Type { created, .. } => self.any(types, created),
            ComponentEntityType::Instance(id) => self.instance(types, id),
            ComponentEntityType::Component(id) => self.component(types, id),
        }
    }

    fn named<'a>(
        &mut self,
        types: TypesRef<'_>,
        items: impl Iterator<Item = (&'a String, &'a ComponentItem)>,
    ) -> Size {
        items.fold(Size::ONE, |all, (name, item)| {
            all.and(self.entity(types, item.ty)).and(label(name))
        })
    }

    fn instance(&mut self, types: TypesRef<'_>, id: ComponentInstanceTypeId) -> Size {
        if let Some(known) = self.instances.get(&id) {
            return *known;
        }
        let size = self.named(types, types[id].exports.iter());
        self.instances.insert(id, size);
        size
    }

    fn component(&mut self, types: TypesRef<'_>, id: ComponentTypeId) -> Size {
        if let Some(known) = self.components.get(&id) {
            return *known;
        }
        let component = &types[id];
        let mut size = self.named(types, component.imports.iter().chain(&component.exports));
        size.components = true;
        self.components.insert(id, size);
        size
    }

    fn function(&mut self, types: TypesRef<'_>, id: ComponentFuncTypeId) -> Size {
        if let Some(known) = self.functions.get(&id) {
            return *known;
        }
        let function = &types[id];
        let params = function.params.iter().fold(Size::ONE, |all, (name, ty)| {
            all.and(self.value(types, *ty)).and(label(name))
        });
        let size = params.and(self.optional(types, function.result));
        self.functions.insert(id, size);
        size
    }

    fn value(&mut self, types: TypesRef<'_>, ty: ComponentValType) -> Size {
        match ty {
            ComponentValType::Primitive(_) => Size::ONE,
            ComponentValType::Type(id) => self.defined(types, id),
        }
    }

    fn optional(&mut self, types: TypesRef<'_>, ty: Option<ComponentValType>) -> Size {
        ty.map_or_else(Size::default, |ty| self.value(types, ty))
    }

    fn defined(&mut self, types: TypesRef<'_>, id: ComponentDefinedTypeId) -> Size {
        if let Some(known) = self.defined.get(&id) {
            return *known;
        }
        let size = match &types[id] {
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_) => Size::ONE,
            ComponentDefinedType::Record(record) => {
                record.fields.iter().fold(Size::ONE, |all, (name, ty)| {
                    all.and(self.value(types, *ty)).and(label(name))
                })
            }
            ComponentDefinedType::Variant(variant) => {
                variant.cases.iter().fold(Size::ONE, |all, (name, case)| {
                    let size = self.optional(types, case.ty);
                    all.and(Size::ONE).and(size).and(label(name))
                })
            }
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => names
                .iter()
                .fold(Size::ONE, |all, name| all.and(Size::ONE).and(label(name))),
            ComponentDefinedType::Tuple(tuple) => tuple
                .types
                .iter()
                .fold(Size::ONE, |all, ty| all.and(self.value(types, *ty))),
            ComponentDefinedType::List { element, .. }
            | ComponentDefinedType::FixedLengthList { element, .. } => {
                Size::ONE.and(self.value(types, *element))
            }
            ComponentDefinedType::Map { key, value, .. } => Size::ONE
                .and(self.value(types, *key))
                .and(self.value(types, *value)),
            ComponentDefinedType::Option { ty, .. } => Size::ONE.and(self.value(types, *ty)),
            ComponentDefinedType::Result { ok, err, .. } => Size::ONE
                .and(self.optional(types, *ok))
                .and(self.optional(types, *err)),
            ComponentDefinedType::Future { ty, .. } | ComponentDefinedType::Stream { ty, .. } => {
                Size::ONE.and(self.optional(types, *ty))
            }
        };
        self.defined.insert(id, size);
        size
    }
}

/// A long name is copied with what it names.
fn label(name: &str) -> Size {
    Size {
        size: name.len() as u64 / ITEM_BYTES,
        components: false,
    }
}
