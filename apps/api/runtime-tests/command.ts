import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Runtime, repository, runtimeCommand } from './server.ts'

export interface CommandOutcome {
  code: number | null
  stdout: string
  stderr: string
}

/** How a command that fails says so. */
export const oneLine = /^gatehouse: [^\n]+\n$/

/** Runs `gatehouse` with these arguments, and `input` on standard input, in a process of its own. */
export async function gatehouse(
  args: readonly string[],
  env: Record<string, string>,
  { runtime = 'node', input = '' }: { runtime?: Runtime; input?: string | Uint8Array } = {},
): Promise<CommandOutcome> {
  const [command, ...before] = runtimeCommand(runtime)
  const clean = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1', ...env }
  const child = spawn(command, [...before, 'apps/api/src/cli.ts', ...args], { cwd: repository, env: clean })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  child.stdin.on('error', () => undefined) // it may end before it reads
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}
