import type { Circumstances, EventName } from '../audit/event.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { Caller } from '../keys/access-token.ts'
import type { Revocations } from '../sessions/revocations.ts'
import type { Authority } from './authority/queries.ts'
import type { Credentials, UserQueries } from './queries.ts'
import { usernameKey } from './username.ts'

/** Seconds for which a sign-in counts as a proof of who acts. */
const freshness = 600

export interface ChangeDependencies extends Circumstances {
  queries: UserQueries
  passwords: PasswordHasher
  revocations: Pick<Revocations, 'catchUp'>
  caller: Caller
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

export interface UserChange {
  username: string
  password?: string | null | undefined
  birthday?: string | null | undefined
  /** This, and being disabled, is for administrators to change. */
  role?: 'user' | 'admin' | null | undefined
  disabled?: boolean | null | undefined
  current_password?: string | null | undefined
}

export interface Changed {
  /** How many sessions of the account it ended. */
  sessionsEnded: number
}

/** Why an account may not be changed; the codes of the problem that answers it. */
export type Refusal = 'invalid_token' | 'user_not_found' | 'forbidden' | 'reauthentication_required' | 'last_administrator'

/** Changes what `change` holds of the account it names. */
export async function changeUser(dependencies: ChangeDependencies, change: UserChange): Promise<Changed | Refusal> {
  const { queries, passwords, revocations } = dependencies
  const demand = demandOf(change)
  const granted = await authorize(dependencies, change.username, demand)
  if (typeof granted === 'string') return granted
  const columns = {
    ...(change.password != null && { password: await passwords.hash(change.password, dependencies.signal) }),
    ...(change.birthday != null && { birthday: change.birthday }),
    ...(change.role != null && { role: change.role }),
    ...(change.disabled != null && { disabled: change.disabled }),
  }
  const sessionsEnded = await queries.update(granted.targetId, columns, granted.authority, dependencies)
  if (sessionsEnded === undefined) return refusalAfterRace(dependencies, change.username, demand)
  if (sessionsEnded === 'last_administrator') return sessionsEnded
  if (demand.sensitive) await revocations.catchUp()
  return { sessionsEnded }
}

/** Deletes the account that `deletion` names. */
export async function deleteUser(
  dependencies: ChangeDependencies,
  deletion: Pick<UserChange, 'username' | 'current_password'>,
): Promise<'deleted' | Refusal> {
  const { username, current_password: currentPassword } = deletion
  const demand = { sensitive: true, currentPassword, event: 'user_deleted' } as const
  const granted = await authorize(dependencies, username, demand)
  if (typeof granted === 'string') return granted
  const deleted = await dependencies.queries.delete(granted.targetId, granted.authority, dependencies)
  if (deleted === false) return refusalAfterRace(dependencies, username, demand)
  if (deleted === 'last_administrator') return deleted
  await dependencies.revocations.catchUp()
  return 'deleted'
}

export interface Demand {
  /** Whether the caller has to be known beyond a token that may be stolen. */
  sensitive: boolean
  currentPassword: string | null | undefined
  /** Whether it takes an administrator, for an account of one's own too. */
  asAdministrator?: boolean
  /** What is tried: a wrong password is recorded as a failure of it. */
  event: EventName
}

function demandOf({ password, role, disabled, current_password: currentPassword }: UserChange): Demand {
  const asAdministrator = role != null || disabled != null
  const sensitive = password != null || asAdministrator
  return { sensitive, currentPassword, asAdministrator, event: triedEvent({ password, role, disabled }) }
}

function triedEvent({ password, role, disabled }: Pick<UserChange, 'password' | 'role' | 'disabled'>): EventName {
  if (role != null) return 'role_changed'
  if (disabled != null) return disabled ? 'user_disabled' : 'user_enabled'
  return password == null ? 'user_changed' : 'password_changed'
}

/** Whether the caller may do to the account of that name what `demand` says, and on what authority. */
export async function authorize(
  { queries, passwords, caller, origin, now, signal }: Omit<ChangeDependencies, 'revocations'>,
  username: string,
  { sensitive, currentPassword, asAdministrator = false, event }: Demand,
): Promise<Refusal | { targetId: string; username: string; authority: Authority }> {
  const [self, target] = await Promise.all([queries.findCaller(caller), queries.findByKey(usernameKey(username))])
  if (!self) return 'invalid_token'
  if (asAdministrator && self.role !== 'admin') return 'forbidden'
  if (!target) return 'user_not_found'
  if (!mayChange(self, target)) return 'forbidden'
  const { userId, sessionId } = caller
  const grant = (proof: Partial<Authority>) => ({
    targetId: target.id,
    username: target.username,
    authority: { userId, sessionId, asAdministrator, ...proof },
  })
  if (!sensitive) return grant({})
  if (currentPassword == null) {
    return isFresh(self, now) ? grant({ provenBySignIn: true }) : 'reauthentication_required'
  }
  const { matches } = await passwords.verify(currentPassword, self.password, signal)
  if (matches) return grant({ provenHash: self.password })
  await queries.recordRefusal({ event, origin, subjectId: target.id, details: { reason: 'wrong_password' }, now })
  return 'reauthentication_required'
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
export async function refusalAfterRace(
  dependencies: Omit<ChangeDependencies, 'revocations'>,
  username: string,
  demand: Demand,
): Promise<Refusal> {
  const granted = await authorize(dependencies, username, demand)
  return typeof granted === 'string' ? granted : 'reauthentication_required'
}
