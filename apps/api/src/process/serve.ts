import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type HttpBindings, createAdaptorServer } from '@hono/node-server'
import { isAmbiguous } from './framing.ts'

type Fetch = (request: Request, bindings?: object) => Response | Promise<Response>

/** Milliseconds. Node's defaults keep a slow client for over a minute. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
}

/** Requests on one connection that may wait for their answers. Browsers send one at a time. */
const pipelineLimit = 64

/** Milliseconds that running requests get to finish while draining. */
const drainTime = 10_000

/** Milliseconds without a request after which nothing more is expected. */
const quietTime = 250

export interface Listening {
  url: string
  /** Takes no new connection, lets running requests finish, closes idle connections. */
  drain(): Promise<void>
}

/** Serves `fetch` on `host:port`; port 0 takes a free one. Rejects with what to mend. */
export async function listen(fetch: Fetch, { host, port }: { host: string; port: number }): Promise<Listening> {
  const server = createAdaptorServer({ fetch: answerInTurns(refuseAmbiguous(fetch)), serverOptions: limits }) as Server
  const traffic: Traffic = { running: 0, unanswered: new WeakMap() }
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => count(traffic, socket, response))
  await new Promise<void>((resolve, reject) => {
    const explain = (error: Error & { code?: string }) =>
      reject(new Error(`Can't listen on HOST ${host}, PORT ${port} (${error.code}): choose others; PORT=0 takes a free one.`))
    server.once('error', explain)
    server.listen(port, host, () => {
      server.off('error', explain)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `http://${name}:${address.port}`, drain: () => drain(server, traffic) }
}

/**
 * Lets the answers of one turn of the event loop leave together. Each write wakes who waits for it;
 * waking a peer on this machine for every answer on its own took longer than making the answer.
 */
function answerInTurns(fetch: Fetch): Fetch {
  let endOfTurn: Promise<void> | undefined
  const nextTurn = () =>
    new Promise<void>((resolve) => {
      setImmediate(() => {
        endOfTurn = undefined
        resolve()
      })
    })
  return async function answerInTurns(request, bindings) {
    const response = await fetch(request, bindings)
    await (endOfTurn ??= nextTurn())
    return response
  }
}

/** Answers as the parser does where it does not see to it, and reads nothing more from the connection. */
function refuseAmbiguous(fetch: Fetch): Fetch {
  return function refuseAmbiguous(request, bindings) {
    const { incoming } = bindings as HttpBindings
    return isAmbiguous(incoming)
      ? new Response(null, { status: 400, headers: { Connection: 'close' } })
      : fetch(request, bindings)
  }
}

/** The peer's address, of what the server passes to `fetch` beside the request. */
export function remoteAddress(bindings: unknown): string | undefined {
  return (bindings as Partial<HttpBindings> | undefined)?.incoming?.socket.remoteAddress
}

/** What is under way: in all, and per connection. */
interface Traffic {
  running: number
  unanswered: WeakMap<Socket, number>
}

function count(traffic: Traffic, socket: Socket, response: ServerResponse): void {
  const waiting = (traffic.unanswered.get(socket) ?? 0) + 1
  traffic.unanswered.set(socket, waiting)
  traffic.running += 1
  response.once('close', () => {
    traffic.running -= 1
    traffic.unanswered.set(socket, (traffic.unanswered.get(socket) ?? 1) - 1)
  })
  // It asks for more and more without reading: each answer would be held in memory.
  if (waiting > pipelineLimit) socket.destroy()
}

async function drain(server: Server, traffic: Traffic): Promise<void> {
  const begun = performance.now()
  let lastBusy = begun
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const sweep = setInterval(() => {
    const now = performance.now()
    if (traffic.running > 0) lastBusy = now
    // A connection that never sent a request is not idle to Node, so in the end all are closed;
    // but first a request that is on its way gets the time to arrive.
    if (now - lastBusy > quietTime || now - begun > drainTime) server.closeAllConnections()
    else server.closeIdleConnections()
  }, 20)
  await closed
  clearInterval(sweep)
}
