// Witness B: the npm package minecraft-protocol as the client of a host that runs the lobby.
//
//   node client.mjs PORT [PROTOCOL...]
//
// Joins once on each of the package's versions (or those whose protocol is named), all side by side, and prints a line
// each: JoinGame decoded whole, the health that bots wait for before they take part, two keep-alives answered, chat echoed, `/leave` answered with its reason, no decode error
// and no byte left over in any packet. Exits with 1 when a version failed, 2 on a wrong call.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const mc = require('minecraft-protocol')
const minecraftData = require('minecraft-data')

// Two of the lobby's keep-alives, ten seconds apart, and room for a slow machine.
const PATIENCE_MS = 60_000
const ROUNDS = 2
const REASON = 'You left the lobby.'

const [port, ...wanted] = process.argv.slice(2).map(Number)
if (!Number.isInteger(port) || wanted.some((protocol) => !Number.isInteger(protocol))) {
  console.error('usage: node client.mjs PORT [PROTOCOL...]')
  process.exit(2)
}

const versions = mc.supportedVersions
  .map((name) => ({ name, protocol: minecraftData(name).version.version }))
  .filter(({ protocol }) => wanted.length === 0 || wanted.includes(protocol))

// As a new player in vanilla: 20 of health and of food, 5 of saturation.
function isHealthy (health) {
  return health !== null && health.health === 20 && health.food === 20 && health.foodSaturation === 5
}

function join ({ name, protocol }, index) {
  return new Promise((resolve) => {
    const seen = { joinGame: 0, keepAlives: 0, echo: false, position: false, chunk: false, health: null, reason: null }
    const faults = []
    const client = mc.createClient({
      host: '127.0.0.1', port, username: `Witness${index}`, version: name, auth: 'offline', hideErrors: true
    })
    const text = `hello from ${name}`
    let timer = null
    const finish = () => {
      if (timer === null) return
      clearTimeout(timer)
      timer = null
      for (const [what, was] of [
        ['one JoinGame', seen.joinGame === 1], ['a position', seen.position], ['a chunk', seen.chunk], ['a healthy player', isHealthy(seen.health)],
        [`${ROUNDS} keep-alives`, seen.keepAlives >= ROUNDS], ['its chat echoed', seen.echo],
        ['the reason', seen.reason !== null && seen.reason.includes(REASON)]
      ]) if (!was) faults.push(`did not see ${what}`)
      client.end()
      resolve({ name, protocol, seen, faults })
    }
    timer = setTimeout(finish, PATIENCE_MS)

    const say = (message) => client.chat(message)
    // A command is a packet of its own from 759 on; the package's own chat() knows.
    client.on('packet', (data, meta, _buffer, full) => {
      if (meta.size !== undefined && full !== undefined && meta.size !== full.length) {
        faults.push(`${meta.state}.${meta.name}: ${full.length - meta.size} of ${full.length} bytes left over`)
      }
      if (meta.state === 'play' && meta.name === 'login') seen.joinGame += 1
      if (meta.state === 'play' && meta.name === 'position') {
        seen.position = true
        setTimeout(() => say(text), 100)
      }
      if (meta.name === 'map_chunk') seen.chunk = true
      if (meta.state === 'play' && meta.name === 'update_health') seen.health = data
      if (meta.state === 'play' && meta.name === 'keep_alive') {
        seen.keepAlives += 1
        if (seen.keepAlives === ROUNDS) setTimeout(() => say('/leave'), 1000)
      }
      if (meta.name === 'chat' || meta.name === 'system_chat') {
        if (JSON.stringify(data).includes(text)) seen.echo = true
      }
      if (meta.name === 'kick_disconnect' || meta.name === 'disconnect') {
        seen.reason = JSON.stringify(data.reason)
        setTimeout(finish, 50)
      }
    })
    client.on('error', (error) => faults.push(String(error.message ?? error).split('\n')[0].slice(0, 200)))
    client.on('end', () => setTimeout(finish, 50))
  })
}

const results = await Promise.all(versions.map(join))
let failed = 0
for (const { name, protocol, seen, faults } of results) {
  const good = faults.length === 0
  if (!good) failed += 1
  console.log(`${String(protocol).padStart(3)} ${name.padEnd(8)} ${good ? 'ok' : 'FAILED'}  keep-alives ${seen.keepAlives}` +
    (good ? '' : `; ${[...new Set(faults)].join('; ')}`))
}
console.log(`${results.length - failed} of ${results.length} versions`)
process.exit(failed === 0 && results.length > 0 ? 0 : 1)
