import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { end } from '../apps/api/runtime-tests/postgres.ts'

const running = new Set<ChildProcess>()
let ending = false
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

/** Starts a child that does not outlive this process. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (ending) throw new Error('the run is ending')
  const child = spawn(command, args, options)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Runs a command to its end: its standard output. Rejects where it fails. */
export async function outputOf(command: string, args: readonly string[], input = '', env = process.env): Promise<string> {
  const child = start(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  if (!child.stdin || !child.stdout) throw new Error('both streams are piped')
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const output = await text(child.stdout)
  const code = await ended
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`)
  return output
}

/** Asks a child to end, and makes it end after five seconds. */
export async function stop(child: ChildProcess): Promise<void> {
  const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
  await end(child, 'SIGTERM')
  clearTimeout(patience)
}

/** Stops every child, and lets none start any more. */
export async function stopAll(): Promise<void> {
  ending = true
  await Promise.all([...running].map(stop))
}

/** Waits until a process uses no processor time: clients that hung up leave their password hashes behind. */
export async function untilIdle(pid: number): Promise<void> {
  let before = processorTime(pid)
  for (let attempt = 0; attempt < 150; attempt += 1) {
    await sleep(200)
    const now = processorTime(pid)
    if (now - before <= 10) return
    before = now
  }
  throw new Error(`process ${pid} is still busy after 30 s`)
}

/** User and system time so far, in milliseconds, to 10 (proc(5) counts clock ticks). */
export function processorTime(pid: number): number {
  const [, afterName = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?!.*\) )/)
  const fields = afterName.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Resident memory in bytes. */
export function residentMemory(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) * 1024
}
