import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { testSecret } from '../../runtime-tests/server.ts'
import { type Vault, createVault } from '../crypto/secret.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents } from '../db/schema.ts'
import { resealKeys, retireKey, rotateKeys } from './commands.ts'
import { openKeyring } from './keyring.ts'
import { createKeyQueries } from './queries.ts'
import { takeRotationStep } from './rotate.ts'

const start = new Date('2027-01-15T08:00:00.000Z').getTime()
const after = (seconds: number) => new Date(start + seconds * 1000)
const rules = { maxAge: 10_000, publishLead: 600, overlap: 2400 }

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('on %s', (_name, open) => {
  let database: OpenDatabase
  let vault: Vault
  beforeAll(async () => {
    database = await open()
    vault = await createVault([testSecret])
  })
  afterAll(() => database.close())

  test('what happens to the keys is recorded: by the instance itself, and by the operator', async () => {
    const instance = createKeyQueries(database, 'system')
    const operator = createKeyQueries(database, 'operator')
    const tools = (seconds: number) => ({ queries: operator, vault, now: after(seconds) })
    const { closed } = database.feed
    for (let i = 0; i < 2; i += 1) await openKeyring(instance, { vault, clock: () => after(0), log: createMemoryLog(), closed })
    for (const seconds of [1, 9_500, 10_200, 13_000]) await takeRotationStep({ queries: instance, vault }, after(seconds), rules)
    await rotateKeys(tools(13_001), { atOnce: false })
    await rotateKeys(tools(13_002), { atOnce: true })
    const keys = await instance.findAll()
    const [first = '', second = '', third = ''] = keys.map(({ kid }) => kid)
    await retireKey(tools(13_003), second)
    await retireKey(tools(13_004), second)
    await resealKeys(tools(13_005))
    const events = await database.db.select().from(auditEvents).orderBy(auditEvents.id)
    expect(keys).toHaveLength(3)
    expect(events.map(({ time, event, actor, details }) => [(time.getTime() - start) / 1000, event, actor, details])).toEqual([
      [0, 'key_published', 'system', { kid: first, state: 'current' }],
      [9_500, 'key_published', 'system', { kid: second, state: 'next' }],
      [10_200, 'key_promoted', 'system', { kid: second, instead_of: first }],
      [13_000, 'key_retired', 'system', { kid: first }],
      [13_001, 'key_published', 'operator', { kid: third, state: 'next' }],
      [13_002, 'key_promoted', 'operator', { kid: third, instead_of: second }],
      [13_003, 'key_retired', 'operator', { kid: second }],
      [13_005, 'keys_resealed', 'operator', { kids: [third] }],
    ])
    for (const { outcome, actorId, subjectId, addressPrefix, requestId } of events) {
      expect({ outcome, actorId, subjectId, addressPrefix, requestId }).toEqual({
        outcome: 'success',
        actorId: null,
        subjectId: null,
        addressPrefix: null,
        requestId: null,
      })
    }
    for (const { sealedPrivateKey } of keys) if (sealedPrivateKey) expect(JSON.stringify(events)).not.toContain(sealedPrivateKey)
  })
})
