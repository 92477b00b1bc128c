import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, type Server, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../../../apps/api/runtime-tests/postgres.ts'
import {
  type Runtime,
  type SpawnedServer,
  runtimeCommand,
  spawnServer,
  testSecret,
} from '../../../apps/api/runtime-tests/server.ts'
import type { Packed } from './packed.ts'

const require = createRequire(import.meta.url)
const nodeOf = (alias: string) => join(dirname(require.resolve(`${alias}/package.json`)), 'bin/node')
const servers: Runtime[] = ['node', 'bun', 'deno']

/** How many scenarios there are. */
const scenarios = 13

/** What runs a script; deno may connect to loopback and nothing else. */
const processes: Record<string, readonly [string, ...string[]]> = {
  'Node 20': [nodeOf('node-20')],
  'Node 22': [nodeOf('node-22')],
  'Node 24': [process.execPath],
  Bun: [runtimeCommand('bun')[0]],
  Deno: [runtimeCommand('deno')[0], 'run', '--quiet', '--no-prompt', '--cached-only', '--allow-net=127.0.0.1'],
}

/** What an application does, on every runtime, against Gatehouse on every runtime. */
export function testRuntimes(packed: () => Packed): void {
  let silent: Server
  let silentUrl: string
  let workerUrl: string
  let workerd: ChildProcess

  beforeAll(async () => {
    await compile(packed().consumer)
    silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    ;[workerd, workerUrl] = await startWorkerd(packed().consumer)
  })
  afterAll(() => {
    workerd.kill()
    silent.close()
  })

  describe.each(servers)('against a server on %s', (runtime) => {
    let server: SpawnedServer
    beforeAll(async () => {
      const env = { DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret }
      server = await spawnServer(runtime, env)
    })
    afterAll(() => server.stop())

    test.concurrent.each(Object.entries(processes))(
      'every scenario works on %s, and the process ends by itself',
      async (_, command) => {
        const [file, ...args] = command
        const outcome = await runToEnd(file, [...args, join(packed().consumer, 'dist/main.js'), server.url, silentUrl])
        expect(outcome.errors).toBe('')
        expect(JSON.parse(outcome.output)).toHaveLength(scenarios)
        expect(outcome.lingered).toBeLessThan(1500)
      },
    )

    test.concurrent('every scenario works on workerd', async () => {
      const query = new URLSearchParams({ url: server.url, silent: silentUrl })
      const text = await (await fetch(`${workerUrl}?${query}`)).text()
      expect(text).toMatch(/^\[/)
      expect(JSON.parse(text)).toHaveLength(scenarios)
    })
  })
}

async function compile(consumer: string): Promise<void> {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
  await promisify(execFile)(process.execPath, [tsc, '-p', consumer, '--skipLibCheck'])
}

/** Milliseconds from the report to the end are in `lingered`. */
async function runToEnd(file: string, args: string[]): Promise<{ output: string; errors: string; lingered: number }> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { NO_COLOR: '1' }, timeout: 110_000 })
  let [output, errors, reported] = ['', '', 0]
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    reported = performance.now()
  })
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(child, 'close')
  return { output, errors, lingered: performance.now() - reported }
}

/** Bundles the worker as its own tools do, and serves it; it reaches loopback and nothing else. */
async function startWorkerd(consumer: string): Promise<[ChildProcess, url: string]> {
  const conditions = ['workerd', 'worker']
  const outfile = join(consumer, 'worker.js')
  await build({ entryPoints: [join(consumer, 'dist/worker.js')], bundle: true, format: 'esm', conditions, outfile })
  const config = join(consumer, 'workerd.capnp')
  writeFileSync(config, workerdConfig)
  const child = spawn(workerdBinary(), ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
  const control = child.stdio[3]
  if (!control) throw new Error('the fourth stream is a pipe')
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`workerd ended with ${code}`)))
  const [chunk] = (await Promise.race([once(control, 'data'), ended])) as [Buffer]
  const { port } = JSON.parse(chunk.toString()) as { port: number }
  return [child, `http://127.0.0.1:${port}/`]
}

/** The real binary, not npm's wrapper. */
function workerdBinary(): string {
  const wrapper = createRequire(require.resolve('workerd/package.json'))
  return (wrapper('workerd') as { default: string }).default
}

const workerdConfig = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      globalOutbound = "loopback")),
    (name = "loopback", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`
