import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryLog, openTestEmbedded } from '../../runtime-tests/in-process.ts'
import { createVault } from '../crypto/secret.ts'
import { keepKeysCurrent } from './keep-current.ts'
import { openKeyring } from './keyring.ts'
import { createKeyQueries } from './queries.ts'
import { reloadInterval, rotationRules } from './rotation.ts'

afterEach(() => {
  vi.useRealTimers()
})

const rules = rotationRules({ signingKeyMaxAge: 10_000, accessTokenTtl: 1800 })
const vault = await createVault(['the master secret that sealed the key'])

test('keepKeysCurrent() takes every step when it is due, follows it and says so, until the database closes', async () => {
  const database = await openTestEmbedded()
  const queries = createKeyQueries(database, 'system')
  const log = createMemoryLog()
  let now = new Date('2027-01-15T08:00:00Z')
  const background = { vault, clock: () => now, log, closed: database.feed.closed }
  const keyring = await openKeyring(queries, background)
  const first = keyring.signer?.kid
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const done = keepKeysCurrent({ queries, keyring, rules, ...background })
  /** Lets a round go by, so many seconds later. */
  const pass = async (seconds: number, lines: number) => {
    now = new Date(now.getTime() + seconds * 1000)
    await vi.advanceTimersByTimeAsync(reloadInterval * 1000)
    await expect.poll(() => log.lines.length).toBe(lines)
    await expect.poll(() => vi.getTimerCount()).toBe(1) // the next pause
  }

  await pass(9_000, 0)
  await pass(500, 1)
  expect(keyring.jwks.keys).toHaveLength(2)
  await pass(600, 3) // the second line is the keyring's own
  expect(keyring.signer?.kid).not.toBe(first)
  await pass(2_000, 3)
  await pass(500, 4)
  expect(keyring.jwks.keys.map(({ kid }) => kid)).toEqual([keyring.signer?.kid])
  expect(log.lines.map(({ message }) => message)).toEqual([
    expect.stringContaining('made and published'),
    expect.stringContaining('became the current one'),
    expect.stringContaining('signed with another key'),
    expect.stringContaining('retired'),
  ])
  expect(JSON.stringify(log.lines)).not.toMatch(/sealed|private/i)
  await database.close()
  await done
})

test('keepKeysCurrent() warns once while the keys can’t be read, and changes nothing', async () => {
  const database = await openTestEmbedded()
  const queries = createKeyQueries(database, 'system')
  const log = createMemoryLog()
  const closing = new AbortController()
  const background = { vault, clock: () => new Date('2027-01-15T08:00:00Z'), log, closed: closing.signal }
  let readings = 0
  const findAllSoon = () => {
    readings += 1
    return Promise.reject(new Error('the database is away'))
  }
  const keyring = await openKeyring({ ...queries, findAllSoon }, background)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const done = keepKeysCurrent({ queries, keyring, rules, ...background })
  for (let round = 1; round <= 3; round += 1) {
    await vi.advanceTimersByTimeAsync(reloadInterval * 1000)
    await expect.poll(() => readings).toBe(round)
  }
  expect(log.lines).toHaveLength(1)
  expect(keyring.signer).toBeDefined()
  closing.abort()
  await done
  await database.close()
})
