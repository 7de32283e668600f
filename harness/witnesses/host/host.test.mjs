// The host by its adapter, as vbspec runs it, with the package's own client.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fit } from './fit.mjs'

const mc = createRequire(import.meta.url)('minecraft-protocol')
const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const PATIENCE_MS = 20_000

const adapter = spawn(process.execPath, [path('adapter.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = new Map(), events = [], watchers = new Set()
let ids = 0, hosts = 0
createInterface({ input: adapter.stdout }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.answer !== undefined) answers.get(message.answer)(message)
  else events.push(message)
  for (const watcher of watchers) watcher()
})
after(() => adapter.stdin.end())

function ask (name, parameters = {}) {
  return new Promise((resolve) => {
    answers.set(++ids, resolve)
    adapter.stdin.write(`${JSON.stringify({ id: ids, do: name, ...parameters })}\n`)
  })
}

// Resolves when it holds, which is asked whenever something has happened.
function until (what, holds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { watchers.delete(look); reject(new Error(`in vain: ${what}`)) }, PATIENCE_MS)
    const look = () => { if (holds()) { clearTimeout(timer); watchers.delete(look); resolve() } }
    watchers.add(look)
    look()
  })
}

async function start (plugins, more = {}) {
  const host = ++hosts
  const answer = await ask('start', { host, plugins, ...more })
  const lines = () => events.filter((event) => event.host === host && event.event === 'log').map(({ text }) => text)
  return { host, ...answer, lines, line: (part) => until(part, () => lines().some((line) => line.includes(part))) }
}

const plugin = (name, config = {}, more = {}) =>
  ({ name, component: path(`../../../fixtures/artifacts/${name}.wasm`), permissions: ['virtual-backend'], deny: [], config, ...more })

function join ({ address }, version, username = 'Somebody') {
  const [host, port] = address.split(':')
  const seen = { packets: [], reason: null, over: false }
  const client = mc.createClient({ host, port: Number(port), username, version, auth: 'offline', hideErrors: true })
  const heard = (act) => (...what) => { act(...what); for (const watcher of watchers) watcher() }
  client.on('packet', heard((data, { name, state }) => {
    seen.packets.push(`${state}.${name}`)
    if (/disconnect/.test(name)) seen.reason = JSON.stringify(data.reason)
  }))
  client.on('error', () => {})
  client.on('end', heard(() => { seen.over = true }))
  seen.command = (text) => client.writeRaw(Buffer.concat([Buffer.from([0xf7, 0xee, 0x01]), Buffer.from(text)]))
  seen.got = (name) => until(name, () => seen.packets.includes(name))
  seen.told = (part) => until(`"${part}", not ${seen.reason}`, () => seen.reason?.includes(part) && seen.over)
  return seen
}

test('it says what it is', async () => {
  const hello = await ask('hello', { protocol: 1 })
  assert.equal(hello.protocol, 1)
  assert.equal(hello.protocols.length, 29)
  assert.deepEqual(await ask('dance'), { answer: ids, refused: 'no such command' })
})

for (const version of ['1.8.8', '1.12.2', '1.21.1', '26.1']) {
  for (const name of ['probe', 'lobby']) {
    test(`a client of ${version} is in the world of the ${name} and hears why it has to leave`, async () => {
      const host = await start([plugin(name, name === 'probe' ? { join: 'true' } : {})])
      const client = join(host, version)
      await client.got('play.position')
      assert.equal(client.packets.filter((packet) => packet === 'play.login').length, 1)
      assert.deepEqual(await ask('stop', { host: host.host, reason: 'The end.' }), { answer: ids })
      await client.told('The end.')
      if (name !== 'probe') return
      const lines = host.lines().map((line) => line.split(' ').slice(0, line.startsWith('event') ? 2 : 1).join(' '))
      assert.deepEqual(lines.filter((line) => line !== 'packet' && line !== 'task'), ['enable', 'event pre-login', 'event post-login',
        'event choose-initial-server', 'event server-pre-connect', 'start', 'end', 'event player-disconnect', 'disable'])
    })
  }
}

test('what an operator got wrong is refused with how to mend it', async () => {
  const refused = async (table, ...parts) => {
    const { refused } = await start([table])
    for (const part of parts) assert.ok(refused?.includes(part), `${part} in ${refused}`)
  }
  await refused(plugin('probe', {}, { permissions: [] }), 'probe', 'virtual-backend', 'permissions = ["virtual-backend"]')
  await refused(plugin('probe', {}, { permissions: ['virtual_backend'] }), '"virtual_backend"', 'did you mean "virtual-backend"')
  await refused(plugin('probe', {}, { deny: ['virtual-backend'] }), 'deny')
  await refused(plugin('files'), 'wasi:')
  await refused(plugin('probe', {}, { component: path('../../../fixtures/wat/other_types.wasm') }), 'onScheduledTask')
})

for (const fault of ['trap', 'spin', 'eat', 'recurse']) {
  test(`a guest told to ${fault} takes its sessions along, comes back, and hurts nobody else`, async () => {
    const [host, other] = [await start([plugin('probe')]), await start([plugin('probe')])]
    const [one, two, elsewhere] = [join(host, '1.12.2', 'One'), join(host, '1.12.2', 'Two'), join(other, '1.12.2')]
    await until('three starts', () => [...host.lines(), ...other.lines()].filter((line) => line.startsWith('start')).length === 3)
    // The host is further than its clients, which write as the login has left them.
    for (const client of [one, two, elsewhere]) await client.got('login.success')
    one.command(fault)
    await Promise.all([one.told('has failed'), two.told('has failed')])
    const failed = events.filter((event) => event.event === 'failed' && event.host === host.host)
    assert.deepEqual(failed.map(({ plugin, callback }) => [plugin, callback]), [['probe', 'virtual-backend-on-packet-received']])
    const meanwhile = join(host, '1.12.2', 'Meanwhile')
    await meanwhile.told('Try again later')
    await until('a second enable', () => host.lines().filter((line) => line === 'enable').length === 2)
    assert.ok(!host.lines().some((line) => line.startsWith('end')))
    elsewhere.command('info')
    await other.line('result info ok')
    for (const { host: number } of [host, other]) await ask('stop', { host: number, reason: 'Done.' })
  })
}

test('text is made fit for the client or refused', () => {
  const event = { text: 'a', color: '#ff5500', clickEvent: { action: 'open_url', value: 'https://example.org' } }
  assert.deepEqual(fit(event, 340), { ...event, color: 'gold' })
  assert.deepEqual(fit(event, 775), { text: 'a', color: '#ff5500', click_event: { action: 'open_url', url: 'https://example.org' } })
  assert.throws(() => fit({ text: 'a', color: 'mauve' }, 340), /\$\.color/)
  assert.throws(() => fit({ keybind: 'key.jump' }, 47), /no keybind/)
  assert.deepEqual(fit({ keybind: 'key.jump' }, 47, true), { text: 'key.jump' })
})

test('it ends when it is told to', async () => {
  const ended = new Promise((resolve) => adapter.on('exit', resolve))
  await ask('shutdown')
  assert.equal(await ended, 0)
})
