import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runtimeCommand } from '../apps/api/runtime-tests/server.ts'
import { type Api, bareApi, betterAuthApi, gatehouseApi, tutorialApi } from './apis.ts'
import { start, stop } from './processes.ts'

export type ServerId = 'bare-hono' | 'fastify' | 'better-auth' | 'gatehouse-node' | 'gatehouse-bun' | 'gatehouse-deno'

export type RateId = 'current-user' | 'read-user' | 'register' | 'sign-in' | 'refresh'
/** What servers take part in, one beside the other. */
export type ServerWorkloadId = RateId | 'flood' | 'start'
/** The rest is about Gatehouse alone. */
export type WorkloadId = ServerWorkloadId | 'revocation' | 'revocation-memory' | 'list-users' | 'import'

export interface Server {
  id: ServerId
  title: string
  command: string
  /** Relative to the repository's root, where it is started. */
  entry: string
  api: Api
  /** What it takes part in. */
  workloads: readonly ServerWorkloadId[]
}

const node = process.execPath
/** As `npm start` has it, for every server on Node alike. */
const nodeFlags = ['--max-semi-space-size=4']
const root = fileURLToPath(new URL('..', import.meta.url))
// The real binary: npm's wrapper would be a second process.
export const bun = `${root}node_modules/bun/bin/bun.exe`

const [deno, ...denoFlags] = runtimeCommand('deno')

export const rateIds: readonly RateId[] = ['current-user', 'read-user', 'register', 'sign-in', 'refresh']
const serverWorkloadIds: readonly ServerWorkloadId[] = [...rateIds, 'flood', 'start']
export const workloadIds: readonly WorkloadId[] = [
  ...serverWorkloadIds,
  'revocation',
  'revocation-memory',
  'list-users',
  'import',
]

const peer = (name: string) => `bench/peers/${name}.ts`

export const gatehouseOnNode: Server = {
  id: 'gatehouse-node',
  title: 'Gatehouse on Node',
  command: node,
  entry: 'apps/api/src/main.ts',
  api: gatehouseApi,
  workloads: serverWorkloadIds,
}

export const servers: readonly Server[] = [
  {
    id: 'bare-hono',
    title: 'bare Hono',
    command: node,
    entry: peer('bare-hono'),
    api: bareApi,
    workloads: ['current-user', 'start'],
  },
  {
    id: 'fastify',
    title: 'Fastify',
    command: node,
    entry: peer('fastify'),
    api: tutorialApi,
    workloads: serverWorkloadIds.filter((id) => id !== 'refresh'),
  },
  {
    id: 'better-auth',
    title: 'Better Auth',
    command: node,
    entry: peer('better-auth'),
    api: betterAuthApi,
    workloads: serverWorkloadIds.filter((id) => id !== 'read-user' && id !== 'refresh'),
  },
  gatehouseOnNode,
  { ...gatehouseOnNode, id: 'gatehouse-bun', title: 'Gatehouse on Bun', command: bun },
  {
    ...gatehouseOnNode,
    id: 'gatehouse-deno',
    title: 'Gatehouse on Deno',
    command: deno,
    workloads: ['current-user', 'sign-in', 'flood', 'start'],
  },
]

export interface RunningServer {
  url: string
  pid: number
  /** Milliseconds from its start to its first 200 at `/health/ready`. */
  ready: number
  stop(): Promise<void>
}

/** Starts a server on a database, and resolves when it is ready. */
export async function startServer({ command, entry }: Server, databaseUrl: string): Promise<RunningServer> {
  if (!existsSync(command)) throw new Error(`${command} is missing: run \`pnpm install\` in the root of the repository first`)
  const startedAt = performance.now()
  const flags = command === node ? nodeFlags : command === deno ? denoFlags : []
  const child = start(command, [...flags, entry], { cwd: root, env: environment(databaseUrl), stdio: ['ignore', 'pipe', 'pipe'] })
  const url = await announcedUrl(child, entry)
  const { status } = await fetch(`${url}/health/ready`)
  const ready = performance.now() - startedAt
  if (status !== 200 || child.pid === undefined) throw new Error(`${entry} is not ready: ${status}`)
  return { url, pid: child.pid, ready, stop: () => stop(child) }
}

/** One environment for all, whatever the caller's holds. */
function environment(databaseUrl: string): Record<string, string> {
  const secret = 'a secret that only the benchmarks use'
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    NODE_ENV: 'production',
    // As `npm start` has them.
    NODE_COMPILE_CACHE: `${root}node_modules/.cache/node`,
    MALLOC_ARENA_MAX: '1',
    DATABASE_URL: databaseUrl,
    SECRET: secret,
    GATEHOUSE_SECRET: secret,
    PORT: '0',
    LOG_LEVEL: 'warn',
    RATE_LIMITS: 'off',
    ACCESS_TOKEN_TTL: '86400', // outlives a long run, as the peers' do
  }
}

/** Every server prints a line with its URL once it listens. */
function announcedUrl(child: ChildProcess, entry: string): Promise<string> {
  let output = ''
  return new Promise((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-16_384)
      const url = /"url":"([^"]+)"/.exec(output)?.[1]
      if (url !== undefined) resolve(url)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`${entry} ended with ${code ?? signal}:\n${output}`)))
  })
}
