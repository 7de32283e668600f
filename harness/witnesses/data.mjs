// Witness D: the data package's own protocol definitions read what our three codecs write.
//
//   node data.mjs [--packets FILE] [PROTOCOL...]
//
// Takes every packet of every protocol (or of those named) from the crate in `packets/`, which it builds and runs, or
// from a file of its lines. For each protocol that the package has a protocol.json for, each packet must have the name
// that its id has there, decode with no byte left over, say what it was meant to say, and encode to the same bytes
// again. Prints a line a protocol. Exits with 1 when a protocol failed or an exception has expired, 2 on a wrong call.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Exceptions } from './exceptions.mjs'
import { differences } from './meant.mjs'

const require = createRequire(import.meta.url)
const nbt = require('prismarine-nbt')
const { Compiler: { ProtoDefCompiler } } = require('protodef')

// A holder's first byte is zero, and the package leaves it as the memory was (compiler-minecraft.js, registryEntryHolder).
Buffer.allocUnsafe = Buffer.alloc

// Bytes of all lines; those of 52 protocols are some 17 MiB.
const MAX_LINES = 512 * 1024 * 1024
const SHOWN = 5

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

function usage (problem) {
  console.error(`${problem}\nusage: node data.mjs [--packets FILE] [PROTOCOL...]`)
  process.exit(2)
}

const args = process.argv.slice(2)
const file = args[0] === '--packets' ? args.splice(0, 2)[1] ?? usage('--packets wants a file') : null
const wanted = args.map(Number)
if (wanted.some((protocol) => !Number.isInteger(protocol))) usage('a protocol is a number')

function build () {
  const run = ['run', '--quiet', '--locked', '--manifest-path', here('packets/Cargo.toml'), '--', ...args]
  const { status, stdout } = spawnSync('cargo', run,
    { encoding: 'utf8', maxBuffer: MAX_LINES, stdio: ['ignore', 'pipe', 'inherit'] })
  // Cargo and the program have said why.
  if (status !== 0) process.exit(status ?? 1)
  return stdout
}

function lines () {
  const text = file === null ? build() : readFileSync(file, 'utf8')
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
    .filter(({ protocol }) => wanted.length === 0 || wanted.includes(protocol))
}

/** The package's protocol definitions for a protocol: one for each file that a version of it points to. */
function definitions (protocol) {
  const data = 'minecraft-data/minecraft-data/data'
  const paths = Object.values(require(`${data}/dataPaths.json`).pc)
    .filter(({ version, protocol: types }) => version && types &&
      require(`${data}/${version}/version.json`).version === protocol)
    .map((paths) => paths.protocol)
  return [...new Set(paths)].map((path) => ({ path, json: require(`${data}/${path}/protocol.json`) }))
}

const compiled = new Map()

/** A definition as functions. Files and states with equal types are compiled once. */
function protocolOf (json, state, direction) {
  const to = direction === 'clientbound' ? 'toClient' : 'toServer'
  const types = json[state]?.[to]?.types
  if (types === undefined) return null
  const key = JSON.stringify([json.types, types])
  if (!compiled.has(key)) {
    const compiler = new ProtoDefCompiler()
    compiler.addTypes(require('minecraft-protocol/src/datatypes/compiler-minecraft'))
    compiler.addProtocol(json, [state, to])
    nbt.addTypesToCompiler('big', compiler)
    compiled.set(key, compiler.compileProtoDefSync())
  }
  return compiled.get(key)
}

function varint (value) {
  const bytes = []
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

/** What the definition has against a packet, or null. */
function problem (json, packet) {
  const protocol = protocolOf(json, packet.state, packet.direction)
  if (protocol === null) return 'the package has no such state'
  const bytes = Buffer.concat([varint(packet.id), Buffer.from(packet.hex, 'hex')])
  let parsed
  try {
    parsed = protocol.parsePacketBuffer('packet', bytes)
  } catch (error) {
    return `does not decode: ${String(error.message ?? error).split('\n')[0]}`
  }
  const { name, params } = parsed.data
  if (name !== packet.name) return `the package calls id ${packet.id} ${name}`
  const left = bytes.length - parsed.metadata.size
  if (left !== 0) return `${left} of ${bytes.length} bytes left over`
  const wrong = differences(packet.meant, params)
  if (wrong.length > 0) return wrong.join(', ')
  try {
    const again = protocol.createPacketBuffer('packet', { name, params })
    if (!again.equals(bytes)) return `encodes to other bytes: ${again.length} instead of ${bytes.length}`
  } catch (error) {
    return `does not encode again: ${String(error.message ?? error).split('\n')[0]}`
  }
  return null
}

const exceptions = new Exceptions(JSON.parse(readFileSync(here('exceptions.json'), 'utf8')).data)
const byProtocol = new Map()
for (const line of lines()) byProtocol.set(line.protocol, [...byProtocol.get(line.protocol) ?? [], line])
let failed = 0
let judged = 0
for (const [protocol, packets] of byProtocol) {
  const found = definitions(protocol)
  if (found.length === 0) {
    console.log(`${String(protocol).padStart(3)} -       the package has no protocol.json for it`)
    continue
  }
  judged += 1
  const problems = packets.filter(({ fault }) => fault !== undefined).map(({ fault }) => fault)
  const written = packets.filter(({ fault }) => fault === undefined)
  const seen = new Map()
  for (const { path, json } of found) {
    for (const packet of written) {
      const name = `${packet.direction} ${packet.state} ${packet.name}`
      if (!seen.has(name)) seen.set(name, new Set())
      const against = problem(json, packet)
      if (against !== null) seen.get(name).add(`${name} of ${packet.writer} (${path}): ${against}`)
    }
  }
  for (const [name, against] of seen) problems.push(...exceptions.sift(protocol, name, [...against]))
  problems.push(...exceptions.unused(protocol, [...seen.keys()]))
  if (problems.length > 0) failed += 1
  const of = found.map(({ path }) => path.replace('pc/', '')).join(', ')
  console.log(`${String(protocol).padStart(3)} ${of.padEnd(8)} ${problems.length === 0 ? 'ok' : 'FAILED'}  ` +
    `${written.length} packets of ${seen.size} kinds, ${exceptions.count(protocol)} exceptions`)
  for (const line of problems.slice(0, SHOWN)) console.log(`      ${line}`)
  if (problems.length > SHOWN) console.log(`      and ${problems.length - SHOWN} more`)
}
console.log(`${judged - failed} of ${judged} protocols`)
process.exit(failed === 0 && judged > 0 ? 0 : 1)
