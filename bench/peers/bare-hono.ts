import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/** The least that hono does for a request: the ceiling of everything built on it. */
const user = { id: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42', username: 'ada', role: 'user' }

const app = new Hono().get('/users/me', (c) => c.json(user)).get('/health/ready', (c) => c.json({ status: 'ok' }))

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }))
})
