import { expect, test } from 'vitest'
import { createTallies } from './tallies.ts'

const rule = { batch: 4, window: 1000 }

/** How many of `attempts` pass before one has to ask. */
function passing({ pass }: ReturnType<typeof createTallies>, key: string, now = 0): number {
  for (let passed = 0; passed < 20; passed += 1) if (!pass(key, rule, now)) return passed
  return Infinity
}

test('all but the last attempt of a batch pass, and none while the others are told', () => {
  const tallies = createTallies()
  expect(passing(tallies, 'a')).toBe(3)
  expect(tallies.take('a')).toBe(4)
  expect(passing(tallies, 'a')).toBe(0)
  expect(tallies.take('a')).toBe(1)
  expect(passing(tallies, 'b')).toBe(3)
})

test.each([
  [100, 3],
  [3, 3],
  [1, 1],
  [0, 0],
])('once it is known that %d are left, %d pass', (remaining, passed) => {
  const tallies = createTallies()
  passing(tallies, 'a')
  tallies.take('a')
  tallies.settle('a', { batch: 4, remaining })
  expect(passing(tallies, 'a')).toBe(passed)
  expect(tallies.take('a')).toBe(passed + 1)
})

test('when the window is over all begins anew', () => {
  const tallies = createTallies()
  passing(tallies, 'a')
  expect(passing(tallies, 'a', 999)).toBe(0)
  expect(passing(tallies, 'a', 1000)).toBe(3)
})

test('past ten thousand the oldest is forgotten', () => {
  const tallies = createTallies()
  passing(tallies, 'first')
  for (let i = 0; i < 10_000; i += 1) passing(tallies, `${i}`)
  expect(passing(tallies, '9999')).toBe(0)
  expect(passing(tallies, 'first')).toBe(3)
})
