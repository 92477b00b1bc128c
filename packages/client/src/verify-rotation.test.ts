import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded, testSettings } from '../../../apps/api/runtime-tests/in-process.ts'
import { testSecret } from '../../../apps/api/runtime-tests/server.ts'
import { createApi } from '../../../apps/api/runtime-tests/suite/target.ts'
import { createVault } from '../../../apps/api/src/crypto/secret.ts'
import type { OpenDatabase } from '../../../apps/api/src/db/open.ts'
import { retireKey, rotateKeys } from '../../../apps/api/src/keys/commands.ts'
import { createKeyQueries } from '../../../apps/api/src/keys/queries.ts'
import { createVerifier } from './verify.ts'

let database: OpenDatabase
beforeAll(async () => {
  database = await openTestEmbedded()
})
afterAll(() => database.close())

test('a verifier follows the app’s keys through a rotation: the new one at once, the retired one for five minutes', async () => {
  // One clock for both: a token that was issued later than the verifier's present would be refused.
  const begun = Date.now()
  let time = begun
  const { app, resources } = await createTestApp(database, { clock: () => new Date(time) })
  const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  const tools = { queries: createKeyQueries(database, 'operator'), vault: await createVault([testSecret]), now: new Date(begun) }
  let asked = 0
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked += 1
    return app.request(input, init)
  }
  const { verify } = createVerifier({ issuer: testSettings.issuer, fetch, now: () => time })

  const { username, token: before } = await api.account()
  const old = resources.keyring.signer?.kid ?? ''
  await expect(verify(before)).resolves.toMatchObject({ username })

  await rotateKeys(tools, { atOnce: true }) // a leak: never published before
  await resources.keyring.reload()
  expect(resources.keyring.signer?.kid).not.toBe(old)
  const after = await api.token(username)
  time = begun + 5000
  await expect(verify(after)).resolves.toMatchObject({ username })
  await expect(verify(before)).resolves.toMatchObject({ username })
  expect(asked).toBe(2)

  await retireKey(tools, old)
  await resources.keyring.reload()
  await expect(verify(before)).resolves.toMatchObject({ username })
  time += 5 * 60_000
  await expect(verify(before)).rejects.toMatchObject({ code: 'invalid_token' })
  await expect(verify(after)).resolves.toMatchObject({ username })
  expect(asked).toBe(3)
})
