import type { Context, TypedResponse } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Env } from './context.ts'

type Headers = Record<string, string>
type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>

/** As `c.json()`, with the headers that every answer carries. `value` is plain JSON: no `Date`, nothing that changes when written. */
export function json<T, Status extends ContentfulStatusCode>(
  c: Context<Env>,
  value: T,
  status: Status,
  headers?: Headers,
): Response & TypedResponse<T, Status, 'json'> {
  const response = respond(c, JSON.stringify(value), status, { 'Content-Type': 'application/json', ...headers })
  return response as Response as Response & TypedResponse<T, Status, 'json'>
}

/** As `c.body()`, with the headers that every answer carries; `headers` go before them. */
export function respond<Status extends ContentfulStatusCode>(
  c: Context<Env>,
  body: Body,
  status: Status,
  headers: Headers,
): Response & TypedResponse<string, Status, 'text'> {
  // A plain object reaches the socket as it is; `c.header()` would build a Headers, which takes longer than all else here.
  return new Response(body, { status, headers: { ...c.get('headers'), ...headers } }) as Response &
    TypedResponse<string, Status, 'text'>
}
