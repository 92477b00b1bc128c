import type { Context, TypedResponse } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { JSONParsed } from 'hono/utils/types'
import type { Env } from './context.ts'

type Headers = Record<string, string>
type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>

/** As `c.json()`, with the headers that every answer carries. */
export function json<T, Status extends ContentfulStatusCode>(
  c: Context<Env>,
  value: T,
  status: Status,
  headers?: Headers,
): Response & TypedResponse<JSONParsed<T>, Status, 'json'> {
  const response = respond(c, JSON.stringify(value), status, { 'Content-Type': 'application/json', ...headers })
  return response as Response & TypedResponse<JSONParsed<T>, Status, 'json'>
}

/** As `c.body()`, with the headers that every answer carries; `headers` go before them. */
export function respond(c: Context<Env>, body: Body, status: ContentfulStatusCode, headers: Headers) {
  // A plain object reaches the socket as it is; `c.header()` would build a Headers, which takes longer than all else here.
  return new Response(body, { status, headers: { ...c.get('headers'), ...headers } })
}
