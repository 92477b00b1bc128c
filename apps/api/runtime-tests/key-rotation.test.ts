import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { retireKey, rotateKeys } from '../src/keys/commands.ts'
import { createVault } from '../src/crypto/secret.ts'
import type { OpenDatabase } from '../src/db/open.ts'
import { createKeyQueries } from '../src/keys/queries.ts'
import { createTestApp, openTestPostgres } from './in-process.ts'
import { createDatabase } from './postgres.ts'
import { testSecret } from './server.ts'
import { type Answer, type Api, createApi } from './suite/target.ts'

interface Instance {
  api: Api
  reload(): Promise<boolean>
  database: OpenDatabase
}

let instances: Instance[]
beforeAll(async () => {
  const url = await createDatabase(inject('clusterUrl'))
  instances = [await start(url), await start(url)]
})
afterAll(() => Promise.all(instances.map(({ database }) => database.close())))

async function start(url: string): Promise<Instance> {
  const database = await openTestPostgres(url)
  const { app, resources } = await createTestApp(database)
  const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  return { api, reload: () => resources.keyring.reload(), database }
}

const kidOf = (token: string) => String(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())['kid'])

test('publishing, promoting and retiring a key loses no request of two instances that are asked all the time', async () => {
  const [one, other] = instances
  if (!one || !other) throw new Error('two were started')
  const tools = { queries: createKeyQueries(other.database, 'operator'), vault: await createVault([testSecret]), now: new Date() }
  const { username, token: first } = await one.api.account()
  const refused: Answer[] = []
  const signers = new Set<string>()
  const stop = new AbortController()
  let token = first
  let rounds = 0

  /** Signs in at either instance and shows the token, and the one before, to both. */
  async function client(): Promise<void> {
    while (!stop.signal.aborted) {
      const before = token
      const answer = await (rounds % 2 === 0 ? one : other)?.api.login(username)
      if (answer?.status !== 200) throw new Error(`sign-in answered ${answer?.status}`)
      token = String(answer.body['access_token'])
      signers.add(kidOf(token))
      await Promise.all(
        instances.flatMap(({ api }) =>
          [before, token].map(async (shown) => {
            const shownTo = await api.get('/users/me', shown)
            if (shownTo.status !== 200) refused.push(shownTo)
          }),
        ),
      )
      rounds += 1
    }
  }
  const moreRounds = (count: number) =>
    expect.poll(() => rounds, { timeout: 20_000, interval: 5 }).toBeGreaterThan(rounds + count)

  const clients = Promise.all([client(), client()])
  await moreRounds(4)
  const old = kidOf(token)
  await rotateKeys(tools, { atOnce: false })
  await moreRounds(4)
  await one.reload() // it knows the next key, the other doesn't
  await rotateKeys(tools, { atOnce: true })
  await one.reload() // it signs with the new key, the other still with the old one
  await moreRounds(6)
  await other.reload()
  await moreRounds(4)
  await retireKey(tools, old)
  await Promise.all([one.reload(), other.reload()])
  await moreRounds(4)
  await rotateKeys(tools, { atOnce: true }) // a leak: never published before
  await one.reload()
  await moreRounds(4)
  stop.abort()
  await clients

  expect(refused).toEqual([])
  expect(signers.size).toBe(3)
  expect(rounds).toBeGreaterThan(20)
  for (const { api } of instances) {
    expect(await api.get('/users/me', first)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    const published = (await api.get('/.well-known/jwks.json')).body['keys'] as { kid: string }[]
    expect(published.map(({ kid }) => kid)).not.toContain(old)
    expect(published.map(({ kid }) => kid)).toContain(kidOf(token))
  }
})
