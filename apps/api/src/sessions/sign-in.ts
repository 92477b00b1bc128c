import { v7 as uuidv7 } from 'uuid'
import type { Circumstances } from '../audit/event.ts'
import type { AuditQueries } from '../audit/queries.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import { countingFailures } from '../limits/limited-passwords.ts'
import type { Limits, Source } from '../limits/limits.ts'
import type { UserQueries } from '../users/queries.ts'
import { usernameKey } from '../users/username.ts'
import { type TokenPair, issueTokens } from './issue-tokens.ts'
import type { Device, SessionQueries } from './queries.ts'
import type { RefreshTokens } from './refresh-token.ts'

export interface SignInDependencies extends Circumstances {
  users: UserQueries
  sessions: SessionQueries
  passwords: PasswordHasher
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  limits: Pick<Limits, 'checkSignIn' | 'signIn'>
  audit: Pick<AuditQueries, 'record'>
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** What is known of who signs in: what is kept of it, and what is counted by. */
export type Visitor = Device & Source

/** The tokens of a new session, and whose it is. */
export type SignedIn = TokenPair & { userId: string }

/** Why nobody is let in, and whose name was given: for the record alone. */
interface Refused {
  reason: 'unknown_account' | 'wrong_password' | 'disabled' | 'changed_meanwhile'
  userId?: string
}

/**
 * Opens a session for a name and a password. An unknown name costs what a wrong password costs, and takes the same
 * statements; of either it is recorded that it was tried, of an unknown one not which.
 */
export async function signIn(
  dependencies: SignInDependencies,
  input: { username: string; password: string },
  visitor: Visitor,
): Promise<SignedIn | 'invalid_credentials' | 'not_ready'> {
  if (!dependencies.tokens.ready) return 'not_ready'
  const first = await attempt(dependencies, input, visitor)
  // Two sign-ins at once may both renew an outdated hash; the second finds the renewed one.
  const again = isRefused(first) && first.reason === 'changed_meanwhile'
  const outcome = again ? await attempt(dependencies, input, visitor) : first
  if (!isRefused(outcome)) return outcome
  const { audit, origin, now } = dependencies
  const { userId: subjectId, reason } = outcome
  await audit.record({ event: 'signed_in', outcome: 'failure', origin, subjectId, details: { reason }, now })
  return 'invalid_credentials'
}

async function attempt(
  { users, sessions, passwords, tokens, refreshTokens, limits, origin, now, signal }: SignInDependencies,
  input: { username: string; password: string },
  visitor: Visitor,
): Promise<SignedIn | 'not_ready' | Refused> {
  const key = usernameKey(input.username)
  limits.checkSignIn(key, visitor)
  const found = await users.findCredentials(key)
  const counted = countingFailures(passwords, () => limits.signIn(key, found?.id, visitor), !found?.disabledAt)
  const { matches, outdated } = await counted.verify(input.password, found?.password, signal)
  if (!found) return { reason: 'unknown_account' }
  if (!matches) return { reason: 'wrong_password', userId: found.id }
  if (found.disabledAt) return { reason: 'disabled', userId: found.id }
  const newHash = outdated ? await passwords.hash(input.password, signal) : undefined
  const session = await sessions.open(found, newHash, { id: uuidv7(), ...visitor }, { now, origin })
  if (!session) return { reason: 'changed_meanwhile', userId: found.id }
  const issued = await issueTokens({ tokens, refreshTokens }, session, now)
  return issued ? { ...issued, userId: session.userId } : 'not_ready'
}

const isRefused = (outcome: SignedIn | 'not_ready' | Refused): outcome is Refused =>
  typeof outcome === 'object' && 'reason' in outcome
