import { randomUUID } from 'node:crypto'
import { createRevocationState } from '../apps/api/src/sessions/revocation-state.ts'

/** For `node --expose-gc`: the heap bytes that a million ended sessions take, on standard output. */
const count = 1_000_000
const batch = 10_000

const state = createRevocationState({ tokenTtl: 86_400, limit: count })
const before = heapUsed()
for (let i = 0; i < count; i += batch) state.apply({ ended: readIds(), beganAt: new Date() })
const bytes = heapUsed() - before
if (state.size !== count) throw new Error(`${state.size} sessions are kept, not ${count}`)
process.stdout.write(String(bytes))

/** Strings as the database's JSON gives them; random ones put together take more. */
function readIds(): string[] {
  return JSON.parse(JSON.stringify(Array.from({ length: batch }, () => randomUUID()))) as string[]
}

function heapUsed(): number {
  if (!globalThis.gc) throw new Error('node has to be started with --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
