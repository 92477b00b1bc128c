import { classifyDatabaseError, codeOf } from '../db/database-error.ts'

/** Ends the process with one sentence and no stack: what stops a start is the operator's to mend. */
export function fail(error: unknown): never {
  process.stderr.write(`gatehouse: ${describe(error)}\n`)
  process.exit(1)
}

function describe(error: unknown): string {
  // The message of a statement's error holds its SQL and its parameters.
  if (classifyDatabaseError(error)) return `the database did not do what was asked (${codeOf(error) ?? 'no code'})`
  return error instanceof Error ? error.message : String(error)
}
