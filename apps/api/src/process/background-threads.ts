import { readFileSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

/** What the threads are called that compute hashes: Node's and Bun's pools. */
const poolThread = /^(?:libuv-worker|Bun Pool)/

/** The least share that the scheduler gives: about a hundredth of what a thread of niceness 0 gets beside it. */
const niceness = 19

/**
 * Lets the event loop go before password hashes where both want the processor, so that a flood of
 * sign-ins slows the sign-ins. Call it after a first hash has made the threads. Linux only; elsewhere
 * it does nothing.
 */
export function yieldHashingToRequests(): void {
  const tasks = '/proc/self/task'
  try {
    for (const thread of readdirSync(tasks)) {
      if (poolThread.test(readFileSync(`${tasks}/${thread}/comm`, 'utf8'))) setPriority(Number(thread), niceness)
    }
  } catch {
    // Not Linux, or not allowed: requests are served all the same.
  }
}
