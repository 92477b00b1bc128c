import type { PasswordHasher } from '../crypto/password.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import type { UserQueries } from '../users/queries.ts'
import { usernameKey } from '../users/username.ts'

export interface SignInDependencies {
  users: UserQueries
  passwords: PasswordHasher
  tokens: AccessTokens
  now: Date
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** Exchanges a name and a password for an access token. An unknown name costs what a wrong password costs. */
export async function signIn(
  dependencies: SignInDependencies,
  input: { username: string; password: string },
): Promise<{ accessToken: string } | 'invalid_credentials' | 'not_ready'> {
  const first = await attempt(dependencies, input)
  // Two sign-ins at once may both renew an outdated hash; the second finds the renewed one.
  return first === 'superseded' ? orRefusal(await attempt(dependencies, input)) : first
}

async function attempt(
  { users, passwords, tokens, now, signal }: SignInDependencies,
  input: { username: string; password: string },
) {
  const found = await users.findCredentials(usernameKey(input.username))
  const { matches, outdated } = await passwords.verify(input.password, found?.password, signal)
  if (!found || !matches) return 'invalid_credentials'
  const newHash = outdated ? await passwords.hash(input.password, signal) : undefined
  const subject = { userId: found.id, sessionId: crypto.randomUUID(), username: found.username, role: found.role }
  const accessToken = await tokens.issue(subject, now)
  if (accessToken === undefined) return 'not_ready'
  return (await users.recordSignIn(found, newHash, now)) ? { accessToken } : 'superseded'
}

const orRefusal = <T>(outcome: T | 'superseded') => (outcome === 'superseded' ? 'invalid_credentials' : outcome)
