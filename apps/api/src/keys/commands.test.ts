import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import type { OpenDatabase } from '../db/open.ts'
import { signingKeys } from '../db/schema.ts'
import { listKeys, resealKeys, retireKey, rotateKeys } from './commands.ts'
import { Refusal } from '../refusal.ts'
import { openKeyring } from './keyring.ts'
import { createKeyQueries } from './queries.ts'

const begun = new Date('2027-01-15T08:00:00Z')
const later = new Date('2027-01-15T09:30:00Z')
const old = 'the master secret that sealed the key'
const young = 'the master secret that comes next'
const vault = await createVault([old])
const stranger = await createVault(['another master secret than the one'])

let database: OpenDatabase
beforeAll(async () => {
  database = await openTestPostgres(await createDatabase(inject('clusterUrl')))
})
beforeEach(async () => {
  commands = 0
  await database.db.delete(signingKeys)
})
afterAll(() => database.close())

let commands = 0
/** Each command is given a second after the one before, the first one `later`. */
const tools = (opener: Vault = vault) => ({
  queries: createKeyQueries(database, 'system'),
  vault: opener,
  now: new Date(later.getTime() + 1000 * commands++),
})
const rows = () => createKeyQueries(database, 'system').findAll()
const open = (opener: Vault = vault) =>
  openKeyring(createKeyQueries(database, 'system'), {
    vault: opener,
    clock: () => begun,
    log: createMemoryLog(),
    closed: new AbortController().signal,
  })
const rotate = (atOnce = false, opener?: Vault) => rotateKeys(tools(opener), { atOnce })
const retire = (kid: string) => retireKey(tools(), kid)
const kidOf = async (wanted: string) => (await rows()).find(({ state }) => state === wanted)?.kid ?? ''
const states = async () => (await rows()).map(({ state }) => state)

test('rotateKeys() publishes one next key, asked once or often', async () => {
  await open()
  expect(await rotate()).toMatch(/^[\w-]{43} is published and signs as soon as/)
  const next = await kidOf('next')
  expect(await rotate()).toMatch(new RegExp(`^${next} is already published`))
  expect(await states()).toEqual(['current', 'next'])
  expect((await rows())[1]).toMatchObject({ createTime: later, stateTime: later })
})

test('rotateKeys() at once lets the key that waits take over, or a new one', async () => {
  const first = (await open()).signer?.kid ?? ''
  await rotate()
  const second = await kidOf('next')
  expect(await rotate(true)).toMatch(
    new RegExp(`^${second} is the current key\\..*\n${first} still verifies\\..*keys retire ${first}$`),
  )
  expect(await rotate(true)).toContain(`${second} still verifies.`)
  expect(await states()).toEqual(['previous', 'previous', 'current'])
  expect((await open()).signer?.kid).toBe(await kidOf('current'))
})

test('rotateKeys() works on a database that no server has started on', async () => {
  expect(await rotate(true)).toMatch(/^[\w-]{43} is the current key\. [^\n]+$/)
  expect(await states()).toEqual(['current'])
})

test('rotateKeys() by several at once leaves one current and at most one next key', async () => {
  await open()
  await Promise.all(Array.from({ length: 4 }, (_, i) => rotate(i % 2 === 0)))
  const counts = (await states()).filter((state) => state !== 'previous')
  expect(counts.filter((state) => state === 'current')).toHaveLength(1)
  expect(counts.length).toBeLessThanOrEqual(2)
})

test('rotateKeys() does nothing with a master secret that the servers don’t have', async () => {
  const { signer } = await open()
  const refusal = rotate(true, stranger)
  await expect(refusal).rejects.toThrow(Refusal)
  await expect(refusal).rejects.toThrow(`GATEHOUSE_SECRET does not open the signing key ${signer?.kid}`)
  expect(await states()).toEqual(['current'])
})

describe('retireKey()', () => {
  test('takes a previous and a next key out of use, with their private halves, once and for all', async () => {
    const kid = (await open()).signer?.kid ?? ''
    await rotate(true)
    await rotate()
    const next = await kidOf('next')
    for (const one of [kid, next]) {
      expect(await retire(one)).toContain(`${one} is retired.`)
      expect(await retire(one)).toBe(`${one} is retired already.`)
    }
    expect(await states()).toEqual(['retired', 'current', 'retired'])
    expect((await rows()).map(({ sealedPrivateKey }) => sealedPrivateKey === '')).toEqual([true, false, true])
    expect((await open()).jwks.keys.map(({ kid }) => kid)).toEqual([await kidOf('current')])
  })

  test('refuses the current key and says to rotate first', async () => {
    const kid = (await open()).signer?.kid ?? ''
    await expect(retire(kid)).rejects.toThrow(new Refusal(`${kid} is the current key: rotate first, with keys rotate --now.`))
    expect(await states()).toEqual(['current'])
  })

  test('refuses a key that is not there', async () => {
    await expect(retire('nobody')).rejects.toThrow(new Refusal('There is no signing key nobody.'))
  })
})

test('listKeys() shows every key with its state and times, and no private half', async () => {
  const kid = (await open()).signer?.kid ?? ''
  await rotate(true)
  const list = await listKeys(tools(), { json: false })
  expect(list.split('\n')).toEqual([
    expect.stringMatching(/^kid +state +published +in this state since$/),
    `${kid}  previous  2027-01-15T08:00:00.000Z  2027-01-15T09:30:00.000Z`,
    `${await kidOf('current')}  current   2027-01-15T09:30:00.000Z  2027-01-15T09:30:00.000Z`,
  ])
  expect(JSON.parse(await listKeys(tools(), { json: true }))).toEqual([
    { kid, state: 'previous', create_time: begun.toISOString(), state_time: later.toISOString() },
    { kid: await kidOf('current'), state: 'current', create_time: later.toISOString(), state_time: later.toISOString() },
  ])
})

describe('resealKeys()', () => {
  const reseal = (opener: Vault) => resealKeys(tools(opener))

  test('seals under the newest secret, so that the old one can go, and says the same when it is repeated', async () => {
    const kid = (await open()).signer?.kid ?? ''
    await rotate(true)
    await rotate()
    const kids = (await rows()).map(({ kid }) => kid)
    const both = await createVault([young, old])
    const only = await createVault([young])
    expect((await open(only)).sealedKids).toEqual(kids)
    for (let i = 0; i < 2; i += 1) expect(await reseal(both)).toEqual({ resealed: kids, unopened: [] })
    expect(await reseal(only)).toEqual({ resealed: kids, unopened: [] })
    const { sealedKids, signer, verifiers } = await open(only)
    expect(sealedKids).toEqual([])
    expect(signer?.kid).toBe(await kidOf('current'))
    expect(verifiers.has(kid)).toBe(true)
    expect((await open()).signer).toBeUndefined()
  })

  test('names the keys that no secret opens, and seals the others all the same', async () => {
    const kid = (await open()).signer?.kid ?? ''
    await rotate(true)
    const lost = await kidOf('current')
    await database.db.update(signingKeys).set({ sealedPrivateKey: 'nothing of ours' }).where(eq(signingKeys.kid, lost))
    expect(await reseal(await createVault([young, old]))).toEqual({ resealed: [kid], unopened: [lost] })
    const only = await createVault([young])
    expect((await open(only)).sealedKids).toEqual([lost])
  })

  test('passes over retired keys, which have no private half', async () => {
    const kid = (await open()).signer?.kid ?? ''
    await rotate(true)
    await retire(kid)
    expect(await reseal(vault)).toEqual({ resealed: [await kidOf('current')], unopened: [] })
  })
})
