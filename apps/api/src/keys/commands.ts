import type { Vault } from '../crypto/secret.ts'
import { Refusal } from '../refusal.ts'
import type { KeyQueries, KeyTurn, StoredKey } from './queries.ts'
import { findNext, reloadInterval } from './rotation.ts'
import { generateKey, openPrivateKey, sealAgain } from './signing-key.ts'

export interface KeyTools {
  queries: Pick<KeyQueries, 'findAll' | 'takeTurn'>
  vault: Vault
  now: Date
}

/** All keys, the oldest first: as a table, or as JSON for programs. */
export async function listKeys({ queries }: Pick<KeyTools, 'queries'>, options: { json: boolean }): Promise<string> {
  const keys = (await queries.findAll()).map(({ kid, state, createTime, stateTime }) => ({
    kid,
    state,
    create_time: createTime.toISOString(),
    state_time: stateTime.toISOString(),
  }))
  if (options.json) return JSON.stringify(keys, null, 2)
  const lines = keys.map((key) => [key.kid.padEnd(43), key.state.padEnd(8), key.create_time, key.state_time])
  return [['kid'.padEnd(43), 'state'.padEnd(8), 'published'.padEnd(24), 'in this state since'], ...lines]
    .map((line) => line.join('  '))
    .join('\n')
}

/** Publishes a next key, if there is none, and with `atOnce` signs with it from now on. */
export async function rotateKeys({ queries, vault, now }: KeyTools, options: { atOnce: boolean }): Promise<string> {
  return queries.takeTurn(async (turn) => {
    const keys = await turn.findAll()
    const current = keys.find(({ state }) => state === 'current')
    if (current) await demandOpen(current, vault)
    const waiting = findNext(keys)
    if (waiting) await demandOpen(waiting, vault)
    const kid = waiting?.kid ?? (await publish(turn, vault, now))
    if (!options.atOnce) return `${kid} is ${waiting ? 'already ' : ''}published and signs as soon as every verifier knows it.`
    await turn.promote(kid, current?.kid, now)
    return [
      `${kid} is the current key. Every running instance signs with it within ${reloadInterval} seconds.`,
      ...(current ? [`${current.kid} still verifies. If it leaked, retire it then: keys retire ${current.kid}`] : []),
    ].join('\n')
  })
}

/** Takes a key that does not sign out of use: its tokens are refused from each instance's next reading on. */
export async function retireKey({ queries, now }: Omit<KeyTools, 'vault'>, kid: string): Promise<string> {
  return queries.takeTurn(async (turn) => {
    const state = (await turn.findAll()).find((key) => key.kid === kid)?.state
    if (state === undefined) throw new Refusal(`There is no signing key ${kid}.`)
    if (state === 'current') throw new Refusal(`${kid} is the current key: rotate first, with keys rotate --now.`)
    if (state === 'retired') return `${kid} is retired already.`
    await turn.retire(kid, state, now)
    return `${kid} is retired. Every running instance refuses its tokens within ${reloadInterval} seconds.`
  })
}

/** Seals every private half again, under the newest master secret; `unopened` are those that none opens. */
export async function resealKeys({ queries, vault, now }: KeyTools): Promise<{ resealed: string[]; unopened: string[] }> {
  return queries.takeTurn(async (turn) => {
    const resealed: StoredKey[] = []
    const unopened: string[] = []
    for (const key of (await turn.findAll()).filter(hasPrivateHalf)) {
      const sealedPrivateKey = await sealAgain(key, vault)
      if (sealedPrivateKey === undefined) unopened.push(key.kid)
      else resealed.push({ ...key, sealedPrivateKey })
    }
    await turn.reseal(resealed, now)
    return { resealed: resealed.map(({ kid }) => kid), unopened }
  })
}

async function publish(turn: KeyTurn, vault: Vault, now: Date): Promise<string> {
  const key = await generateKey(vault)
  await turn.publish(key, now)
  return key.kid
}

/** A key sealed under a secret that the instances don't have would leave them without one to sign with. */
async function demandOpen(key: StoredKey, vault: Vault): Promise<void> {
  if (await openPrivateKey(key, vault)) return
  throw new Refusal(`GATEHOUSE_SECRET does not open the signing key ${key.kid}: set the secret that sealed it.`)
}

/** A retired key has lost it. */
const hasPrivateHalf = ({ state, sealedPrivateKey }: StoredKey) => state !== 'retired' || sealedPrivateKey !== ''
