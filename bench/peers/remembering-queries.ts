import type { Database } from '../../apps/api/src/db/open.ts'
import { type Credentials, createUserQueries as createReal } from '../../apps/api/src/users/queries.ts'

export * from '../../apps/api/src/users/queries.ts'

/** Gatehouse's queries, but who a caller is, is read once and then remembered. */
export function createUserQueries(db: Database): ReturnType<typeof createReal> {
  const queries = createReal(db)
  const callers = new Map<string, Credentials>()
  return {
    ...queries,
    async findCaller(id) {
      const known = callers.get(id) ?? (await queries.findCaller(id))
      if (known) callers.set(id, known)
      return known
    },
  }
}
