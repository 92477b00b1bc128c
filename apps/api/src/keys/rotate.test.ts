import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createMemoryLog, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import type { OpenDatabase } from '../db/open.ts'
import { signingKeys } from '../db/schema.ts'
import { openKeyring } from './keyring.ts'
import { type KeyQueries, createKeyQueries } from './queries.ts'
import { takeRotationStep } from './rotate.ts'
import { rotationRules } from './rotation.ts'

const begun = new Date('2027-01-15T08:00:00Z')
const after = (seconds: number) => new Date(begun.getTime() + seconds * 1000)
const rules = rotationRules({ signingKeyMaxAge: 10_000, accessTokenTtl: 1800 })
const vault = await createVault(['the master secret that sealed the key'])
const stranger = await createVault(['another master secret than the one'])

let instances: OpenDatabase[]
beforeAll(async () => {
  const url = await createDatabase(inject('clusterUrl'))
  instances = [await openTestPostgres(url), await openTestPostgres(url)]
})
beforeEach(() => instances[0]?.db.delete(signingKeys))
afterAll(() => Promise.all(instances.map((database) => database.close())))

const allQueries = () => instances.map((each) => createKeyQueries(each, 'system'))
function oneQueries(): KeyQueries {
  const [queries] = allQueries()
  if (!queries) throw new Error('two were opened')
  return queries
}
const open = (queries: KeyQueries) =>
  openKeyring(queries, { vault, clock: () => begun, log: createMemoryLog(), closed: new AbortController().signal })
const step = (seconds: number, opener: Vault = vault, queries = oneQueries()) =>
  takeRotationStep({ queries, vault: opener }, after(seconds), rules)
const states = async () => (await oneQueries().findAll()).map(({ state }) => state)

/** When the steps of one rotation are due, in order, and what the states are then. */
const life: [seconds: number, step: string, states: string[]][] = [
  [9_401, 'publish', ['current', 'next']],
  [10_001, 'promote', ['previous', 'current']],
  [12_402, 'retire', ['retired', 'current']],
]

test('takeRotationStep() takes each step when it is due and never a second time', async () => {
  const first = (await open(oneQueries())).signer?.kid
  for (const [seconds, name, expected] of life) {
    expect(await step(seconds - 2)).toBeUndefined()
    expect(await step(seconds)).toMatchObject({ step: name })
    expect(await step(seconds)).toBeUndefined()
    expect(await states()).toEqual(expected)
  }
  const [retired, current] = await oneQueries().findAll()
  expect(retired).toMatchObject({ kid: first, createTime: begun, stateTime: after(12_402), sealedPrivateKey: '' })
  expect(current).toMatchObject({ createTime: after(9_401), stateTime: after(10_001) })
})

test('of two instances that take the same step at once, one does and the other does nothing', async () => {
  await open(oneQueries())
  for (const [seconds, name, expected] of life) {
    const all = allQueries()
    const outcomes = await Promise.all([...all, ...all, ...all].map((queries) => step(seconds, vault, queries)))
    expect(outcomes.filter((done) => done !== undefined)).toEqual([expect.objectContaining({ step: name })])
    expect(await states()).toEqual(expected)
  }
})

test('an instance does nothing while another has its turn, and the other’s step is done whole or not at all', async () => {
  await open(oneQueries())
  const [one, other] = allQueries()
  const failure = one?.tryTurn(async (turn) => {
    expect(await step(9_401, vault, other)).toBeUndefined()
    const [current] = await turn.findAll()
    await turn.promote('a key that nobody published', current?.kid, after(9_401))
  })
  await expect(failure).rejects.toThrow('a key that nobody published is not next any more')
  expect(await states()).toEqual(['current'])
})

test('there is one current key at every instant, whoever looks', async () => {
  await open(oneQueries())
  const [one, other] = allQueries()
  const done = new AbortController()
  const seen: number[] = []
  const look = async () => {
    while (!done.signal.aborted) seen.push(((await other?.findAll()) ?? []).filter(({ state }) => state === 'current').length)
  }
  const looking = look()
  for (let round = 0; round < 20; round += 1) {
    await step(round * 20_000 + 9_401, vault, one)
    await step(round * 20_000 + 10_001, vault, one)
    await step(round * 20_000 + 19_000, vault, one)
  }
  done.abort()
  await looking
  expect(seen.length).toBeGreaterThan(20)
  expect(new Set(seen)).toEqual(new Set([1]))
})

test('an instance with another master secret publishes nothing, and promotes nothing that it can’t sign with', async () => {
  await open(oneQueries())
  expect(await step(9_401, stranger)).toBeUndefined()
  await step(9_401)
  expect(await step(10_001, stranger)).toBeUndefined()
  expect(await states()).toEqual(['current', 'next'])
})
