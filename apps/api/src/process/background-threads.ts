import { readFileSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { Argon2id } from '../crypto/argon2.ts'

/** What the threads are called that compute hashes: Node's, Bun's and Deno's pools. */
const poolThread = /^(?:libuv-worker|Bun Pool|tokio-runtime)/

/** The least share that the scheduler gives: about a hundredth of what a thread of niceness 0 gets beside it. */
const niceness = 19

/** Milliseconds. Deno ends the threads that have nothing to do, and makes others. */
const interval = 1000

/**
 * `argon2id`, with the event loop going before it where both want the processor, so that a flood of sign-ins slows the
 * sign-ins. Linux only; elsewhere it is `argon2id` as it was.
 */
export function yieldingToRequests(argon2id: Argon2id): Argon2id {
  let dueAt = -Infinity
  return function yieldingToRequests(input) {
    const hash = argon2id(input) // there is a thread for it now
    const now = performance.now()
    if (now >= dueAt) {
      dueAt = now + interval
      lowerPriority()
    }
    return hash
  }
}

function lowerPriority(): void {
  const tasks = '/proc/self/task'
  try {
    for (const thread of readdirSync(tasks)) {
      if (poolThread.test(readFileSync(`${tasks}/${thread}/comm`, 'utf8'))) setPriority(Number(thread), niceness)
    }
  } catch {
    // Not Linux, or not allowed, or the thread has gone: requests are served all the same.
  }
}
