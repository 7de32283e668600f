// Text for the player: checked, and in the form of a client's protocol.
import { Unfit, fit } from './fit.mjs'
import { varint } from './frames.mjs'

export { Unfit }

const LONGEST = 32_767
const LONGEST_STRING = 65_535

// The bytes of a component as a client of `version` reads it in `state`. Throws Unfit.
export function encode (component, version, state, denial = false) {
  const value = component.tag === 'plain' ? { text: component.val } : fit(parse(component.val), version.protocol, denial)
  check(value)
  const json = JSON.stringify(value)
  if (json.length > LONGEST) throw new Unfit(`${json.length} UTF-16 units as JSON; at most ${LONGEST}`)
  if (version.nbtText && state !== 'login') return nbt(value)
  const bytes = Buffer.from(json)
  return Buffer.concat([varint(bytes.length), bytes])
}

// As `encode`, with something else where the client's version has no form for it, or nobody has.
export function encodeAnyhow (component, version, state) {
  try {
    return encode(component, version, state, true)
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    return encode({ tag: 'plain', val: 'Disconnected, with a reason that cannot be shown.' }, version, state)
  }
}

function parse (text) {
  if (text.length > LONGEST) throw new Unfit(`${text.length} UTF-16 units; at most ${LONGEST}`)
  try { return JSON.parse(text) } catch ({ message }) {
    // The engine says where only of some faults: an end that comes too soon, and a token by itself.
    const token = /Unexpected token '(.)'/u.exec(message)?.[1]
    const place = / at position \d+/.test(message) ? '' : ` at position ${token ? text.indexOf(token) : text.length}`
    throw new Unfit(`bad JSON: ${message}${place}`)
  }
}

function check (value) {
  if (typeof value === 'string') {
    if (value.length > LONGEST_STRING / 3 && modified(value).length > LONGEST_STRING) {
      throw new Unfit(`"${value.slice(0, 16)}...": a string of more than ${LONGEST_STRING} bytes in NBT`)
    }
  } else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) check(inner)
}

// NBT as the network has it from 764 on: a type and its value, without a name.
function nbt (value) {
  const [type, bytes] = tag(value)
  return Buffer.concat([Buffer.from([type]), bytes])
}

function tag (value) {
  if (typeof value === 'string') return [8, string(value)]
  if (typeof value === 'boolean') return [1, Buffer.from([value ? 1 : 0])]
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 4 : 8)
    if (bytes.length === 4) bytes.writeInt32BE(value)
    else bytes.writeDoubleBE(value)
    return [bytes.length === 4 ? 3 : 6, bytes]
  }
  if (Array.isArray(value)) {
    // The elements of a list are of one type; where they are not, each stands in a compound of its own, under no name.
    let tags = value.map(tag)
    if (tags.some(([type]) => type !== tags[0][0])) tags = value.map((one) => isObject(one) ? tag(one) : tag({ '': one }))
    const head = Buffer.alloc(5)
    head[0] = tags[0]?.[0] ?? 0
    head.writeInt32BE(tags.length, 1)
    return [9, Buffer.concat([head, ...tags.map(([, bytes]) => bytes)])]
  }
  const fields = Object.entries(value).filter(([, inner]) => inner !== null).map(([key, inner]) => {
    const [type, bytes] = tag(inner)
    return Buffer.concat([Buffer.from([type]), string(key), bytes])
  })
  return [10, Buffer.concat([...fields, Buffer.from([0])])]
}

function isObject (value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function string (text) {
  const bytes = modified(text)
  const head = Buffer.alloc(2)
  head.writeUInt16BE(bytes.length)
  return Buffer.concat([head, bytes])
}

// The UTF-8 of Java's data streams: NUL has two bytes, and what is beyond the first plane is two surrogates of three.
// The package's own NBT has the common form, which clients do not read.
function modified (text) {
  if (!/[\0\ud800-\udfff]/.test(text)) return Buffer.from(text)
  const out = []
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit !== 0 && unit < 0x80) out.push(unit)
    else if (unit < 0x800) out.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f))
    else out.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
  }
  return Buffer.from(out)
}
