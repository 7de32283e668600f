#!/usr/bin/env node
// The vote on the data: each table of packet ids and each registry of ours against sources that do not descend from one
// another. minecraft-data, from which most of ours comes, is one voice among them.
//   node vote.mjs [PROTOCOL...]
// Exits with 1 when a source disagrees, or when a table has too few that agree; exceptions.json ("vote") has the quarrels
// that are settled, fixtures/data/PROVENANCE.md the tables with few sources.

import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataOf, pathsOf } from '../../fixtures/data/generator/protocols.mjs'
import { LEFT_OUT, parse } from '../../fixtures/data/generator/registries.mjs'
import { Exceptions } from './exceptions.mjs'
import { nameDigest } from './vote/derive.mjs'
import { ENOUGH, Few, judgeIds, judgeRegistry } from './vote/judge.mjs'
import { digestsOf, ourRegistries } from './vote/registries.mjs'
import { VOCABULARY } from './vote/sources.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const FIXTURES = join(HERE, '..', '..', 'fixtures', 'data')
const PACKAGE = 'minecraft-data'
const ROOT = dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))

const lines = (...path) => readFileSync(join(...path), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'))
const read = (path) => JSON.parse(readFileSync(join(ROOT, 'minecraft-data', 'data', path), 'utf8'))

/** Our tables of a protocol: names by id, by state and direction. */
function ourTables (protocol) {
  const tables = new Map()
  for (const line of lines(FIXTURES, 'data', 'packets', `${protocol}.txt`)) {
    const [state, direction, , name] = line.split(' ')
    const table = `${state} ${direction}`
    tables.set(table, [...tables.get(table) ?? [], name])
  }
  return tables
}

/** What the package itself has at each id of a table, without our edits. */
function packageIds (protocol, table) {
  if (dataOf(protocol) !== protocol) return []
  const [state, direction] = table.split(' ')
  const json = read(`${pathsOf(protocol, read).protocol}/protocol.json`)
  const types = json[state]?.[direction === 'clientbound' ? 'toClient' : 'toServer']?.types
  if (!types) return []
  const mappings = Object.entries(types.packet[1].find(({ name }) => name === 'name').type[1].mappings)
  const ids = []
  for (const [id, name] of mappings) if (name !== 'legacy_server_list_ping') ids[Number(id)] = nameDigest(name)
  return [{ source: PACKAGE, ids }]
}

/** The package's registries by name, without our corrections. */
function packageRegistries (protocol) {
  if (dataOf(protocol) !== protocol) return new Map()
  const codec = read(`${pathsOf(protocol, read).loginPacket}/loginPacket.json`).dimensionCodec
  return new Map(parse(codec).map((registry) => [registry.name, digestsOf(registry)]))
}

/** Rows of a file of facts, by their protocol and what follows until `width`. */
function facts (file, width, value) {
  const found = new Map()
  for (const line of lines(HERE, 'vote', file)) {
    const [source, protocol, ...rest] = line.split(' ')
    const key = `${protocol} ${rest.slice(0, width).join(' ')}`
    found.set(key, [...found.get(key) ?? [], { source, ...value(rest.slice(width)) }])
  }
  return found
}

const IDS = facts('ids.txt', 2, (rest) => ({ ids: rest.map((digest) => (digest === '-' ? undefined : digest)) }))
const REGISTRIES = facts('registries.txt', 1, ([count, names, values]) => ({ count, names, values }))

/** Digests of all that a vocabulary calls a packet of ours. */
const CALLED = new Map(lines(HERE, 'vote', 'names.txt').map((line) => {
  const [vocabulary, state, direction, ours, ...theirs] = line.split(' ')
  return [`${vocabulary} ${state} ${direction} ${ours}`, theirs.map(nameDigest)]
}))
const same = (table) => (source, ours, theirs) =>
  nameDigest(ours) === theirs || (CALLED.get(`${VOCABULARY[source]} ${table} ${ours}`) ?? []).includes(theirs)

const exceptions = new Exceptions(JSON.parse(readFileSync(join(HERE, 'exceptions.json'), 'utf8')).vote)
const few = new Few(readFileSync(join(FIXTURES, 'PROVENANCE.md'), 'utf8'))

/** Judges a protocol; its lines of the report, and what is wrong. */
function judge (protocol) {
  const problems = []
  const judged = []
  const settle = (table, found) => {
    judged.push(table)
    problems.push(...exceptions.sift(protocol, table, found).map((problem) => `${table}: ${problem}`))
  }
  const enough = (table, agree) => {
    if (agree < ENOUGH && !few.has(protocol, table)) {
      problems.push(`${table}: ${agree} of ${ENOUGH} sources agree, and PROVENANCE.md does not name it`)
    }
  }
  const ids = [...ourTables(protocol)].map(([table, names]) => {
    const says = [...packageIds(protocol, table), ...IDS.get(`${protocol} ${table}`) ?? []]
    const { problems: found, whole, least } = judgeIds(names, says, same(table))
    settle(table, found)
    enough(table, least)
    return `${table} (${names.length}): ${least}, whole ${whole.join(' ') || '-'}`
  })
  for (const table of [...IDS.keys()].filter((key) => key.startsWith(`${protocol} `)).map((key) => key.replace(/^\d+ /, ''))) {
    if (!judged.includes(table)) problems.push(`${table}: ${IDS.get(`${protocol} ${table}`)[0].source} has it, we do not`)
  }
  return { ids, registries: registries(protocol, settle, enough), problems: [...problems, ...expired(protocol, judged)] }
}

function registries (protocol, settle, enough) {
  if (protocol < 735) return []
  const fromPackage = packageRegistries(protocol)
  const ours = new Map(ourRegistries(join(FIXTURES, 'data'), protocol).map((registry) => [registry.name, registry]))
  const says = (name) => [
    ...(fromPackage.has(name) ? [{ source: PACKAGE, ...fromPackage.get(name) }] : []), ...REGISTRIES.get(`${protocol} ${name}`) ?? []
  ]
  const others = [...REGISTRIES.keys(), ...[...fromPackage.keys()].map((name) => `${protocol} ${name}`)]
    .filter((key) => key.startsWith(`${protocol} `)).map((key) => key.split(' ')[1])
  for (const name of new Set(others)) {
    if (!ours.has(name) && !LEFT_OUT.includes(name)) settle(name, [`${says(name)[0].source} has it, we do not`])
  }
  return [...ours].map(([name, registry]) => {
    const { problems, names, values } = judgeRegistry(digestsOf(registry), says(name))
    settle(name, problems)
    enough(name, values.length)
    return `${name.replace('minecraft:', '')} ${values.length}/${names.length}`
  })
}

const expired = (protocol, judged) => [
  ...exceptions.unused(protocol, judged),
  ...few.unused(protocol).map((table) => `PROVENANCE.md names ${table} among the tables with few sources, and it has enough`)
]

const known = readdirSync(join(FIXTURES, 'data', 'packets')).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
const wanted = process.argv.slice(2).map(Number)
if (wanted.some((protocol) => !known.includes(protocol))) {
  console.error('usage: node vote.mjs [PROTOCOL...]')
  process.exit(2)
}
let good = 0
const protocols = wanted.length > 0 ? wanted : known
console.log('per table: how many sources agree on every id, and who knows all of them; per registry: on values/on names')
for (const protocol of protocols) {
  const { ids, registries, problems } = judge(protocol)
  console.log(`${protocol} ${problems.length === 0 ? 'ok' : 'FAILED'}`)
  for (const line of ids) console.log(`    ${line}`)
  if (registries.length > 0) console.log(`    registries: ${registries.join(', ')}`)
  for (const problem of problems) console.log(`  ! ${problem}`)
  good += problems.length === 0
}
console.log(`${good} of ${protocols.length} protocols`)
process.exit(good === protocols.length ? 0 : 1)
