import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Few, judgeIds, judgeRegistry } from './judge.mjs'

const same = (source, ours, theirs) => ours === theirs

test('an id counts the sources that agree on it, and a table the least of them', () => {
  const says = [{ source: 'a', ids: ['login', 'ping'] }, { source: 'b', ids: [undefined, 'ping'] }]
  assert.deepEqual(judgeIds(['login', 'ping'], says, same), { problems: [], whole: ['a'], least: 1 })
})

test('two packets the wrong way round are two disagreements', () => {
  const { problems, least } = judgeIds(['ping', 'login'], [{ source: 'a', ids: ['login', 'ping'] }], same)
  assert.equal(least, 0)
  assert.deepEqual(problems, [
    'a has another packet at 0x00, which is ping to us', 'a has another packet at 0x01, which is login to us'
  ])
})

test('a packet that a source has past our last is a disagreement, and one that we have past its last is not sure', () => {
  const longer = judgeIds(['login'], [{ source: 'a', ids: ['login', 'ping'] }], same)
  assert.deepEqual(longer.problems, ['a has a packet at 0x01, we have none'])
  const shorter = judgeIds(['login', 'ping'], [{ source: 'a', ids: ['login'] }], same)
  assert.deepEqual(shorter, { problems: [], whole: [], least: 0 })
})

test('a registry is judged by its values where a source has them, and by its names where not', () => {
  const ours = { count: 2, names: 'n', values: 'v' }
  const says = [
    { source: 'a', count: 2, names: 'n', values: 'v' }, { source: 'b', count: 2, names: 'n', values: '-' },
    { source: 'c', count: 2, names: 'n', values: 'w' }, { source: 'd', count: 3, names: 'm', values: 'v' }
  ]
  assert.deepEqual(judgeRegistry(ours, says), {
    problems: ['c has other values or ids', 'd has other entries, 3 where we have 2'], names: ['a', 'b', 'c'], values: ['a']
  })
})

const LIST = `## Tables (read by vote.mjs)

| Protocols | Table | Reason |
|---|---|---|
| 4, 735-736 | \`registries\` | nobody has them |

## Another
| 5 | \`play clientbound\` | not in the list |
`

test('the list of tables with few sources is read from under its heading, and each row must excuse something', () => {
  const few = new Few(LIST)
  assert.ok(few.has(736, 'minecraft:dimension_type'))
  assert.ok(!few.has(737, 'minecraft:dimension_type'))
  assert.ok(!few.has(5, 'play clientbound'))
  assert.deepEqual(few.unused(736), [])
  assert.deepEqual(few.unused(735), ['registries'])
  assert.deepEqual(few.unused(5), [])
})

test('a row without a reason is refused', () => {
  assert.throws(() => new Few('# Few (read by vote.mjs)\n| 4 | `registries` | |\n'), /no table and reason/)
})
