import type { UserQueries } from '../users/queries.ts'
import { usernameKey } from '../users/username.ts'
import { type Page, cutPage } from './cursor.ts'
import type { Circumstances, EventName } from './event.ts'
import type { AuditQueries, NamedEvent } from './queries.ts'

export interface ReadAuditDependencies extends Circumstances {
  audit: Pick<AuditQueries, 'list' | 'record'>
  users: Pick<UserQueries, 'findByKey'>
}

/** What an administrator looks for. */
export interface AuditSearch {
  event?: EventName | undefined
  outcome?: 'success' | 'failure' | undefined
  actor_id?: string | undefined
  subject_id?: string | undefined
  username?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
  cursor?: string | undefined
}

/** A page of what fits. That it was read is recorded before it is answered; it is not on the page itself. */
export async function readAudit(
  { audit, users, origin, now }: ReadAuditDependencies,
  search: AuditSearch,
  limit: number,
): Promise<Page<NamedEvent> | 'user_not_found'> {
  const { event, outcome, actor_id: actorId, subject_id, username, since, until, cursor: before } = search
  const named = username === undefined ? undefined : await users.findByKey(usernameKey(username))
  if (username !== undefined && !named) return 'user_not_found'
  const subjectIds = [subject_id, named?.id].filter((id) => id !== undefined)
  const rows = await audit.list({ event, outcome, actorId, subjectIds, since, until, before }, limit + 1)
  // By name only: ids of others are not for the subject, who may read this event.
  const filters = Object.entries(search).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  await audit.record({ event: 'audit_read', origin, subjectId: subjectIds[0], details: { filters }, now })
  return cutPage(rows, limit)
}
