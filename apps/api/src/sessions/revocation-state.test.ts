import { array, assert, constantFrom, integer, oneof, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRevocationState, staleAfter } from './revocation-state.ts'

const start = new Date('2027-01-15T08:00:00.000Z').getTime()
const at = (milliseconds: number) => new Date(start + milliseconds)
const create = (limit = 1000) => createRevocationState({ tokenTtl: 100, limit })

describe('status()', () => {
  test('is unknown before the first reading', () => {
    expect(create().status('a', at(0))).toBe('unknown')
  })

  test.each([
    [0, 'live'],
    [staleAfter - 1, 'live'],
    [staleAfter, 'unknown'],
    [3_600_000, 'unknown'],
    [-1, 'unknown'], // the clock was set back
  ])('of a session that no reading named is, %d ms after one, %s', (age, expected) => {
    const state = create()
    state.apply({ ended: [], beganAt: at(0) })
    expect(state.status('a', at(age))).toBe(expected)
  })

  test.each([0, staleAfter, 3_600_000, -1000])('of one that a reading named is ended, %d ms after it', (age) => {
    const state = create()
    state.apply({ ended: ['a'], beganAt: at(0) })
    expect(state.status('a', at(age))).toBe('ended')
  })
})

test('an id is kept as long as a token of its session may live, and then forgotten', () => {
  const state = create()
  state.apply({ ended: ['a'], beganAt: at(0) })
  state.apply({ ended: ['b'], beganAt: at(159_999) })
  expect([state.status('a', at(159_999)), state.size]).toEqual(['ended', 2])
  state.apply({ ended: [], beganAt: at(160_000) })
  expect([state.status('a', at(160_000)), state.status('b', at(160_000)), state.size]).toEqual(['live', 'ended', 1])
})

test('past its limit it vouches for nothing, until enough is forgotten', () => {
  const state = create(2)
  state.apply({ ended: ['a', 'b', 'c'], beganAt: at(0) })
  expect([state.status('x', at(1)), state.status('a', at(1))]).toEqual(['unknown', 'ended'])
  state.apply({ ended: ['d'], beganAt: at(160_000) })
  expect([state.status('x', at(160_001)), state.status('d', at(160_001))]).toEqual(['live', 'ended'])
})

test('whatever is read when, an ended session is never called live once a reading could have held it', () => {
  const ids = ['a', 'b', 'c', 'd']
  const step = oneof(
    record({ kind: constantFrom('end' as const), id: constantFrom(...ids), wait: integer({ min: 0, max: 700 }) }),
    record({
      kind: constantFrom('read' as const, 'ask' as const),
      id: constantFrom(...ids),
      wait: integer({ min: 0, max: 700 }),
    }),
  )
  assert(
    property(array(step, { maxLength: 60 }), (steps) => {
      const state = createRevocationState({ tokenTtl: 100, limit: 1000 })
      const endedAt = new Map<string, number>()
      let now = 0
      const read = new Set<string>()
      for (const { kind, id, wait } of steps) {
        now += wait
        if (kind === 'end' && !endedAt.has(id)) endedAt.set(id, now)
        if (kind === 'read') {
          state.apply({ ended: [...endedAt.keys()], beganAt: at(now) })
          for (const known of endedAt.keys()) read.add(known)
        }
        const status = state.status(id, at(now))
        const end = endedAt.get(id)
        if (end !== undefined && (read.has(id) || now - end >= staleAfter)) expect(status).not.toBe('live')
        if (end === undefined) expect(status).not.toBe('ended')
      }
    }),
    { numRuns: 2000 },
  )
})
