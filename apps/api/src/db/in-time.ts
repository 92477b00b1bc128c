import { StatementTimeout } from './database-error.ts'

/** What `statement` resolves with, or a `StatementTimeout` after so many milliseconds: a connection may be silently gone. */
export async function inTime<T>(statement: Promise<T>, milliseconds: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new StatementTimeout()), milliseconds)
  try {
    return await Promise.race([statement, late])
  } finally {
    clearTimeout(timer)
  }
}
