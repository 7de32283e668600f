// Holds our tables against what each source says of them.

/** Two unrelated sources make a table sure. */
export const ENOUGH = 2

/**
 * One table of packets: `names` by id, `says` the sources with what each has at each id (undefined where it is silent),
 * `same(source, name, theirs)` whether that means our packet. `whole` are the sources that know all ids, `least` is how
 * many agree on the id that fewest agree on.
 */
export function judgeIds (names, says, same) {
  const problems = []
  const agree = names.map(() => 0)
  const whole = []
  for (const { source, ids } of says) {
    let known = 0
    for (const [id, theirs] of ids.entries()) {
      if (theirs === undefined) continue
      if (id >= names.length) problems.push(`${source} has a packet at ${hex(id)}, we have none`)
      else if (same(source, names[id], theirs)) {
        agree[id]++
        known++
      } else problems.push(`${source} has another packet at ${hex(id)}, which is ${names[id]} to us`)
    }
    if (known === names.length) whole.push(source)
  }
  return { problems, whole, least: Math.min(...agree) }
}

const hex = (id) => `0x${id.toString(16).padStart(2, '0')}`

/**
 * One registry: `ours` and each source's `{ count, names, values }`, digests; `values` is `-` where it has names only.
 * `names` and `values` are the sources that agree.
 */
export function judgeRegistry (ours, says) {
  const problems = []
  const names = []
  const values = []
  for (const { source, ...theirs } of says) {
    if (theirs.names !== ours.names) {
      problems.push(`${source} has other entries, ${theirs.count} where we have ${ours.count}`)
      continue
    }
    names.push(source)
    if (theirs.values === '-') continue
    if (theirs.values === ours.values) values.push(source)
    else problems.push(`${source} has other values or ids`)
  }
  return { problems, names, values }
}

/** The tables that may have fewer sources. Each must, on every protocol that it names. */
export class Few {
  #rows
  #used = new Set()

  /** `text` has a table under a heading that ends in `(read by vote.mjs)`: protocols, table, reason. */
  constructor (text) {
    const section = text.split(/^#+ .*\(read by vote\.mjs\)$/m)[1]?.split(/^#/m)[0] ?? ''
    this.#rows = section.split('\n').filter((line) => /^\| *\d/.test(line)).map((line) => {
      const [protocols, table, reason] = line.split('|').slice(1).map((cell) => cell.trim())
      if (!table || !reason) throw new Error(`no table and reason in: ${line}`)
      return { ranges: protocols.split(',').map(range), table: table.replaceAll('`', '') }
    })
  }

  /** Whether a table is excused on a protocol. A row for `registries` speaks of each registry. */
  has (protocol, table) {
    return this.#rows.some((row) => {
      const found = row.ranges.some(([from, to]) => protocol >= from && protocol <= to) &&
        (row.table === table || (row.table === 'registries' && table.startsWith('minecraft:')))
      if (found) this.#used.add(`${protocol} ${row.table}`)
      return found
    })
  }

  /** The rows that excused nothing on this protocol. */
  unused (protocol) {
    return this.#rows.filter((row) => row.ranges.some(([from, to]) => protocol >= from && protocol <= to) &&
      !this.#used.has(`${protocol} ${row.table}`)).map(({ table }) => table)
  }
}

/** `47` or `4-758`. */
function range (text) {
  const [from, to = from] = text.split('-').map((number) => Number.parseInt(number, 10))
  if (!(from <= to)) throw new Error(`no range of protocols: ${text}`)
  return [from, to]
}
