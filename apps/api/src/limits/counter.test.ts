import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLog } from '../../runtime-tests/in-process.ts'
import { createCounter } from './counter.ts'
import { policies, slowing } from './policies.ts'
import type { LimitQueries, Outcome } from './queries.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const bucket = { policy: policies.failuresFromAddress, key: 'an address' }
const slow = { policy: slowing, key: 'an account' }

/** A counter over a database that answers as `answer` says. */
function counterOver(answer: (key: string) => Promise<Outcome>) {
  const asked: string[] = []
  const count = (key: string) => {
    asked.push(key)
    return answer(key)
  }
  const queries = {
    count: (_policy: unknown, key: string) => count(key),
    countSlowing: count,
    takeBack: async ({ key }: { key: string }) => void asked.push(`${key} back`),
  } as unknown as LimitQueries
  const log = createMemoryLog()
  return { asked, log, ...createCounter({ queries, clock: () => new Date(), log }) }
}

const yes = async (key: string): Promise<Outcome> => ({ counted: { key, expire: new Date() } })
const no = async (): Promise<Outcome> => ({ wait: 60_000 })
const outcomeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'taken',
    (error: Error) => error.name,
  )

describe('take()', () => {
  test('counts what slows down last, and takes the rest back when that refuses', async () => {
    const { take, asked } = counterOver((key) => (key === slow.key ? no() : yes(key)))
    expect(await outcomeOf(take([slow, bucket]))).toBe('TooManyRequests')
    expect(asked).toEqual([bucket.key, slow.key, `${bucket.key} back`])
  })

  test('lets a flood behind a refusal ask nobody', async () => {
    const { take, asked } = counterOver(no)
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcomeOf(take([bucket]))))
    expect(new Set(outcomes)).toEqual(new Set(['TooManyRequests']))
    expect(asked).toEqual([bucket.key])
    vi.advanceTimersByTime(999)
    await outcomeOf(take([bucket]))
    expect(asked).toHaveLength(1)
    vi.advanceTimersByTime(1)
    await outcomeOf(take([bucket]))
    expect(asked).toHaveLength(2)
  })

  test('takes back what was counted when another count fails', async () => {
    const { take, asked } = counterOver((key) => (key === slow.key ? Promise.reject(new Error('gone')) : yes(key)))
    expect(await outcomeOf(take([bucket, slow]))).toBe('LimitsUnavailable')
    expect(asked).toEqual([bucket.key, slow.key, `${bucket.key} back`])
  })
})

describe('a database that does not answer', () => {
  test('is waited for two seconds, and then asked by one at a time, for whom the others don’t wait', async () => {
    let silent = true
    const { take, asked } = counterOver((key) => (silent ? new Promise(() => undefined) : yes(key)))
    const many = () => Promise.all(Array.from({ length: 5 }, (_, i) => outcomeOf(take([{ ...bucket, key: `${i}` }]))))
    const first = many()
    await vi.advanceTimersByTimeAsync(2000)
    expect(new Set(await first)).toEqual(new Set(['LimitsUnavailable']))
    expect(asked.splice(0)).toHaveLength(5)

    expect(new Set(await many())).toEqual(new Set(['LimitsUnavailable']))
    expect(asked).toEqual([])

    await vi.advanceTimersByTimeAsync(1000)
    const probe = many()
    expect(asked.splice(0)).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2000)
    expect(new Set(await probe)).toEqual(new Set(['LimitsUnavailable']))

    silent = false
    await vi.advanceTimersByTimeAsync(1000)
    expect((await many()).filter((outcome) => outcome === 'taken')).toHaveLength(1)
    expect(new Set(await many())).toEqual(new Set(['taken']))
  })

  test('is asked again at once after one that only failed', async () => {
    let broken = true
    const { take } = counterOver((key) => (broken ? Promise.reject(new Error('deadlock')) : yes(key)))
    expect(await outcomeOf(take([bucket]))).toBe('LimitsUnavailable')
    broken = false
    expect(await outcomeOf(take([bucket]))).toBe('taken')
  })
})

test('giveBack() fails nobody, and is told of once a minute', async () => {
  const { take, log, asked } = counterOver(yes)
  const permits = await Promise.all(Array.from({ length: 3 }, () => take([bucket])))
  vi.spyOn(asked, 'push').mockImplementation(() => {
    throw new Error('gone')
  })
  for (const permit of permits) await permit.giveBack()
  expect(log.lines).toHaveLength(1)
  vi.advanceTimersByTime(60_000)
  await permits[0]?.giveBack()
  expect(log.lines).toHaveLength(2)
})
