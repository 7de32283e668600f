// A connection of a client: handshake, status, login, configuration, and then a session that passes packets on.
import { createHash } from 'node:crypto'
import { anyVersion, idOf, read, registries, versions, write } from './codec.mjs'
import { Malformed, Splitter, frame, readVarint, varint } from './frames.mjs'
import { Instance, Refused, Trap } from './plugin.mjs'
import { Unfit, encode, encodeAnyhow } from './text.mjs'

const LOGIN_MS = 30_000
const CONFIGURATION_MS = 15_000
// How long a client has to close a connection that has ended, once it has read everything.
const CLOSE_MS = 10_000
const STALL_MS = 30_000
const QUEUE_PACKETS = 4096
const QUEUE_BYTES = 8 << 20
// What one client is served before the others have their turn.
const TURN_PACKETS = 64
const TURN_BYTES = 256 << 10

const plain = (val) => ({ tag: 'plain', val })

export class Connection {
  player = null
  profile = null
  session = null
  version = anyVersion
  // What is read next, and what the client reads next; they differ while it has yet to acknowledge.
  state = 'handshaking'
  told = 'handshaking'
  over = false
  waiting = { packets: 0, bytes: 0 }
  #splitter = new Splitter()
  #threshold = -1
  #turn = null
  #finished = false
  #silent = false
  #timer = null
  #stall = { size: 0, since: 0 }
  #awaited = null

  constructor (host, socket) {
    Object.assign(this, { host, socket })
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      if (this.over) return
      this.#splitter.push(chunk)
      if (this.#turn === null) this.#serve()
    })
    socket.on('end', () => { this.#silent = true; if (this.#turn === null) this.end(null, 'the client has left') })
    socket.on('error', () => {})
    socket.on('close', () => this.end(null, 'the connection is closed'))
    this.#within(LOGIN_MS)
  }

  // Ends the connection, once: with a reason where the client's state has a packet for one. `why` is for the log.
  end (reason, why) {
    if (this.over) return
    this.over = true
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    if (reason !== null) {
      this.host.note(`${this.profile?.name ?? 'a client'}: ${why}`)
      const packet = this.#farewell(reason)
      if (packet !== null) this.#write(packet)
    }
    this.socket.end(() => { this.#timer = setTimeout(() => this.socket.destroy(), CLOSE_MS) })
    this.socket.resume()
    this.socket.on('close', () => clearTimeout(this.#timer))
    // Not inside a call of the guest that has caused it.
    queueMicrotask(() => this.#finish())
  }

  // Whether everything has been handed to the system, or never will be.
  get flushed () { return this.socket.destroyed || this.socket.writableFinished }

  // Called every second: drops a client that takes nothing.
  watch (now) {
    const size = this.waiting.bytes === 0 ? 0 : this.socket._handle?.writeQueueSize ?? 0
    if (size === 0 || size !== this.#stall.size) this.#stall = { size, since: now }
    else if (now - this.#stall.since >= STALL_MS) {
      this.host.note(`${this.profile?.name ?? 'a client'}: does not read`)
      this.end(null, 'the client does not read')
      this.socket.destroy()
    }
  }

  // Frames of a session. Null when there is room, else why there is none.
  room (packets, bytes) {
    const { waiting } = this
    if (waiting.packets + packets > QUEUE_PACKETS) return `${QUEUE_PACKETS} packets wait`
    if (waiting.bytes + bytes > QUEUE_BYTES) return `${QUEUE_BYTES} bytes wait`
    return this.host.room(waiting.bytes + bytes) ? null : 'too much waits for all clients together'
  }

  frame (packet) { return frame(packet, this.#threshold) }

  queue (bytes) {
    this.waiting.packets += 1
    this.waiting.bytes += bytes.length
    this.host.waiting += bytes.length
    this.socket.write(bytes, () => {
      this.waiting.packets -= 1
      this.waiting.bytes -= bytes.length
      this.host.waiting -= bytes.length
    })
  }

  #serve () {
    this.#turn = null
    let packets = 0, bytes = 0
    try {
      while (!this.over) {
        if (packets === TURN_PACKETS || bytes > TURN_BYTES) {
          this.socket.pause()
          this.#turn = setImmediate(() => this.#serve())
          return
        }
        const packet = this.#splitter.next()
        if (packet === null) break
        packets += 1
        bytes += packet.length
        this.#packet(packet)
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      this.end(plain('A packet could not be read.'), `malformed: ${error.message}`)
    }
    if (this.#silent) this.end(null, 'the client has left')
    else this.socket.resume()
  }

  #packet (packet) {
    if (this.state === 'play') return this.#play(packet)
    let data
    try {
      data = read(this.version, this.state, packet)
    } catch (error) {
      return this.#odd(String(error.message).split('\n')[0])
    }
    const { name, params } = data
    if (this.state === 'handshaking') this.#handshake(name, params)
    else if (this.state === 'status') this.#status(name, params)
    else if (this.state === 'login') this.#login(name, params)
    else this.#configuration(name)
  }

  #odd (what) {
    this.end(plain('A packet came that was not expected.'), `in ${this.state}: ${what}`)
  }

  #handshake (name, { protocolVersion, nextState }) {
    if (name !== 'set_protocol') return this.#odd(name)
    const version = versions.get(protocolVersion)
    this.claimed = protocolVersion
    this.version = version ?? anyVersion
    if (nextState === 1) this.state = this.told = 'status'
    else if (nextState === 2 || nextState === 3) this.state = this.told = 'login'
    else return this.#odd(`a handshake for state ${nextState}`)
    if (this.state === 'login' && version === undefined) {
      const all = [...versions.keys()].sort((a, b) => a - b).join(', ')
      this.end(plain(`This server does not speak protocol ${protocolVersion}; it speaks ${all}.`), 'a protocol that is not spoken')
    }
    this.#within(LOGIN_MS)
  }

  #status (name, params) {
    if (name === 'ping_start') {
      this.#send('server_info', { response: JSON.stringify({
        version: { name: [...versions.values()].at(-1).name, protocol: versions.has(this.claimed) ? this.claimed : [...versions.keys()].at(-1) },
        players: { max: 1000, online: this.host.players, sample: [] },
        description: { text: 'A second host for virtual backends' }
      }) })
      this.#within(LOGIN_MS)
    } else if (name === 'ping') {
      this.#send('ping', { time: params.time })
      this.end(null, 'the ping is answered')
    }
  }

  #login (name, params) {
    if (this.#awaited === null && name === 'login_start') return this.#loginStart(params)
    if (this.#awaited === name && name === 'login_acknowledged') {
      this.state = 'configuration'
      return this.#loggedIn()
    }
    this.#odd(name)
  }

  #loginStart ({ username, playerUUID }) {
    if (!/^[A-Za-z0-9_]{1,16}$/.test(username)) {
      return this.end(plain('A name has 1 to 16 letters a to z, digits and _.'), 'a name that is none')
    }
    const { host, version } = this
    this.profile = { uuid: offline(username), name: username, properties: [] }
    const denial = host.ask('pre-login', {
      name: username, claimedUuid: playerUUID === undefined ? undefined : halves(Buffer.from(playerUUID.replaceAll('-', ''), 'hex')),
      protocolVersion: version.protocol, remoteAddress: address(this.socket)
    })
    if (denial?.tag === 'denied') return this.#deny(denial)
    if (this.over) return
    const others = host.others(this)
    if (others.length > 0 && host.duplicate === 'refuse') {
      return this.#deny({ val: plain('You are on this server already.'), why: 'is here already' })
    }
    // The session of the earlier is over before that of the later starts.
    if (host.duplicate === 'replace') {
      for (const other of others) {
        other.end(plain('You have joined from somewhere else.'), 'has joined again')
        other.#finish()
      }
    }
    if (host.compression >= 0 && version.compression) {
      this.#send('compress', { threshold: host.compression })
      this.#splitter.threshold = this.#threshold = host.compression
    }
    this.#send('success', { uuid: text(this.profile.uuid), username, properties: [], strictErrorHandling: false })
    this.player = host.nextPlayer++
    if (version.configuration) {
      this.told = 'configuration'
      this.#wait('login_acknowledged', LOGIN_MS)
    } else {
      this.state = this.told = 'play'
      this.#loggedIn()
    }
  }

  #loggedIn () {
    const { host, version, player, profile } = this
    const protocolVersion = version.protocol
    this.loggedIn = true
    host.tell('post-login', { playerId: player, profile, protocolVersion })
    const initial = host.ask('choose-initial-server', { playerId: player, profile, initial: undefined })
    const target = initial?.tag === 'redirect' ? initial.val : undefined
    const decision = host.ask('server-pre-connect', { playerId: player, profile, protocolVersion, target })
    if (this.over) return
    if (decision?.tag !== 'virtual-backend') return this.#deny(host.elsewhere(decision, target))
    this.backend = decision
    if (!version.configuration) this.#begin()
    else if (version.protocol < 766) this.#offer()
    else {
      this.#send('select_known_packs', { packs: [] })
      this.#wait('select_known_packs', CONFIGURATION_MS)
    }
  }

  // Neither settings nor the client's brand nor an answer to what was never asked is of interest here.
  #configuration (name) {
    if (name === this.#awaited) {
      if (name === 'select_known_packs') this.#offer()
      else {
        this.state = 'play'
        this.#begin()
      }
    } else if (['finish_configuration', 'select_known_packs'].includes(name)) this.#odd(name)
  }

  #offer () {
    for (const packet of registries(this.version)) this.#write(packet)
    this.#send('finish_configuration', {})
    this.told = 'play'
    this.#wait('finish_configuration', CONFIGURATION_MS)
  }

  #begin () {
    clearTimeout(this.#timer)
    const { plugin, instance, handler } = this.backend
    if (!instance.alive) return this.#deny({ val: plain('The part of the server that you were to join has failed.'), why: `plugin ${plugin.name} has failed` })
    this.session = new Session(this, instance, handler)
    try {
      if (plugin.table.instances === 'per-session') {
        this.session.instance = new Instance(plugin, this.session)
        this.session.instance.enable()
      }
      const { instance: own } = this.session
      own.sessions.add(this.session)
      own.serve('virtualBackendOnSessionStart', this.session)
    } catch (error) {
      if (!(error instanceof Trap) && !(error instanceof Refused)) throw error
      this.end(plain('The part of the server that you were to join does not start.'), error.message)
    }
  }

  #play (packet) {
    const head = readVarint(packet)
    if (head === null || head.value < 0) throw new Malformed('a packet without an id')
    if (head.value === idOf(this.version, 'play', 'toServer', 'configuration_acknowledged')) return this.#odd('an acknowledgement of what was not asked')
    const packetId = head.value
    try {
      this.session.instance.serve('virtualBackendOnPacketReceived', this.session, { packetId, data: packet.subarray(head.size) })
    } catch (error) {
      if (!(error instanceof Trap)) throw error
    }
  }

  // The one end of everything, and player-disconnect after it.
  #finish () {
    if (this.#finished) return
    this.#finished = true
    const { session, host } = this
    session?.end()
    host.connections.delete(this)
    if (this.loggedIn) host.tell('player-disconnect', { playerId: this.player })
  }

  #deny ({ val, why }) {
    this.host.emit({ event: 'denied', host: this.host.number, player: this.profile.name, reason: why })
    this.end(val, why)
  }

  #farewell (reason) {
    const name = this.told === 'play' ? 'kick_disconnect' : 'disconnect'
    if (this.told === 'handshaking' || this.told === 'status') return null
    return Buffer.concat([varint(idOf(this.version, this.told, 'toClient', name)), encodeAnyhow(reason, this.version, this.told)])
  }

  #send (name, params) { this.#write(write(this.version, this.told, name, params)) }

  #write (packet) { if (!this.socket.destroyed) this.queue(this.frame(packet)) }

  #wait (name, ms) {
    this.#awaited = name
    this.#within(ms)
  }

  #within (ms) {
    clearTimeout(this.#timer)
    if (this.over) return
    this.#timer = setTimeout(() => this.end(plain('The client has not answered in time.'), `silent for ${ms} ms in ${this.state}`), ms)
  }
}

class Session {
  #ended = false

  constructor (connection, instance, handler) {
    Object.assign(this, { connection, instance, handler })
    this.reserved = [
      idOf(connection.version, 'play', 'toClient', 'start_configuration'),
      connection.version.protocol === 47 ? idOf(connection.version, 'play', 'toClient', 'set_compression', 'compress') : undefined
    ]
  }

  // Why nothing can be sent any more, or null.
  gone () {
    if (this.#ended) return { kind: 'session-ended', message: 'the session has ended' }
    return this.connection.over ? { kind: 'send-failed', message: 'the client is gone' } : null
  }

  // {index, error} of the first that is at fault; then nothing is sent.
  sendPackets (packets) {
    const gone = this.gone()
    if (gone) return { index: 0, error: gone }
    const frames = []
    let bytes = 0
    for (const [index, { packetId, data }] of packets.entries()) {
      const error = this.#invalid(packetId)
      if (error) return { index, error }
      const frame = this.connection.frame(Buffer.concat([varint(packetId), data]))
      if (frame === null) return { index, error: { kind: 'invalid-packet', message: `${data.length} bytes do not fit into a frame` } }
      bytes += frame.length
      const full = this.connection.room(frames.length + 1, bytes)
      if (full !== null) return { index, error: { kind: 'send-failed', message: full } }
      frames.push(frame)
    }
    for (const frame of frames) this.connection.queue(frame)
  }

  #invalid (id) {
    if (id < 0) return { kind: 'invalid-packet', message: `the id ${id} is negative` }
    return this.reserved.includes(id) ? { kind: 'invalid-packet', message: `the id ${id} would change the protocol's state` } : null
  }

  sendMessage (message) {
    const { version } = this.connection
    return this.gone() ?? this.#encoded(message, (text) => {
      const id = idOf(version, 'play', 'toClient', 'system_chat', 'chat')
      const { protocol } = version
      let rest = []
      if (protocol >= 760) rest = [0]
      else if (protocol >= 47) rest = [1, ...protocol >= 735 && protocol < 759 ? Buffer.alloc(16) : []]
      return this.sendPackets([{ packetId: id, data: Buffer.concat([text, Buffer.from(rest)]) }])?.error
    })
  }

  switchServer (target) {
    return this.gone() ?? { kind: 'unknown-server', message: `there is no server ${JSON.stringify(target.slice(0, 64))}: this host knows none` }
  }

  disconnect (reason) {
    return this.gone() ?? this.#encoded(reason, () => {
      this.#ended = true
      this.connection.end(reason, 'disconnected by the plugin')
    })
  }

  #encoded (component, then) {
    try {
      return then(encode(component, this.connection.version, 'play'))
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      return { kind: 'invalid-component', message: error.message }
    }
  }

  end () {
    const { instance, connection, handler } = this
    this.#ended = true
    if (!instance.sessions.delete(this) || !instance.alive) return
    try {
      instance.call('virtualBackendHandler', 'virtualBackendOnSessionEnd', handler, connection.player)
    } catch (error) {
      if (!(error instanceof Trap)) throw error
    }
    if (instance.session !== null) instance.disable()
  }
}

function address ({ remoteAddress, remotePort }) {
  return remoteAddress?.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

// Vanilla's, for names that no account server was asked about.
function offline (name) {
  const hash = createHash('md5').update(`OfflinePlayer:${name}`).digest()
  hash[6] = (hash[6] & 0x0f) | 0x30
  hash[8] = (hash[8] & 0x3f) | 0x80
  return halves(hash)
}

function halves (bytes) {
  return { mostSignificant: bytes.readBigUInt64BE(0), leastSignificant: bytes.readBigUInt64BE(8) }
}

function text ({ mostSignificant, leastSignificant }) {
  const hex = [mostSignificant, leastSignificant].map((half) => half.toString(16).padStart(16, '0')).join('')
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}
