import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInstant } from './instant.ts'

test.each<[string, string | undefined]>([
  ['2024-01-02 03:04:05.678901', '2024-01-02T03:04:05.678Z'],
  ['2024-01-02 03:04:05', '2024-01-02T03:04:05.000Z'],
  ['2024-01-02 03:04:05.6', '2024-01-02T03:04:05.600Z'],
  ['2024-01-02 03:04:05.9999', '2024-01-02T03:04:05.999Z'],
  ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05.000Z'],
  ['2024-01-02T03:04', '2024-01-02T03:04:00.000Z'],
  ['2024-01-02', '2024-01-02T00:00:00.000Z'],
  ['2024-01-02 03:04:05+00', '2024-01-02T03:04:05.000Z'],
  ['2024-01-02 03:04:05.5+05:30', '2024-01-01T21:34:05.500Z'],
  ['2024-01-02T23:04:05-0130', '2024-01-03T00:34:05.000Z'],
  ['1970-01-01 00:00:00', '1970-01-01T00:00:00.000Z'],
  ['9999-12-31 23:59:59.999', '9999-12-31T23:59:59.999Z'],
  ['1969-12-31 23:59:59', undefined],
  ['9999-12-31 23:59:59-01', undefined],
  ['1970-01-01 00:00:00+01', undefined],
  ['2023-02-29', undefined],
  ['2024-13-01', undefined],
  ['2024-01-02 24:00:00', undefined],
  ['2024-01-02 03:60:00', undefined],
  ['10000-01-01 00:00:00', undefined],
  ['0044-03-15 12:00:00 BC', undefined],
  ['infinity', undefined],
  ['-infinity', undefined],
  ['', undefined],
  ['1700000000', undefined],
  [' 2024-01-02', undefined],
  ['2024-01-02\n', undefined],
])('parseInstant(%j) is %s', (text, expected) => {
  expect(parseInstant(text)?.toISOString()).toBe(expected)
})

test('parseInstant() reads what toISOString() writes', () => {
  const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  fc.assert(
    fc.property(times, (time) => {
      expect(parseInstant(time.toISOString())).toEqual(time)
    }),
  )
})
