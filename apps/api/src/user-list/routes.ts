import { Hono } from 'hono'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { operation } from '../openapi.ts'
import { requireAdministrator } from '../require-administrator.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { query } from '../validate.ts'
import { UserList, UserListQuery, viewUserList } from './schema.ts'

export function userListRoutes(resources: Resources) {
  const { userList, clock, clientAddress } = resources

  return new Hono<Env>().get(
    '/users',
    operation({
      operationId: 'listUsers',
      summary: 'All accounts by name, page by page, as an administrator',
      tag: 'administration',
      success: { description: 'A page.', schema: UserList },
    }),
    deadline,
    requireUser(resources),
    requireAdministrator,
    query(UserListQuery),
    async (c) => {
      const { limit, cursor, prefix, ...filter } = c.req.valid('query')
      // A prefix, and a cursor, may be a name: the event says only whether there was one.
      const details = { limit, ...filter, by_prefix: prefix !== undefined, continued: cursor !== undefined }
      const event = { origin: originOf(c, clientAddress), details, now: clock() }
      const rows = await userList.list({ ...filter, prefix, after: cursor }, limit + 1, event)
      return json(c, viewUserList(rows, limit), 200)
    },
  )
}
