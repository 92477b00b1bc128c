/** Thrown when as many callers wait as may. Retry after a moment. */
export class Overloaded extends Error {
  override name = 'Overloaded'
}

/** Thrown when a caller gave up while it waited. */
export class Abandoned extends Error {
  override name = 'Abandoned'
}

/**
 * Lets `permits()` tasks run at once and `queueLimit` wait their turn, first come, first served. It is asked anew
 * whenever a task begins or ends. One more is refused with `Overloaded` at once, so a flood costs no memory. Who aborts
 * leaves the queue.
 */
export function createSemaphore(permits: () => number, queueLimit: number) {
  let running = 0
  const waiting: (() => void)[] = []

  /** Nobody overtakes: a free place is the next in line's before anybody else can ask for it. */
  function admit(): void {
    while (waiting.length > 0 && running < permits()) {
      running += 1
      waiting.shift()?.()
    }
  }

  function takeTurn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        const place = waiting.indexOf(turn)
        if (place === -1) return
        waiting.splice(place, 1)
        reject(new Abandoned('nobody waits for the task any more'))
      }
      waiting.push(turn)
      if (signal?.aborted) leave()
      else signal?.addEventListener('abort', leave, { once: true })
      admit()
    })
  }

  return async function run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (waiting.length === 0 && running < permits()) running += 1
    else if (waiting.length >= queueLimit) throw new Overloaded('too many tasks are waiting')
    else await takeTurn(signal)
    try {
      return await task()
    } finally {
      running -= 1
      admit()
    }
  }
}
