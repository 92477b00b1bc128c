import { expect, test } from 'vitest'
import { GatehouseError } from './errors.ts'
import { type Grant, serialize } from './kept.ts'
import { createSessionKeeper } from './session-keeper.ts'
import { openShelf } from './storage.ts'
import { createStorage } from './test-app.ts'

const grant = (name: string) => ({ access_token: name, refresh_token: name, expires_in: 1800 })

const refusal = new GatehouseError({ code: 'invalid_grant', status: 400, detail: 'No' })

test.each([
  ['a renewal', (give: (renewed: Grant) => void) => give(grant('renewed'))],
  ['an end', (_: unknown, refuse: (error: Error) => void) => refuse(refusal)],
])('%s takes the place of nothing that another tab kept meanwhile, in whichever turn', async (_, answer) => {
  for (let turns = 0; turns < 25; turns += 1) {
    const storage = createStorage(new Map([['key', serialize(grant('before'), 'before')]]))
    const { promise, resolve, reject } = Promise.withResolvers<Grant>()
    const openKeeper = (exchange: () => Promise<Grant>) =>
      createSessionKeeper({ shelf: openShelf(storage, 'key'), cookies: false, now: () => 0, exchange, tell: () => undefined })
    const [first, second] = [openKeeper(() => promise), openKeeper(() => promise)]
    const kept = await first.look()
    const renewal = first.authorize(kept).catch(() => undefined)
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
    const beginning = second.begin(() => Promise.resolve(grant('somebody else')), undefined)
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    answer(resolve, reject)
    await Promise.all([beginning, renewal])
    expect([turns, storage.items.get('key')]).toEqual([turns, expect.stringContaining('somebody else')])
  }
})
