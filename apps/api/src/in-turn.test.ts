import { expect, test } from 'vitest'
import { createTurns } from './in-turn.ts'

test('createTurns() runs what has the same key one after the other, whatever becomes of it, and the rest at once', async () => {
  const inTurn = createTurns()
  const events: string[] = []
  const first = Promise.withResolvers<string>()
  const task = (name: string, done: Promise<string>) => () => {
    events.push(name)
    return done
  }
  const outcomes = [
    inTurn('a', task('a1', first.promise)),
    inTurn('a', task('a2', Promise.resolve('second'))),
    inTurn('b', task('b1', Promise.resolve('other'))),
    inTurn('a', task('a3', Promise.resolve('third'))),
  ]
  await outcomes[2]
  expect(events).toEqual(['a1', 'b1'])
  first.reject(new Error('no'))
  expect((await Promise.allSettled(outcomes)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  expect(events).toEqual(['a1', 'b1', 'a2', 'a3'])
  expect(await inTurn('a', task('a4', Promise.resolve('fourth')))).toBe('fourth')
})
