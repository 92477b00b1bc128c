import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Runtime, repository, runtimeCommand } from './server.ts'

export interface CommandOutcome {
  code: number | null
  stdout: string
  stderr: string
}

/** How a command that fails says so. */
export const oneLine = /^gatehouse: [^\n]+\n$/

/** Starts `gatehouse` with these arguments in a process of its own; `ended` resolves when it has. */
export function startGatehouse(
  args: readonly string[],
  env: Record<string, string>,
  runtime: Runtime = 'node',
): { child: ChildProcessWithoutNullStreams; ended: Promise<CommandOutcome> } {
  const [command, ...before] = runtimeCommand(runtime)
  const clean = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1', ...env }
  const child = spawn(command, [...before, 'apps/api/src/cli.ts', ...args], { cwd: repository, env: clean })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  child.stdin.on('error', () => undefined) // it may end before it reads
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  return { child, ended }
}

/** Runs it to its end, with `input` on standard input. */
export function gatehouse(
  args: readonly string[],
  env: Record<string, string>,
  { runtime = 'node', input = '' }: { runtime?: Runtime; input?: string | Uint8Array } = {},
): Promise<CommandOutcome> {
  const { child, ended } = startGatehouse(args, env, runtime)
  child.stdin.end(input)
  return ended
}
