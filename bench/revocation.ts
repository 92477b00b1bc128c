import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { newAccounts, send } from './accounts.ts'
import { type Account, type Headers, gatehouseApi } from './apis.ts'
import { type ConditionId, disturb } from './disturbance.ts'
import type { LoadTool } from './load.ts'
import { outputOf } from './processes.ts'
import { type RunningServer, gatehouseOnNode, startServer } from './servers.ts'
import { median } from './statistics.ts'

/** Instances on one database. */
const instanceCount = 3

/** On each instance: connections that read the current user, and the milliseconds that each rests between two requests. */
export const background = { connections: 8, pause: 10 }

/** Milliseconds between two ends, on average. */
const endInterval = 100

/** Milliseconds that a poller rests until the first 401, and after it; and how long it goes on then. */
const polling = { until401: 2, after401: 50, goesOn: 1000 }

/** Milliseconds after which a session that is still accepted ends the run. */
const patience = 10_000

/** How one instance came to refuse an ended session. Milliseconds. */
export interface Refusal {
  /** Whether it is the instance that was asked to end the session. */
  asked: boolean
  /** From the logout's answer to the first 401 that no 200 followed; less than nothing where it came before the answer. */
  sinceAnswer: number
  /** The same from the logout's request. */
  sinceRequest: number
  /** From the poller's last answer before that 401: how exact it is. */
  blur: number
  /** How often a 200 followed a 401. */
  relapses: number
}

export interface Revocation {
  /** One list per session, with an entry per instance. */
  endings: Refusal[][]
  /** Current users that the load generator read meanwhile, per second and instance. */
  perSecond: number
  disturbance: string
}

/** Ends sessions, on one instance after the other, and sees how long each instance goes on accepting them. */
export async function measureRevocation(
  tool: LoadTool,
  databaseUrl: string,
  condition: ConditionId,
  count: number,
): Promise<Revocation> {
  const instances: RunningServer[] = []
  for (let i = 0; i < instanceCount; i += 1) instances.push(await startServer(gatehouseOnNode, databaseUrl))
  const urls = instances.map(({ url }) => url)
  const owners = newAccounts(background.connections)
  for (const owner of owners) await send(at(urls, 0), accounts.register(owner))
  const kept = await openSessions(urls, owners, owners.length)
  const ending = await openSessions(urls, owners, count)
  const disturbance = await disturb[condition](databaseUrl)
  try {
    const measured = await underLoad(tool, urls, kept, () => endAll(urls, ending))
    await checkRefused(urls, ending)
    return { ...measured, disturbance: disturbance.describe() }
  } finally {
    await disturbance.stop()
    await Promise.all(instances.map((instance) => instance.stop()))
  }
}

/** The heap bytes that an instance takes for a million ended sessions. */
export async function measureRevocationMemory(): Promise<number> {
  const script = fileURLToPath(new URL('revocation-memory.ts', import.meta.url))
  return Number(await outputOf(process.execPath, ['--expose-gc', script]))
}

const { accounts, sessions, currentUser } = gatehouseApi

/** Credentials of new sessions, spread over instances and accounts. */
async function openSessions(urls: readonly string[], owners: readonly Account[], count: number): Promise<Headers[]> {
  const inTurn = owners.map(async (owner, first) => {
    const opened: Headers[] = []
    for (let i = first; i < count; i += owners.length) {
      opened.push(await accounts.credentials(await send(at(urls, i), accounts.signIn(owner))))
    }
    return opened
  })
  return (await Promise.all(inTurn)).flat()
}

/** Does the work while the load generator reads the current user of every instance. */
async function underLoad(
  tool: LoadTool,
  urls: readonly string[],
  credentials: readonly Headers[],
  work: () => Promise<Refusal[][]>,
): Promise<{ endings: Refusal[][]; perSecond: number }> {
  const requests = credentials.map(currentUser)
  let done = false
  const working = sleep(1000)
    .then(work)
    .finally(() => (done = true))
  const loading = urls.map(async (url) => {
    const rates: number[] = []
    while (!done) rates.push((await tool.run({ url, requests, ...background, seconds: 2 })).perSecond)
    return rates
  })
  const [endings, rates] = await Promise.all([working, Promise.all(loading)])
  return { endings, perSecond: median(rates.flat()) }
}

/** Not in step with the instances, which look for ended sessions at intervals of their own. */
function endAll(urls: readonly string[], ending: readonly Headers[]): Promise<Refusal[][]> {
  const ends = ending.map(async (credentials, i) => {
    await sleep((i + Math.random()) * endInterval)
    return end(urls, at(urls, i), credentials)
  })
  return Promise.all(ends)
}

/** Ends a session that every instance accepts, and waits until every instance refuses it. */
async function end(urls: readonly string[], asked: string, credentials: Headers): Promise<Refusal[]> {
  for (const url of urls) {
    if (!(await isAccepted(url, credentials))) throw new Error(`${url} refuses a session that was not ended`)
  }
  const watching = Promise.all(urls.map((url) => watch(url, credentials)))
  const requestAt = performance.now()
  const [answerAt, seen] = await Promise.all([logOut(asked, credentials), watching])
  return seen.map(({ refusedAt, ...rest }, i) => ({
    ...rest,
    asked: urls[i] === asked,
    sinceAnswer: refusedAt - answerAt,
    sinceRequest: refusedAt - requestAt,
  }))
}

/** When it was answered. */
async function logOut(url: string, credentials: Headers): Promise<number> {
  await send(url, sessions.logout(credentials))
  return performance.now()
}

type Seen = Pick<Refusal, 'blur' | 'relapses'> & { refusedAt: number }

/** Asks an instance again and again, until it has refused for a while. */
async function watch(url: string, credentials: Headers): Promise<Seen> {
  let refusal: { refusedAt: number; blur: number } | undefined
  let relapses = 0
  let before = performance.now()
  for (const giveUpAt = before + patience; before < giveUpAt;) {
    const accepted = await isAccepted(url, credentials)
    const now = performance.now()
    if (accepted && refusal) relapses += 1
    refusal = accepted ? undefined : (refusal ?? { refusedAt: now, blur: now - before })
    if (refusal && now - refusal.refusedAt >= polling.goesOn) return { ...refusal, relapses }
    before = now
    await sleep(refusal ? polling.after401 : polling.until401)
  }
  throw new Error(`${url} still accepts a session that was ended ${patience} ms ago`)
}

async function checkRefused(urls: readonly string[], ended: readonly Headers[]): Promise<void> {
  for (const url of urls) {
    for (const credentials of ended) {
      if (await isAccepted(url, credentials)) throw new Error(`${url} accepts an ended session again`)
    }
  }
}

async function isAccepted(url: string, credentials: Headers): Promise<boolean> {
  const { path, ...request } = currentUser(credentials)
  const response = await fetch(new URL(path, url), { ...request, signal: AbortSignal.timeout(patience) })
  const body = await response.text()
  if (response.status !== 200 && response.status !== 401) throw new Error(`${url} answers ${response.status}: ${body}`)
  return response.status === 200
}

/** Round and round. */
function at(urls: readonly string[], index: number): string {
  return urls[index % urls.length] ?? ''
}
