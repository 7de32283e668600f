// A plugin: its instances, what they may call, and what becomes of it when one traps.
import { BUDGET, load } from './component.mjs'
import { METER } from './meter.mjs'

export const GATES = ['pre-login', 'server-pre-connect']
export const LIMITS = { memory: 64 << 20, kept_sessions: 4096, tasks: 2048, listeners: 64, handlers: 64, log_lines: 1000 }

// The capability of each interface that needs one.
const CAPABILITIES = { 'event-bus': 'event-bus', scheduler: 'scheduler', 'config-service': 'config-read', 'virtual-backend': 'virtual-backend' }
const BASELINE = ['event-bus', 'scheduler', 'config-read', 'player-read', 'player-write', 'command']
const KNOWN = [...BASELINE, 'virtual-backend']

const LOG_BYTES_A_SECOND = 256 << 10
const LOG_LINE = 8 << 10
const RESTARTS = 5
const RESTART_WINDOW_MS = 300_000
const RESTART_DELAY_MS = 500
const LEAST_PERIOD_MS = 10n
const LONGEST_TIMER_MS = 2 ** 31 - 1

// What a call of the contract answers as an error.
class Answer {
  constructor (payload) { this.payload = payload }
}

const fail = (kind, message) => { throw new Answer({ kind, message }) }
// From a session's method: nothing, or what was wrong.
const answer = (error) => { if (error) throw new Answer(error) }

export class Plugin {
  instance = null
  // Why it is not up, for the log and for who is denied; null while it is up.
  down = 'is starting'
  everUp = false
  // Listeners of the last instance that came up, and of those since then that failed.
  held = []
  #restarts = []
  #timer = null
  #log = { since: 0, lines: 0, bytes: 0, dropped: 0 }

  constructor (host, order, table) {
    Object.assign(this, { host, order, table, name: table.name, config: table.config ?? {} })
    this.limits = { ...LIMITS, ...table.limits }
    for (const list of ['permissions', 'deny']) for (const name of table[list] ?? []) this.#known(name, list, KNOWN)
    for (const name of table.gates ?? []) this.#known(name, 'gates', GATES)
    const granted = [...BASELINE, ...table.permissions ?? []]
    this.capabilities = new Set(granted.filter((name) => !(table.deny ?? []).includes(name)))
  }

  #known (name, list, names) {
    if (names.includes(name)) return
    const nearest = names.map((known) => [distance(name.toLowerCase(), known), known]).sort(([a], [b]) => a - b)[0][1]
    throw new Error(`plugin ${this.name}: ${list} names "${name}", which there is not; did you mean "${nearest}"?`)
  }

  async load () {
    try {
      this.component = await load(this.table.component, this.limits.memory)
    } catch (error) {
      throw new Error(`plugin ${this.name}: ${this.table.component}: ${error.message}`)
    }
    for (const name of this.component.imports) {
      const capability = CAPABILITIES[name]
      if (capability === undefined || this.capabilities.has(capability)) continue
      const mend = (this.table.deny ?? []).includes(capability)
        ? `take "${capability}" out of deny` : `write permissions = ["${capability}"]`
      throw new Error(`plugin ${this.name} imports infrarust:plugin/${name}, for which it needs the capability ${capability}; ` +
        `to grant it, ${mend} in [plugins.${this.name}]`)
    }
  }

  get mayListen () { return this.component.imports.includes('event-bus') }

  // Why nobody passes a gate at all, or null. What the plugin itself holds is asked in its place, by priority.
  shuts (gate) {
    if (this.down === null) return null
    const all = this.table.gates === undefined && !this.everUp && this.mayListen
    return all || this.table.gates?.includes(gate) ? `plugin ${this.name} ${this.down}` : null
  }

  start () {
    try {
      const instance = new Instance(this)
      this.instance = instance
      instance.enable()
      this.held = instance.listeners
      this.down = null
      this.everUp = true
    } catch (error) {
      if (error instanceof Refused) {
        this.#fell('is off: it refused to be enabled')
        this.note('warn', `is off: ${error.message}`)
      } else if (!(error instanceof Trap)) throw error
    }
  }

  // An instance has trapped.
  trapped (instance, where, error) {
    const text = String(error?.message ?? error).split('\n')[0]
    this.host.emit({ event: 'failed', host: this.host.number, plugin: this.name, callback: where, text })
    for (const session of [...instance.sessions]) {
      session.connection.end({ tag: 'plain', val: 'The part of the server that you were in has failed.' }, `plugin ${this.name} has trapped`)
    }
    if (instance.session !== null || where === 'on-disable' || this.host.stopping) return
    this.#fell('has failed and is to be restarted')
    const now = performance.now()
    this.#restarts = this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS)
    if (this.#restarts.length >= RESTARTS) {
      this.down = 'is in quarantine'
      this.note('error', `is in quarantine: it has failed after ${RESTARTS} restarts`)
      return
    }
    const delay = RESTART_DELAY_MS * 2 ** this.#restarts.length
    this.#restarts.push(now)
    this.#timer = setTimeout(() => this.start(), delay)
  }

  #fell (why) {
    // Those of an instance that never came up are held besides those of the last that did.
    if (this.down !== null) this.held = [...this.held, ...this.instance?.listeners ?? []]
    this.down = why
    this.instance?.drop()
    this.instance = null
  }

  stop () {
    clearTimeout(this.#timer)
    this.instance?.disable()
    this.instance = null
    this.down = 'has been stopped'
    this.#report()
  }

  note (level, text) {
    this.host.emit({ event: 'note', host: this.host.number, text: `${level}: plugin ${this.name} ${text}` })
  }

  log (level, message) {
    const now = performance.now()
    const log = this.#log
    if (now - log.since >= 1000) {
      this.#report()
      Object.assign(log, { since: now, lines: 0, bytes: 0 })
    }
    const text = cut(message, LOG_LINE)
    const bytes = Buffer.byteLength(text)
    if (log.lines >= this.limits.log_lines || log.bytes + bytes > LOG_BYTES_A_SECOND) {
      if (log.dropped === 0) setTimeout(() => this.#report(), 1000).unref()
      log.dropped += 1
      return
    }
    log.lines += 1
    log.bytes += bytes
    this.host.emit({ event: 'log', host: this.host.number, plugin: this.name, level, text })
  }

  #report () {
    const lines = this.#log.dropped
    this.#log.dropped = 0
    if (lines > 0) this.host.emit({ event: 'dropped', host: this.host.number, plugin: this.name, lines })
  }
}

// The instance has ended a call before it returned; it has been dealt with.
export class Trap extends Error {}
// The guest does not want to be enabled, or is not fit to be.
export class Refused extends Error {}

export class Instance {
  alive = true
  sessions = new Set()
  handlers = new Map()
  listeners = []
  kept = 0
  #enabling = false
  #tasks = new Map()
  #nextListener = 1
  #nextTask = 1n
  #meters = []
  #since = performance.now()

  // `session` is the one that an instance is made for, with instances = "per-session".
  constructor (plugin, session = null) {
    Object.assign(this, { plugin, session })
    try {
      this.exports = plugin.component.create(this.#imports(), (module, imports) => {
        const made = new WebAssembly.Instance(module, imports)
        if (made.exports[METER] !== undefined) this.#meters.push(made.exports[METER])
        return made
      })
    } catch (error) {
      this.#trap('instantiation', error)
    }
  }

  enable () {
    const { id, name, version, authors, description } = this.call('guest', 'metadata')
    const bytes = (text) => Buffer.byteLength(text)
    if (!/^[a-z][a-z0-9_-]{0,63}$/.test(id) || bytes(name) > 128 || bytes(version) > 256 || authors.length > 32 ||
      authors.some((author) => bytes(author) > 128) || bytes(description ?? '') > 1024 || !SEMANTIC.test(version)) {
      this.drop()
      throw new Refused('its metadata are out of bounds')
    }
    this.#since = performance.now()
    this.#enabling = true
    try { this.call('guest', 'onEnable') } finally { this.#enabling = false }
  }

  disable () {
    if (!this.alive) return
    this.#clear()
    try { this.call('guest', 'onDisable') } catch (error) { if (!(error instanceof Trap)) throw error }
    this.drop()
  }

  // No call from now on.
  drop () {
    this.alive = false
    this.#clear()
  }

  #clear () {
    for (const { timer } of this.#tasks.values()) clearTimeout(timer)
    this.#tasks.clear()
  }

  call (face, name, ...parameters) {
    if (!this.alive) throw new Trap()
    for (const meter of this.#meters) meter.value = BUDGET
    try {
      return this.exports[face][name](...parameters)
    } catch (error) {
      if (name === 'onEnable' && typeof error === 'string') {
        this.drop()
        throw new Refused(cut(error, 1024))
      }
      const spent = this.#meters.some(({ value }) => value === 0)
      return this.#trap(hyphens(name), spent ? 'it is over its CPU budget' : error)
    }
  }

  // A callback of a session, which is lent to it.
  serve (name, session, ...more) {
    const lent = new this.Session(session)
    this.call('virtualBackendHandler', name, session.handler, lent, ...more)
    lent.forget()
    if (this.alive && lent.held()) this.#trap(hyphens(name), 'it has kept a session that was lent to it')
  }

  #trap (where, error) {
    this.drop()
    this.plugin.trapped(this, where, error)
    throw new Trap()
  }

  #imports () {
    const { plugin } = this
    const instance = this
    class VirtualBackendSession {
      constructor (session) { this.session = session }
      // Whether the guest still has it, and how to let go of it here.
      lent (held, forget) { Object.assign(this, { held, forget }) }
      playerId () { return this.session.connection.player }
      profile () { return this.session.connection.profile }
      protocolVersion () { return this.session.connection.version.protocol }
      sendPacket (packet) { answer(this.session.sendPackets([packet])?.error) }
      sendPackets (packets) { answer(this.session.sendPackets(packets)) }
      sendMessage (message) { answer(this.session.sendMessage(message)) }
      switchServer (target) { answer(this.session.switchServer(target)) }
      disconnect (reason) { answer(this.session.disconnect(reason)) }
      acquire () {
        answer(this.session.gone())
        if (instance.kept >= plugin.limits.kept_sessions) fail('quota-exceeded', `${instance.kept} sessions are kept`)
        instance.kept += 1
        const kept = new VirtualBackendSession(this.session)
        kept[Symbol.dispose ?? Symbol.for('dispose')] = () => { instance.kept -= 1 }
        return kept
      }
    }
    this.Session = VirtualBackendSession
    const offered = {
      types: {},
      events: {},
      log: { log: (level, message) => plugin.log(level, message) },
      'event-bus': { subscribe: (kind, priority) => this.#subscribe(kind, priority), unsubscribe: (id) => this.#unsubscribe(id) },
      scheduler: {
        schedule: (delay) => this.#schedule(delay, null),
        scheduleRepeating: (delay, period) => this.#schedule(delay, period),
        cancel: (task) => this.#cancel(task),
        now: () => BigInt(Math.floor(performance.now() - this.#since))
      },
      'config-service': {
        get: (key) => Object.hasOwn(plugin.config, key) ? plugin.config[key] : undefined,
        keys: () => Object.keys(plugin.config).sort()
      },
      'virtual-backend': {
        VirtualBackendSession,
        registerVirtualBackendHandler: (name, handler) => this.#register(name, handler)
      }
    }
    return Object.fromEntries(plugin.component.imports.map((name) => [`infrarust:plugin/${name}`, offered[name]]))
  }

  #subscribe (kind, priority) {
    if (this.listeners.length >= this.plugin.limits.listeners) fail('quota-exceeded', `there are ${this.listeners.length} listeners`)
    const id = this.#nextListener++
    this.listeners.push({ id, kind, priority })
    return id
  }

  #unsubscribe (id) {
    const at = this.listeners.findIndex((listener) => listener.id === id)
    if (at >= 0) this.listeners.splice(at, 1)
    return at >= 0
  }

  #register (name, handler) {
    if (!this.#enabling) fail('too-late', 'handlers are registered during on-enable only')
    // eslint-disable-next-line no-control-regex
    if (name === '' || Buffer.byteLength(name) > 64 || /[\u0000-\u001f\u007f-\u009f]/.test(name)) fail('invalid-name', 'a name has 1 to 64 bytes without control characters')
    if (this.handlers.has(handler)) fail('already-registered', `handler ${handler} is "${this.handlers.get(handler)}" already`)
    if ([...this.handlers.values()].includes(name)) fail('already-registered', `there is a handler "${name}" already`)
    if (this.handlers.size >= this.plugin.limits.handlers) fail('quota-exceeded', `there are ${this.handlers.size} handlers`)
    this.handlers.set(handler, name)
  }

  #schedule (delay, period) {
    if (period !== null && period < LEAST_PERIOD_MS) fail('invalid-period', `a period has at least ${LEAST_PERIOD_MS} ms`)
    if (this.#tasks.size >= this.plugin.limits.tasks) fail('quota-exceeded', `${this.#tasks.size} tasks wait`)
    const id = this.#nextTask++
    const task = { due: performance.now() + Number(delay), period: period === null ? null : Number(period), timer: null }
    this.#tasks.set(id, task)
    this.#arm(id, task)
    return id
  }

  #arm (id, task) {
    const left = Math.ceil(task.due - performance.now())
    task.timer = setTimeout(() => this.#run(id, task), Math.min(Math.max(left, 0), LONGEST_TIMER_MS))
  }

  #run (id, task) {
    const now = performance.now()
    if (now < task.due) return this.#arm(id, task)
    if (task.period === null) this.#tasks.delete(id)
    else {
      task.due += task.period * Math.max(1, Math.ceil((now - task.due) / task.period))
      this.#arm(id, task)
    }
    try { this.call('guest', 'onScheduledTask', id) } catch (error) { if (!(error instanceof Trap)) throw error }
  }

  #cancel (id) {
    clearTimeout(this.#tasks.get(id)?.timer)
    return this.#tasks.delete(id)
  }
}

const SEMANTIC = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

function hyphens (name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

// At most so many bytes, and no half of a character.
function cut (text, most) {
  const bytes = Buffer.from(text)
  if (bytes.length <= most) return text
  while ((bytes[most] & 0xc0) === 0x80) most -= 1
  return bytes.toString('utf8', 0, most)
}

function distance (a, b) {
  let row = [...b, ''].map((_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}
