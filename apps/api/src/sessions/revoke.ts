import type { Circumstances } from '../audit/event.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import type { SessionQueries } from './queries.ts'
import type { RefreshTokens } from './refresh-token.ts'
import type { Revocations } from './revocations.ts'

export interface RevokeDependencies extends Circumstances {
  sessions: SessionQueries
  revocations: Pick<Revocations, 'catchUp'>
  tokens: AccessTokens
  refreshTokens: RefreshTokens
}

/**
 * Ends the session of a token, of either kind and any generation, and records it as `event`; any other text is not an
 * error (RFC 7009 §2.2). Who presents the token acts for the account that it speaks for.
 */
export async function revoke(
  { sessions, revocations, tokens, refreshTokens, origin, now }: RevokeDependencies,
  text: string,
  event: 'signed_out' | 'session_ended',
): Promise<void> {
  const sessionId = refreshTokens.verify(text)?.sessionId ?? (await tokens.verify(text, now))?.sessionId
  if (sessionId === undefined) return
  const holder = { ...origin, actor: 'user' } as const
  if (await sessions.end(sessionId, { event, origin: holder, now })) await revocations.catchUp()
}
