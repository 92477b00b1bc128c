import { z } from 'zod'
import { Username } from '../users/schema.ts'
import { decodeCursor } from './cursor.ts'
import { type Origin, eventNames } from './event.ts'
import type { NamedEvent, StoredEvent } from './queries.ts'

const exampleId = '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42'
const exampleCursor = 'AZql8n1efD-aVw2cajseQg'

const Cursor = z
  .string()
  .transform((text, context) => {
    const id = decodeCursor(text)
    if (id !== undefined) return id
    context.addIssue({ code: 'custom', message: 'must be a next_cursor of an answer' })
    return z.NEVER
  })
  .meta({ description: '`next_cursor` of the page before.', examples: [exampleCursor] })

const mostEvents = 200

const Limit = z
  .string()
  .regex(/^\d{1,3}$/, { error: `must be a whole number from 1 to ${mostEvents}`, abort: true })
  .transform(Number)
  .refine((count) => count >= 1 && count <= mostEvents, { error: `must be a whole number from 1 to ${mostEvents}` })
  .meta({ description: `Events on a page, 1 to ${mostEvents}; 50 without it.`, examples: ['50'] })

const Instant = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'must be an RFC 3339 date-time with an offset or Z' })
    .transform((text) => new Date(text))
    .meta({ description, examples: ['2026-01-02T03:04:05Z'] })

const Id = (description: string) => z.uuid({ error: 'must be a UUID' }).meta({ description, examples: [exampleId] })

/** Where a page begins, and how long it is. */
export const PageQuery = z.object({ limit: Limit.optional(), cursor: Cursor.optional() }).meta({ id: 'PageQuery' })

export const AuditQuery = z
  .object({
    event: z.enum(eventNames).meta({ examples: ['signed_in'] }),
    outcome: z.enum(['success', 'failure']).meta({ examples: ['failure'] }),
    actor_id: Id('Who did it.'),
    subject_id: Id('Whose account it happened to, deleted or not.'),
    username: Username.meta({ description: 'The same, by the name of an account as it is now.' }),
    since: Instant('Events of this instant or later.'),
    until: Instant('Events before this instant.'),
  })
  .partial()
  .extend(PageQuery.shape)
  .meta({ id: 'AuditQuery' })

const details = z
  .record(z.string(), z.unknown())
  .nullable()
  .meta({ description: 'What else is known, by event. Never a secret, and never a name.' })

const EventMembers = z.object({
  id: z.uuid(),
  time: z.iso.datetime(),
  event: z.string().meta({ description: 'What happened.' }),
  outcome: z.enum(['success', 'failure']),
})

const Circumstances = z.object({
  address_prefix: z.string().nullable().meta({ description: 'The network that it came from.' }),
  request_id: z.string().nullable().meta({ description: 'Names its request in the log.' }),
  details,
})

const exampleEvent = { id: exampleId, time: '2026-01-02T03:04:05.678Z', event: 'signed_in', outcome: 'failure' } as const
const exampleCircumstances = {
  address_prefix: '203.0.113.0/24',
  request_id: '5f1d8e0e-5d0c-4a52-9f0e-0c2f6f8f7a11',
  details: { reason: 'wrong_password' },
}
const exampleSubject = { subject_id: exampleId, subject_username: 'ada' }

/** What administrators see. */
export const AuditPage = z
  .object({
    events: z.array(
      EventMembers.extend({
        actor: z.enum(['user', 'operator', 'system', 'anonymous']),
        actor_id: z.uuid().nullable(),
        actor_username: z.string().nullable().meta({ description: 'As it is now; null once the account is deleted.' }),
        subject_id: z.uuid().nullable(),
        subject_username: z.string().nullable().meta({ description: 'As it is now; null once the account is deleted.' }),
        ...Circumstances.shape,
      }),
    ),
    next_cursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  })
  .meta({
    id: 'AuditPage',
    examples: [
      {
        events: [
          {
            ...exampleEvent,
            actor: 'anonymous',
            actor_id: null,
            actor_username: null,
            ...exampleSubject,
            ...exampleCircumstances,
          },
        ],
        next_cursor: exampleCursor,
      },
    ],
  })

export const OwnEvent = EventMembers.extend({
  actor: z.enum(['self', 'administrator', 'operator', 'system', 'anonymous']).meta({
    description: '`operator`: on the command line; `system`: by itself; `anonymous`: nobody who has proven who they are.',
  }),
  ...Circumstances.shape,
})

/** What owners see of what happened to their accounts. */
export const OwnEventPage = z.object({ events: z.array(OwnEvent), next_cursor: z.string().nullable() }).meta({
  id: 'OwnEventPage',
  examples: [{ events: [{ ...exampleEvent, actor: 'anonymous', ...exampleCircumstances }], next_cursor: null }],
})

export function viewEvent(event: NamedEvent) {
  return {
    ...viewMembers(event),
    actor: event.actor,
    actor_id: event.actorId,
    actor_username: event.actorUsername,
    subject_id: event.subjectId,
    subject_username: event.subjectUsername,
    ...viewCircumstances(event),
  }
}

/** What an owner sees of an event: that an administrator acted, but not which, and not from where. */
export function viewOwnEvent(event: StoredEvent, ownerId: string) {
  const actor = actorFor(event, ownerId)
  const { address_prefix, ...circumstances } = viewCircumstances(event)
  return {
    ...viewMembers(event),
    actor,
    address_prefix: actor === 'administrator' ? null : address_prefix,
    ...circumstances,
  }
}

function actorFor({ actor, actorId }: StoredEvent, ownerId: string): 'self' | 'administrator' | Exclude<Origin['actor'], 'user'> {
  if (actor !== 'user') return actor
  return actorId === ownerId ? 'self' : 'administrator'
}

function viewMembers({ id, time, event, outcome }: StoredEvent) {
  return { id, time: time.toISOString(), event, outcome }
}

function viewCircumstances({ addressPrefix, requestId, details }: StoredEvent) {
  return { address_prefix: addressPrefix, request_id: requestId, details }
}
