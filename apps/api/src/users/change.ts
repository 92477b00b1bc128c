import type { PasswordHasher } from '../crypto/password.ts'
import type { Caller } from '../keys/access-token.ts'
import type { Revocations } from '../sessions/revocations.ts'
import type { Authority, Credentials, UserQueries } from './queries.ts'
import { usernameKey } from './username.ts'

/** Seconds for which a sign-in counts as a proof of who acts. */
const freshness = 600

export interface ChangeDependencies {
  queries: UserQueries
  passwords: PasswordHasher
  revocations: Pick<Revocations, 'catchUp'>
  caller: Caller
  now: Date
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

export interface UserChange {
  username: string
  password?: string | null | undefined
  birthday?: string | null | undefined
  current_password?: string | null | undefined
}

export interface Changed {
  /** How many other sessions of the account a new password ended. */
  sessionsEnded: number
}

/** Why an account may not be changed; the codes of the problem that answers it. */
export type Refusal = 'invalid_token' | 'user_not_found' | 'forbidden' | 'reauthentication_required'

/** Changes what `change` holds of the account it names. */
export async function changeUser(dependencies: ChangeDependencies, change: UserChange): Promise<Changed | Refusal> {
  const { queries, passwords, revocations } = dependencies
  const sensitive = change.password != null
  const demand = { sensitive, currentPassword: change.current_password }
  const granted = await authorize(dependencies, change.username, demand)
  if (typeof granted === 'string') return granted
  const password = change.password == null ? undefined : await passwords.hash(change.password, dependencies.signal)
  const columns = {
    ...(password !== undefined && { password, passwordChangeTime: dependencies.now }),
    ...(change.birthday != null && { birthday: change.birthday }),
  }
  const sessionsEnded = await queries.update(granted.targetId, columns, granted.authority)
  if (sessionsEnded === undefined) return refusalAfterRace(dependencies, change.username, demand)
  if (password !== undefined) await revocations.catchUp()
  return { sessionsEnded }
}

/** Deletes the account that `deletion` names. */
export async function deleteUser(
  dependencies: ChangeDependencies,
  deletion: Pick<UserChange, 'username' | 'current_password'>,
): Promise<'deleted' | Refusal> {
  const { username, current_password: currentPassword } = deletion
  const demand = { sensitive: true, currentPassword }
  const granted = await authorize(dependencies, username, demand)
  if (typeof granted === 'string') return granted
  const deleted = await dependencies.queries.delete(granted.targetId, granted.authority)
  if (!deleted) return refusalAfterRace(dependencies, username, demand)
  await dependencies.revocations.catchUp()
  return 'deleted'
}

interface Demand {
  /** Whether the caller has to be known beyond a token that may be stolen. */
  sensitive: boolean
  currentPassword: string | null | undefined
}

async function authorize(
  { queries, passwords, caller, now, signal }: ChangeDependencies,
  username: string,
  { sensitive, currentPassword }: Demand,
): Promise<Refusal | { targetId: string; authority: Authority }> {
  const [self, target] = await Promise.all([queries.findCaller(caller), queries.findByKey(usernameKey(username))])
  if (!self) return 'invalid_token'
  if (!target) return 'user_not_found'
  if (!mayChange(self, target)) return 'forbidden'
  const grant = (proof: Partial<Authority>) => ({ targetId: target.id, authority: { ...caller, ...proof } })
  if (!sensitive) return grant({})
  if (currentPassword == null) {
    return isFresh(self, now) ? grant({ provenBySignIn: true }) : 'reauthentication_required'
  }
  const { matches } = await passwords.verify(currentPassword, self.password, signal)
  return matches ? grant({ provenHash: self.password }) : 'reauthentication_required'
}

/** An account is changed by its owner or an administrator. */
export function mayChange(caller: Pick<Credentials, 'id' | 'role'>, target: { id: string }): boolean {
  return caller.id === target.id || caller.role === 'admin'
}

/** Whether the password, the present one, was proven recently enough for what can't be undone. */
export function isFresh(
  { signInTime, passwordChangeTime }: { signInTime: Date; passwordChangeTime: Date | null },
  now: Date,
): boolean {
  const recent = now.getTime() - signInTime.getTime() < freshness * 1000
  return recent && (passwordChangeTime === null || passwordChangeTime <= signInTime)
}

/** The row or the authority over it went while a password was hashed: what is left of them says which. */
async function refusalAfterRace(dependencies: ChangeDependencies, username: string, demand: Demand): Promise<Refusal> {
  const granted = await authorize(dependencies, username, demand)
  return typeof granted === 'string' ? granted : 'reauthentication_required'
}
