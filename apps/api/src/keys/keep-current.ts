import type { Clock, Log } from '../context.ts'
import type { Vault } from '../crypto/secret.ts'
import { describeError } from '../db/database-error.ts'
import { inTime } from '../db/in-time.ts'
import { pause } from '../pause.ts'
import type { Keyring } from './keyring.ts'
import type { KeyQueries } from './queries.ts'
import { takeRotationStep } from './rotate.ts'
import { type RotationRules, reloadInterval } from './rotation.ts'

export interface KeepCurrentOptions {
  queries: Pick<KeyQueries, 'tryTurn'>
  vault: Vault
  keyring: Pick<Keyring, 'reload'>
  rules: RotationRules
  clock: Clock
  log: Log
  closed: AbortSignal
}

/** Milliseconds that a step may take: on a connection that is silently gone it would hold up every reading. */
const patience = 10_000

/** Every 30 s takes the steps of rotation that are due, and reads what other instances did. Runs until `closed`. */
export async function keepKeysCurrent(options: KeepCurrentOptions): Promise<void> {
  const { keyring, closed } = options
  await pause(reloadInterval * 1000, closed)
  while (!closed.aborted) {
    if ((await keyring.reload()) && (await rotateWhereDue(options))) await keyring.reload()
    await pause(reloadInterval * 1000, closed)
  }
}

/** Takes all steps that are due now; whether there was one. */
async function rotateWhereDue({ queries, vault, rules, clock, log, closed }: KeepCurrentOptions): Promise<boolean> {
  let steps = 0
  try {
    for (;;) {
      const done = await inTime(takeRotationStep({ queries, vault }, clock(), rules), patience)
      if (!done) break
      log.info({ kid: done.kid }, messages[done.step])
      steps += 1
    }
  } catch (error) {
    if (!closed.aborted) log.warn({ error: describeError(error) }, 'the signing keys could not be rotated')
  }
  return steps > 0
}

const messages = {
  publish: 'a signing key was made and published: it signs once every verifier knows it',
  promote: 'a signing key became the current one',
  retire: 'a signing key was retired: its tokens are over',
}
