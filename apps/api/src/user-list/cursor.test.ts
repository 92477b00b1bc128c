import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { usernameKey } from '../users/username.ts'
import { readCursor, writeCursor } from './cursor.ts'

test('readCursor() reads what writeCursor() wrote, for the key of any name', () => {
  const name = string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed() && !/[\0\u{FFFD}]/u.test(text))
  assert(
    property(name, (text) => {
      const key = usernameKey(text)
      expect(readCursor(writeCursor(key))).toBe(key === '' ? undefined : key)
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['nothing', ''],
  ['padding', 'YQ=='],
  ['bits that stand for nothing', 'YR'],
  ['no base64', '*'],
  ['the letters of plain base64', '-_8+'],
  ['white space', 'Y Q'],
  ['no UTF-8', '_w'],
  ['NUL', writeCursor('a\0')],
  ['a replacement character', writeCursor('\u{FFFD}')],
  ['a name that is no key', writeCursor('Ada')],
])('readCursor() refuses %s', (_what, cursor) => expect(readCursor(cursor)).toBeUndefined())
