/** Seconds for which a used refresh token still yields its successor: a lost answer, two tabs, a crash are no theft. */
export const repeatWindow = 30

/** What is stored of a session, as far as a refresh depends on it. */
export interface RefreshState {
  generation: number
  rotateTime: Date
  expireTime: Date
}

/**
 * What to do with a genuine refresh token:
 * - `rotate`: it is the valid one, or one that the database has forgotten handing out (it was restored from a backup)
 * - `repeat`: it was used moments ago; its successor is given again
 * - `reuse`: it was used before; somebody has a copy
 * - `ended`: its session is over
 */
export type RefreshVerdict = 'rotate' | 'repeat' | 'reuse' | 'ended'

/** @param session undefined where there is none by that id */
export function judgeRefresh(session: RefreshState | undefined, presented: number, now: Date): RefreshVerdict {
  if (!session || session.expireTime <= now) return 'ended'
  if (presented >= session.generation) return 'rotate'
  const age = now.getTime() - session.rotateTime.getTime()
  return presented === session.generation - 1 && age <= repeatWindow * 1000 ? 'repeat' : 'reuse'
}
