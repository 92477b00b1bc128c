import { type TypedResponse, Hono } from 'hono'
import type { z } from 'zod'
import { originOf } from '../audit/origin.ts'
import type { Env, Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { respond } from '../respond.ts'
import { exportAccount } from './export-account.ts'
import { AccountExport } from './schema.ts'

const headers = {
  'Content-Type': 'application/json',
  'Content-Disposition': 'attachment; filename="gatehouse-export.json"',
}

export function exportRoutes(resources: Resources) {
  const { exports: queries, audit, clock, log, clientAddress } = resources

  return new Hono<Env>().get(
    '/users/me/export',
    operation({
      operationId: 'exportOwnAccount',
      summary: 'Everything that is held about oneself, but secrets',
      tag: 'users',
      success: { description: 'A file. It is recorded that it was asked for.', schema: AccountExport },
    }),
    deadline,
    requireUser(resources),
    async (c) => {
      const circumstances = { origin: originOf(c, clientAddress), now: clock() }
      const pieces = await exportAccount({ queries, audit, ...circumstances }, c.get('caller').userId)
      if (!pieces) return problem(c, 'invalid_token')
      const response: Response = respond(c, toStream(pieces, log, c.get('requestId')), 200, headers)
      return response as Response & TypedResponse<z.output<typeof AccountExport>, 200, 'json'>
    },
  )
}

/** Reads on as fast as the client does. What breaks off is no JSON: nobody takes it for the whole. */
function toStream(pieces: AsyncGenerator<string>, log: Log, requestId: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next()
          if (done) controller.close()
          else controller.enqueue(encoder.encode(value))
        } catch (error) {
          log.warn({ request_id: requestId, error: describeError(error) }, 'an export broke off')
          controller.error(new Error('the export broke off'))
        }
      },
      cancel: () => pieces.return(undefined).then(() => undefined),
    },
    { highWaterMark: 0 },
  )
}
