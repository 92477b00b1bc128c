import type { Database } from '../../apps/api/src/db/open.ts'
import { type UserQueries, createUserQueries as createReal } from '../../apps/api/src/users/queries.ts'

export * from '../../apps/api/src/users/queries.ts'

/** Gatehouse's queries, but who a caller is, is read once and then remembered. */
export function createUserQueries(db: Database): UserQueries {
  const queries = createReal(db)
  const callers = new Map<string, Awaited<ReturnType<UserQueries['findCaller']>>>()
  return {
    ...queries,
    async findCaller(id) {
      const known = callers.get(id) ?? (await queries.findCaller(id))
      callers.set(id, known)
      return known
    },
  }
}
