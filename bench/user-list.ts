import { query } from '../apps/api/runtime-tests/postgres.ts'
import { newAccounts, send } from './accounts.ts'
import { gatehouseApi } from './apis.ts'
import type { HttpRequest } from './load.ts'
import { gatehouseOnNode, startServer } from './servers.ts'
import { percentile } from './statistics.ts'

/** Accounts in the database, one after the other. */
export const listSizes = [1_000, 10_000, 100_000, 1_000_000] as const

/** What is asked for, and how it is called in the report. */
export const pageTitles = {
  first: 'first page',
  behind: 'page behind some name',
  prefix: 'names that begin with …',
  admin: 'administrators',
  disabled: 'disabled accounts',
} as const
export type PageId = keyof typeof pageTitles

/** Requests of each kind and size, one after the other; the first of them don't count. */
export const listRequests = { counted: 400, before: 50 }

/** Milliseconds. */
export type PageTimes = Record<PageId, { p50: number; p99: number }>

/** How long an administrator waits for a page of users, by how many there are. */
export async function measureUserList(databaseUrl: string, log: (line: string) => void): Promise<Map<number, PageTimes>> {
  const server = await startServer(gatehouseOnNode, databaseUrl)
  try {
    const headers = await signInAdministrator(server.url, databaseUrl)
    const measured = new Map<number, PageTimes>()
    let filled = 0
    for (const size of listSizes) {
      await query(databaseUrl, fill(filled + 1, size))
      await query(databaseUrl, 'vacuum analyze users')
      filled = size
      const ask = (path: string): HttpRequest => ({ method: 'GET', path, headers })
      measured.set(size, await measurePages(server.url, ask))
      log(`list-users, ${size} users: p99 of the first page ${measured.get(size)?.first.p99.toFixed(2)} ms`)
    }
    return measured
  } finally {
    await server.stop()
  }
}

/** The names lie in the table in another order than in the index, as those of people do; a hundred each are administrators and disabled. */
const fill = (from: number, to: number) => `
  insert into users (id, username, username_key, password, role, create_time, disabled_at)
  select gen_random_uuid(), name, name, '-', case when i <= 100 then 'admin' else 'user' end, now(), case when i between 101 and 200 then now() end
  from (select i, 'user-' || md5(i::text) as name from generate_series(${from}, ${to}) as i) as made`

async function signInAdministrator(url: string, databaseUrl: string): Promise<Record<string, string>> {
  const { accounts } = gatehouseApi
  const [account] = newAccounts(1)
  if (!account) throw new Error('one account was made')
  await send(url, accounts.register(account))
  await query(databaseUrl, `update users set role = 'admin'`)
  return accounts.credentials(await send(url, accounts.signIn(account)))
}

type Ask = (path: string) => HttpRequest

async function measurePages(url: string, ask: Ask): Promise<PageTimes> {
  const beginnings = Array.from({ length: 256 }, (_, i) => `user-${i.toString(16).padStart(2, '0')}`)
  const paths: Record<PageId, readonly string[]> = {
    first: ['/users'],
    behind: await cursorsBehind(url, ask, beginnings),
    prefix: beginnings.map((beginning) => `/users?prefix=${beginning}`),
    admin: ['/users?role=admin'],
    disabled: ['/users?disabled=true'],
  }
  const times: Partial<PageTimes> = {}
  for (const id of Object.keys(pageTitles) as PageId[]) times[id] = await measurePage(url, paths[id].map(ask))
  return times as PageTimes
}

/** A cursor is of any list: that of the only name on a page leads on from there in the list of all. */
async function cursorsBehind(url: string, ask: Ask, beginnings: readonly string[]): Promise<string[]> {
  const paths: string[] = []
  for (const beginning of beginnings) {
    const answer = await send(url, ask(`/users?prefix=${beginning}&limit=1`))
    const { next_cursor: cursor } = (await answer.json()) as { next_cursor: string | null }
    if (cursor !== null) paths.push(`/users?cursor=${cursor}`)
  }
  return paths
}

async function measurePage(url: string, requests: readonly HttpRequest[]): Promise<{ p50: number; p99: number }> {
  const times: number[] = []
  for (let i = 0; i < listRequests.before + listRequests.counted; i += 1) {
    const request = requests[i % requests.length]
    if (!request) throw new Error('there is nothing to ask for')
    const begun = performance.now()
    await (await send(url, request)).text()
    if (i >= listRequests.before) times.push(performance.now() - begun)
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}
