import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Runtime, repository, runtimeCommand } from './server.ts'

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `gatehouse` with these arguments in a process of its own. */
export async function runGatehouse(args: string[], env: Record<string, string>, runtime: Runtime = 'node'): Promise<Outcome> {
  const [command, ...before] = runtimeCommand(runtime)
  const clean = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1', ...env }
  const child = spawn(command, [...before, 'apps/api/src/cli.ts', ...args], { cwd: repository, env: clean })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}
