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

const Client = z.object({ address: z.string().nullable() }).meta({ id: 'Client', examples: [{ address: '203.0.113.7' }] })

export function healthRoutes({ readiness, clientAddress }: Resources) {
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
      '/health/client',
      operation({
        operationId: 'getClient',
        summary: 'The address that the client is taken to have; null where it is unknown',
        tag: 'service',
        success: { description: 'As limits and sessions see it.', schema: Client },
      }),
      (c) => json(c, { address: clientAddress(c) ?? null }, 200),
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
