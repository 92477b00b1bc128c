import type { Vault } from '../crypto/secret.ts'
import type { KeyQueries, KeyTurn, StoredKey } from './queries.ts'
import { type RotationRules, type RotationStep, planRotation } from './rotation.ts'
import { generateKey, openPrivateKey } from './signing-key.ts'

/** What was done to which key. */
export interface RotationDone {
  step: RotationStep['step']
  kid: string
}

/**
 * Takes the step that is due at `now`, if it is this instance's turn; undefined where nothing was done.
 * An instance whose master secret does not open what the others sign with keeps its hands off.
 */
export async function takeRotationStep(
  { queries, vault }: { queries: Pick<KeyQueries, 'tryTurn'>; vault: Vault },
  now: Date,
  rules: RotationRules,
): Promise<RotationDone | undefined> {
  return queries.tryTurn(async (turn) => {
    const keys = await turn.findAll()
    const plan = planRotation(keys, now, rules)
    return plan && apply(turn, { plan, keys, vault, now })
  })
}

async function apply(
  turn: KeyTurn,
  { plan, keys, vault, now }: { plan: RotationStep; keys: StoredKey[]; vault: Vault; now: Date },
): Promise<RotationDone | undefined> {
  const { step } = plan
  if (step === 'retire') {
    await turn.retire(plan.kid, 'previous', now)
    return plan
  }
  const current = keys.find(({ state }) => state === 'current')
  const signer = step === 'promote' ? keys.find(({ kid }) => kid === plan.kid) : current
  if (!signer || !(await openPrivateKey(signer, vault))) return undefined
  if (step === 'promote') {
    await turn.promote(plan.kid, current?.kid, now)
    return plan
  }
  const key = await generateKey(vault)
  await turn.publish(key, now)
  return { step, kid: key.kid }
}
