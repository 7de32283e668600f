// What the packages minecraft-protocol and minecraft-data know: versions, ids of packets, the packets of handshake, status,
// login and configuration, and the registries of the configuration phase.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const mc = require('minecraft-protocol')
const minecraftData = require('minecraft-data')

// By protocol; of two names for one protocol the later.
export const versions = new Map(mc.supportedVersions.map((name) => {
  const protocol = minecraftData(name).version.version
  return [protocol, { name, protocol, configuration: protocol >= 764, nbtText: protocol >= 765, compression: protocol >= 47 }]
}))
// For who speaks none of them: handshake, status and the refusal of a login are the same in all.
export const anyVersion = versions.get(47)

export function write (version, state, name, params = {}) {
  const serializer = mc.createSerializer({ isServer: true, version: version.name, state })
  return serializer.createPacketBuffer({ name, params })
}

// {name, params}; throws where the packet is not one of the state or is not read to its end.
export function read (version, state, packet) {
  const deserializer = mc.createDeserializer({ isServer: true, version: version.name, state, noErrorLogging: true })
  const { data, metadata } = deserializer.parsePacketBuffer(packet)
  if (metadata.size !== packet.length) throw new Error(`${packet.length - metadata.size} bytes too many in ${data.name}`)
  return data
}

// Makes what the first client of each version would have to wait for, and others with it: some 3 s for all.
export function warm () {
  for (const version of versions.values()) {
    idOf(version, 'play', 'toClient', 'kick_disconnect')
    for (const state of version.configuration ? ['login', 'configuration'] : ['login']) {
      mc.createSerializer({ isServer: true, version: version.name, state })
      mc.createDeserializer({ isServer: true, version: version.name, state, noErrorLogging: true })
    }
    if (version.configuration) registries(version)
  }
}

// The number of a packet, or undefined.
export function idOf (version, state, direction, ...names) {
  const key = [version.protocol, state, direction, ...names].join(' ')
  if (!ids.has(key)) {
    const { types } = minecraftData(version.name).protocol[state][direction]
    const { mappings } = types.packet[1].find(({ name }) => name === 'name').type[1]
    const found = Object.entries(mappings).find(([, name]) => names.includes(name))
    ids.set(key, found === undefined ? undefined : Number(found[0]))
  }
  return ids.get(key)
}
const ids = new Map()

// The packets between the answer to `select_known_packs` and `finish_configuration`.
export function registries (version) {
  if (!made.has(version.protocol)) made.set(version.protocol, make(version))
  return made.get(version.protocol)
}
const made = new Map()

// Not offered: no client misses them, and their entries refer to dozens of tags.
const LEFT_OUT = ['enchantment', 'dialog', 'test_environment', 'test_instance'].map((name) => `minecraft:${name}`)
// Fields of the others' entries that may hold the name of a tag, and the registry that it is a tag of.
const TAGGED = { infiniburn: 'minecraft:block', biomes: 'minecraft:worldgen/biome', timelines: 'minecraft:timeline' }
// The package's registries for 770 to 773 are those of 1.21.3 and lack the animals' variants; these are 1.21.11's.
const LENDER = '1.21.11'
const LENT = ['cat_variant', 'chicken_variant', 'cow_variant', 'frog_variant', 'pig_variant', 'wolf_sound_variant']
  .map((name) => `minecraft:${name}`)

function make (version) {
  const codec = minecraftData(version.name).loginPacket.dimensionCodec
  const tags = new Map()
  const packets = [write(version, 'configuration', 'feature_flags', { features: ['minecraft:vanilla'] })]
  if (version.protocol < 766) {
    collect(codec, '', tags)
    packets.push(write(version, 'configuration', 'registry_data', { codec }))
  } else {
    const offered = { ...codec }
    for (const name of LEFT_OUT) delete offered[name]
    if (version.protocol >= 770 && version.protocol <= 773) {
      const lent = minecraftData(LENDER).loginPacket.dimensionCodec
      for (const name of LENT) offered[name] ??= lent[name]
    }
    for (const registry of Object.values(offered)) {
      collect(registry, '', tags)
      packets.push(write(version, 'configuration', 'registry_data', registry))
    }
  }
  packets.push(write(version, 'configuration', 'tags', {
    tags: [...tags].map(([tagType, names]) => ({ tagType, tags: [...names].map((tagName) => ({ tagName, entries: [] })) }))
  }))
  return packets
}

// Every tag that a value names. In the package's form of NBT a field is {type, value}, so that its name is further up.
function collect (value, field, tags) {
  if (typeof value === 'string') {
    const registry = TAGGED[field]
    if (registry === undefined || !value.startsWith('#')) return
    if (!tags.has(registry)) tags.set(registry, new Set())
    tags.get(registry).add(value.slice(1))
  } else if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      collect(inner, Array.isArray(value) || key === 'value' || key === 'type' ? field : key, tags)
    }
  }
}
