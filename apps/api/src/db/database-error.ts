import { DrizzleQueryError } from 'drizzle-orm/errors'

/** What a failed statement means for the request that made it. */
export type DatabaseFailure = 'unavailable' | 'invalid_data' | 'fault'

/** SQLSTATE classes of a server that is away, full, starting, stopping, read-only or refusing us (PostgreSQL, appendix A). */
const unavailableClasses = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58'])

/** Every SQLSTATE holds a digit; the system's EPIPE does not. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/

/** The database did not answer; it may still carry out what it was asked. */
export class StatementTimeout extends Error {}

/** The verdict on an error of the database, or undefined for any other error. */
export function classifyDatabaseError(error: unknown): DatabaseFailure | undefined {
  if (error instanceof StatementTimeout) return 'unavailable'
  if (!(error instanceof DrizzleQueryError)) return undefined
  const code = codeOf(error)
  if (code === undefined || !sqlState.test(code)) return 'unavailable' // the driver's and the socket's own codes
  if (code.startsWith('22')) return 'invalid_data'
  return unavailableClasses.has(code.slice(0, 2)) ? 'unavailable' : 'fault'
}

/** What may be logged of any error: a query error's message holds SQL and its parameters, so never that. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: 'non-error' }
  const isQuery = error instanceof DrizzleQueryError
  const inner = isQuery && error.cause instanceof Error ? error.cause : error
  // The stack begins with the message, of which a line may look like a frame.
  const frames = inner.stack
    ?.replace(inner.message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
  return { name: inner.name, code: codeOf(inner), ...(!isQuery && { message: inner.message }), frames }
}

/** The SQLSTATE, or the driver's or the system's own code. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof DrizzleQueryError) return codeOf(error.cause)
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
