import type { Account } from './apis.ts'
import type { HttpRequest } from './load.ts'

let made = 0
const run = Date.now().toString(36)

/** Accounts that no server has yet. */
export function newAccounts(count: number): Account[] {
  return Array.from({ length: count }, () => ({ name: `user-${run}-${made++}`, password: 'plum orbit 47 lantern' }))
}

/** Rejects where the answer is not 2xx. */
export async function send(url: string, { path, ...request }: HttpRequest): Promise<Response> {
  const response = await fetch(new URL(path, url), request)
  if (!response.ok) throw new Error(`${request.method} ${path} was answered ${response.status}: ${await response.text()}`)
  return response
}
