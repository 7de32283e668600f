// Puts a budget and a bound of memory into a core module, since V8 offers neither: before each function's first instruction
// and each turn of a loop a counter is taken down, and at zero an unreachable instruction traps. The counter is a global that
// the module exports as `METER`; whoever calls into the module sets it first.

export const METER = 'host:meter'

const GLOBAL = 6, MEMORY = 5, EXPORT = 7, CODE = 10

export function meter (bytes, { pages, budget }) {
  const sections = []
  let at = 8
  while (at < bytes.length) {
    const id = bytes[at]
    const [size, start] = leb(bytes, at + 1)
    sections.push({ id, body: bytes.subarray(start, start + size) })
    at = start + size
  }
  if (!sections.some(({ id }) => id === CODE)) return bytes
  const count = (id) => {
    const section = sections.find((one) => one.id === id)
    return section === undefined ? 0 : leb(section.body, 0)[0]
  }
  const index = importedGlobals(sections) + count(GLOBAL)
  const zero = unsigned(0)
  append(sections, GLOBAL, Buffer.concat([Buffer.from([0x7f, 1, 0x41]), signed(budget), Buffer.from([0x0b])]))
  append(sections, EXPORT, Buffer.concat([unsigned(METER.length), Buffer.from(METER), Buffer.from([3]), unsigned(index)]))
  const global = unsigned(index)
  // global.get, i32.eqz, if, unreachable, end; global = global - 1
  const tick = Buffer.concat([
    Buffer.from([0x23]), global, Buffer.from([0x45, 0x04, 0x40, 0x00, 0x0b]),
    Buffer.from([0x23]), global, Buffer.from([0x41, 1, 0x6b, 0x24]), global
  ])
  for (const section of sections) {
    if (section.id === MEMORY) section.body = bounded(section.body, pages)
    if (section.id === CODE) section.body = code(section.body, tick)
  }
  return Buffer.concat([bytes.subarray(0, 8), ...sections.flatMap(({ id, body }) =>
    [Buffer.from([id]), body.length === 0 ? zero : unsigned(body.length), body])])
}

// One more entry at the end of a section, which is made where there is none.
function append (sections, id, entry) {
  // The tag section, 13, stands between memories and globals, and custom ones anywhere.
  const order = (one) => one === 13 ? MEMORY + 0.5 : one
  let section = sections.find((one) => one.id === id)
  if (section === undefined) {
    section = { id, body: Buffer.from([0]) }
    const next = sections.findIndex((one) => one.id !== 0 && order(one.id) > id)
    sections.splice(next, 0, section)
  }
  const [count, start] = leb(section.body, 0)
  section.body = Buffer.concat([unsigned(count + 1), section.body.subarray(start), entry])
}

function importedGlobals (sections) {
  const section = sections.find(({ id }) => id === 2)
  if (section === undefined) return 0
  const { body } = section
  let [count, at] = leb(body, 0)
  let globals = 0
  for (; count > 0; count -= 1) {
    for (let names = 0; names < 2; names += 1) {
      const [length, start] = leb(body, at)
      at = start + length
    }
    const kind = body[at++]
    if (kind === 0) at = skip(body, at)
    else if (kind === 1) at = limits(body, at + 1)
    else if (kind === 2) at = limits(body, at)
    else if (kind === 3) { at += 2; globals += 1 } else if (kind === 4) at = skip(body, at + 1)
  }
  return globals
}

function limits (body, at) {
  const flags = body[at]
  at = skip(body, at + 1)
  return flags & 1 ? skip(body, at) : at
}

function bounded (body, pages) {
  let [count, at] = leb(body, 0)
  const parts = [unsigned(count)]
  for (; count > 0; count -= 1) {
    const flags = body[at]
    const [least, afterLeast] = leb(body, at + 1)
    const [most, end] = flags & 1 ? leb(body, afterLeast) : [pages, afterLeast]
    if (least > pages) throw new Error(`a memory of ${least} pages, and the limit is ${pages}`)
    parts.push(Buffer.from([flags | 1]), unsigned(least), unsigned(Math.min(most, pages)))
    at = end
  }
  return Buffer.concat(parts)
}

function code (body, tick) {
  let [count, at] = leb(body, 0)
  const parts = [unsigned(count)]
  for (; count > 0; count -= 1) {
    const [size, start] = leb(body, at)
    at = start + size
    const made = one(body.subarray(start, at), tick)
    parts.push(unsigned(made.length), made)
  }
  return Buffer.concat(parts)
}

function one (body, tick) {
  let [groups, at] = leb(body, 0)
  for (; groups > 0; groups -= 1) at = skip(body, skip(body, at))
  const parts = [body.subarray(0, at), tick]
  let from = at
  while (at < body.length) {
    const op = body[at]
    at = instruction(body, at)
    if (op === 0x03) {
      parts.push(body.subarray(from, at), tick)
      from = at
    }
  }
  parts.push(body.subarray(from))
  return Buffer.concat(parts)
}

// How many numbers follow an instruction. What is not listed has none, or is done by hand below.
const NUMBERS = new Map([[0x02, 1], [0x03, 1], [0x04, 1], [0x0c, 1], [0x0d, 1], [0x10, 1], [0x11, 2], [0x12, 1], [0x13, 2],
  [0x14, 1], [0x15, 1], [0x20, 1], [0x21, 1], [0x22, 1], [0x23, 1], [0x24, 1], [0x25, 1], [0x26, 1], [0x3f, 1], [0x40, 1],
  [0x41, 1], [0x42, 1], [0xd0, 1], [0xd2, 1]])
const NUMBERS_FC = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1]

function instruction (body, at) {
  const op = body[at++]
  const numbers = (count) => { for (; count > 0; count -= 1) at = skip(body, at) }
  if (NUMBERS.has(op)) numbers(NUMBERS.get(op))
  else if (op >= 0x28 && op <= 0x3e) at = memarg(body, at)
  else if (op === 0x43) at += 4
  else if (op === 0x44) at += 8
  else if (op === 0x0e) { const [count, start] = leb(body, at); at = start; numbers(count + 1) }
  else if (op === 0x1c) { const [count, start] = leb(body, at); at = start; numbers(count) }
  else if (op === 0xfc) {
    const [sub, start] = leb(body, at)
    at = start
    if (!(sub in NUMBERS_FC)) throw new Error(`an instruction fc ${sub} that is not known here`)
    numbers(NUMBERS_FC[sub])
  } else if (op === 0xfd) {
    const [sub, start] = leb(body, at)
    at = start
    if (sub <= 11 || sub === 92 || sub === 93) at = memarg(body, at)
    else if (sub === 12 || sub === 13) at += 16
    else if (sub >= 21 && sub <= 34) at += 1
    else if (sub >= 84 && sub <= 91) at = memarg(body, at) + 1
  } else if ((op >= 0x06 && op <= 0x0a) || op === 0x18 || op === 0x19 || op === 0x1f || op > 0xd2 || (op > 0xc4 && op < 0xd0)) {
    throw new Error(`an instruction ${op.toString(16)} that is not known here`)
  }
  return at
}

function memarg (body, at) {
  const [align, next] = leb(body, at)
  return skip(body, align & 0x40 ? skip(body, next) : next)
}

function leb (bytes, at) {
  let value = 0, scale = 1
  for (;;) {
    const byte = bytes[at++]
    if (byte === undefined) throw new Error('the module is cut short')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return [value, at]
    scale *= 128
  }
}

function skip (bytes, at) {
  while (bytes[at] >= 0x80) at += 1
  return at + 1
}

function unsigned (value) {
  const out = []
  do { out.push((value % 128) | (value >= 128 ? 0x80 : 0)); value = Math.floor(value / 128) } while (value > 0)
  return Buffer.from(out)
}

function signed (value) {
  const out = []
  for (;;) {
    const byte = value & 0x7f
    value >>= 7
    if ((value === 0 && !(byte & 0x40)) || (value === -1 && (byte & 0x40))) return Buffer.from([...out, byte])
    out.push(byte | 0x80)
  }
}
