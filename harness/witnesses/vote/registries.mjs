// The sources that vote on registries: what JoinGame or the configuration phase carries. `registries.txt` keeps what they
// say: the names of the entries, and their values where the source has them.

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { capturePath, codecOf } from '../../../fixtures/data/generator/captures.mjs'
import { Reader, encode } from '../../../fixtures/data/generator/nbt.mjs'
import { parse } from '../../../fixtures/data/generator/registries.mjs'

/** Calls `put(protocol, registries)`, registries in the generator's form; an entry's element may be missing. */
export const READERS = {
  /** The root of the npm package `minecraft-packets`: the codec in each captured JoinGame. */
  captures (path, put) {
    for (let protocol = 735; protocol < 764; protocol++) {
      const found = capturePath(protocol)
      if (found) put(protocol, parse(codecOf(readFileSync(join(path, found)))))
    }
  },

  /** The folder of the Python package's `quarry/data/data_packs`: the codec of a server, as NBT. */
  quarry (path, put) {
    for (const file of readdirSync(path).sort().filter((name) => name.endsWith('.nbt'))) {
      put(parseInt(file, 10), parse(new Reader(gunzipSync(readFileSync(join(path, file)))).named()))
    }
  },

  /** The file `extracted/registry_codec_1.20.dat` of the crate `valence_registry`. */
  valence (path, put) {
    put(763, parse(new Reader(readFileSync(path)).named()))
  },

  /** A folder of unpacked crates `azalea-registry-*`, which know the names. */
  azalea (path, put) {
    for (const crate of readdirSync(path).sort()) {
      const protocol = AZALEA[/\+mc(.*)$/.exec(crate)?.[1]]
      if (!protocol) continue
      const registries = readFileSync(join(path, crate, 'src', 'data.rs'), 'utf8').split(/^data_registry! \{/m).slice(1)
        .map((block) => {
          const [name, ...entries] = [...block.split(/^\}/m)[0].matchAll(/=> "([^"]+)"/g)].map(([, name]) => `minecraft:${name}`)
          return { name, entries: entries.map((name) => ({ name })) }
        })
      put(protocol, registries.filter(({ name }) => !NOT_SENT.includes(name)))
    }
  }
}

const AZALEA = { '1.21.11': 774, 26.1: 775 }

/** Registries of data packs that no server tells its clients. */
const NOT_SENT = ['minecraft:enchantment_provider', 'minecraft:recipe']

const digest = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex').slice(0, 16)

/** Order and numeric ids are each server's own choice but for the codec's, whose values include the ids. */
export function digestsOf ({ entries }) {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const names = digest(sorted.map(({ name }) => name).join('\n'))
  const whole = sorted.every(({ bytes, element }) => bytes ?? element)
  return {
    count: entries.length,
    names,
    values: whole ? digest(...sorted.flatMap(({ name, id, bytes, element }) => [`${name} ${id}\n`, bytes ?? encode(element)])) : '-'
  }
}

/** The registries that we send, from the generator's output in `data`. */
export function ourRegistries (data, protocol) {
  const pool = readFileSync(join(data, protocol < 764 ? 'codec.bin' : 'configuration.bin'))
  const registries = []
  for (const line of readFileSync(join(data, 'registries', `${protocol}.txt`), 'utf8').split('\n')) {
    const [word, name, id, offset, length] = line.split(' ')
    if (word === 'registry') registries.push({ name, entries: [] })
    if (word !== 'entry') continue
    const bytes = pool.subarray(Number(offset), Number(offset) + Number(length))
    registries.at(-1).entries.push({ name, id: Number(id), bytes })
  }
  return registries
}
