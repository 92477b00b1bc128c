import type { AccessTokens } from '../keys/access-token.ts'
import type { SessionQueries } from './queries.ts'
import type { RefreshTokens } from './refresh-token.ts'
import type { Revocations } from './revocations.ts'

export interface RevokeDependencies {
  sessions: SessionQueries
  revocations: Pick<Revocations, 'catchUp'>
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  now: Date
}

/** Ends the session of a token, of either kind and any generation; any other text is not an error (RFC 7009 §2.2). */
export async function revoke(
  { sessions, revocations, tokens, refreshTokens, now }: RevokeDependencies,
  text: string,
): Promise<void> {
  const sessionId = refreshTokens.verify(text)?.sessionId ?? (await tokens.verify(text, now))?.sessionId
  if (sessionId !== undefined && (await sessions.end(sessionId))) await revocations.catchUp()
}
