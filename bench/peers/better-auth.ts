import { type Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { betterAuth, type BetterAuthOptions } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { Hono } from 'hono'
import { Pool } from 'pg'

/** Better Auth as its guide for hono shows it, with the defaults of its email and password sign-in. */
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const app = new Hono()
const server = createAdaptorServer({ fetch: app.fetch }) as Server
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = server.address()
if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
const url = `http://127.0.0.1:${address.port}`

const options = {
  baseURL: url,
  secret: process.env['SECRET'] ?? '',
  trustedOrigins: ['http://localhost:3000'],
  database: pool,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
} satisfies BetterAuthOptions
const { runMigrations } = await getMigrations(options)
await runMigrations()
const auth = betterAuth(options)

app.on(['GET', 'POST'], '/api/auth/*', (c) => auth.handler(c.req.raw))
app.get('/health/ready', async (c) => {
  await pool.query('select 1')
  return c.json({ status: 'ok' })
})
console.log(JSON.stringify({ url }))
