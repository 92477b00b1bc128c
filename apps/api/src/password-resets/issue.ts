import { type ChangeDependencies, type Refusal, authorize, refusalAfterRace } from '../users/change.ts'
import { codeLifetime, createCode, hashCode } from './code.ts'
import type { PasswordResetQueries } from './queries.ts'

export interface IssueDependencies extends Omit<ChangeDependencies, 'revocations'> {
  resets: PasswordResetQueries
}

export interface IssuedReset {
  /** As it was registered. */
  username: string
  /** Shown this once. */
  code: string
  /** Seconds. */
  expiresIn: number
}

/** Makes the code that sets a new password of the account of that name, for an administrator to pass on. */
export async function issuePasswordReset(
  dependencies: IssueDependencies,
  username: string,
  currentPassword: string | null | undefined,
): Promise<IssuedReset | Refusal | 'account_disabled'> {
  const demand = { sensitive: true, asAdministrator: true, currentPassword, event: 'password_reset_issued' } as const
  const granted = await authorize(dependencies, username, demand)
  if (typeof granted === 'string') return granted
  const { code, ...stored } = await newReset(dependencies.now)
  const outcome = await dependencies.resets.issue(granted.targetId, stored, granted.authority, dependencies)
  if (outcome === undefined) return refusalAfterRace(dependencies, username, demand)
  return outcome === 'issued' ? { username: granted.username, code, expiresIn: codeLifetime } : outcome
}

/** A code, and what is stored of it. */
export async function newReset(now: Date): Promise<{ code: string; codeHash: string; expireTime: Date }> {
  const code = createCode()
  return { code, codeHash: await hashCode(code), expireTime: new Date(now.getTime() + codeLifetime * 1000) }
}
