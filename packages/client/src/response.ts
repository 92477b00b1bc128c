import type { Answer } from './answer.ts'
import { type FieldError, GatehouseError, type ServerErrorCode } from './errors.ts'
import { readText, retryAfter } from './transport.ts'

/** What a raw call's answer holds when the call succeeded. */
export type Data<A> = A extends Answer<infer Body, 200> ? Body : never

/** Whether an answer is what its route promises. */
export type Check = (body: Record<string, unknown>) => boolean

/**
 * The data of a raw call: `await unwrap(client.api.users.me.$get())`.
 *
 * @param call the call, or its answer
 * @throws GatehouseError whatever else happened
 */
export function unwrap<A extends Answer<unknown, number>>(call: A | Promise<A>): Promise<Data<A>> {
  return readData(call)
}

/** The JSON of a successful answer. */
export async function readData<Data>(call: object | Promise<object>, check: Check = () => true): Promise<Data> {
  const response = (await call) as Response
  const body = parseObject(await readText(response))
  if (!response.ok || !body || !check(body)) throw toError(response, body)
  return body as Data
}

/** Lets a successful answer pass, whatever it holds. */
export async function accept(call: Promise<Response>): Promise<void> {
  const response = await call
  if (!response.ok) await readData(response)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

interface Problem {
  code: ServerErrorCode
  detail: string
  request_id?: string
  errors?: FieldError[]
}

function toError(response: Response, body: object | undefined): GatehouseError {
  const { status, ok, headers, url } = response
  const shared = { status, requestId: headers.get('X-Request-Id') ?? undefined, retryAfter: retryAfter(response) }
  if (!ok && isProblem(body)) {
    const { code, detail, errors } = body
    const fields = Array.isArray(errors) ? errors.filter((field?: Partial<FieldError>) => field?.path) : []
    return new GatehouseError({ ...shared, code, detail, fields, ...(body.request_id && { requestId: body.request_id }) })
  }
  return new GatehouseError({
    ...shared,
    code: 'unexpected_response',
    detail: `Not an answer of Gatehouse: ${status} from ${url}`,
  })
}

export const isText = (value: unknown) => typeof value === 'string'

const isProblem = (body: object | undefined): body is Problem =>
  isText((body as Problem | undefined)?.code) && isText((body as Problem).detail)
