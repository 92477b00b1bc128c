/**
 * Makes of `read` a function whose calls resolve with a reading that began after the call. One runs at a time, so
 * that none undoes a later one; all who call meanwhile share the next.
 */
export function createFreshReading(read: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  return function readAgain(): Promise<void> {
    if (!running) {
      running = read().finally(() => (running = undefined))
      return running
    }
    following ??= running
      .catch(() => undefined)
      .then(() => {
        following = undefined
        return readAgain()
      })
    return following
  }
}
