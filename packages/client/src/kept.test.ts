import { afterEach, expect, test, vi } from 'vitest'
import { remaining } from './kept.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test.each([
  ['just now', 0, 1_800_000],
  ['a while ago', 600_000, 1_200_000],
  ['as long ago as it lives', 1_800_000, 0],
  ['in the future, by a clock that was set back: nobody knows', -1, 0],
])('what came %s lives on', (_, passed, milliseconds) => {
  vi.spyOn(Date, 'now').mockReturnValue(1_000_000_000 + passed)
  expect(remaining({ id: 'x', saved: 1_000_000_000, expires_in: 1800 })).toBe(milliseconds)
})
