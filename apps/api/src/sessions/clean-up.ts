import type { Clock, Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import { pause } from '../pause.ts'

/** Milliseconds between two rounds. */
const interval = 60_000

/** Rows that one statement deletes at most: it holds its locks for milliseconds. */
const batchSize = 500

/** Removes what is over, batch by batch, on whichever instance has the turn. Runs until `closed`. */
export async function keepClean(
  queries: { deleteOver(now: Date, limit: number): Promise<number> },
  { clock, log, closed }: { clock: Clock; log: Log; closed: AbortSignal },
): Promise<void> {
  while (!closed.aborted) {
    try {
      while ((await queries.deleteOver(clock(), batchSize)) >= batchSize && !closed.aborted);
    } catch (error) {
      if (!closed.aborted) log.warn({ error: describeError(error) }, 'what is over could not be removed')
    }
    await pause(interval, closed)
  }
}
