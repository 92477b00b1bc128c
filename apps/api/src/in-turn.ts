/**
 * Lets tasks with the same key run one after the other, in the order in which they came; others don't wait for them.
 */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>()

  return async function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = last.get(key)
    const mine = before ? before.then(task, task) : task()
    last.set(key, mine)
    try {
      return await mine
    } finally {
      if (last.get(key) === mine) last.delete(key)
    }
  }
}
