import { expect, inject } from 'vitest'
import { type Browser, type BrowserContext, launchBrowser } from '../../../apps/api/runtime-tests/browser.ts'
import { createDatabase, query } from '../../../apps/api/runtime-tests/postgres.ts'
import { type Runtime, spawnServer, testSecret } from '../../../apps/api/runtime-tests/server.ts'
import { type Api, createApi, goodPassword } from '../../../apps/api/runtime-tests/suite/target.ts'
import { type AccountPage, drive, tampering } from './account-page.ts'
import { type Call, type Gateway, openGateway } from './gateway.ts'
import { buildReactExample } from './react-example.ts'
import { type Mode, type Site, serveSite } from './site.ts'

/** What all scenarios share: a browser, the built example, and a server on each runtime. */
export interface House {
  browser: Browser
  site: Site
  servers: ReadonlyMap<Runtime, { url: string; database: string }>
  close(): Promise<void>
}

export async function openHouse(runtimes: readonly Runtime[]): Promise<House> {
  const [pages, browser] = await Promise.all([buildReactExample(), launchBrowser()])
  const site = await serveSite(pages)
  const start = async (runtime: Runtime) => {
    const database = await createDatabase(inject('clusterUrl'))
    const env = { DATABASE_URL: database, GATEHOUSE_SECRET: testSecret, CORS_ORIGINS: site.url, ACCESS_TOKEN_TTL: '30' }
    return [runtime, { database, ...(await spawnServer(runtime, env)) }] as const
  }
  const servers = new Map(await Promise.all(runtimes.map(start)))
  const close = async () => {
    await browser.close()
    site.close()
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
  return { browser, site, servers, close }
}

/** One runtime and one mode, with readers who come by. */
export interface Stage {
  runtime: Runtime
  mode: Mode
  visit(go: (visit: Visit) => Promise<void>, options?: VisitOptions): Promise<void>
  /** The origin of the pages. */
  origin(): string
}

export interface VisitOptions {
  /** Starts a server in place of the stage's own; its URL. */
  api?: () => Promise<string>
  /** Not to be waited for: it does little, for long. */
  long?: boolean
}

/** A reader with a browser of their own, an account, and a network that can fail. */
export interface Visit {
  username: string
  gateway: Gateway
  context: BrowserContext
  /** @param before scripts that every tab of this reader runs first */
  open(...before: string[]): Promise<AccountPage>
  /** Opens the page and signs in. */
  enter(...before: string[]): Promise<AccountPage>
  /** Somewhere else, where the password is known. */
  elsewhere: Api
  /** SQL about this reader's sessions: sets some of their columns. */
  setSessions(assignment: string): Promise<unknown>
  /** The calls that asked to renew a session. */
  renewals(): Call[]
  /** Resolves with what was asked for somebody and refused, once all calls are answered. */
  refusals(): Promise<Call[]>
}

export function createStage(house: () => House, runtime: Runtime, mode: Mode): Stage {
  async function visit(go: (visit: Visit) => Promise<void>, { api, long = false }: VisitOptions = {}) {
    const server = house().servers.get(runtime)
    if (!server) throw new Error(`no server on ${runtime}`)
    const job = () => receive(house(), api ?? (() => Promise.resolve(server.url)), server.database, mode, go)
    await (long ? job() : inTurn(job))
  }
  return { runtime, mode, visit, origin: () => house().site.url }
}

// More at once than the machine can serve would only find its limits.
let free = 6
const waiting: (() => void)[] = []

async function inTurn(job: () => Promise<void>): Promise<void> {
  if (free > 0) free -= 1
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    await job()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
}

async function receive(
  { browser, site }: House,
  start: () => Promise<string>,
  database: string,
  mode: Mode,
  go: (visit: Visit) => Promise<void>,
) {
  const api = await start()
  const gateway = await openGateway(api)
  const context = await browser.newContext()
  context.setDefaultTimeout(60_000)
  const elsewhere = createApi({ fetch: (path, init) => fetch(api + path, init), stop: () => Promise.resolve() })
  const { username } = await elsewhere.account({ birthday: '1815-12-10' })

  async function open(...before: string[]) {
    if (context.pages().length === 0) for (const script of [tampering.patience, ...before]) await context.addInitScript(script)
    const page = await context.newPage()
    await page.goto(`${site.url}/${mode}/${gateway.port}/`)
    return drive(page)
  }
  async function enter(...before: string[]) {
    const tab = await open(...before)
    await tab.signIn(username, goodPassword)
    await tab.isWhole()
    return tab
  }
  const setSessions = (assignment: string) =>
    query(database, `update sessions set ${assignment} where user_id = (select id from users where username = '${username}')`)
  const renewals = () => gateway.calls.filter(({ path }) => path === '/token')
  async function refusals() {
    await until(() => gateway.calls.every(({ status }) => status !== undefined))
    return gateway.calls.filter((call) => isProtected(call) && call.status !== 200)
  }

  try {
    await go({ username, gateway, context, open, enter, elsewhere, setSessions, renewals, refusals })
    // The page is never known to the API as nobody while somebody is signed in, or may be.
    if (mode === 'token') expect(gateway.calls.filter(isAnonymous)).toEqual([])
  } finally {
    await context.close()
    gateway.close()
  }
}

/** Whether a call is for somebody who is signed in. */
export const isProtected = ({ path, method }: Call): boolean =>
  /^\/(users|sessions)/.test(path) || (path === '/user' && method !== 'POST')

const isAnonymous = (call: Call) => isProtected(call) && call.authorization === undefined

/** Waits for what is seen from here, a minute at most. */
export async function until(condition: () => boolean): Promise<void> {
  const begun = performance.now()
  while (!condition()) {
    if (performance.now() - begun > 60_000) throw new Error(`a minute without ${String(condition)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
