import type { Circumstances } from '../audit/event.ts'
import type { Log } from '../context.ts'
import type { AccessTokens } from '../keys/access-token.ts'
import type { Limits } from '../limits/limits.ts'
import { type TokenPair, issueTokens } from './issue-tokens.ts'
import { judgeRefresh } from './judge-refresh.ts'
import type { Session, SessionQueries } from './queries.ts'
import type { RefreshToken, RefreshTokens } from './refresh-token.ts'
import type { Revocations } from './revocations.ts'

export interface RefreshDependencies extends Circumstances {
  sessions: SessionQueries
  revocations: Pick<Revocations, 'catchUp'>
  tokens: AccessTokens
  refreshTokens: RefreshTokens
  limits: Pick<Limits, 'refresh'>
  log: Log
}

/** Exchanges a refresh token for its successor and a new access token (RFC 6749 §6, RFC 9700 §4.14). */
export async function refresh(
  dependencies: RefreshDependencies,
  text: string,
  address: string | undefined,
): Promise<TokenPair | 'invalid_grant' | 'not_ready'> {
  const { tokens, refreshTokens, now } = dependencies
  // Asked first: a token must not be used up where nothing can be issued for it.
  if (!tokens.ready) return 'not_ready'
  const presented = refreshTokens.verify(text)
  if (!presented) return 'invalid_grant'
  await dependencies.limits.refresh(presented.sessionId, address)
  const session = await advance(dependencies, presented)
  if (!session) return 'invalid_grant'
  return (await issueTokens({ tokens, refreshTokens }, session, now)) ?? 'not_ready'
}

/** Of those who present a token at once all but one find the session moved, and then know. */
const maxAttempts = 3

/** The session in the generation that follows the presented one, if that may be. */
async function advance(dependencies: RefreshDependencies, { sessionId, generation }: RefreshToken): Promise<Session | undefined> {
  const { sessions, now } = dependencies
  let rotated = await sessions.rotate(sessionId, generation, generation + 1, now)
  for (let attempt = 0; !rotated && attempt < maxAttempts; attempt += 1) {
    const stored = await sessions.find(sessionId)
    const verdict = judgeRefresh(stored, generation, now)
    if (!stored || verdict === 'ended') return undefined
    if (verdict === 'repeat') return stored
    if (verdict === 'reuse') {
      await endForReuse(dependencies, stored, generation)
      return undefined
    }
    // Another may have been faster: then the session as it is now says what this one gets.
    rotated = await sessions.rotate(sessionId, stored.generation, generation + 1, now)
  }
  return rotated
}

async function endForReuse(
  { sessions, revocations, log, origin, now }: RefreshDependencies,
  session: Session,
  generation: number,
): Promise<void> {
  const details = { presented: generation, valid: session.generation }
  const event = { event: 'refresh_token_reused', outcome: 'failure', origin, details, now } as const
  if (!(await sessions.end(session.id, event, session.userId))) return
  await revocations.catchUp()
  const fields = { event: event.event, session_id: session.id, user_id: session.userId, ...details }
  log.warn(fields, 'a used refresh token came again: its session is ended')
}
