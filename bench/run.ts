import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureHash } from './hash-time.ts'
import { type LoadTool, pickLoadTool } from './load.ts'
import { openDatabases } from './postgres.ts'
import { residentMemory, stopAll } from './processes.ts'
import { report } from './report.ts'
import type { Results } from './results.ts'
import { type Server, type ServerId, type WorkloadId, rateIds, servers, workloadIds } from './servers.ts'
import { checkPins } from './versions.ts'
import { type Subject, measureFlood, measureRate, measureStart, prepare } from './workloads.ts'

/** `pnpm bench`: every server beside the others, in turns, on one PostgreSQL. */
interface Options {
  rounds: number
  seconds: number
  servers: ReadonlySet<string>
  workloads: ReadonlySet<string>
  tool: LoadTool
  out: string | undefined
}

const starts = 5
const cleanUps: (() => Promise<void>)[] = [stopAll]
let interrupted = false

// Not `once`: a terminal's Ctrl-C comes from pnpm a second time.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void interrupt())
useTemporaryFolder()
await main().catch(fail)

async function main(): Promise<void> {
  const options = parseOptions()
  checkPins()
  try {
    const text = report(await measure(options))
    process.stdout.write(text)
    if (options.out !== undefined) writeFileSync(options.out, text)
  } finally {
    if (!interrupted) await cleanUp()
  }
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      only: { type: 'string' },
      tool: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const only = values.only?.split(',') ?? []
  return {
    rounds: wholeNumber('rounds', values.rounds, 50),
    seconds: wholeNumber('seconds', values.seconds, 60),
    ...choose(only),
    tool: pickLoadTool(values.tool),
    out: values.out,
  }
}

/** `--only` takes servers and workloads alike; where it names none of a kind, all of them run. */
function choose(only: readonly string[]): Pick<Options, 'servers' | 'workloads'> {
  const known = { servers: servers.map(({ id }) => id as string), workloads: workloadIds.map((id) => id as string) }
  const unknown = only.filter((id) => !known.servers.includes(id) && !known.workloads.includes(id))
  if (unknown.length > 0)
    throw new Error(`--only takes ${[...known.servers, ...known.workloads].join(', ')}; not ${unknown.join(', ')}`)
  const pick = (ids: string[]) => new Set(ids.some((id) => only.includes(id)) ? ids.filter((id) => only.includes(id)) : ids)
  return { servers: pick(known.servers), workloads: pick(known.workloads) }
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name} is a whole number from 1 to ${most}`)
  return value
}

async function measure(options: Options): Promise<Results> {
  const { rounds, seconds, tool } = options
  const machineLoad = loadavg()[0] ?? 0
  const opening = openDatabases()
  cleanUps.push(() =>
    opening.then(
      ({ close }) => close(),
      () => undefined,
    ),
  )
  const databases = await opening
  const subjects: Subject[] = []
  for (const server of servers.filter((one) => isWanted(one, options))) {
    log(`starting ${server.title}`)
    subjects.push(await prepare(server, await databases.create()))
  }
  const results: Results = {
    settings: { rounds, seconds, tool: tool.name, postgres: databases.version, machineLoad, starts },
    hashes: [],
    rates: { 'current-user': new Map(), 'read-user': new Map(), register: new Map(), 'sign-in': new Map(), refresh: new Map() },
    floods: new Map(),
    starts: new Map(),
    residentAtEnd: new Map(),
  }
  await measureRates(options, subjects, results)
  await measureFloods(options, subjects, results)
  await measureStarts(options, subjects, results)
  return results
}

async function measureRates({ rounds, seconds, workloads, tool }: Options, subjects: Subject[], { rates, hashes }: Results) {
  for (const id of rateIds.filter((rate) => workloads.has(rate))) {
    for (let round = 1; round <= rounds; round += 1) {
      if (id === 'sign-in') hashes.push(await measureHash(availableParallelism()))
      for (const subject of takingPart(subjects, id)) {
        const figures = await measureRate(tool, subject, id, seconds)
        add(rates[id], subject, figures)
        log(`${id}, round ${round}, ${subject.server.title}: ${figures.perSecond.toFixed(1)}/s`)
      }
    }
  }
}

async function measureFloods({ rounds, seconds, workloads, tool }: Options, subjects: Subject[], { floods }: Results) {
  if (!workloads.has('flood')) return
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of takingPart(subjects, 'flood')) {
      const flood = await measureFlood(tool, subject, seconds)
      add(floods, subject, flood)
      log(`flood, round ${round}, ${subject.server.title}: p99 ${flood.idle.p99} to ${flood.flooded.p99} ms`)
    }
  }
}

/** Last, because every server has to be stopped first. */
async function measureStarts({ rounds, seconds, workloads, tool }: Options, subjects: Subject[], results: Results) {
  for (const { server, running } of subjects) {
    results.residentAtEnd.set(server.id, residentMemory(running.pid))
    await running.stop()
  }
  if (!workloads.has('start')) return
  for (let round = 1; round <= Math.max(starts, rounds); round += 1) {
    for (const subject of takingPart(subjects, 'start')) {
      const start = await measureStart(tool, subject, round <= rounds ? seconds : undefined)
      add(results.starts, subject, start)
      log(`start, round ${round}, ${subject.server.title}: ready after ${start.ready.toFixed(0)} ms`)
    }
  }
}

function isWanted({ id, workloads }: Server, options: Options): boolean {
  return options.servers.has(id) && workloads.some((workload) => options.workloads.has(workload))
}

function takingPart(subjects: Subject[], id: WorkloadId): Subject[] {
  return subjects.filter(({ server }) => server.workloads.includes(id))
}

function add<Sample>(samples: Map<ServerId, Sample[]>, { server }: Subject, sample: Sample): void {
  samples.set(server.id, [...(samples.get(server.id) ?? []), sample])
}

/** Progress goes to standard error; the report alone to standard output. */
function log(line: string): void {
  if (!interrupted) process.stderr.write(`${line}\n`)
}

async function interrupt(): Promise<void> {
  if (interrupted) return
  interrupted = true
  process.stderr.write('stopping\n')
  await cleanUp()
  process.exit(130)
}

/** The servers first, then their database. */
async function cleanUp(): Promise<void> {
  for (let next = cleanUps.shift(); next; next = cleanUps.shift()) await next()
}

/** Everything temporary goes into one folder, so that it goes whatever happens. */
function useTemporaryFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  chmodSync(folder, 0o755) // PostgreSQL may run as another user
  process.env['TMPDIR'] = folder
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
}

/** After an interrupt everything fails that was under way, and says nothing new. */
function fail(error: unknown): void {
  if (interrupted) return
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
