// The sources that vote on the ids of packets: how the files of each are read. None of these files is committed: `ids.txt`
// keeps what they say, as digests of names. README.md says where each is to be had.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

const text = (...path) => readFileSync(join(...path), 'utf8')
const files = (...path) => readdirSync(join(...path)).sort()

/** Calls `put(protocol, state, direction, id, name)` for each packet; `PATH` is what `derive.mjs` was given. */
const READERS = {
  /** A folder of `PROTOCOL.json`, as vanilla's data generator writes `reports/packets.json`. */
  reports (path, put) {
    for (const file of files(path).filter((name) => name.endsWith('.json'))) {
      for (const [state, directions] of Object.entries(JSON.parse(text(path, file)))) {
        for (const [direction, packets] of Object.entries(directions)) {
          for (const [name, { protocol_id: id }] of Object.entries(packets)) {
            put(parseInt(file), STATES[state] ?? state, direction, id, name.replace('minecraft:', ''))
          }
        }
      }
    }
  },

  /** The folder of the Python package's `quarry/data/packets`: a row a packet, in the order of ids. */
  quarry (path, put) {
    for (const file of files(path)) {
      const next = {}
      for (const row of text(path, file).trim().split('\n').slice(1)) {
        const [state, direction, name] = row.trim().split(',')
        const table = `${state} ${direction}`
        next[table] ??= 0
        put(parseInt(file, 10), STATES[state] ?? state, DIRECTIONS[direction], next[table]++, name)
      }
    }
  },

  /** The folder of one or more unpacked crates `azalea-protocol-*`, each of one protocol. */
  azalea (path, put) {
    for (const crate of files(path).filter((name) => name.startsWith('azalea-protocol-'))) {
      const root = join(path, crate, 'src', 'packets')
      const protocol = Number(/PROTOCOL_VERSION: \w+ = (\d+)/.exec(text(root, 'mod.rs'))[1])
      for (const state of files(root).filter((name) => existsSync(join(root, name, 'mod.rs')))) {
        const declared = text(root, state, 'mod.rs').split('declare_state_packets!')[1]
        for (const [, side, body] of declared.matchAll(/(Clientbound|Serverbound)\s*=>\s*[[{]([^\]}]*)[\]}]/g)) {
          const names = [...body.matchAll(/(?:(0x[0-9a-f]+)\s*:\s*)?(\w+)(?:::\w+)?\s*,/gi)]
          names.forEach(([, id, name], position) => {
            const short = name.replace(/^(client|server)bound_/, '').replace(/_packet$/, '')
            put(protocol, STATES[state] ?? state, side.toLowerCase(), id ? Number(id) : position, short)
          })
        }
      }
    }
  },

  /** The file `extracted/packets.json` of the crate `valence_generated`, of 763. */
  valence (path, put) {
    for (const { name, side, state, id } of JSON.parse(text(path))) {
      put(763, STATES[state] ?? state, side, id, name.replace(/Packet$/, ''))
    }
  },

  /** The root of the npm package `minecraft-packets`: each packet's first bytes are its id. */
  captures (path, put) {
    const root = join(path, 'minecraft-packets', 'data', 'pc')
    for (const [version, protocol] of Object.entries(CAPTURED)) {
      const folder = join(root, version, 'from-server')
      for (const name of files(folder)) {
        const ids = new Set(files(folder, name).filter((file) => file.endsWith('.raw'))
          .map((file) => varint(readFileSync(join(folder, name, file)))))
        for (const id of ids) put(protocol, 'play', 'clientbound', id, name)
      }
    }
  },

  /** A folder of unpacked crates `minecraft_data-*` (hayanesuru), each of one version: names in the order of ids. */
  hayanesuru (path, put) {
    for (const crate of files(path).filter((name) => name.startsWith('minecraft_data-'))) {
      const root = existsSync(join(path, crate, 'generated')) ? join(path, crate, 'generated') : join(path, crate)
      const protocol = HAYANESURU[text(root, 'version.txt').split('\n')[0]]
      for (const section of text(root, 'packet.txt').split(/^;/m).slice(1)) {
        const [head, ...names] = section.trim().split('\n')
        const [direction, state] = head.split(';')[0].split('/')
        names.forEach((name, id) => put(protocol, STATES[state] ?? state, direction, id, name))
      }
    }
  },

  /** What `witness-codec --ids` prints: rows `PROTOCOL STATE DIRECTION ID NAME`, in our names. */
  infrarust (path, put) {
    for (const row of lines(path)) {
      const [protocol, state, direction, id, name] = row.split(' ')
      put(Number(protocol), state, direction, Number(id), name)
    }
  },

  /** Rows `PROTOCOL STATE DIRECTION NAME...`, written down from ViaVersion's enumerations; or some as `ID=NAME`. */
  viaversion (path, put) {
    for (const row of lines(path)) {
      const [protocol, state, direction, ...names] = row.split(' ')
      names.forEach((word, position) => {
        const [name, id = position] = word.split('=').reverse()
        put(Number(protocol), state, direction, Number(id), name)
      })
    }
  }
}

const lines = (path) => text(path).split('\n').filter((row) => row && !row.startsWith('#'))

const STATES = { init: 'handshaking', handshake: 'handshaking', game: 'play', config: 'configuration' }
const DIRECTIONS = { downstream: 'clientbound', upstream: 'serverbound' }

/** The versions that `minecraft-packets` has, and their protocols. */
const CAPTURED = {
  '1.8.8': 47, '1.9.4': 110, '1.10.2': 210, '1.11.2': 316, '1.12.2': 340, '1.13.2': 404, '1.14.4': 498, '1.15.2': 578,
  '1.16.5': 754, '1.17.1': 756, '1.18.2': 758, 1.19: 759, '1.19.2': 760, '1.19.3': 761, '1.19.4': 762, '1.20.1': 763
}

/** The versions of the game that crates of hayanesuru were made from, and their protocols. */
const HAYANESURU = { '1.21.6': 771, '1.21.11': 774, 26.2: 776, 26.3: 777 }

function varint (bytes) {
  const length = bytes.findIndex((byte) => byte < 0x80) + 1
  return bytes.subarray(0, length).reduce((value, byte, index) => value | (byte & 0x7f) << 7 * index, 0)
}

/** The names of a source's vocabulary: `names.txt` says what ours are called in each but in our own. */
export const VOCABULARY = {
  captures: 'ours',
  reports: 'mojang',
  infrarust: 'ours',
  azalea: 'mojang',
  hayanesuru: 'mojang',
  quarry: 'quarry',
  valence: 'yarn',
  viaversion: 'mojang'
}

/** What a source's files say: a map of `protocol state direction` to names by id. */
export function readSource (source, path) {
  const tables = new Map()
  READERS[source](path, (protocol, state, direction, id, name) => {
    const key = `${protocol} ${state} ${direction}`
    if (!tables.has(key)) tables.set(key, [])
    const table = tables.get(key)
    if (table[id] !== undefined && table[id] !== name) {
      throw new Error(`${basename(path)}: ${key} has ${table[id]} and ${name} at ${id}`)
    }
    table[id] = name
  })
  return tables
}
