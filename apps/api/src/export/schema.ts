import { z } from 'zod'
import type { StoredEvent } from '../audit/queries.ts'
import { OwnEvent, viewOwnEvent } from '../audit/schema.ts'

const Instant = z.iso.datetime()

/** Everything that is held about an account, but its password's hash and the code that would reset it. */
export const AccountExport = z
  .object({
    export_time: Instant,
    account: z.object({
      id: z.uuid(),
      username: z.string(),
      username_key: z.string().meta({ description: 'What makes the name unique.' }),
      password_change_time: Instant.nullable(),
      birthday: z.iso.date().nullable(),
      role: z.enum(['user', 'admin']),
      create_time: Instant,
      last_login: Instant.nullable(),
      disabled_at: Instant.nullable(),
    }),
    password_reset: z
      .object({ create_time: Instant, expire_time: Instant })
      .nullable()
      .meta({ description: 'Whether a reset code is pending, and until when.' }),
    imports: z.array(z.object({ source: z.string(), source_key: z.string(), import_time: Instant })),
    known_networks: z.array(z.object({ address_prefix: z.string(), last_sign_in: Instant })),
    sessions: z.array(
      z.object({
        id: z.uuid(),
        generation: z.int(),
        rotate_time: Instant,
        create_time: Instant,
        last_used: Instant,
        expire_time: Instant,
        user_agent: z.string().nullable(),
        address_prefix: z.string().nullable(),
      }),
    ),
    events: z
      .array(
        OwnEvent.extend({
          actor_id: z.uuid().nullable(),
          subject_id: z.uuid().nullable().meta({ description: 'One’s own id, or null where it is another’s or there is none.' }),
        }),
      )
      .meta({ description: 'What happened to the account, and what its owner did; the newest first.' }),
  })
  .meta({ id: 'AccountExport' })

/** Ids and networks of others are theirs. */
export function viewExportedEvent(event: StoredEvent, ownerId: string) {
  const own = (id: string | null) => (id === ownerId ? id : null)
  return { ...viewOwnEvent(event, ownerId), actor_id: own(event.actorId), subject_id: own(event.subjectId) }
}
