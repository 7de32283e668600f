// The adapter: vbspec's commands from standard input, answers and events to standard output. See ../../adapter/PROTOCOL.md.
import { createInterface } from 'node:readline'
import { CONTRACT } from './component.mjs'
import { versions, warm } from './codec.mjs'
import { Host } from './host.mjs'
import { LIMITS } from './plugin.mjs'

const hosts = new Map()

const commands = {
  hello: () => {
    warm()
    return {
      protocol: 1,
      name: 'vbspec-node-host',
      version: '0.1.0',
      contract: CONTRACT,
      protocols: [...versions.keys()].sort((a, b) => a - b),
      hosts: 64,
      features: ['two-plugins', 'restart', 'per-session', 'compression', 'duplicate', 'kick', 'reconfigure', 'failures'],
      limits: Object.keys(LIMITS)
    }
  },

  start: async ({ host: number, ...rest }) => {
    const host = new Host(number, rest, emit)
    const address = await host.start()
    hosts.set(number, host)
    return { address }
  },

  stop: async ({ host, reason }) => {
    const stopped = the(host)
    hosts.delete(host)
    await stopped.stop(reason ?? 'The server stops.')
  },

  kick: ({ host, player, reason }) => {
    if (!the(host).kick(player, reason)) throw new Error(`nobody is called ${player}`)
  },

  reconfigure: ({ host, plugin: name, config }) => {
    const plugin = the(host).plugins.find((plugin) => plugin.name === name)
    if (plugin === undefined) throw new Error(`there is no plugin ${name}`)
    plugin.config = config
  },

  shutdown: stopAll
}

function the (number) {
  const host = hosts.get(number)
  if (host === undefined) throw new Error(`there is no host ${number}`)
  return host
}

async function stopAll () {
  const all = [...hosts.values()]
  hosts.clear()
  await Promise.all(all.map((host) => host.stop('The server stops.')))
}

function emit (message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

async function obey (line) {
  const { id, do: name, ...parameters } = JSON.parse(line)
  if (!Object.hasOwn(commands, name)) return emit({ answer: id, refused: 'no such command' })
  try {
    emit({ answer: id, ...await commands[name](parameters) })
  } catch (error) {
    emit({ answer: id, refused: error.message })
    if (name !== 'start') console.error(error.message)
  }
  if (name === 'shutdown') process.exit(0)
}

// Nobody reads any more.
process.stdout.on('error', () => process.exit(1))

createInterface({ input: process.stdin }).on('line', obey).on('close', async () => {
  await stopAll()
  process.exit(0)
})
