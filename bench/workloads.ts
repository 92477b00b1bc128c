import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { newAccounts, send } from './accounts.ts'
import { type Account, type Headers, refreshToken } from './apis.ts'
import type { Figures, HttpRequest, Load, LoadTool } from './load.ts'
import { processorTime, residentMemory, untilIdle } from './processes.ts'
import { type RateId, type RunningServer, type Server, startServer } from './servers.ts'

/** Also the accounts that requests are spread over. */
export const connections = 32
export const probeConnections = 4
export const floodConnections = 16
/** Seconds. */
export const warmUp = 2

/** A running server, with accounts in its database. */
export interface Subject {
  server: Server
  databaseUrl: string
  running: RunningServer
  /** Who reads: they sign in once, so that nothing a sign-in does to older sessions can reach them. */
  readers: readonly Reader[]
  /** Who signs in again and again. */
  signers: readonly Account[]
}

interface Reader {
  name: string
  credentials: Headers
}

/** Starts a server on an empty database, and registers accounts. */
export async function prepare(server: Server, databaseUrl: string): Promise<Subject> {
  const running = await startServer(server, databaseUrl)
  const { accounts } = server.api
  if (!accounts) {
    const readers = Array.from({ length: connections }, () => ({ name: 'ada', credentials: {} }))
    return { server, databaseUrl, running, readers, signers: [] }
  }
  const [signers, readers] = [newAccounts(connections), newAccounts(connections)]
  for (const account of [...signers, ...readers]) await send(running.url, accounts.register(account))
  const signedIn: Reader[] = []
  for (const account of readers) {
    const response = await send(running.url, accounts.signIn(account))
    signedIn.push({ name: account.name, credentials: await accounts.credentials(response) })
  }
  return { server, databaseUrl, running, readers: signedIn, signers }
}

/** The requests of a workload: spread over the accounts, and never the same account twice for `register`. */
const requestsOf = {
  'current-user': ({ server, readers }: Subject) => readers.map(({ credentials }) => server.api.currentUser(credentials)),

  // Somebody else's account: the caller's own would be one row less to find.
  'read-user': ({ server, readers }: Subject) =>
    readers.flatMap(({ credentials }, i) => server.api.readUser?.(credentials, readers.at(i - 1)?.name ?? '') ?? []),

  register: ({ server: { api } }: Subject, seconds: number) =>
    newAccounts(seconds * availableParallelism() * 100).flatMap((account) => api.accounts?.register(account) ?? []),

  'sign-in': ({ server: { api }, signers }: Subject) => signers.flatMap((account) => api.accounts?.signIn(account) ?? []),

  // New sessions each time: nobody knows whether the requests that a round leaves unanswered were heard.
  refresh: async (subject: Subject) => {
    const requests: HttpRequest[] = []
    for (const account of subject.signers) requests.push(await openRefresh(subject, account))
    return requests
  },
} satisfies Record<RateId, (subject: Subject, seconds: number) => HttpRequest[] | Promise<HttpRequest[]>>

/** Opens a session; the first request that refreshes it. */
async function openRefresh({ server: { api, title }, running: { url } }: Subject, account: Account): Promise<HttpRequest> {
  if (!api.accounts || !api.sessions) throw new Error(`${title} has no sessions to refresh`)
  const answer = await send(url, api.accounts.signIn(account))
  return api.sessions.refresh(await refreshTokenOf(answer))
}

async function refreshTokenOf(answer: Response): Promise<string> {
  const { [refreshToken]: token } = (await answer.json()) as { [refreshToken]: string }
  return token
}

export interface Rate extends Figures {
  /** Microseconds of processor time that the server took for a request. */
  cost: number
}

/** Measures one workload on one server, after a warm-up that doesn't count. */
export async function measureRate(tool: LoadTool, subject: Subject, id: RateId, seconds: number): Promise<Rate> {
  if (id === 'current-user' || id === 'read-user') await checkAnswer(subject, id)
  if (id === 'refresh') await checkRefresh(subject)
  const spec = async (duration: number) => ({
    requests: await requestsOf[id](subject, duration),
    connections,
    ...(id === 'refresh' && { chained: refreshToken }),
  })
  return measureWarm(tool, subject, spec, seconds)
}

export interface Flood {
  /** Current user at a modest load, alone. */
  idle: Figures
  /** The same beside the sign-ins. */
  flooded: Figures
  signIns: Figures
}

/** Measures current user without and with a flood of correct sign-ins beside it. */
export async function measureFlood(tool: LoadTool, subject: Subject, seconds: number): Promise<Flood> {
  const { url, pid } = subject.running
  const probe = { url, requests: requestsOf['current-user'](subject), connections: probeConnections, seconds }
  const flood = { url, requests: requestsOf['sign-in'](subject), connections: floodConnections, seconds: seconds + 2 }
  const idle = await measureWarm(tool, subject, async () => probe, seconds)
  const [signIns, flooded] = await Promise.all([tool.run(flood), sleep(1000).then(() => tool.run(probe))])
  await untilIdle(pid)
  return { idle, flooded, signIns }
}

export interface Start {
  /** Milliseconds from the start of the process to its first 200 at `/health/ready`. */
  ready: number
  /** Bytes, after the current-user workload and a second of rest. */
  resident: number | undefined
}

/** Starts a server anew on its migrated database; with `seconds`, gives it work and weighs it. */
export async function measureStart(tool: LoadTool, subject: Subject, seconds: number | undefined): Promise<Start> {
  const running = await startServer(subject.server, subject.databaseUrl)
  try {
    if (seconds === undefined) return { ready: running.ready, resident: undefined }
    await measureRate(tool, { ...subject, running }, 'current-user', seconds)
    await sleep(1000)
    return { ready: running.ready, resident: residentMemory(running.pid) }
  } finally {
    await running.stop()
  }
}

type Spec = Pick<Load, 'requests' | 'connections' | 'chained'>

async function measureWarm(
  tool: LoadTool,
  { running }: Subject,
  spec: (seconds: number) => Promise<Spec>,
  seconds: number,
): Promise<Rate> {
  const { url, pid } = running
  await tool.run({ ...(await spec(warmUp)), url, seconds: warmUp })
  await untilIdle(pid)
  const load = { ...(await spec(seconds)), url, seconds }
  const before = processorTime(pid)
  const figures = await tool.run(load)
  const used = processorTime(pid) - before
  if (figures.perSecond === 0) throw new Error(`nothing was answered within ${seconds} s: rounds have to be longer`)
  await untilIdle(pid)
  return { ...figures, cost: (used * 1000) / (figures.perSecond * seconds) }
}

/** The load generator counts statuses; a 200 about nobody has to be seen here. */
async function checkAnswer(subject: Subject, id: 'current-user' | 'read-user'): Promise<void> {
  const [request] = requestsOf[id](subject)
  const name = subject.readers.at(id === 'read-user' ? -1 : 0)?.name
  if (!request || name === undefined) throw new Error(`${subject.server.title} has no ${id}`)
  const answer = await (await send(subject.running.url, request)).text()
  if (!answer.includes(`"${name}"`)) throw new Error(`${subject.server.title} answers ${id} with ${answer}`)
}

/** What is refreshed has to go on under a new token, and that token to be good for the next. */
async function checkRefresh(subject: Subject): Promise<void> {
  const { server, running, signers } = subject
  const [account] = signers
  if (!account || !server.api.sessions) throw new Error(`${server.title} has no refresh`)
  const first = await openRefresh(subject, account)
  const second = server.api.sessions.refresh(await refreshTokenOf(await send(running.url, first)))
  if (first.body === second.body) throw new Error(`${server.title} answers a refresh with the same token`)
  await send(running.url, second)
}
