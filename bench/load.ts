import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outputOf } from './processes.ts'

export interface HttpRequest {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface Load {
  url: string
  /** Sent in turn, again and again. As many as connections, or more. */
  requests: readonly HttpRequest[]
  connections: number
  seconds: number
  /** Milliseconds that a connection rests before each request; autocannon holds to the rate that this makes. */
  pause?: number
  /** The last field of the requests' forms, and a member of their answers, which are JSON: each value is sent next, and once. */
  chained?: string
}

/** What a load generator counted. Percentiles are of the latency, in milliseconds. */
export interface Outcome {
  requests: number
  seconds: number
  p50: number
  p99: number
  failures: Record<string, number>
}

/** What is kept of an outcome without failures. */
export interface Figures {
  perSecond: number
  p50: number
  p99: number
}

export interface LoadTool {
  /** With its version. */
  name: string
  /** Rejects when a request failed or was answered with an error. */
  run(load: Load): Promise<Figures>
}

/** wrk where it is on PATH, else autocannon, which takes as much processor time as a fast server does. */
export function pickLoadTool(wanted: string | undefined): LoadTool {
  const wrk = spawnSync('wrk', ['-v'], { encoding: 'utf8' })
  if (wanted === 'wrk' && wrk.error) throw new Error('wrk is not on PATH')
  if (wrk.error || wanted === 'autocannon') return { name: `autocannon ${autocannonVersion()}`, run: runAutocannon }
  return { name: /^wrk \S+/.exec(wrk.stdout)?.[0] ?? 'wrk', run: runWrk }
}

async function runWrk({ url, requests, connections, seconds, pause = 0, chained }: Load): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const file = join(folder, 'requests')
    writeFileSync(file, requests.map((request) => frame(spell(request, url))).join(''))
    const limits = [`-c${connections}`, `-d${seconds}s`, '-t1', '--timeout=60s']
    const how = chained === undefined ? [`${pause}`] : [`${pause}`, chained]
    const output = await outputOf('wrk', [...limits, '-s', pathOf('load.lua'), url, '--', file, ...how])
    return toFigures(output.slice(output.indexOf('{"requests"')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A request in the bytes of HTTP/1.1. */
function spell({ method, path, headers, body = '' }: HttpRequest, url: string): string {
  const length = method === 'POST' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {}
  const lines = Object.entries({ Host: new URL(url).host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

const frame = (request: string) => `${Buffer.byteLength(request)}\n${request}`

async function runAutocannon(load: Load): Promise<Figures> {
  return toFigures(await outputOf(process.execPath, [pathOf('load-autocannon.ts')], JSON.stringify(load)))
}

function toFigures(json: string): Figures {
  const { requests, seconds, p50, p99, failures } = JSON.parse(json) as Outcome
  const failed = Object.entries(failures).filter(([, count]) => count > 0)
  if (failed.length > 0) throw new Error(`of ${requests} requests failed: ${failed.map((entry) => entry.join(' ')).join(', ')}`)
  return { perSecond: requests / seconds, p50, p99 }
}

function autocannonVersion(): string {
  const manifest = createRequire(import.meta.url)('autocannon/package.json') as { version: string }
  return manifest.version
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
