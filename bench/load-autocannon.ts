import { text } from 'node:stream/consumers'
import autocannon from 'autocannon'
import type { HttpRequest, Load, Outcome } from './load.ts'

/** autocannon in a process of its own: a load as JSON on standard input, its outcome as JSON on standard output. */
const load = JSON.parse(await text(process.stdin)) as Load
process.stdout.write(JSON.stringify(await run(load)))

async function run({ url, requests, connections, seconds, pause, chained }: Load): Promise<Outcome> {
  let clients = 0
  let lost = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 60,
    ...(pause !== undefined && { connectionRate: Math.ceil(1000 / pause) }),
    // Left alone, every connection would begin with the first request.
    setupClient: (client) => {
      const offset = clients++
      const own = requests.filter((_, i) => i % connections === offset)
      client.setRequests(chained === undefined ? own : own.slice(0, 1).map((request) => chain(client, request, chained)))
    },
  })
  const { errors, timeouts, non2xx, duration, latency } = result
  const completed = result['2xx'] + non2xx
  return {
    requests: completed,
    seconds: duration,
    p50: latency.p50,
    p99: latency.p99,
    failures: { errors, timeouts, non2xx, lost },
  }

  /** The request, which takes the last field of its form from each answer to it. */
  function chain(client: autocannon.Client, request: HttpRequest, field: string) {
    const { body: form = '' } = request
    const prefix = form.slice(0, form.lastIndexOf('=') + 1)
    return {
      ...request,
      onResponse(status: number, body: string) {
        const value = status === 200 ? (JSON.parse(body) as Record<string, unknown>)[field] : undefined
        if (typeof value === 'string') client.setBody(prefix + value)
        else lost += 1
      },
    }
  }
}
