/** Ends the process with one sentence and no stack: what stops a start is the operator's to mend. */
export function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`gatehouse: ${message}\n`)
  process.exit(1)
}
