import { z } from 'zod'
import { Username } from '../users/schema.ts'
import { usernameKey } from '../users/username.ts'
import { readCursor, writeCursor } from './cursor.ts'
import type { ListedUser } from './queries.ts'

const most = 200
const usual = 50

const Limit = z
  .string()
  .refine((text) => /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= most, {
    error: `must be a whole number from 1 to ${most}`,
    abort: true,
  })
  .transform(Number)
  .meta({ type: 'integer', minimum: 1, maximum: most, default: usual, description: 'Accounts on a page.' })

const Cursor = z
  .string()
  .transform((text, context) => {
    const key = readCursor(text)
    if (key !== undefined) return key
    context.addIssue({ code: 'custom', message: 'must be a next_cursor of an answer before' })
    return z.NEVER
  })
  .meta({ description: 'The `next_cursor` of the page before.' })

const Prefix = z
  .union([z.literal('').transform(() => ''), Username.transform(usernameKey)])
  .meta({ type: 'string', description: 'What the usernames begin with, in any case and compatibility form.' })

export const UserListQuery = z.object({
  prefix: Prefix.optional(),
  role: z.enum(['user', 'admin']).optional(),
  disabled: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  limit: Limit.default(usual),
  cursor: Cursor.optional(),
})

/** What an administrator sees of an account. */
export const UserListEntry = z.object({
  id: z.uuid(),
  username: z.string(),
  role: z.enum(['user', 'admin']),
  disabled: z.boolean(),
  birthday: z.iso.date().nullable(),
  create_time: z.iso.datetime(),
  last_login: z.iso.datetime().nullable(),
})

export const UserList = z
  .object({
    users: z.array(UserListEntry),
    next_cursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  })
  .meta({
    id: 'UserList',
    examples: [
      {
        users: [
          {
            id: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42',
            username: 'ada',
            role: 'admin',
            disabled: false,
            birthday: '1815-12-10',
            create_time: '2026-01-02T03:04:05.678Z',
            last_login: '2026-01-02T03:05:00.000Z',
          },
        ],
        next_cursor: 'YWRh',
      },
    ],
  })

/** A page of `rows`, of which one more than `limit` says that another page follows. */
export function viewUserList(rows: ListedUser[], limit: number): z.output<typeof UserList> {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { users: shown.map(viewEntry), next_cursor: last ? writeCursor(last.usernameKey) : null }
}

function viewEntry(account: ListedUser): z.output<typeof UserListEntry> {
  return {
    id: account.id,
    username: account.username,
    role: account.role,
    disabled: account.disabledAt !== null,
    birthday: account.birthday,
    create_time: account.createTime.toISOString(),
    last_login: account.lastLogin?.toISOString() ?? null,
  }
}
