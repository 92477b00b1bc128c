import type { Circumstances } from '../audit/event.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { Revocations } from '../sessions/revocations.ts'
import type { IsBreached } from '../users/breached-passwords.ts'
import { objectionTo } from '../users/password-policy.ts'
import { hashCode } from './code.ts'
import type { PasswordResetQueries } from './queries.ts'

export interface ResetDependencies extends Circumstances {
  resets: PasswordResetQueries
  passwords: PasswordHasher
  revocations: Pick<Revocations, 'catchUp'>
  isBreached: IsBreached
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** Sets the password of the account that `code` was issued for. A password that is refused does not spend the code. */
export async function resetPassword(
  dependencies: ResetDependencies,
  { code, password }: { code: string; password: string },
): Promise<'reset' | 'invalid_reset_code' | { objection: string }> {
  const { resets, passwords, revocations, isBreached, now, signal } = dependencies
  const codeHash = await hashCode(code)
  const account = await resets.findAccount(codeHash, now)
  if (!account) return 'invalid_reset_code'
  const objection = await objectionTo(password, account.username, isBreached)
  if (objection !== undefined) return { objection }
  const hash = await passwords.hash(password, signal)
  if (!(await resets.spend(codeHash, hash, dependencies))) return 'invalid_reset_code'
  await revocations.catchUp()
  return 'reset'
}
