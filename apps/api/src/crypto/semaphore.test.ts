import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Abandoned, Overloaded, createSemaphore } from './semaphore.ts'

/** Runs tasks that end when they are told to, and notes what becomes of them. */
function createStage(permits: number | (() => number), queueLimit: number) {
  const run = createSemaphore(typeof permits === 'number' ? () => permits : permits, queueLimit)
  const started: number[] = []
  const outcomes = new Map<number, string>()
  const tasks: PromiseWithResolvers<string>[] = []

  return {
    started,
    outcomes,
    /** Lets everything happen that no task holds up. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    submit() {
      const id = tasks.length
      const task = Promise.withResolvers<string>()
      tasks.push(task)
      const begin = () => {
        started.push(id)
        return task.promise
      }
      run(begin).then(
        (value) => outcomes.set(id, value),
        (error: unknown) => outcomes.set(id, error instanceof Error ? error.name : 'unknown'),
      )
    },
    finish: (id: number) => tasks[id]?.resolve('done'),
    fail: (id: number) => tasks[id]?.reject(new TypeError('it failed')),
  }
}

test('createSemaphore() runs as many tasks at once as it has permits, and the others in the order they came', async () => {
  const stage = createStage(2, 10)
  for (let i = 0; i < 5; i += 1) stage.submit()
  await stage.settle()
  expect(stage.started).toEqual([0, 1])
  stage.finish(1)
  await stage.settle()
  expect(stage.started).toEqual([0, 1, 2])
  stage.finish(2)
  stage.finish(0)
  await stage.settle()
  expect(stage.started).toEqual([0, 1, 2, 3, 4])
  expect([...stage.outcomes]).toEqual([
    [1, 'done'],
    [2, 'done'],
    [0, 'done'],
  ])
})

test('createSemaphore() asks how many may run whenever one begins or ends', async () => {
  let permits = 1
  const stage = createStage(() => permits, 10)
  for (let i = 0; i < 6; i += 1) stage.submit()
  await stage.settle()
  expect(stage.started).toEqual([0])
  permits = 3
  stage.submit()
  await stage.settle()
  expect(stage.started).toEqual([0, 1, 2])
  permits = 1
  stage.finish(0)
  stage.finish(1)
  await stage.settle()
  expect(stage.started).toEqual([0, 1, 2])
  stage.finish(2)
  await stage.settle()
  expect(stage.started).toEqual([0, 1, 2, 3])
})

test('createSemaphore() refuses one more than may wait at once, and takes the next when there is room', async () => {
  const stage = createStage(1, 2)
  for (let i = 0; i < 5; i += 1) stage.submit()
  await stage.settle()
  expect([...stage.outcomes]).toEqual([
    [3, 'Overloaded'],
    [4, 'Overloaded'],
  ])
  stage.finish(0)
  await stage.settle()
  stage.submit()
  for (const id of [1, 2, 5]) {
    stage.finish(id)
    await stage.settle()
  }
  expect(stage.started).toEqual([0, 1, 2, 5])
  await expect(createSemaphore(() => 1, 0)(async () => 'ran')).resolves.toBe('ran')
})

test('createSemaphore() gives the permit of a failing task back, thrown or rejected', async () => {
  const run = createSemaphore(() => 1, 0)
  const failures: (() => Promise<never>)[] = [
    () => Promise.reject(new TypeError('rejected')),
    () => {
      throw new TypeError('thrown')
    },
  ]
  for (const failure of [...failures, ...failures]) {
    await expect(run(failure)).rejects.toThrow(TypeError)
    await expect(run(async () => 'ran')).resolves.toBe('ran')
  }
})

test('a refusal does not take a permit', async () => {
  const run = createSemaphore(() => 1, 0)
  const task = Promise.withResolvers<string>()
  const running = run(() => task.promise)
  for (let i = 0; i < 5; i += 1) await expect(run(async () => 'ran')).rejects.toThrow(Overloaded)
  task.resolve('done')
  await expect(running).resolves.toBe('done')
  await expect(run(async () => 'ran')).resolves.toBe('ran')
})

test('createSemaphore() keeps its promises in any order of arrivals, ends and failures', async () => {
  const step = fc.oneof(fc.constant('submit' as const), fc.record({ pick: fc.nat(), ok: fc.boolean() }))
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(4),
      fc.array(step, { maxLength: 40 }),
      async (permits, limit, steps) => {
        const stage = createStage(permits, limit)
        const running: number[] = []
        const waiting: number[] = []
        const started: number[] = []
        const outcomes = new Map<number, string>()
        const begin = (id: number) => void (running.push(id), started.push(id))
        let submitted = 0
        for (const event of steps) {
          if (event === 'submit') {
            const id = submitted
            submitted += 1
            stage.submit()
            if (running.length < permits) begin(id)
            else if (waiting.length < limit) waiting.push(id)
            else outcomes.set(id, 'Overloaded')
          } else if (running.length > 0) {
            const [id = 0] = running.splice(event.pick % running.length, 1)
            stage[event.ok ? 'finish' : 'fail'](id)
            outcomes.set(id, event.ok ? 'done' : 'TypeError')
            const next = waiting.shift()
            if (next !== undefined) begin(next)
          }
          await stage.settle()
          expect(stage.started).toEqual(started)
          expect(stage.outcomes).toEqual(outcomes)
        }
      },
    ),
  )
})

test('run() lets a caller that aborts leave the queue, and its place to the next', async () => {
  const run = createSemaphore(() => 1, 2)
  const gate = Promise.withResolvers<void>()
  const first = run(() => gate.promise)
  const leaving = new AbortController()
  let ran = false
  const second = run(async () => void (ran = true), leaving.signal)
  const third = run(async () => 'third')
  leaving.abort()
  await expect(second).rejects.toThrow(Abandoned)
  const fourth = run(async () => 'fourth')
  gate.resolve()
  await first
  expect([await third, await fourth, ran]).toEqual(['third', 'fourth', false])
  await expect(run(async () => 'x', AbortSignal.abort())).resolves.toBe('x') // nobody to wait for: it runs
})
