// node --test: what the list of exceptions does, and what the comparison of values notices.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Exceptions } from './exceptions.mjs'
import { differences } from './meant.mjs'

const entry = { protocols: '4-47, 735', packet: 'clientbound play login', fault: 'left over', reason: 'r', source: 's' }
const packet = entry.packet

test('a listed fault is excused on its protocols only', () => {
  const list = new Exceptions([entry])
  assert.deepEqual(list.sift(5, packet, ['1 byte left over']), [])
  assert.deepEqual(list.sift(735, packet, ['1 byte left over']), [])
  assert.deepEqual(list.sift(736, packet, ['1 byte left over']), ['1 byte left over'])
  assert.deepEqual(list.unused(5, [packet]), [])
  assert.equal(list.unused(47, [packet]).length, 1)
  assert.deepEqual(list.unused(48, [packet]), [])
})

test('another fault is not excused, and the exception expires', () => {
  const list = new Exceptions([entry])
  assert.equal(list.sift(5, packet, ['does not decode']).length, 1)
  assert.equal(list.unused(5, [packet]).length, 1)
})

test('an exception needs everything', () => {
  for (const key of Object.keys(entry)) assert.throws(() => new Exceptions([{ ...entry, [key]: undefined }]), key)
  assert.throws(() => new Exceptions([{ ...entry, protocols: '5-4' }]))
})

function difference (kind, value, found, optional = false) {
  return differences([{ fields: ['a', 'b'], optional, kind, value }], found).length
}

test('values are compared by what they mean', () => {
  assert.equal(difference('int', '-1', { a: 255 }), 0)
  assert.equal(difference('int', '4294967298', { b: 4294967298n }), 0)
  assert.equal(difference('int', '1', { a: 2 }), 1)
  assert.equal(difference('float', 0.05, { a: Math.fround(0.05) }), 0)
  assert.equal(difference('float', 0.05, { a: 0.06 }), 1)
  assert.equal(difference('choice', ['2', 'adventure'], { inner: { a: 'adventure' } }), 0)
  assert.equal(difference('choice', ['2', 'adventure'], { inner: { a: 'survival' } }), 1)
  assert.equal(difference('uuid', '00'.repeat(16), { a: '00000000-0000-0000-0000-000000000000' }), 0)
  assert.equal(difference('text', 'so', { a: '{"text":"so"}' }), 0)
  assert.equal(difference('text', 'so', { a: { type: 'string', value: 'so' } }), 0)
  assert.equal(difference('text', 'so', { a: { type: 'string', value: 'no' } }), 1)
})

test('a field that is not there is a difference, unless it may be absent', () => {
  assert.equal(difference('int', '1', { c: 1 }), 1)
  assert.equal(difference('int', '1', { c: 1 }, true), 0)
  assert.equal(difference('absent', null, { c: 1 }), 0)
  assert.equal(difference('absent', null, { a: 1 }), 1)
})
