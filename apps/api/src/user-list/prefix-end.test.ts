import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { prefixEnd } from './prefix-end.ts'

const top = '\u{10FFFF}'

test.each<[string, string | undefined]>([
  ['a', 'b'],
  ['ab', 'ac'],
  ['z', '{'],
  ['ä', 'å'],
  ['\u007F', '\u0080'],
  ['\u{FFFF}', '\u{10000}'],
  ['a\uD7FF', 'a\uE000'],
  [`a${top}`, 'b'],
  [`a${top}${top}`, 'b'],
  [top, undefined],
  ['', undefined],
])('prefixEnd() of %j is %j', (prefix, end) => expect(prefixEnd(prefix)).toBe(end))

const bytes = (text: string) => Buffer.from(text, 'utf8')

test('prefixEnd() is behind all that begins with the prefix, and not behind anything else that is greater', () => {
  const text = string({ unit: 'binary' }).filter((value) => value.isWellFormed())
  assert(
    property(text, text, (prefix, other) => {
      const end = prefixEnd(prefix)
      const below = end === undefined || Buffer.compare(bytes(other), bytes(end)) < 0
      const inRange = Buffer.compare(bytes(other), bytes(prefix)) >= 0 && below
      expect(inRange).toBe(bytes(other).subarray(0, bytes(prefix).length).equals(bytes(prefix)))
      if (end !== undefined) expect(Buffer.compare(bytes(prefix + other), bytes(end))).toBeLessThan(0)
    }),
    { numRuns: 2000 },
  )
})
