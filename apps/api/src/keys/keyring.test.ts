import { sql } from 'drizzle-orm'
import { calculateJwkThumbprint, exportJWK, importPKCS8 } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import type { OpenDatabase } from '../db/open.ts'
import { signingKeys } from '../db/schema.ts'
import { describeKeys } from '../health/readiness.ts'
import { createAccessTokens } from './access-token.ts'
import { type Keyring, openKeyring } from './keyring.ts'
import { createKeyQueries } from './queries.ts'

const now = new Date('2027-01-15T08:00:00Z')
const secret = 'the master secret that sealed the key'
const vault = await createVault([secret])

let database: OpenDatabase
beforeAll(async () => {
  database = await openTestPostgres(await createDatabase(inject('clusterUrl')))
})
beforeEach(() => database.db.delete(signingKeys))
afterAll(() => database.close())

const options = () => ({ vault, clock: () => now, log: createMemoryLog(), closed: new AbortController().signal })
const open = (opener: Vault = vault) => openKeyring(createKeyQueries(database, 'system'), { ...options(), vault: opener })
const rows = () => database.db.select().from(signingKeys)
const kids = ({ jwks, verifiers }: Keyring) => [jwks.keys.map(({ kid }) => kid), [...verifiers.keys()]]

const subject = { userId: 'u', sessionId: 's', username: 'ada', role: 'user' } as const
const tokensOf = (keyring: Keyring) => createAccessTokens({ keyring, issuer: 'https://x.example', ttl: 60, remember: 1 })
const issue = async (keyring: Keyring) =>
  (await tokensOf(keyring).issue({ ...subject, authTime: now, notAfter: new Date(now.getTime() + 3_600_000) }, now))
    ?.accessToken ?? ''

test('openKeyring() makes one first key when five instances open an empty database at once', async () => {
  const all = Promise.withResolvers<void>()
  let looked = 0
  const openTogether = () => {
    const queries = createKeyQueries(database, 'system')
    let first = true
    const findAll = async () => {
      const found = await queries.findAll()
      if (!first) return found
      first = false
      looked += 1
      if (looked === 5) all.resolve()
      await all.promise // nobody goes on before everybody has seen that there is none
      return found
    }
    return openKeyring({ ...queries, findAll }, options())
  }
  const keyrings = await Promise.all(Array.from({ length: 5 }, openTogether))
  const stored = await rows()
  expect(stored).toEqual([expect.objectContaining({ state: 'current', createTime: now })])
  for (const keyring of keyrings) {
    expect(keyring.signer?.kid).toBe(stored[0]?.kid)
    expect(kids(keyring)).toEqual([[stored[0]?.kid], [stored[0]?.kid]])
    const token = await issue(keyring)
    for (const other of keyrings) expect(await tokensOf(other).verify(token, now)).toMatchObject(subject)
  }
})

test('openKeyring() makes no second key, and what was signed before still verifies', async () => {
  const token = await issue(await open())
  const again = await open()
  expect(await rows()).toHaveLength(1)
  expect(await tokensOf(again).verify(token, now)).toMatchObject(subject)
  expect(await tokensOf(again).verify(await issue(again), now)).toMatchObject(subject)
})

test('the stored key shows its private half in no spelling, and is published without it under its thumbprint', async () => {
  const { jwks } = await open()
  const [row] = await rows()
  if (!row) throw new Error('a key was made')
  const pkcs8 = (await vault.open(row.sealedPrivateKey, `signing key ${row.kid}`)) ?? ''
  const { d = '' } = await exportJWK(await importPKCS8(pkcs8, 'ES256', { extractable: true }))
  const scalar = Buffer.from(d, 'base64url')
  expect(scalar).toHaveLength(32)
  const parts = row.sealedPrivateKey.split('.').map((part) => Buffer.from(part, 'base64url'))
  const everything = Buffer.concat([Buffer.from(JSON.stringify(row)), ...parts]).toString('latin1')
  const spellings = (['latin1', 'base64', 'base64url', 'hex'] as const).map((encoding) => scalar.toString(encoding))
  for (const text of [...spellings, pkcs8, pkcs8.split('\n')[1] ?? '', 'PRIVATE', secret]) expect(everything).not.toContain(text)
  expect(new Set(Object.keys(row.publicJwk))).toEqual(new Set(['kty', 'crv', 'x', 'y']))
  expect(jwks.keys).toEqual([{ ...row.publicJwk, kid: row.kid, alg: 'ES256', use: 'sig' }])
  expect(await calculateJwkThumbprint(row.publicJwk)).toBe(row.kid)
})

describe('a key that can’t be opened signs nothing, is named, stays published and still verifies:', () => {
  const damage = (statement: ReturnType<typeof sql>) => async () => {
    await database.db.execute(statement)
    return vault
  }

  test.each<[string, () => Promise<Vault>]>([
    ['another secret', () => createVault(['another master secret than the one'])],
    ['a sealed text that lost its end', damage(sql`update signing_keys set sealed_private_key = left(sealed_private_key, -9)`)],
    ['a sealed text of something else', damage(sql`update signing_keys set sealed_private_key = 'nothing of ours'`)],
    ['an empty text', damage(sql`update signing_keys set sealed_private_key = ''`)],
  ])('%s', async (_name, prepare) => {
    const before = await open()
    const token = await issue(before)
    const after = await open(await prepare())
    const kid = before.signer?.kid ?? ''
    expect(after.signer).toBeUndefined()
    expect(after.sealedKids).toEqual([kid])
    expect(describeKeys(after)).toContain(kid)
    expect(after.jwks).toEqual(before.jwks)
    expect(await issue(after)).toBe('')
    expect(await tokensOf(after).verify(token, now)).toMatchObject(subject)
    expect(await rows()).toHaveLength(1)
  })
})

test('openKeyring() opens what an older secret sealed while that is still listed', async () => {
  const { signer } = await open()
  const rotated = await open(await createVault(['the master secret that comes next', secret]))
  expect(rotated.signer?.kid).toBe(signer?.kid)
  expect(rotated.sealedKids).toEqual([])
})

test('openKeyring() signs with the current key, publishes the next and the previous one, and forgets the retired', async () => {
  const keys: { state: 'next' | 'current' | 'previous' | 'retired'; kid: string; token: string }[] = []
  for (const state of ['previous', 'next', 'retired', 'current'] as const) {
    const keyring = await open() // makes a current one, as there is none
    keys.push({ state, kid: keyring.signer?.kid ?? '', token: await issue(keyring) })
    await database.db
      .update(signingKeys)
      .set({ state })
      .where(sql`state = 'current'`)
  }
  const keyring = await open()
  const kidOf = (wanted: string) => keys.find(({ state }) => state === wanted)?.kid
  expect(keyring.signer?.kid).toBe(kidOf('current'))
  const usable = new Set(['previous', 'next', 'current'].map(kidOf))
  for (const list of kids(keyring)) expect(new Set(list)).toEqual(usable)
  for (const { state, token } of keys) {
    expect((await tokensOf(keyring).verify(token, now)) !== undefined).toBe(state !== 'retired')
  }
})

test('openKeyring() opens no private key that was put into the row of another', async () => {
  await open()
  const [previous] = await database.db.update(signingKeys).set({ state: 'previous' }).returning()
  const { signer } = await open()
  await database.db
    .update(signingKeys)
    .set({ sealedPrivateKey: previous?.sealedPrivateKey ?? '' })
    .where(sql`state = 'current'`)
  const swapped = await open()
  expect(swapped.signer).toBeUndefined()
  expect(swapped.sealedKids).toEqual([signer?.kid])
})
