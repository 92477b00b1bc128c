import { type IncomingMessage, createServer } from 'node:http'
import { createNotes } from './notes.ts'

/** The server's `PUBLIC_URL`, character by character. */
const issuer = process.env['GATEHOUSE_URL'] ?? 'http://127.0.0.1:8000'
const port = Number(process.env['PORT'] ?? 3000)
/** Bytes of a request's body. */
const limit = 65_536
const answer = createNotes(issuer)

const server = createServer((incoming, outgoing) => {
  // Whatever a request is or does, it ends nothing but itself.
  toRequest(incoming)
    .then(async (request) => {
      const response = request ? await answer(request) : Response.json({ code: 'bad_request' }, { status: 400 })
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
    })
    .catch(() => outgoing.destroy())
})
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}/notes`))

async function toRequest(incoming: IncomingMessage): Promise<Request | undefined> {
  const { method = 'GET', url = '/', headers } = incoming
  if (!URL.canParse(url, 'http://localhost') || !/^(GET|HEAD|POST)$/.test(method)) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return new Request(new URL(url, 'http://localhost'), {
    method,
    headers: new Headers(headers.authorization ? { Authorization: headers.authorization } : {}),
    ...(method === 'POST' && { body: Buffer.concat(chunks) }),
  })
}
