import type { Clock, Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import { pause } from '../pause.ts'
import type { SessionQueries } from './queries.ts'

/** Milliseconds between two rounds. */
const interval = 60_000

/** Rows that one statement deletes at most: it holds its locks for milliseconds. */
const batchSize = 500

/** Removes what has been over for long, batch by batch, on whichever instance has the turn. Runs until `closed`. */
export async function keepClean(
  sessions: Pick<SessionQueries, 'deleteOver'>,
  { clock, log, closed }: { clock: Clock; log: Log; closed: AbortSignal },
): Promise<void> {
  while (!closed.aborted) {
    try {
      while ((await sessions.deleteOver(clock(), batchSize)) >= batchSize && !closed.aborted);
    } catch (error) {
      if (!closed.aborted) log.warn({ error: describeError(error) }, 'ended sessions could not be removed')
    }
    await pause(interval, closed)
  }
}
