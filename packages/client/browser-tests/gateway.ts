import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that came to the API's door. */
export interface Call {
  method: string
  path: string
  authorization: string | undefined
  /** Milliseconds, by `performance.now()`. */
  time: number
  /** What the browser was answered. */
  status?: number
}

/** `away`: nobody is there. `lost`: the API does it and its answer never arrives. */
export type Fault = 'away' | 'lost' | { delay: number } | { status: number; retryAfter: number }

/** The API behind a network that fails when told to. */
export interface Gateway {
  port: number
  /** All but preflights. */
  calls: Call[]
  fault(call: Call): Fault | undefined
  close(): void
}

/** @param api where the API is */
export async function openGateway(api: string): Promise<Gateway> {
  const gateway: Gateway = { port: 0, calls: [], fault: () => undefined, close: () => void server.close() }
  async function receive(incoming: IncomingMessage, outgoing: ServerResponse) {
    const { method = '', url = '', headers } = incoming
    const call: Call = { method, path: url.split('?')[0] ?? '', authorization: headers.authorization, time: performance.now() }
    if (method !== 'OPTIONS') gateway.calls.push(call)
    const fault = gateway.fault(call)
    if (fault === 'away') return incoming.destroy()
    if (typeof fault === 'object' && 'status' in fault && method !== 'OPTIONS') return refuse(outgoing, fault)
    if (typeof fault === 'object' && 'delay' in fault) await new Promise((resolve) => setTimeout(resolve, fault.delay))
    pass(incoming, outgoing, api + url, call, fault === 'lost')
  }
  const server = createServer((incoming, outgoing) => void receive(incoming, outgoing))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  gateway.port = (server.address() as AddressInfo).port
  return gateway
}

function refuse(outgoing: ServerResponse, { status, retryAfter }: { status: number; retryAfter: number }) {
  outgoing.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Retry-After': String(retryAfter),
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'Retry-After',
  })
  outgoing.end(JSON.stringify({ code: status === 429 ? 'too_many_requests' : 'unavailable', detail: 'Not now', status }))
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, url: string, call: Call, lost: boolean) {
  const onward = request(url, { method: call.method, headers: incoming.headers }, (answer) => {
    call.status = answer.statusCode ?? 0
    if (lost) answer.resume().on('end', () => outgoing.destroy())
    else answer.pipe(outgoing.writeHead(call.status, answer.headers))
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
