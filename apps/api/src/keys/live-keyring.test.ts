import { SignJWT, generateKeyPair } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase, query } from '../../runtime-tests/postgres.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import type { OpenDatabase } from '../db/open.ts'
import { signingKeys } from '../db/schema.ts'
import { describeKeys } from '../health/readiness.ts'
import { createAccessTokens } from './access-token.ts'
import { openKeyring } from './keyring.ts'
import { type KeyQueries, createKeyQueries } from './queries.ts'
import { findNext } from './rotation.ts'
import { generateKey } from './signing-key.ts'

const now = new Date('2027-01-15T08:00:00Z')
const secret = 'the master secret that sealed the key'
const vault = await createVault([secret])
const subject = { userId: 'u', sessionId: 's', username: 'ada', role: 'user' } as const
const issuer = 'https://x.example'

let url: string
let database: OpenDatabase
beforeAll(async () => {
  url = await createDatabase(inject('clusterUrl'))
  database = await openTestPostgres(url)
})
beforeEach(() => database.db.delete(signingKeys))
afterAll(() => database.close())

const queries = () => createKeyQueries(database, 'system')

/** An instance's keys and tokens, what it logged, and how often it read the keys after its start. */
async function start({ opener = vault, findAllSoon = queries().findAllSoon } = {}) {
  const log = createMemoryLog()
  const seen = { readings: 0 }
  const counted: KeyQueries = {
    ...queries(),
    findAllSoon() {
      seen.readings += 1
      return findAllSoon()
    },
  }
  const keyring = await openKeyring(counted, { vault: opener, clock: () => now, log, closed: new AbortController().signal })
  const tokens = createAccessTokens({ keyring, issuer, ttl: 1800, remember: 100 })
  const issue = async () =>
    (await tokens.issue({ ...subject, authTime: now, notAfter: new Date(now.getTime() + 3_600_000) }, now))?.accessToken ?? ''
  const accepts = async (token: string) => (await tokens.verify(token, now)) !== undefined
  return { keyring, tokens, issue, accepts, log, seen }
}

const publish = async (sealer: Vault = vault) => {
  const key = await generateKey(sealer)
  await queries().takeTurn((turn) => turn.publish(key, now))
  return key.kid
}

const promote = () =>
  queries().takeTurn(async (turn) => {
    const keys = await turn.findAll()
    const current = keys.find(({ state }) => state === 'current')
    await turn.promote(findNext(keys)?.kid ?? '', current?.kid, now)
    return current?.kid ?? ''
  })

/** What another instance does when a key leaked; the id of the key that was current. */
async function rotate(sealer: Vault = vault): Promise<string> {
  await publish(sealer)
  return promote()
}

const retire = (kid: string) => queries().takeTurn((turn) => turn.retire(kid, 'previous', now))

/** A token of ours in form, under a key that nobody has. */
async function forge(kid: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256')
  return new SignJWT({}).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).setIssuer(issuer).sign(privateKey)
}

const aKid = (letter: string) => letter.repeat(43)

test('a token of a key that another instance just promoted is accepted at once, by all requests that carry it, after one reading', async () => {
  const here = await start()
  await rotate()
  const elsewhere = await start()
  const token = await elsewhere.issue()
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => here.accepts(token)))
  expect(new Set(verdicts)).toEqual(new Set([true]))
  expect(here.seen.readings).toBe(1)
  expect(here.keyring.signer?.kid).toBe(elsewhere.keyring.signer?.kid)
  expect(here.log.lines).toEqual([{ fields: { kid: here.keyring.signer?.kid }, message: expect.stringContaining('another key') }])
})

test('unknown keys cost a reading a second at most, and a key promoted right after one is found all the same', async () => {
  const here = await start()
  const forged = await Promise.all(['a', 'b', 'c'].map((letter) => forge(aKid(letter))))
  const begun = performance.now()
  const first = Promise.all(Array.from({ length: 300 }, (_, i) => here.accepts(forged[i % 3] ?? '')))
  expect(new Set(await first)).toEqual(new Set([false]))
  expect(here.seen.readings).toBe(1)
  await rotate()
  const token = await (await start()).issue()
  const verdicts = await Promise.all([...forged, token].map((text) => here.accepts(text)))
  expect(verdicts).toEqual([false, false, false, true])
  expect(here.seen.readings).toBe(2)
  expect(performance.now() - begun).toBeGreaterThan(990)
})

test.each(['', 'key-1', aKid('a').slice(1), aKid('a') + 'a', aKid('=')])(
  'no reading for the kid %j, which is none of ours',
  async (kid) => {
    const here = await start()
    expect(await here.accepts(await forge(kid))).toBe(false)
    expect(here.seen.readings).toBe(0)
  },
)

test('the next key is published before it signs, and then its tokens need no further reading', async () => {
  const here = await start()
  const first = here.keyring.signer?.kid
  const next = await publish()
  await here.keyring.reload()
  expect(here.keyring.signer?.kid).toBe(first)
  expect(new Set(here.keyring.jwks.keys.map(({ kid }) => kid))).toEqual(new Set([first, next]))
  await promote()
  expect(await here.accepts(await (await start()).issue())).toBe(true)
  expect(here.seen.readings).toBe(1)
})

describe('a retired key', () => {
  test('verifies nothing from the next reading on, not even a token that was remembered', async () => {
    const here = await start()
    const old = await here.issue()
    expect(await here.accepts(old)).toBe(true)
    const kid = await rotate()
    await here.keyring.reload()
    expect(await here.accepts(old)).toBe(true)
    const young = await here.issue()
    await retire(kid)
    expect(await here.accepts(old)).toBe(true) // nobody told this instance yet
    await here.keyring.reload()
    expect(await here.accepts(old)).toBe(false)
    expect(await here.accepts(young)).toBe(true)
    expect(here.keyring.jwks.keys.map(({ kid }) => kid)).toEqual([here.keyring.signer?.kid])
  })

  test('is not asked for again by its tokens', async () => {
    const here = await start()
    const old = await here.issue()
    await retire(await rotate())
    await here.keyring.reload()
    for (let i = 0; i < 10; i += 1) expect(await here.accepts(old)).toBe(false)
    expect(here.seen.readings).toBe(1)
  })

  test('leaves no memory of a token that was being verified when it went', async () => {
    const here = await start()
    const old = await Promise.all(Array.from({ length: 40 }, here.issue))
    await retire(await rotate())
    const reloading = here.keyring.reload()
    await Promise.all([reloading, ...old.map(here.accepts)])
    for (const token of old) expect(await here.accepts(token)).toBe(false)
  })
})

test('a reading that fails changes nothing and is told once; an unknown key can’t be judged meanwhile', async () => {
  let away = false
  const findAllSoon = () => (away ? Promise.reject(new Error('the database is away')) : queries().findAllSoon())
  const here = await start({ findAllSoon })
  const token = await here.issue()
  await rotate()
  const elsewhere = await (await start()).issue()
  const before = here.keyring.jwks
  away = true
  for (let i = 0; i < 3; i += 1) expect(await here.keyring.reload()).toBe(false)
  expect(here.keyring.jwks).toBe(before)
  expect(await here.accepts(token)).toBe(true)
  expect(await here.accepts(await here.issue())).toBe(true)
  await expect(here.accepts(elsewhere)).rejects.toThrow('the database is away')
  expect(here.log.lines.map(({ message }) => message)).toEqual([expect.stringContaining('can’t be read again')])
  away = false
  expect(await here.keyring.reload()).toBe(true)
  expect(await here.accepts(elsewhere)).toBe(true)
  away = true
  await here.keyring.reload()
  expect(here.log.lines.filter(({ message }) => /can’t be read again/.test(message))).toHaveLength(2)
})

test('readings never undo a later one', async () => {
  const here = await start()
  const reloads: Promise<boolean>[] = []
  for (let i = 0; i < 5; i += 1) {
    reloads.push(here.keyring.reload(), here.keyring.reload())
    await rotate()
  }
  await Promise.all([...reloads, here.keyring.reload()])
  const current = (await queries().findAll()).find(({ state }) => state === 'current')
  expect(here.keyring.signer?.kid).toBe(current?.kid)
})

describe('master secrets of a running instance:', () => {
  const other = 'another master secret than the one'

  test('the wrong one names the key, and signs as soon as there is a current key that it opens', async () => {
    const right = await start()
    const kid = right.keyring.signer?.kid ?? ''
    const both = await createVault([other, secret])
    const wrong = await start({ opener: await createVault([other]) })
    expect(wrong.tokens.ready).toBe(false)
    expect(describeKeys(wrong.keyring)).toContain(kid)
    await rotate(both)
    await wrong.keyring.reload()
    expect(wrong.tokens.ready).toBe(true)
    expect(describeKeys(wrong.keyring)).toBe('ok')
    expect(await right.accepts(await wrong.issue())).toBe(true)
  })

  test('a current key that can’t be opened makes it not ready, with a line that names it; restored, it is ready again', async () => {
    const here = await start()
    await rotate(await createVault([other]))
    await here.keyring.reload()
    expect(here.tokens.ready).toBe(false)
    const [sealed] = await query(url, `select kid, sealed_private_key from signing_keys where state = 'current'`)
    expect(here.log.lines).toEqual([{ fields: { kids: [sealed?.['kid']] }, message: expect.stringContaining('not ready') }])
    expect(await here.issue()).toBe('')
    const row = (await queries().findAll()).find(({ state }) => state === 'current')
    const pkcs8 = (await (await createVault([other])).open(row?.sealedPrivateKey ?? '', `signing key ${row?.kid}`)) ?? ''
    const again = await vault.seal(pkcs8, `signing key ${row?.kid}`)
    await queries().takeTurn((turn) =>
      turn.reseal([{ kid: row?.kid ?? '', state: 'current', sealedPrivateKey: again }], new Date()),
    )
    await here.keyring.reload()
    expect(here.tokens.ready).toBe(true)
    expect(await here.accepts(await here.issue())).toBe(true)
  })

  test('a key that was opened once stays open, whatever it is sealed with by now', async () => {
    const here = await start()
    await query(url, `update signing_keys set sealed_private_key = 'sealed with a secret that this instance has not'`)
    await here.keyring.reload()
    expect(await here.accepts(await here.issue())).toBe(true)
  })
})

test('a table that lost its keys gets a new current one', async () => {
  const here = await start()
  const old = await here.issue()
  expect(await here.accepts(old)).toBe(true)
  await database.db.delete(signingKeys)
  await here.keyring.reload()
  expect(await here.accepts(old)).toBe(false)
  expect(await here.accepts(await here.issue())).toBe(true)
  expect(await queries().findAll()).toEqual([expect.objectContaining({ state: 'current', kid: here.keyring.signer?.kid })])
})
