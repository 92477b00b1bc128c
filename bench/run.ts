import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { conditionIds } from './disturbance.ts'
import { measureHash } from './hash-time.ts'
import { measureImports } from './import.ts'
import { type Options, parseOptions } from './options.ts'
import { type Databases, openDatabases } from './postgres.ts'
import { residentMemory, stopAll } from './processes.ts'
import { report } from './report.ts'
import type { Results } from './results.ts'
import { measureRevocation, measureRevocationMemory } from './revocation.ts'
import { type Server, type ServerId, type ServerWorkloadId, rateIds, servers } from './servers.ts'
import { measureUserList } from './user-list.ts'
import { checkPins } from './versions.ts'
import { type Subject, measureFlood, measureRate, measureStart, prepare } from './workloads.ts'

/** `pnpm bench`: every server beside the others, in turns, on one PostgreSQL. */
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
    revocations: new Map(),
    revocationMemory: undefined,
    userLists: new Map(),
    imports: [],
  }
  await measureRates(options, subjects, results)
  await measureFloods(options, subjects, results)
  await measureStarts(options, subjects, results)
  await measureRevocations(options, databases, results)
  await measureUserLists(options, databases, results)
  if (options.servers.has('gatehouse-node') && options.workloads.has('import')) {
    results.imports = await measureImports(databases, options.accounts)
    log(`import: ${options.accounts} accounts, twice`)
  }
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

/** Of Gatehouse on Node alone, once each. */
async function measureRevocations(options: Options, databases: Databases, results: Results) {
  const { servers, workloads, sessions, tool } = options
  if (!servers.has('gatehouse-node')) return
  if (workloads.has('revocation-memory')) {
    results.revocationMemory = await measureRevocationMemory()
    log(`revocation-memory: ${results.revocationMemory.toFixed(0)} bytes`)
  }
  for (const condition of workloads.has('revocation') ? conditionIds : []) {
    const revocation = await measureRevocation(tool, await databases.create(), condition, sessions)
    results.revocations.set(condition, revocation)
    log(`revocation, ${condition}: ${revocation.endings.length} sessions ended`)
  }
}

/** Of Gatehouse on Node alone, once. */
async function measureUserLists({ servers, workloads }: Options, databases: Databases, results: Results) {
  if (!servers.has('gatehouse-node') || !workloads.has('list-users')) return
  results.userLists = await measureUserList(await databases.create(), log)
}

function isWanted({ id, workloads }: Server, options: Options): boolean {
  return options.servers.has(id) && workloads.some((workload) => options.workloads.has(workload))
}

function takingPart(subjects: Subject[], id: ServerWorkloadId): Subject[] {
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
