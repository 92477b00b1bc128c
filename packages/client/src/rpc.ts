import type { RawOptions } from './answer.ts'
import type { RawApi } from './raw-api.ts'
import { GatehouseError } from './errors.ts'
import { type Fetch, type RequestHeaders, failure, resolveHeaders, untilAborted } from './transport.ts'

type Values = Record<string, string | undefined>

/** What a route takes, each in its place. */
interface Args {
  param?: Values
  query?: Values
  header?: Record<string, string>
  json?: unknown
  form?: Values
}

/**
 * What hono's `hc` does, for the same types: `api.users.me.$get()` is `GET /users/me`. Path parameters are encoded here, and
 * an empty one is refused: `hc` would leave it out, and `DELETE /sessions/` + '' ends all sessions.
 */
export function createRpc(base: string, fetch: Fetch, headers: RequestHeaders | undefined): RawApi {
  async function request(method: string, path: string[], args: Args = {}, options: RawOptions = {}) {
    const init = new Headers({ ...(await resolveHeaders(headers)), ...args.header, ...(await resolveHeaders(options.headers)) })
    if (args.json !== undefined) init.set('Content-Type', 'application/json')
    const body = args.json === undefined ? args.form && toParams(args.form) : JSON.stringify(args.json)
    return fetch(base + toPath(path, args), { method, headers: init, ...(body && { body }), ...options.init })
  }

  const call = (method: string, path: string[], args?: Args, options?: RawOptions) =>
    untilAborted(request(method, path, args, options), options?.init?.signal).catch((cause: unknown) => {
      throw failure(cause, options?.init?.signal)
    })

  const node = (path: string[]): unknown =>
    new Proxy(() => undefined, {
      get(target, key) {
        if (typeof key === 'symbol' || notSegments.has(key)) return Reflect.get(target, key) as unknown
        return key[0] === '$' ? call.bind(undefined, key.slice(1).toUpperCase(), path) : node([...path, key])
      },
    })
  return node([]) as RawApi
}

/** What a runtime looks for in whatever it awaits, logs or writes. */
const notSegments = new Set(['then', 'toJSON', 'toString', 'valueOf'])

function toPath(path: string[], { param, query }: Args = {}): string {
  const search = query ? String(toParams(query)) : ''
  return path.map((segment) => `/${segment[0] === ':' ? encode(segment, param) : segment}`).join('') + (search && `?${search}`)
}

function encode(segment: string, param: Values = {}): string {
  const value = param[segment.slice(1)]
  // A URL has no segments like these.
  if (value && value !== '.' && value !== '..') return encodeURIComponent(value)
  throw new GatehouseError({
    code: 'invalid_request',
    detail: `No segment of a path: the parameter ${segment}`,
  })
}

/** What is absent is not sent. */
export function toParams(values: Values): URLSearchParams {
  const present = Object.entries(values).filter((pair): pair is [string, string] => pair[1] != null)
  return new URLSearchParams(present)
}
