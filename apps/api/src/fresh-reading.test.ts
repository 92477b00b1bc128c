import { expect, test } from 'vitest'
import { createFreshReading } from './fresh-reading.ts'

/** A reading that ends when the test says so. */
function slowReading() {
  const begun: { end(): void; fail(error: Error): void }[] = []
  const readAgain = createFreshReading(() => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    begun.push({ end: resolve, fail: reject })
    return promise
  })
  return { begun, readAgain }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('calls during a reading wait for the next, which they share', async () => {
  const { begun, readAgain } = slowReading()
  const done: string[] = []
  const note = (name: string) => () => void done.push(name)
  void readAgain().then(note('first'))
  void readAgain().then(note('second'))
  void readAgain().then(note('third'))
  expect(begun).toHaveLength(1)
  begun[0]?.end()
  await settle()
  expect([done, begun.length]).toEqual([['first'], 2])
  begun[1]?.end()
  await settle()
  expect(done).toEqual(['first', 'second', 'third'])
  void readAgain()
  expect(begun).toHaveLength(3)
})

test('a reading that fails reaches those who waited for it, and the next goes on', async () => {
  const { begun, readAgain } = slowReading()
  const first = readAgain()
  const second = readAgain()
  begun[0]?.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await settle()
  begun[1]?.end()
  await expect(second).resolves.toBeUndefined()
})
