import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

/** In a built page: the URL of the API, which is only known when the page is served. */
export const anyApi = 'http://api.invalid'

export type Mode = 'token' | 'cookie'

/** One origin with the page in both modes, for the APIs on any port: `/token/8000/` calls the one on 8000. */
export interface Site {
  url: string
  close(): void
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** @param pages the built folder of each mode; in cookie mode the API is below the page, by way of this server */
export async function serveSite(pages: Record<Mode, string>): Promise<Site> {
  const server = createServer((incoming, outgoing) => {
    const [, mode = '', port = '', ...rest] = (incoming.url ?? '').split('/')
    const path = rest.join('/')
    if (rest[0] === 'api') return forward(incoming, outgoing, `http://127.0.0.1:${port}/${rest.slice(1).join('/')}`)
    if (mode !== 'token' && mode !== 'cookie') return outgoing.writeHead(404).end()
    const api = mode === 'token' ? `http://127.0.0.1:${port}` : `${site.url}/cookie/${port}/api`
    outgoing.setHeader('Content-Type', types[extname(path)] ?? 'text/html')
    outgoing.end(readFileSync(join(pages[mode], path || 'index.html'), 'utf8').replaceAll(anyApi, api))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const site = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() }
  return site
}

/** What a reverse proxy does, its own page where nobody answers included. */
function forward(incoming: IncomingMessage, outgoing: ServerResponse, url: string) {
  const onward = request(url, { method: incoming.method ?? 'GET', headers: incoming.headers }, (answer) =>
    answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers)),
  )
  onward.on('error', () => outgoing.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>502 Bad Gateway</h1>'))
  incoming.pipe(onward)
}
