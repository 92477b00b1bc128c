import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { end } from './postgres.ts'

export type Runtime = 'node' | 'bun' | 'deno'

/** A Gatehouse server in a process of its own. */
export interface SpawnedServer {
  url: string
  pid: number
  child: ChildProcess
  /** What it wrote so far, both streams. */
  output(): string
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export const repository = fileURLToPath(new URL('../../..', import.meta.url))
export const testSecret = 'a master secret that only the tests use'

/** Starts the real entry on `runtime` and resolves once it listens; rejects with its output when it ends before. */
export async function spawnServer(runtime: Runtime, env: Record<string, string>): Promise<SpawnedServer> {
  const child = launch(runtime, env)
  const chunks: string[] = []
  const output = () => chunks.join('')
  const url = await new Promise<string>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      chunks.push(chunk.toString())
      const listening = /"url":"([^"]+)"/.exec(output())?.[1]
      if (listening !== undefined) resolve(listening)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output()}`)))
    child.once('error', reject)
  })
  if (child.pid === undefined) throw new Error('a running process has a pid')
  return {
    url,
    pid: child.pid,
    child,
    output,
    async stop() {
      await end(child, 'SIGTERM')
      return child.exitCode
    },
    kill: () => end(child, 'SIGKILL'),
  }
}

/** What runs a script on `runtime`: the command, and what stands before the script. */
export const runtimeCommand = (runtime: Runtime): readonly [command: string, ...args: string[]] => commands[runtime]

/** Starts the entry and leaves the rest to the caller. */
export function launch(runtime: Runtime, env: Record<string, string>): ChildProcess {
  const [command, ...args] = commands[runtime]
  const clean = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    PORT: '0',
    LOG_LEVEL: 'info',
    NO_COLOR: '1',
    RATE_LIMITS: 'off', // tests come from one address, and try a lot
    ...env,
  }
  return spawn(command, [...args, 'apps/api/src/main.ts'], { cwd: repository, env: clean, stdio: ['ignore', 'pipe', 'pipe'] })
}

// The real binaries: npm's wrapper of deno leaves its child behind when it is killed.
const require = createRequire(join(repository, 'package.json'))
const commands: Record<Runtime, [string, ...string[]]> = {
  node: [process.execPath],
  bun: [join(dirname(require.resolve('bun/package.json')), 'bin', 'bun.exe')],
  deno: [denoBinary(), 'run', '--quiet', '--no-lock', '--allow-all'],
}

function denoBinary(): string {
  const wrapper = createRequire(require.resolve('deno/package.json'))
  const libc = process.platform === 'linux' ? '-glibc' : ''
  return join(dirname(wrapper.resolve(`@deno/${process.platform}-${process.arch}${libc}/package.json`)), 'deno')
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
