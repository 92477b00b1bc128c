/** Thrown when as many callers wait as may. Retry after a moment. */
export class Overloaded extends Error {
  override name = 'Overloaded'
}

/**
 * Lets `permits` tasks run at once and `queueLimit` wait their turn, first come, first served.
 * One more is refused with `Overloaded` at once, so a flood costs no memory.
 */
export function createSemaphore(permits: number, queueLimit: number) {
  let running = 0
  const waiting: (() => void)[] = []

  return async function run<T>(task: () => Promise<T>): Promise<T> {
    if (running < permits) running += 1
    else if (waiting.length >= queueLimit) throw new Overloaded('too many tasks are waiting')
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      // A permit is handed to the next in line, never returned first: nobody can overtake.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
