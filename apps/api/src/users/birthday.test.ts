import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBirthday } from './birthday.ts'

const pad = (n: number, length = 2) => String(n).padStart(length, '0')

const isLeap = (year: number) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
const daysIn = (year: number, month: number) => (month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31)

const year = fc.oneof(
  fc.integer({ min: 1, max: 9999 }),
  fc.constantFrom(1, 4, 99, 100, 400, 1582, 1752, 1899, 1900, 1970, 2000, 9999),
)
const numbers = fc.record({ year, month: fc.integer({ min: 0, max: 99 }), day: fc.integer({ min: 0, max: 99 }) })
const written = (date: { year: number; month: number; day: number }) => `${pad(date.year, 4)}-${pad(date.month)}-${pad(date.day)}`
const exists = ({ year, month, day }: { year: number; month: number; day: number }) =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)

const hour = fc.integer({ min: 0, max: 23 }).map((n) => pad(n))
const sixty = fc.integer({ min: 0, max: 59 }).map((n) => pad(n))
const fraction = fc.tuple(fc.constantFrom('.', ','), fc.stringMatching(/^\d{1,9}$/)).map(([point, digits]) => point + digits)
const seconds = fc.tuple(sixty, fc.option(fraction, { nil: '' })).map(([second, rest]) => `:${second}${rest}`)
const offset = fc.oneof(
  fc.constantFrom('', 'Z', 'z', '+00:00', '-00:00', '+14:00', '-12:00', '+23:59', '-23:59'),
  fc.tuple(fc.constantFrom('+', '-'), hour, fc.constantFrom(':', ''), sixty).map((parts) => parts.join('')),
)
const time = fc
  .tuple(fc.constantFrom('T', 't', ' '), hour, fc.constant(':'), sixty, fc.option(seconds, { nil: '' }), offset)
  .map((parts) => parts.join(''))

test('parseBirthday() knows every day of every kind of year, and no other', () => {
  for (const y of [1, 4, 100, 400, 1582, 1700, 1752, 1900, 1999, 2000, 2024, 2026, 2100, 9999]) {
    for (let month = 0; month <= 14; month += 1) {
      for (let day = 0; day <= 33; day += 1) {
        const date = { year: y, month, day }
        expect(parseBirthday(written(date))).toBe(exists(date) ? written(date) : undefined)
      }
    }
  }
})

test('parseBirthday() gives the calendar day as written, whatever the time and the offset', () => {
  const dates = fc.oneof(
    numbers,
    fc.record({ year, month: fc.integer({ min: 1, max: 12 }), day: fc.integer({ min: 1, max: 31 }) }),
  )
  fc.assert(
    fc.property(dates, fc.option(time, { nil: '' }), (date, suffix) => {
      expect(parseBirthday(written(date) + suffix)).toBe(exists(date) ? written(date) : undefined)
    }),
    { numRuns: 20_000 },
  )
})

test.each([
  '0000-01-01',
  '0000-12-31T23:59:59Z',
  '1900-02-29',
  '2026-04-31',
  '2026-01-01T',
  '2026-01-01T12',
  '2026-01-01T1:00',
  '2026-01-01T12:00:60',
  '2026-01-01T23:60',
  '2026-01-01T24:00',
  '2026-01-01T24:00:00Z',
  '2026-01-01T12:00:00.',
  '2026-01-01T12:00:00.1234567890',
  '2026-01-01T12:00.5',
  '2026-01-01T12:00+5',
  '2026-01-01T12:00+05',
  '2026-01-01T12:00+05:60',
  '2026-01-01T12:00+24:00',
  '2026-01-01T12:00ZZ',
  '2026-01-01T12:00 Z',
  '2026-01-01  12:00',
  '2026-01-01Z',
  '2026-01-01+02:00',
  '2026-01-01\n',
  '\n2026-01-01',
  ' 2026-01-01',
  '2026-01-01T12:00\n',
  '2026/01/01',
  '2026.01.01',
  '01-01-2026',
  '20260101',
  '2026-001',
  '2026-W01-1',
  '2026-01',
  '2026',
  '26-01-01',
  '+02026-01-01',
  '-2026-01-01',
  '12026-01-01',
  '２０２６-01-01',
  '٢٠٢٦-01-01',
  '2026‐01‐01',
  '1767225600000',
  'NaN',
  'null',
  '',
])('parseBirthday() refuses %j', (text) => {
  expect(parseBirthday(text)).toBeUndefined()
})

test('parseBirthday() gives a day that was written at the start, or nothing, for any string', () => {
  const nearly = fc
    .tuple(numbers.map(written), time, fc.nat(30), fc.string({ unit: 'binary', maxLength: 3 }))
    .map(([day, rest, position, stray]) => (day + rest).slice(0, position) + stray + (day + rest).slice(position))
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string({ unit: 'binary' }), fc.string()), (text) => {
      const day = parseBirthday(text)
      if (day !== undefined) {
        expect(text.startsWith(day)).toBe(true)
        expect(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10)).toBe(day)
      }
    }),
    { numRuns: 5000 },
  )
})
