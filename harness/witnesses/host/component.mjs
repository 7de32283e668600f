// From a component's bytes to what Node can run: JavaScript and metered core modules. In a thread of its own, since it takes
// half a second and players are waiting. Once for each component and size of memory.
import { readFileSync, readdirSync } from 'node:fs'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'

export const CONTRACT = 'infrarust:plugin@0.4.0-vb.1'
// Loops and calls of one callback: some 50 ms.
export const BUDGET = 20_000_000

const PAGE = 65_536
const TYPES_ONLY = ['types', 'events']
const IMPORTS = [...TYPES_ONLY, 'log', 'event-bus', 'scheduler', 'config-service', 'virtual-backend']
const EXPORTS = ['guest', 'virtual-backend-handler']

let worker, asked = 0
const waiting = new Map(), made = new Map()

// Resolves to {imports, create}; rejects with an Error for the operator.
export function load (path, memory) {
  const key = `${memory} ${path}`
  if (!made.has(key)) made.set(key, make(path, memory))
  return made.get(key)
}

async function make (path, memory) {
  let bytes
  try { bytes = readFileSync(path) } catch (error) { throw new Error(`cannot be read: ${error.message}`) }
  const { error, imports, js, cores } = await inWorker(bytes, memory)
  if (error !== undefined) throw new Error(error)
  const modules = new Map()
  for (const [name, core] of cores) modules.set(name, await WebAssembly.compile(core))
  // A function that makes a function: what it keeps while it runs belongs to one instance, and goes with it.
  const instantiate = new Function(js)()
  return { imports, create: (host, made) => instantiate((name) => modules.get(name), host, made) }
}

function inWorker (bytes, memory) {
  if (worker === undefined) {
    worker = new Worker(new URL(import.meta.url))
    worker.unref()
    worker.on('message', ({ id, ...made }) => { waiting.get(id)(made); waiting.delete(id); if (waiting.size === 0) worker.unref() })
  }
  worker.ref()
  return new Promise((resolve) => {
    waiting.set(++asked, resolve)
    worker.postMessage({ id: asked, bytes, memory })
  })
}

if (!isMainThread) {
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile')
  const { componentEmbed, componentNew, componentWit } = await import('@bytecodealliance/jco-transpile/wasm-tools')
  const { meter } = await import('./meter.mjs')
  const options = { name: 'plugin', instantiation: 'sync', nodejsCompat: false, base64Cutoff: 0 }

  const MENDED = [
    [/^"use components";\s*export function instantiate/, '"use strict"; return function instantiate'],
    [/export const _util = [^]*$/, ''],
    // Text that is not UTF-8 is a trap, and a byte order mark is a character.
    [/new TextDecoder\(\)/, "new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })"],
  ]
  // Where there are resources.
  const MENDED_HANDLES = [
    // A handle past the end of the table is a trap.
    [/if \(val === 0 \|\|/, 'if (!val ||'],
    // What is lent to a callback has to come back, and is not to be kept here for ever.
    [/(handle\d+) = rscTableCreateBorrow\(handle(Table\d+), rep, SCOPE_ID\);/g, `$&
            arg1.lent(() => (handle$2[$1 << 1] & T_FLAG) === 0, () => capture$2.delete(rep));`]
  ]

  // Each interface of some component as TypeScript has it: a set of lines.
  const interfaces = (files) => new Map(Object.entries(files).filter(([name]) => name.startsWith('interfaces/infrarust-plugin-'))
    .map(([name, text]) => [name.slice(28, -5), new Set(Buffer.from(text).toString().replace(/\/\*[^]*?\*\//g, '')
      .split('\n').map((line) => line.trim()).filter((line) => line !== ''))]))

  const contract = async () => {
    const folder = new URL('../../../wit/', import.meta.url)
    const [first, ...rest] = readdirSync(folder).filter((name) => name.endsWith('.wit'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const witSource = [first, ...rest.map((text) => text.replace(/^package .*;$/m, ''))].join('\n')
    const dummy = await componentNew(await componentEmbed({ dummy: true, witSource, world: 'virtual-backend-plugin' }))
    return interfaces((await transpileBytes(dummy, options)).files)
  }
  let wanted

  const check = async (bytes) => {
    if (bytes.readUInt32LE(0) !== 0x6d736100) throw new Error('this is no WebAssembly component: it begins otherwise')
    if (bytes.readUInt32LE(4) === 1) throw new Error('this is a core module; a component was expected')
    const world = await componentWit(bytes)
    const named = (kind) => [...world.matchAll(new RegExp(`^\\s*${kind} ([^;]+);`, 'gm'))].map(([, name]) => name)
    const version = CONTRACT.slice(CONTRACT.indexOf('@'))
    const known = (names) => names.map((name) => `infrarust:plugin/${name}${version}`)
    for (const name of named('import')) {
      if (known(IMPORTS).includes(name)) continue
      throw new Error(name.startsWith('infrarust:plugin/')
        ? `it imports ${name}; this host has ${known(IMPORTS).join(', ')}`
        : `it imports ${name}, which this host does not have`)
    }
    const exported = named('export')
    for (const name of known(EXPORTS.slice(0, 1))) {
      if (!exported.includes(name)) throw new Error(`it exports ${exported.join(', ') || 'nothing'}; ${name} was expected`)
    }
    const imports = named('import').map((name) => name.slice('infrarust:plugin/'.length, -version.length))
    if (imports.includes('virtual-backend') && !exported.includes(known(EXPORTS)[1])) {
      throw new Error(`it imports virtual-backend and does not export ${known(EXPORTS)[1]}`)
    }
    return imports
  }

  const transpile = async (bytes, memory) => {
    const imports = await check(bytes)
    const { files } = await transpileBytes(bytes, options)
    wanted ??= await contract()
    for (const [name, lines] of interfaces(files)) {
      for (const line of lines) {
        if (!wanted.get(name)?.has(line)) throw new Error(`${name} is not that of ${CONTRACT}: it has "${line}"`)
      }
    }
    let js = Buffer.from(files['plugin.js']).toString()
    for (const [from, to] of imports.includes('virtual-backend') ? [...MENDED, ...MENDED_HANDLES] : MENDED) {
      if (js.search(from) < 0) throw new Error(`the engine has changed: ${from} is not in what it makes`)
      js = js.replace(from, to)
    }
    const cores = Object.entries(files).filter(([name]) => name.endsWith('.wasm'))
      .map(([name, core]) => [name, meter(Buffer.from(core), { pages: Math.floor(memory / PAGE), budget: BUDGET })])
    return { imports, js, cores }
  }

  parentPort.on('message', async ({ id, bytes, memory }) => {
    try {
      parentPort.postMessage({ id, ...await transpile(Buffer.from(bytes), memory) })
    } catch (error) {
      const text = typeof error === 'string' ? error : String(error.payload ?? error.message)
      parentPort.postMessage({ id, error: text })
    }
  })
}
