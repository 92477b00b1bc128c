import { v7 as uuidv7 } from 'uuid'
import type { PasswordHasher } from '../crypto/password.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import { countingFailures } from '../limits/limited-passwords.ts'
import type { Limits, Source } from '../limits/limits.ts'
import type { UserQueries } from '../users/queries.ts'
import { usernameKey } from '../users/username.ts'
import { type TokenPair, issueTokens } from './issue-tokens.ts'
import type { Device, SessionQueries } from './queries.ts'
import type { RefreshTokens } from './refresh-token.ts'

export interface SignInDependencies {
  users: UserQueries
  sessions: SessionQueries
  passwords: PasswordHasher
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  limits: Pick<Limits, 'checkSignIn' | 'signIn'>
  now: Date
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** What is known of who signs in: what is kept of it, and what is counted by. */
export type Visitor = Device & Source

/** The tokens of a new session, and whose it is. */
export type SignedIn = TokenPair & { userId: string }

/** Opens a session for a name and a password. An unknown name costs what a wrong password costs. */
export async function signIn(
  dependencies: SignInDependencies,
  input: { username: string; password: string },
  visitor: Visitor,
): Promise<SignedIn | 'invalid_credentials' | 'not_ready'> {
  if (!dependencies.tokens.ready) return 'not_ready'
  const first = await attempt(dependencies, input, visitor)
  // Two sign-ins at once may both renew an outdated hash; the second finds the renewed one.
  return first === 'superseded' ? orRefusal(await attempt(dependencies, input, visitor)) : first
}

async function attempt(
  { users, sessions, passwords, tokens, refreshTokens, limits, now, signal }: SignInDependencies,
  input: { username: string; password: string },
  visitor: Visitor,
) {
  const key = usernameKey(input.username)
  limits.checkSignIn(key, visitor)
  const found = await users.findCredentials(key)
  const counted = countingFailures(passwords, () => limits.signIn(key, found?.id, visitor))
  const { matches, outdated } = await counted.verify(input.password, found?.password, signal)
  if (!found || !matches) return 'invalid_credentials'
  const newHash = outdated ? await passwords.hash(input.password, signal) : undefined
  const session = await sessions.open(found, newHash, { id: uuidv7(), ...visitor }, now)
  if (!session) return 'superseded'
  const issued = await issueTokens({ tokens, refreshTokens }, session, now)
  return issued ? { ...issued, userId: session.userId } : 'not_ready'
}

const orRefusal = <T>(outcome: T | 'superseded') => (outcome === 'superseded' ? 'invalid_credentials' : outcome)
