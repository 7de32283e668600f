// A host: a listening socket, plugins in their order, and the events of every connection.
import { createServer } from 'node:net'
import { Connection } from './connection.mjs'
import { GATES, Plugin, Trap } from './plugin.mjs'

const MEMORY = 256 << 20
const COMPRESSION = 256
// Of the 10 s that a host has to stop, what it waits for clients that do not read.
const STOP_MS = 5000
const SERVER_BYTES = 255
const REASONS = 16
const REASON_BYTES = 256

const plain = (val) => ({ tag: 'plain', val })

export class Host {
  connections = new Set()
  plugins = []
  stopping = false
  nextPlayer = 1n
  waiting = 0

  constructor (number, { plugins, compression = COMPRESSION, duplicate = 'replace' }, emit) {
    Object.assign(this, { number, compression, duplicate, emit })
    this.plugins = plugins.map((table, order) => new Plugin(this, order, table))
  }

  // Answers the address.
  async start () {
    for (const plugin of this.plugins) await plugin.load()
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections.add(new Connection(this, socket))
    })
    await new Promise((resolve, reject) => {
      this.server.on('error', reject)
      this.server.listen(0, '127.0.0.1', 1024, resolve)
    })
    for (const plugin of this.plugins) plugin.start()
    this.watch = setInterval(() => { for (const one of this.connections) one.watch(performance.now()) }, 1000)
    return `127.0.0.1:${this.server.address().port}`
  }

  async stop (reason) {
    this.stopping = true
    clearInterval(this.watch)
    const all = [...this.connections]
    this.server.close()
    for (const connection of all) connection.end(plain(reason), 'the host stops')
    // The ends of sessions, which come before anything is disabled.
    await new Promise((resolve) => setImmediate(resolve))
    for (const plugin of this.plugins) plugin.stop()
    const until = performance.now() + STOP_MS
    while (performance.now() < until && !all.every(({ flushed }) => flushed)) await new Promise((resolve) => setTimeout(resolve, 20))
    for (const { flushed, socket } of all) if (!flushed) socket.destroy()
  }

  // The one of this name who came last; false where nobody is there.
  kick (name, reason) {
    const found = [...this.connections].findLast(({ profile, over }) => profile?.name === name && !over)
    found?.end(plain(reason), 'kicked')
    return found !== undefined
  }

  note (text) { this.emit({ event: 'note', host: this.number, text }) }

  get players () { return [...this.connections].filter(({ session }) => session !== null).length }

  // Other connections of this player, which have said who they are.
  others (connection) {
    return [...this.connections].filter((one) => one !== connection && !one.over && one.player !== null &&
      one.profile.name === connection.profile.name)
  }

  // Whether one for whom so many bytes would wait finds room in what all have together.
  room (own) {
    return own <= Math.max(MEMORY - this.waiting, MEMORY / 4 / Math.max(this.connections.size, 1))
  }

  // Asks every listener of an event that takes no answer.
  tell (kind, val) {
    for (const { plugin, listener } of this.#listeners(kind)) {
      if (plugin.down === null) this.#ask(plugin, listener, { tag: kind, val })
    }
  }

  // The decision of an event: null for none, the result that decided, or {tag: 'denied', val, why} for a gate that is shut.
  ask (kind, val) {
    const gate = GATES.includes(kind)
    const shut = (why) => ({ tag: 'denied', val: plain('A part of this server that has to let you in does not answer. Try again later.'), why })
    if (gate) {
      for (const plugin of this.plugins) {
        const why = plugin.shuts(kind)
        if (why !== null) return shut(why)
      }
    }
    for (const { plugin, listener } of this.#listeners(kind)) {
      const outcome = plugin.down === null ? this.#ask(plugin, listener, { tag: kind, val }) : null
      if (outcome === null) {
        if (gate) return shut(`plugin ${plugin.name} ${plugin.down ?? 'has failed'} at ${kind}`)
        continue
      }
      if (outcome.tag === 'no-opinion') continue
      const fault = this.#fault(kind, outcome)
      if (fault !== null) {
        plugin.note('error', `answered ${fault} at ${kind}`)
        if (gate) return shut(`plugin ${plugin.name} answered ${fault} at ${kind}`)
        continue
      }
      const decision = { ...outcome.val, plugin, why: `plugin ${plugin.name} denies at ${kind}` }
      return decision.tag === 'virtual-backend' ? this.#backend(decision) : decision
    }
    return null
  }

  // By priority; where that is equal by plugin, and then as they were subscribed. A plugin that is down has those it held.
  #listeners (kind) {
    return this.plugins.flatMap((plugin) => (plugin.down === null ? plugin.instance.listeners : plugin.held)
      .filter((listener) => listener.kind === kind).map((listener) => ({ plugin, listener })))
      .sort((a, b) => b.listener.priority - a.listener.priority)
  }

  // Null when it fails.
  #ask (plugin, listener, event) {
    const { instance } = plugin
    // Unsubscribed since the event began.
    if (!instance.listeners.includes(listener)) return { tag: 'no-opinion' }
    try {
      return instance.call('guest', 'handleEvent', listener.id, event)
    } catch (error) {
      if (!(error instanceof Trap)) throw error
      return null
    }
  }

  #fault (kind, outcome) {
    if (outcome.tag !== kind) return `an outcome of ${outcome.tag}`
    const { tag, val } = outcome.val
    const over = (text, most) => Buffer.byteLength(text) > most
    if (['redirect', 'connect-to'].includes(tag) && over(val, SERVER_BYTES)) return `a server's name of more than ${SERVER_BYTES} bytes`
    if (tag === 'send-to-limbo' && (val.length > REASONS || val.some((reason) => over(reason, REASON_BYTES)))) {
      return `more than ${REASONS} reasons, or one of more than ${REASON_BYTES} bytes`
    }
    return null
  }

  #backend ({ plugin, val: handler }) {
    const { instance } = plugin
    const denied = (why) => {
      plugin.note('error', why)
      return { tag: 'denied', val: plain('This server is not set up well: nobody plays the part that you were sent to.'), why: `plugin ${plugin.name} ${why}` }
    }
    if (!plugin.capabilities.has('virtual-backend')) return denied(`answered virtual-backend(${handler}) without the capability virtual-backend`)
    if (!instance.handlers.has(handler)) return denied(`answered virtual-backend(${handler}), a handler that it has not registered`)
    return { tag: 'virtual-backend', plugin, instance, handler }
  }

  // This host has no servers and no limbo: whatever is decided but a virtual backend is a denial.
  elsewhere (decision, target) {
    if (decision?.tag === 'denied') return decision
    if (decision?.tag === 'send-to-limbo') return { val: plain('This server has no place to wait in.'), why: 'sent to limbo, which this host has not' }
    const server = decision?.tag === 'connect-to' ? decision.val : target
    return server === undefined
      ? { val: plain('There is no server to join here.'), why: 'no server is chosen' }
      : { val: plain('The server that you were sent to is not known here.'), why: `the server ${JSON.stringify(server)} is not known` }
  }
}
