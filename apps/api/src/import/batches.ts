/** Gathers what comes, so many at once. Ends at once when `signal` aborts, also while nothing comes. */
export async function* inBatches<T>(items: AsyncIterable<T>, size: number, signal: AbortSignal): AsyncGenerator<T[]> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const iterator = items[Symbol.asyncIterator]()
  let batch: T[] = []
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next(), aborted])
    if (next === undefined) return
    if (next.done) break
    batch.push(next.value)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
