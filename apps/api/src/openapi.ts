import type { Env as HonoEnv, Hono, MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import type { Env } from './context.ts'
import type { ErrorCode, ProblemResponse } from './errors.ts'

/** What a middleware or a route says about itself. The fragments of a route are merged. */
export interface Fragment {
  operation?: Operation
  authenticated?: boolean
  body?: { target: 'json' | 'form'; schema: z.ZodType; optional?: true }
  query?: z.ZodType
  errors?: readonly ErrorCode[]
}

export interface Operation {
  operationId: string
  summary: string
  tag: 'users' | 'administration' | 'sessions' | 'audit' | 'keys' | 'service'
  /** The path to show, where it differs from the registered one. */
  path?: string
  /** The parameters in the path, where there are any. */
  params?: z.ZodType
  /** What a 200 holds: a schema of its JSON, or another media type. */
  success: { description: string; schema: z.ZodType } | { description: string; mediaType: string }
  /** The codes that the handler itself answers; those of its middleware are added. */
  errors?: readonly ErrorCode[]
}

type Handler = (...args: never[]) => unknown

const fragments = new WeakMap<Handler, Fragment>()

/** Attaches to `handler` what the OpenAPI document says about it. */
export function documentHandler<H extends Handler>(handler: H, fragment: Fragment): H {
  fragments.set(handler, fragment)
  return handler
}

/** What any route may answer. */
export const always = ['internal_error', 'unavailable', 'timeout'] as const satisfies readonly ErrorCode[]
type Always = (typeof always)[number]

type Problems<Codes extends ErrorCode> = { [Code in Codes]: ProblemResponse<Code> }[Codes]

/** Describes the route it stands in, and gives its answers their types; does nothing else. */
export function operation<const Codes extends readonly ErrorCode[] = []>(
  description: Operation & { errors?: Codes },
): MiddlewareHandler<Env, string, object, Problems<Codes[number] | Always>> {
  const describe = (_c: unknown, next: () => Promise<void>) => next()
  return documentHandler(describe, { operation: description, errors: description.errors ?? [] })
}

/** A route with all that its handlers say about it. */
export interface DescribedRoute {
  method: string
  path: string
  fragment: Fragment & { operation: Operation }
}

/** The routes that describe themselves: merges, per method and path, what their handlers say. */
export function describedRoutes<E extends HonoEnv>(app: Pick<Hono<E>, 'routes'>): DescribedRoute[] {
  const merged = new Map<string, { method: string; path: string; fragment: Fragment }>()
  for (const { method, path, handler } of app.routes) {
    const fragment = fragments.get(handler)
    if (!fragment) continue
    const key = `${method} ${path}`
    const before = merged.get(key)?.fragment
    const errors = [...(before?.errors ?? []), ...(fragment.errors ?? [])]
    merged.set(key, { method, path, fragment: { ...before, ...fragment, errors } })
  }
  return [...merged.values()].flatMap(({ method, path, fragment }) => {
    if (!fragment.operation) return []
    const shown = (fragment.operation.path ?? path).replaceAll(/:(\w+)/g, '{$1}')
    return [{ method: method.toLowerCase(), path: shown, fragment: { ...fragment, operation: fragment.operation } }]
  })
}
