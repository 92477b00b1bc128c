import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTokenCache } from './token-cache.ts'

test('createTokenCache() gives back what was set for the very string, and nothing else', () => {
  const cache = createTokenCache<number>(2)
  cache.set('a', 1)
  expect(cache.get('a')).toBe(1)
  for (const other of ['A', 'a ', '', '__proto__', 'constructor']) expect(cache.get(other)).toBeUndefined()
})

test('createTokenCache() forgets the entry that was set longest ago, read or not, when one more comes', () => {
  const cache = createTokenCache<string>(3)
  for (const token of ['a', 'b', 'c']) cache.set(token, token)
  cache.get('a')
  cache.set('d', 'd')
  expect(['a', 'b', 'c', 'd'].map(cache.get)).toEqual([undefined, 'b', 'c', 'd'])
})

test('createTokenCache() holds the newest entries up to its limit, whatever is set in whatever order', () => {
  const tokens = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { maxLength: 40 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), tokens, (limit, sequence) => {
      const cache = createTokenCache<number>(limit)
      const model = new Map<string, number>()
      for (const [index, token] of sequence.entries()) {
        cache.set(token, index)
        model.delete(token)
        model.set(token, index)
        const newest = new Map([...model].slice(-limit))
        expect(cache.size).toBe(newest.size)
        for (const known of model.keys()) expect(cache.get(known)).toBe(newest.get(known))
      }
    }),
  )
})
