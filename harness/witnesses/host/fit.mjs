// JSON text components: checked, and made fit for a client's version.

export class Unfit extends Error {}

const DEEPEST = 64
const COLOURS = {
  black: 0x000000, dark_blue: 0x0000aa, dark_green: 0x00aa00, dark_aqua: 0x00aaaa, dark_red: 0xaa0000, dark_purple: 0xaa00aa,
  gold: 0xffaa00, gray: 0xaaaaaa, dark_gray: 0x555555, blue: 0x5555ff, green: 0x55ff55, aqua: 0x55ffff, red: 0xff5555,
  light_purple: 0xff55ff, yellow: 0xffff55, white: 0xffffff
}
const FLAGS = ['bold', 'italic', 'underlined', 'strikethrough', 'obfuscated']
const KINDS = ['text', 'translate', 'keybind', 'score', 'selector', 'nbt', 'object']
const TYPES = { text: 'text', translatable: 'translate', keybind: 'keybind', score: 'score', selector: 'selector', nbt: 'nbt', object: 'object' }
// The field of each action of a click, from 770 on, and the first protocol that has it.
const CLICKS = {
  open_url: ['url', 0], run_command: ['command', 0], suggest_command: ['command', 0], change_page: ['page', 0],
  copy_to_clipboard: ['value', 573], show_dialog: ['dialog', 771], custom: ['id', 771]
}
const IDENTIFIER = /^([a-z0-9_.-]+:)?[a-z0-9_./-]+$/

// The same text for a client of this protocol. Throws Unfit; of a denial only where no client reads it.
export function fit (value, protocol, denial = false) {
  const bad = (where, what) => { throw new Unfit(`${where}: ${what}`) }
  const isObject = (one) => one !== null && typeof one === 'object' && !Array.isArray(one)
  const needs = (where, object, key, type = 'string') => {
    // eslint-disable-next-line valid-typeof
    if (typeof object[key] !== type) bad(`${where}.${key}`, `a ${type} was expected`)
    return object[key]
  }
  const identifier = (where, text) => IDENTIFIER.test(text) ? text : bad(where, 'no identifier')
  // What this version has in no form.
  const lacks = (what, instead) => {
    if (denial) return { text: instead }
    throw new Unfit(`the client's version has no ${what}`)
  }

  const component = (one, where) => {
    if (typeof one === 'string') return one
    if (one === null || typeof one !== 'object') bad(where, 'no text component')
    if (Array.isArray(one)) {
      if (one.length === 0) bad(where, 'an empty list')
      return one.map((inner, at) => component(inner, `${where}[${at}]`))
    }
    const made = { ...content(one, where), ...style(one, where) }
    if (one.extra !== undefined) {
      if (!Array.isArray(one.extra)) bad(`${where}.extra`, 'a list was expected')
      if (one.extra.length > 0) made.extra = one.extra.map((inner, at) => component(inner, `${where}.extra[${at}]`))
    }
    return made
  }

  const content = (one, where) => {
    if (one.type !== undefined && !Object.hasOwn(TYPES, one.type)) bad(`${where}.type`, 'no type of text')
    const kind = one.type !== undefined ? TYPES[one.type] : KINDS.find((key) => one[key] !== undefined) ??
      ['sprite', 'player'].map((key) => one[key] !== undefined ? 'object' : undefined).find(Boolean)
    const separator = one.separator === undefined ? {} : { separator: component(one.separator, `${where}.separator`) }
    if (kind === undefined) bad(where, 'nothing that is text')
    if (kind === 'text') return { text: needs(where, one, 'text') }
    if (kind === 'translate') {
      const made = { translate: needs(where, one, 'translate') }
      if (one.fallback !== undefined && protocol >= 762) made.fallback = needs(where, one, 'fallback')
      if (one.with !== undefined) {
        if (!Array.isArray(one.with)) bad(`${where}.with`, 'a list was expected')
        made.with = one.with.map((inner, at) => ['number', 'boolean'].includes(typeof inner)
          ? String(inner) : component(inner, `${where}.with[${at}]`))
      }
      return made
    }
    if (kind === 'keybind') {
      const keybind = needs(where, one, 'keybind')
      return protocol >= 335 ? { keybind } : lacks('keybind', keybind)
    }
    if (kind === 'score') {
      if (!isObject(one.score)) bad(`${where}.score`, 'an object was expected')
      const score = { name: needs(`${where}.score`, one.score, 'name'), objective: needs(`${where}.score`, one.score, 'objective') }
      return protocol >= 47 ? { score } : lacks('score', score.name)
    }
    if (kind === 'selector') {
      const selector = needs(where, one, 'selector')
      return protocol >= 47 ? { selector, ...separator } : lacks('selector', selector)
    }
    if (kind === 'nbt') {
      const source = ['block', 'entity', 'storage'].find((key) => one[key] !== undefined)
      if (source === undefined) bad(where, 'nbt without block, entity or storage')
      const made = { nbt: needs(where, one, 'nbt'), [source]: needs(where, one, source), ...separator }
      if (one.interpret !== undefined) made.interpret = needs(where, one, 'interpret', 'boolean')
      return protocol >= (source === 'storage' ? 573 : 477) ? made : lacks('nbt', '')
    }
    const made = {}
    if (one.sprite !== undefined) {
      made.sprite = identifier(`${where}.sprite`, needs(where, one, 'sprite'))
      if (one.atlas !== undefined) made.atlas = identifier(`${where}.atlas`, needs(where, one, 'atlas'))
    } else if (typeof one.player === 'string' || isObject(one.player)) made.player = one.player
    else bad(where, 'an object without sprite or player')
    return protocol >= 773 ? made : lacks('object', '')
  }

  const style = (one, where) => {
    const made = {}
    if (one.color !== undefined) made.color = colour(needs(where, one, 'color'), `${where}.color`)
    for (const flag of FLAGS) if (one[flag] !== undefined) made[flag] = needs(where, one, flag, 'boolean')
    if (one.insertion !== undefined) made.insertion = needs(where, one, 'insertion')
    if (one.font !== undefined) {
      const font = identifier(`${where}.font`, needs(where, one, 'font'))
      if (protocol >= 735) made.font = font
    }
    if (one.shadow_color !== undefined) {
      const four = Array.isArray(one.shadow_color) && one.shadow_color.length === 4 && one.shadow_color.every((part) => typeof part === 'number')
      if (!four && !Number.isInteger(one.shadow_color)) bad(`${where}.shadow_color`, 'a number or four were expected')
      if (protocol >= 769) made.shadow_color = one.shadow_color
    }
    const click = event(one, where, 'click_event', 'clickEvent')
    if (click !== undefined) Object.assign(made, clicked(click, `${where}.click_event`))
    const hover = event(one, where, 'hover_event', 'hoverEvent')
    if (hover !== undefined) Object.assign(made, hovered(hover, `${where}.hover_event`))
    return made
  }

  const event = (one, where, newer, older) => {
    const found = one[newer] ?? one[older]
    if (found !== undefined && !isObject(found)) bad(`${where}.${newer}`, 'an object was expected')
    return found
  }

  const colour = (name, where) => {
    if (Object.hasOwn(COLOURS, name)) return name
    if (name === 'reset') return protocol < 765 ? name : lacks('colour reset', '') && 'white'
    if (!/^#[0-9a-fA-F]{6}$/.test(name)) bad(where, 'no colour')
    if (protocol >= 735) return name
    const far = (a, b) => [16, 8, 0].reduce((sum, shift) => sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0)
    const wanted = parseInt(name.slice(1), 16)
    return Object.keys(COLOURS).sort((a, b) => far(COLOURS[a], wanted) - far(COLOURS[b], wanted))[0]
  }

  const clicked = (click, where) => {
    if (!Object.hasOwn(CLICKS, click.action)) bad(`${where}.action`, 'no action')
    const [field, since] = CLICKS[click.action]
    const given = click[field] ?? click.value
    if (typeof given !== 'string' && !(field === 'page' && Number.isInteger(given)) && !(field === 'dialog' && isObject(given))) {
      bad(`${where}.${field}`, 'missing, or of another kind')
    }
    if (field === 'url' && !/^https?:\/\/[^\s]+$/i.test(given)) bad(where, 'an address without http: or https:')
    // eslint-disable-next-line no-control-regex
    if (field === 'command' && /[\u0000-\u001f\u007f§]/.test(given)) bad(where, 'a command with § or control characters')
    if (field === 'page' && !(Number(given) >= 1 && Number.isInteger(Number(given)))) bad(where, 'no page')
    if (protocol < since) return {}
    if (protocol < 770) return { clickEvent: { action: click.action, value: String(given) } }
    const made = { action: click.action, [field]: field === 'page' ? Number(given) : given }
    if (click.action === 'custom' && click.payload !== undefined) made.payload = click.payload
    return { click_event: made }
  }

  const hovered = (hover, where) => {
    const inner = hover.contents ?? hover.value ?? (hover.action === 'show_text' ? undefined : hover)
    if (hover.action === 'show_text') {
      if (inner === undefined) bad(where, 'nothing to show')
      return shown('show_text', 'value', component(inner, `${where}.value`))
    }
    if (!['show_item', 'show_entity'].includes(hover.action)) bad(`${where}.action`, 'no action')
    if (hover.action === 'show_item') {
      // As SNBT: clients before 735 read it, and nobody else is sent it.
      if (typeof inner === 'string' && inner.startsWith('{')) return protocol < 735 ? { hoverEvent: { action: 'show_item', value: inner } } : {}
      const item = typeof inner === 'string' ? { id: inner } : inner
      if (!isObject(item)) bad(where, 'no item')
      const made = { id: identifier(`${where}.id`, needs(where, item, 'id')), count: item.count ?? 1 }
      if (!Number.isInteger(made.count) || made.count < 1) bad(`${where}.count`, 'no number of items')
      if (protocol < 735) return protocol < 47 ? {} : { hoverEvent: { action: 'show_item', value: `{id:"${made.id}",Count:${made.count}b}` } }
      if (protocol >= 766 && isObject(item.components)) made.components = item.components
      if (protocol < 766 && typeof item.tag === 'string') made.tag = item.tag
      return shown('show_item', null, made)
    }
    if (typeof inner === 'string') return {}
    if (!isObject(inner)) bad(where, 'no entity')
    const name = inner.name === undefined ? {} : { name: component(inner.name, `${where}.name`) }
    // Since 770 the type is the id, and the id is the uuid.
    const type = identifier(`${where}.type`, needs(where, inner, inner.uuid === undefined ? 'type' : 'id'))
    const uuid = inner.uuid ?? inner.id
    const isUuid = Array.isArray(uuid) ? uuid.length === 4 : /^[0-9a-f]{1,8}(-[0-9a-f]{1,4}){3}-[0-9a-f]{1,12}$/i.test(uuid)
    if (!isUuid) bad(where, 'an entity without its UUID')
    if (protocol < 735) return name.name === undefined ? {} : shown('show_text', 'value', name.name)
    return shown('show_entity', null, protocol >= 770 ? { id: type, uuid, ...name } : { type, id: uuid, ...name })
  }

  // A hover in the form of the version; `field` is what holds it from 770 on, or null when it stands beside the action.
  const shown = (action, field, what) => {
    if (protocol >= 770) return { hover_event: field === null ? { action, ...what } : { action, [field]: what } }
    return { hoverEvent: protocol >= 735 ? { action, contents: what } : { action, value: what } }
  }

  shallow(value, 1)
  return component(value, '$')
}

// An object or a list is a level, and what is in it the next.
function shallow (value, level) {
  if (value === null || typeof value !== 'object') return
  if (level > DEEPEST) throw new Unfit(`more than ${DEEPEST} levels`)
  for (const inner of Object.values(value)) shallow(inner, level + 1)
}
