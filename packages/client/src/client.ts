import type { Hono } from 'hono'
import { type ClientRequestOptions, hc } from 'hono/client'
import type { BlankEnv } from 'hono/types'
import type { contract } from './contract.ts'

/** The routes of Gatehouse, as hono's client reads them. */
export type Api = Hono<BlankEnv, typeof contract>

/**
 * A typed client of the API at `url`. Each call resolves to a `Response` whose `json()` is typed by its status.
 *
 * @param url where the API is, such as `http://127.0.0.1:8000`
 * @param options hono's: headers, a `fetch` of one's own
 */
export function createClient(url: string, options?: ClientRequestOptions) {
  return hc<Api>(url, options)
}
