import { expect, test } from 'vitest'
import { openShelf } from './storage.ts'

test('what is being written counts, until all writes before it are done', async () => {
  const done: (() => void)[] = []
  const items: string[] = []
  const setItem = (_: string, value: string) => new Promise<void>((resolve) => done.push(() => resolve(void items.push(value))))
  const shelf = openShelf({ getItem: () => items.at(-1) ?? null, setItem, removeItem: () => undefined }, 'key')
  const writes = [shelf.write('first'), shelf.write('second')]
  expect(shelf.read()).toBe('second')
  await Promise.resolve()
  done[0]?.()
  await writes[0]
  expect([items, shelf.read()]).toEqual([['first'], 'second'])
  done[1]?.()
  await writes[1]
  expect([items, shelf.read()]).toEqual([['first', 'second'], 'second'])
})
