import type { Clock, Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import { pause } from '../pause.ts'

/** Milliseconds between two rounds. */
const interval = 60_000

/** Rows that one statement deletes at most: it holds its locks for milliseconds. */
const batchSize = 500

/** Deletes up to `limit` rows of what has been over for long at `now`, on the instance that has the turn: how many. */
export type Cleaning = (now: Date, limit: number) => Promise<number>

/** Every minute removes what has been over for long, batch by batch. Runs until `closed`. */
export async function keepClean(
  cleanings: Record<string, Cleaning>,
  { clock, log, closed }: { clock: Clock; log: Log; closed: AbortSignal },
): Promise<void> {
  while (!closed.aborted) {
    for (const [what, clean] of Object.entries(cleanings)) {
      try {
        while (!closed.aborted && (await clean(clock(), batchSize)) >= batchSize);
      } catch (error) {
        if (!closed.aborted) log.warn({ what, error: describeError(error) }, 'what is over could not be removed')
      }
    }
    await pause(interval, closed)
  }
}
