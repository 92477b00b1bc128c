import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryLog } from '../../runtime-tests/in-process.ts'
import { openRevocations } from './revocations.ts'

// No database is open here: its own timers would be taken for the ones that are counted and moved.
beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

/** An instance over a log that the test writes; its sessions can't be read one by one. */
async function watch({ deaf = false } = {}) {
  const log: string[] = []
  const closing = new AbortController()
  let heard: (() => void) | undefined
  let readings = 0
  let broken = false
  let horizon = 1000
  const feed = {
    async read<T>() {
      readings += 1
      if (broken) throw new Error('the database is away')
      return { ended: [...log], next: String(horizon) } as T
    },
    listen: (_channel: string, tell: () => void) => (heard = deaf ? undefined : tell),
    closed: closing.signal,
  }
  const exists = () => Promise.reject(new Error('a session was read'))
  const options = { feed, tokenTtl: 1800, clock: () => new Date(), log: createMemoryLog() }
  const revocations = openRevocations({ exists }, options)
  await vi.advanceTimersByTimeAsync(0)
  return {
    revocations,
    log,
    notify: () => heard?.(),
    readings: () => readings,
    fail: () => (broken = true),
    restore: () => (horizon = 10),
    close: () => closing.abort(),
  }
}

test('a notification brings it at once', async () => {
  const { revocations, log, notify, readings, close } = await watch()
  const before = readings()
  log.push('a')
  notify()
  await vi.advanceTimersByTimeAsync(0)
  expect([await revocations.isLive('a', new Date()), readings()]).toEqual([false, before + 1])
  close()
})

test('without any, the poll brings it', async () => {
  const { revocations, log, close } = await watch({ deaf: true })
  log.push('a')
  expect(await revocations.isLive('a', new Date())).toBe(true)
  await vi.advanceTimersByTimeAsync(300)
  expect(await revocations.isLive('a', new Date())).toBe(false)
  expect(await revocations.isLive('b', new Date())).toBe(true)
  close()
})

test('without a reading nothing is believed', async () => {
  const { revocations, fail, close } = await watch()
  expect(await revocations.isLive('a', new Date())).toBe(true)
  fail()
  await vi.advanceTimersByTimeAsync(300)
  await expect(revocations.isLive('a', new Date())).rejects.toThrow('a session was read')
  close()
  expect(vi.getTimerCount()).toBe(0)
})

test('a log that counts from lower than before, restored or another’s, is read from its beginning', async () => {
  const { revocations, restore, readings, close } = await watch()
  restore()
  const before = readings()
  await revocations.catchUp()
  await expect(revocations.isLive('a', new Date())).rejects.toThrow('a session was read')
  await revocations.catchUp()
  expect([await revocations.isLive('a', new Date()), readings()]).toEqual([true, before + 2])
  close()
})

test('a reading that was asked for and failed leaves nothing believed', async () => {
  const { revocations, fail, close } = await watch()
  fail()
  await revocations.catchUp()
  await expect(revocations.isLive('a', new Date())).rejects.toThrow('a session was read')
  close()
})
