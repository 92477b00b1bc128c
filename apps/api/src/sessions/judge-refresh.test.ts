import { expect, test } from 'vitest'
import { type RefreshVerdict, judgeRefresh } from './judge-refresh.ts'

const now = new Date('2027-01-15T08:00:00.000Z')
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)

/** A session in generation 7 that was refreshed so many seconds ago. */
const session = (sinceRotation: number, untilExpiry = 1000) => ({
  generation: 7,
  rotateTime: ago(sinceRotation),
  expireTime: ago(-untilExpiry),
})

test.each<[string, Parameters<typeof judgeRefresh>[0], number, RefreshVerdict]>([
  ['the valid one', session(0), 7, 'rotate'],
  ['the valid one, long unused', session(100_000), 7, 'rotate'],
  ['the one before, at once', session(0), 6, 'repeat'],
  ['the one before, within the window', session(29.999), 6, 'repeat'],
  ['the one before, at the end of the window', session(30), 6, 'repeat'],
  ['the one before, after the window', session(30.001), 6, 'reuse'],
  ['the one before, while this clock is behind the one that rotated', session(-3), 6, 'repeat'],
  ['the one before that, at once', session(0), 5, 'reuse'],
  ['the first', session(0), 0, 'reuse'],
  ['one that the database forgot', session(0), 8, 'rotate'],
  ['the valid one of a session that expires now', session(0, 0), 7, 'ended'],
  ['the valid one of an expired session', session(0, -1), 7, 'ended'],
  ['an old one of an expired session', session(0, -1), 3, 'ended'],
  ['any of a session that is gone', undefined, 7, 'ended'],
])('judgeRefresh() of %s', (_name, state, presented, verdict) => {
  expect(judgeRefresh(state, presented, now)).toBe(verdict)
})
