import type { AccessTokens } from '../keys/access-token.ts'
import type { Session } from './queries.ts'
import type { RefreshTokens } from './refresh-token.ts'

/** What a client gets of a session; lifetimes in seconds. */
export interface TokenPair {
  accessToken: string
  expiresIn: number
  refreshToken: string
  refreshExpiresIn: number
}

/** The tokens of `session` in its present generation. Undefined while no signing key is open. */
export async function issueTokens(
  { tokens, refreshTokens }: { tokens: AccessTokens; refreshTokens: RefreshTokens },
  session: Session,
  now: Date,
): Promise<TokenPair | undefined> {
  const { id, userId, username, role, generation, createTime, expireTime } = session
  const subject = { userId, sessionId: id, username, role, authTime: createTime, notAfter: expireTime }
  const issued = await tokens.issue(subject, now)
  if (!issued) return undefined
  const refreshToken = refreshTokens.derive({ sessionId: id, generation })
  const refreshExpiresIn = Math.max(0, Math.floor((expireTime.getTime() - now.getTime()) / 1000))
  return { ...issued, refreshToken, refreshExpiresIn }
}
