import { array, assert, asyncProperty, integer } from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBatchReader } from './batch-reader.ts'
import { StatementTimeout } from './database-error.ts'

interface Row {
  key: string
  value: number
}

/** A database whose statements are answered when the test says so. */
function slowDatabase(rows: Row[] = []) {
  const statements: { keys: string[]; answer(): void; fail(error: Error): void }[] = []
  const read = createBatchReader<string, Row>(
    (keys) =>
      new Promise((resolve, reject) => {
        statements.push({ keys, answer: () => resolve(rows.filter(({ key }) => keys.includes(key))), fail: reject })
      }),
    ({ key }) => key,
  )
  return { statements, read }
}

const rows = ['a', 'b', 'c', 'd'].map((key, value) => ({ key, value }))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Lets every promise that can settle do so. */
const settle = () => vi.advanceTimersByTimeAsync(0)

test('what is asked for while two statements run shares the next', async () => {
  const { statements, read } = slowDatabase(rows)
  const answers = Promise.all(['a', 'b', 'c', 'd', 'c', 'missing'].map((key) => read(key)))
  expect(statements.map(({ keys }) => keys)).toEqual([['a'], ['b']])
  statements[0]?.answer()
  await settle()
  expect(statements[2]?.keys).toEqual(['c', 'd', 'missing'])
  statements.forEach(({ answer }) => answer())
  expect(await answers).toEqual([rows[0], rows[1], rows[2], rows[3], rows[2], undefined])
})

test('a key asked for again is read again: a statement already sent answers nobody who came later', async () => {
  const { statements, read } = slowDatabase(rows)
  const first = [read('a'), read('b')]
  const later = read('a')
  statements.forEach(({ answer }) => answer())
  await Promise.all(first)
  expect(statements[2]?.keys).toEqual(['a'])
  statements[2]?.answer()
  expect(await later).toEqual(rows[0])
})

test('a failure reaches those who shared the statement, and nobody else', async () => {
  const { statements, read } = slowDatabase(rows)
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => read(key).catch((error: Error) => error.message))
  statements[0]?.answer()
  await settle()
  statements[2]?.fail(new Error('gone'))
  statements[1]?.answer()
  expect(await Promise.all([a, b, c, d])).toEqual([rows[0], rows[1], 'gone', 'gone'])
})

test('a statement that is never answered fails after ten seconds and frees its place', async () => {
  const { statements, read } = slowDatabase(rows)
  const lost = ['a', 'b'].map((key) => read(key).catch((error: unknown) => error))
  const waiting = read('c')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await Promise.all(lost)).toEqual([expect.any(StatementTimeout), expect.any(StatementTimeout)])
  statements[2]?.answer()
  expect(await waiting).toEqual(rows[2])
  expect(vi.getTimerCount()).toBe(0)
})

test('any crowd gets its own rows, in statements of at most 256 keys', async () => {
  const many = Array.from({ length: 700 }, (_, value) => ({ key: `k${value}`, value }))
  await assert(
    asyncProperty(array(integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 1500 }), async (wanted) => {
      const { statements, read } = slowDatabase(many)
      const answers = Promise.all(wanted.map((number) => read(`k${number}`)))
      for (let sent = 0; sent < statements.length; sent += 1) {
        statements[sent]?.answer()
        await settle()
      }
      expect(await answers).toEqual(wanted.map((number) => many[number]))
      expect(Math.max(...statements.map(({ keys }) => keys.length))).toBeLessThanOrEqual(256)
    }),
    { numRuns: 30 },
  )
})
