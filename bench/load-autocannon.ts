import { text } from 'node:stream/consumers'
import autocannon from 'autocannon'
import type { Load, Outcome } from './load.ts'

/** autocannon in a process of its own: a load as JSON on standard input, its outcome as JSON on standard output. */
const load = JSON.parse(await text(process.stdin)) as Load
process.stdout.write(JSON.stringify(await run(load)))

async function run({ url, requests, connections, seconds }: Load): Promise<Outcome> {
  let clients = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 60,
    // Left alone, every connection would begin with the first request.
    setupClient: (client) => {
      const offset = clients++
      client.setRequests(requests.filter((_, i) => i % connections === offset))
    },
  })
  const { errors, timeouts, non2xx, duration, latency } = result
  const completed = result['2xx'] + non2xx
  return { requests: completed, seconds: duration, p50: latency.p50, p99: latency.p99, failures: { errors, timeouts, non2xx } }
}
