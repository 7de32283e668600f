// Whether a decoded packet says what it was meant to say.

/** What differs, as text. `meant` is the list of a line of `packets`, `params` what a definition decoded. */
export function differences (meant, params) {
  return meant.flatMap(({ fields, optional, kind, value }) => {
    const found = find(params, fields)
    if (found === undefined) {
      return optional || kind === 'absent' ? [] : [`no field ${fields.join(' or ')}`]
    }
    return equal(kind, value, found.value) ? [] : [`${found.key} is ${show(found.value)}, not ${show(value)}`]
  })
}

/** The first field of one of these names: of the packet itself, else of what is in it, such as `worldState`. */
function find (params, fields) {
  if (params === null || typeof params !== 'object' || Array.isArray(params) || Buffer.isBuffer(params)) return undefined
  for (const key of fields) if (params[key] !== undefined) return { key, value: params[key] }
  for (const inner of Object.values(params)) {
    const found = find(inner, fields)
    if (found !== undefined) return found
  }
  return undefined
}

function equal (kind, value, found) {
  switch (kind) {
    case 'int': return sameInt(value, found)
    // A float of four bytes comes as the double nearest to what those bytes say.
    case 'float': return found === value || found === Math.fround(value)
    case 'bool': return found === value || sameInt(value ? '1' : '0', found)
    case 'string': return found === value
    case 'strings': return JSON.stringify(found) === JSON.stringify(value)
    case 'choice': return found === value[1] || sameInt(value[0], found)
    case 'text': return textOf(found) === value
    case 'uuid': return typeof found === 'string' && found.replaceAll('-', '') === value
    case 'block': return ['x', 'y', 'z'].every((axis, index) => found[axis] === value[index])
    case 'absent': return found === undefined || found === null
    default: throw new Error(`unknown kind ${kind}`)
  }
}

/** Some definitions read a byte with a sign, some without, and 64 bits as a big integer or as two halves. */
function sameInt (value, found) {
  if (typeof found === 'object' && found !== null) found = found.valueOf()
  if (Array.isArray(found)) found = BigInt.asIntN(64, (BigInt(found[0]) << 32n) | BigInt(found[1] >>> 0))
  if (typeof found !== 'number' && typeof found !== 'bigint') return false
  const [wanted, got] = [BigInt(value), BigInt(found)]
  return wanted === got || (wanted < 0n && BigInt.asUintN(8, wanted) === got)
}

/** What a text component of text alone reads: JSON in a string, or NBT. */
function textOf (found) {
  if (typeof found === 'string') {
    const json = JSON.parse(found)
    return typeof json === 'string' ? json : json.text
  }
  if (found?.type === 'string') return found.value
  if (found?.type === 'compound') return found.value.text?.value
  return undefined
}

function show (value) {
  return JSON.stringify(value, (_, inner) => typeof inner === 'bigint' ? inner.toString() : inner)
}
