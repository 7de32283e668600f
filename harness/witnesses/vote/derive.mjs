#!/usr/bin/env node
// Writes what a source says into ids.txt or registries.txt, in place of what it said before.
//   node vote/derive.mjs ids SOURCE PATH
//   node vote/derive.mjs registries SOURCE PATH
// PATH is what the source's reader in sources.mjs or registries.mjs asks for; README.md says where it is to be had.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { READERS, digestsOf } from './registries.mjs'
import { VOCABULARY, readSource } from './sources.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))

/** Six digits tell a name from its neighbours in a table of some two hundred. */
export const nameDigest = (name) => createHash('sha256').update(name).digest('hex').slice(0, 6)

const HEADS = {
  ids: '# source, protocol, state, direction, then a digest of the name that the source has at each id, - where it is silent',
  registries: '# source, protocol, registry, entries, digest of the names, digest of names, ids and values or -'
}

function idRows (source, path) {
  return [...readSource(source, path)].map(([table, names]) =>
    [source, table, ...Array.from(names, (name) => (name === undefined ? '-' : nameDigest(name)))].join(' '))
}

function registryRows (source, path) {
  const rows = []
  READERS[source](path, (protocol, registries) => {
    for (const registry of registries) {
      const { count, names, values } = digestsOf(registry)
      rows.push([source, protocol, registry.name, count, names, values].join(' '))
    }
  })
  return rows
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, source, path, ...rest] = process.argv.slice(2)
  const known = { ids: VOCABULARY, registries: READERS }[what]
  if (!known || !(source in known) || path === undefined || rest.length > 0) {
    console.error('usage: node vote/derive.mjs ids|registries SOURCE PATH')
    process.exit(2)
  }
  const file = join(HERE, `${what}.txt`)
  const kept = existsSync(file)
    ? readFileSync(file, 'utf8').split('\n').filter((row) => row && !row.startsWith('#') && !row.startsWith(`${source} `))
    : []
  const rows = what === 'ids' ? idRows(source, path) : registryRows(source, path)
  const byProtocol = (a, b) => a.split(' ')[0].localeCompare(b.split(' ')[0]) || Number(a.split(' ')[1]) - Number(b.split(' ')[1])
  writeFileSync(file, [HEADS[what], ...[...kept, ...rows].sort(byProtocol)].join('\n') + '\n')
  console.log(`${source}: ${rows.length} tables`)
}
