// Frames: a length, and from 47 on, once compression has been announced, the length that the packet had before it was
// compressed. Written here, since the package's own splitter waits for ever for a frame that is too long.
import { deflateSync, inflateSync } from 'node:zlib'

export const MOST = 2_097_151
// Of what a compressed packet says its length was.
const MOST_INFLATED = 2_097_152

export class Malformed extends Error {}

export function varint (value) {
  const out = []
  value >>>= 0
  while (value > 0x7f) { out.push((value & 0x7f) | 0x80); value >>>= 7 }
  return Buffer.from([...out, value])
}

// {value, size}, or null when it is not whole yet.
export function readVarint (bytes, most = 5) {
  let value = 0
  for (let size = 0; size < most; size += 1) {
    if (size === bytes.length) return null
    value |= (bytes[size] & 0x7f) << (7 * size)
    if (bytes[size] < 0x80) return { value, size: size + 1 }
  }
  throw new Malformed(`a number of more than ${most} bytes`)
}

// The frame of a packet; null when it would be longer than a frame can be.
export function frame (packet, threshold) {
  if (packet.length > MOST) return null
  const parts = [packet]
  if (threshold >= 0) {
    if (packet.length >= threshold) parts.splice(0, 1, varint(packet.length), deflateSync(packet, { level: 3 }))
    else parts.unshift(Buffer.from([0]))
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return length > MOST ? null : Buffer.concat([varint(length), ...parts])
}

// Cuts a stream into packets.
export class Splitter {
  threshold = -1
  #chunks = []
  #length = 0
  #wanted = 1

  push (chunk) {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  get waiting () { return this.#length }

  // The next packet, or null. Throws Malformed.
  next () {
    if (this.#length < this.#wanted) return null
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    const [bytes] = this.#chunks
    const head = readVarint(bytes, 3)
    if (head === null) {
      this.#wanted = this.#length + 1
      return null
    }
    if (head.value === 0) throw new Malformed('an empty frame')
    const end = head.size + head.value
    if (bytes.length < end) {
      this.#wanted = end
      return null
    }
    this.#wanted = 1
    this.#chunks = [bytes.subarray(end)]
    this.#length = bytes.length - end
    return this.#inflated(bytes.subarray(head.size, end))
  }

  #inflated (body) {
    if (this.threshold < 0) return body
    const stated = readVarint(body)
    if (stated === null) throw new Malformed('a frame without the length of its data')
    const rest = body.subarray(stated.size)
    if (stated.value === 0) return rest
    if (stated.value < 0 || stated.value > MOST_INFLATED) throw new Malformed(`compressed data of ${stated.value} bytes`)
    if (stated.value < this.threshold) {
      throw new Malformed(`${stated.value} bytes are compressed, under the threshold of ${this.threshold}`)
    }
    let data
    try {
      data = inflateSync(rest, { maxOutputLength: stated.value })
    } catch (error) {
      throw new Malformed(`compressed data that does not inflate: ${error.message}`)
    }
    if (data.length !== stated.value) throw new Malformed(`${data.length} bytes of data, not ${stated.value} as stated`)
    return data
  }
}
