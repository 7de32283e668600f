// Witness A: the npm package minecraft-protocol as the server of our simulated client.
//
//   node server.mjs SIM_CLIENT [PROTOCOL...]
//
// SIM_CLIENT is the built binary. Serves each of the package's versions (or those whose protocol is named) on a port of its
// own, all side by side, has the client join, and prints a line each: login and configuration passed, in the world, two
// keep-alives answered, the reason of the disconnect heard, and every packet of the client decoded with no byte left over.
// Then asks the package for its status as clients before 1.7 did.
// Exits with 1 when a version failed, 2 on a wrong call.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const mc = require('minecraft-protocol')
const minecraftData = require('minecraft-data')

const PATIENCE_MS = 60_000
const KEEP_ALIVE_MS = 1000
const ROUNDS = 2
const REASON = 'The witness has seen enough.'
// Above every world's build height: the client is in the world without a chunk there, whatever its protocol asks for.
const HEIGHT = 1000

const [simClient, ...rest] = process.argv.slice(2)
const wanted = rest.map(Number)
if (simClient === undefined || wanted.some((protocol) => !Number.isInteger(protocol))) {
  console.error('usage: node server.mjs SIM_CLIENT [PROTOCOL...]')
  process.exit(2)
}

const versions = mc.supportedVersions
  .map((name) => ({ name, protocol: minecraftData(name).version.version }))
  .filter(({ protocol }) => wanted.length === 0 || wanted.includes(protocol))

// What the package has no packet of its own for: JoinGame until 1.15.
const OLD_LOGIN = {
  entityId: 1, gameMode: 0, dimension: 0, difficulty: 1, maxPlayers: 20, levelType: 'default', viewDistance: 10,
  reducedDebugInfo: false, hashedSeed: [0, 0], enableRespawnScreen: true
}

// The package's registries for 770 to 773 are those of 1.21.3 and lack what the clients of these versions demand (the
// animals' variants; see ../../fixtures/data/PROVENANCE.md).
// They are lent those of 1.21.11. Once the package has one itself, the run fails until it is taken from this list.
const LENT_FROM = '1.21.11'
const LENT = ['cat', 'chicken', 'cow', 'frog', 'pig'].map((animal) => `minecraft:${animal}_variant`)
  .concat('minecraft:wolf_sound_variant')

function registries ({ version, loginPacket }) {
  const own = loginPacket?.dimensionCodec
  if (version.version < 770 || version.version > 773) return undefined
  const had = LENT.filter((name) => name in own)
  if (had.length > 0) throw new Error(`the package has ${had.join(', ')} of its own now: take them from LENT`)
  const lender = minecraftData(LENT_FROM).loginPacket.dimensionCodec
  return { ...own, ...Object.fromEntries(LENT.map((name) => [name, lender[name]])) }
}

function sendWorld (client, data) {
  const location = { x: 0, y: 64, z: 0 }
  client.write('login', { ...OLD_LOGIN, ...data.loginPacket, entityId: 1, enforcesSecureChat: false })
  if (data.version.version >= 755) {
    client.write('spawn_position', {
      location, angle: 0, globalPos: { dimensionName: 'minecraft:overworld', location }, yaw: 0, pitch: 0
    })
  }
  if (data.version.version >= 765) client.write('game_state_change', { reason: 13, gameMode: 0 })
  const flags = data.version.version >= 768 ? {} : 0
  client.write('position', {
    teleportId: 1, x: 0, y: HEIGHT, z: 0, dx: 0, dy: 0, dz: 0, yaw: 0, pitch: 0, flags, onGround: false,
    dismountVehicle: false
  })
}

function witness ({ name, protocol }) {
  return new Promise((resolve) => {
    const faults = new Set()
    let keepAlives = 0
    const server = mc.createServer({
      'online-mode': false, host: '127.0.0.1', port: 0, version: name, keepAlive: true,
      checkTimeoutInterval: KEEP_ALIVE_MS, kickTimeout: PATIENCE_MS, enforceSecureProfile: false, hideErrors: true,
      registryCodec: registries(minecraftData(name))
    })
    server.on('error', (error) => faults.add(String(error.message ?? error)))
    server.on('connection', (client) => {
      client.on('error', (error) => faults.add(String(error.message ?? error).split('\n')[0].slice(0, 200)))
      client.on('packet', (_data, meta, _buffer, full) => {
        if (meta.size !== undefined && full !== undefined && meta.size !== full.length) {
          faults.add(`${meta.state}.${meta.name}: ${full.length - meta.size} of ${full.length} bytes left over`)
        }
        if (meta.state === 'play' && meta.name === 'keep_alive') {
          keepAlives += 1
          if (keepAlives === ROUNDS) setTimeout(() => client.end(REASON), 200)
        }
      })
    })
    server.on('playerJoin', (client) => {
      try {
        sendWorld(client, minecraftData(name))
      } catch (error) {
        faults.add(`the witness could not write: ${String(error.message ?? error)}`)
      }
    })
    server.on('listening', () => {
      const { port } = server.socketServer.address()
      const child = spawn(simClient, ['join', `127.0.0.1:${port}`, '--protocol', String(protocol), '--for', '55'])
      let output = ''
      child.stdout.on('data', (chunk) => { output += chunk })
      child.stderr.on('data', (chunk) => { output += chunk })
      const timer = setTimeout(() => child.kill(), PATIENCE_MS)
      child.on('close', () => {
        clearTimeout(timer)
        if (!/== in the world$/m.test(output)) faults.add('the client did not get in world')
        if (!output.includes(REASON)) faults.add('the client did not hear the reason')
        if (keepAlives < ROUNDS) faults.add(`${keepAlives} keep-alives answered, not ${ROUNDS}`)
        server.close()
        resolve({ name, protocol, keepAlives, faults: [...faults], output })
      })
    })
  })
}

// The server list ping of clients before 1.7, in its three forms.
function oldPing (form) {
  return new Promise((resolve) => {
    const motd = 'An old acquaintance'
    const server = mc.createServer({ 'online-mode': false, host: '127.0.0.1', port: 0, motd, maxPlayers: 7 })
    server.on('listening', () => {
      const { port } = server.socketServer.address()
      const child = spawn(simClient, ['status', `127.0.0.1:${port}`, '--legacy', form])
      let output = ''
      child.stdout.on('data', (chunk) => { output += chunk })
      child.stderr.on('data', (chunk) => { output += chunk })
      child.on('close', (code) => {
        const version = form === '1.3' || output.includes(server.mcversion.minecraftVersion)
        server.close()
        resolve({ form, good: code === 0 && output.includes(motd) && output.includes('0 of 7') && version, output })
      })
    })
  })
}

const results = await Promise.all(versions.map(witness))
let failed = 0
for (const { name, protocol, keepAlives, faults, output } of results) {
  const good = faults.length === 0
  if (!good) failed += 1
  console.log(`${String(protocol).padStart(3)} ${name.padEnd(8)} ${good ? 'ok' : 'FAILED'}  keep-alives ${keepAlives}` +
    (good ? '' : `; ${faults.join('; ')}\n${output.replace(/^/gm, '      ').slice(0, 2000)}`))
}
console.log(`${results.length - failed} of ${results.length} versions`)
for (const { form, good, output } of await Promise.all(['1.3', '1.5', '1.6'].map(oldPing))) {
  if (!good) failed += 1
  console.log(`    the ping of ${form}: ${good ? 'ok' : `FAILED\n${output.replace(/^/gm, '      ')}`}`)
}
process.exit(failed === 0 && results.length > 0 ? 0 : 1)
