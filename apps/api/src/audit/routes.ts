import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { requireAdministrator } from '../require-administrator.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { query } from '../validate.ts'
import { cutPage } from './cursor.ts'
import { originOf } from './origin.ts'
import { readAudit } from './read-audit.ts'
import { AuditPage, AuditQuery, OwnEventPage, PageQuery, viewEvent, viewOwnEvent } from './schema.ts'

/** Events on a page, where nothing is said. */
const defaultLimit = 50

export function auditRoutes(resources: Resources) {
  const { audit, users, clock, clientAddress } = resources
  const authenticated = requireUser(resources)

  return new Hono<Env>()
    .get(
      '/audit',
      operation({
        operationId: 'listAuditEvents',
        summary: 'What happened, the newest first, for administrators',
        tag: 'audit',
        success: { description: 'The events that fit all filters. The reading itself is recorded.', schema: AuditPage },
        errors: ['user_not_found'],
      }),
      deadline,
      authenticated,
      requireAdministrator,
      query(AuditQuery),
      async (c) => {
        const { limit = defaultLimit, ...search } = c.req.valid('query')
        const dependencies = { audit, users, origin: originOf(c, clientAddress), now: clock() }
        const page = await readAudit(dependencies, search, limit)
        if (page === 'user_not_found') return problem(c, page)
        return json(c, { events: page.rows.map(viewEvent), next_cursor: page.nextCursor }, 200)
      },
    )
    .get(
      '/users/me/events',
      operation({
        operationId: 'listOwnEvents',
        summary: 'What happened to one’s own account, the newest first',
        tag: 'audit',
        success: { description: 'Who did it is told as far as it is oneself.', schema: OwnEventPage },
      }),
      deadline,
      authenticated,
      query(PageQuery),
      async (c) => {
        const { limit = defaultLimit, cursor } = c.req.valid('query')
        const { userId } = c.get('caller')
        const { rows, nextCursor } = cutPage(await audit.listAbout(userId, cursor, limit + 1), limit)
        return json(c, { events: rows.map((event) => viewOwnEvent(event, userId)), next_cursor: nextCursor }, 200)
      },
    )
}
