// Where a witness is known to be wrong, and why. The list expires: what it excuses must fail, each time, as it says.

export class Exceptions {
  #list

  /** `list`: a section of exceptions.json. */
  constructor (list) {
    for (const entry of list) {
      for (const key of ['protocols', 'packet', 'fault', 'reason', 'source']) {
        if (typeof entry[key] !== 'string' || entry[key] === '') throw new Error(`an exception without ${key}`)
      }
    }
    this.#list = list.map((entry) => ({ ...entry, ranges: entry.protocols.split(',').map(range), used: new Set() }))
  }

  #of (protocol) {
    return this.#list.filter(({ ranges }) => ranges.some(([from, to]) => protocol >= from && protocol <= to))
  }

  /** How many exceptions a protocol has. */
  count (protocol) {
    return this.#of(protocol).length
  }

  /** What is left of the problems of one packet of one protocol. */
  sift (protocol, packet, problems) {
    return problems.filter((problem) => {
      const entry = this.#of(protocol).find((entry) => entry.packet === packet && problem.includes(entry.fault))
      entry?.used.add(protocol)
      return entry === undefined
    })
  }

  /** The exceptions of a protocol that excused nothing. `packets`: what was judged. */
  unused (protocol, packets) {
    return this.#of(protocol).filter(({ used }) => !used.has(protocol)).map(({ packet, fault }) =>
      `the exception for ${packet} (${fault}) has expired: ` +
      (packets.includes(packet) ? 'there is no such fault' : 'nobody writes it'))
  }
}

/** `47` or `4-758`. */
function range (text) {
  const [from, to = from] = text.split('-').map((number) => Number.parseInt(number, 10))
  if (!(from <= to)) throw new Error(`no range of protocols: ${text}`)
  return [from, to]
}
