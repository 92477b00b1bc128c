import { Hono } from 'hono'
import { z } from 'zod'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'

const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health', examples: [{ status: 'ok' }] })
const Readiness = z
  .object({ status: z.literal('ok'), checks: z.record(z.string(), z.string()) })
  .meta({ id: 'Readiness', examples: [{ status: 'ok', checks: { database: 'ok', migrations: 'ok', keys: 'ok' } }] })

export function healthRoutes({ readiness }: Resources) {
  return new Hono<Env>()
    .get(
      '/health/live',
      operation({
        operationId: 'getLiveness',
        summary: 'Whether the process answers',
        tag: 'service',
        success: { description: 'It does.', schema: Health },
      }),
      (c) => json(c, { status: 'ok' as const }, 200),
    )
    .get(
      '/health/ready',
      operation({
        operationId: 'getReadiness',
        summary: 'Whether the process can serve: database, migrations and signing keys',
        tag: 'service',
        success: { description: 'Ready.', schema: Readiness },
        errors: ['not_ready'],
      }),
      deadline,
      async (c) => {
        const { ready, checks } = await readiness()
        return ready ? json(c, { status: 'ok' as const, checks }, 200) : problem(c, 'not_ready', { checks })
      },
    )
}
