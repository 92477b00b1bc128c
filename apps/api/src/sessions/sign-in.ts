import { v7 as uuidv7 } from 'uuid'
import type { PasswordHasher } from '../crypto/password.ts'
import type { AccessTokens } from '../keys/access-token.ts'
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
  now: Date
  /** Aborts when the client has left. */
  signal?: AbortSignal
}

/** Opens a session for a name and a password. An unknown name costs what a wrong password costs. */
export async function signIn(
  dependencies: SignInDependencies,
  input: { username: string; password: string },
  device: Device,
): Promise<TokenPair | 'invalid_credentials' | 'not_ready'> {
  if (!dependencies.tokens.ready) return 'not_ready'
  const first = await attempt(dependencies, input, device)
  // Two sign-ins at once may both renew an outdated hash; the second finds the renewed one.
  return first === 'superseded' ? orRefusal(await attempt(dependencies, input, device)) : first
}

async function attempt(
  { users, sessions, passwords, tokens, refreshTokens, now, signal }: SignInDependencies,
  input: { username: string; password: string },
  device: Device,
) {
  const found = await users.findCredentials(usernameKey(input.username))
  const { matches, outdated } = await passwords.verify(input.password, found?.password, signal)
  if (!found || !matches) return 'invalid_credentials'
  const newHash = outdated ? await passwords.hash(input.password, signal) : undefined
  const session = await sessions.open(found, newHash, { id: uuidv7(), ...device }, now)
  if (!session) return 'superseded'
  return (await issueTokens({ tokens, refreshTokens }, session, now)) ?? 'not_ready'
}

const orRefusal = <T>(outcome: T | 'superseded') => (outcome === 'superseded' ? 'invalid_credentials' : outcome)
