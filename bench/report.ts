import { availableParallelism, cpus } from 'node:os'
import { type BudgetLine, budgetLines, floodRatios, delays, isMet, perSecond, signInShares, toMegabytes } from './budget.ts'
import { conditionTitles } from './disturbance.ts'
import type { Results } from './results.ts'
import type { Refusal } from './revocation.ts'
import { type RateId, type ServerId, rateIds, servers } from './servers.ts'
import { median, percentile, shares } from './statistics.ts'
import { type PageId, listRequests, pageTitles } from './user-list.ts'
import { describeVersions } from './versions.ts'
import { type Rate, connections, floodConnections, probeConnections, warmUp } from './workloads.ts'

/** A run as Markdown. */
export function report(results: Results): string {
  const rates = rateIds.filter((id) => results.rates[id].size > 0)
  const sections = [
    '# Gatehouse beside its peers',
    describeRun(results),
    '## Budget of Gatehouse on Node',
    table(['', 'budget', 'measured', ''], budgetLines(results).map(budgetRow)),
    ...rates.flatMap((id) => [`## ${titles[id]}`, rateTable(results, id)]),
    ...(results.floods.size > 0 ? ['## Current user during a sign-in flood', floodTable(results)] : []),
    ...(results.starts.size > 0 ? ['## Starting, and memory', startTable(results)] : []),
    ...(results.revocations.size > 0 ? ['## Ended sessions', revocationTable(results), describeRevocations(results)] : []),
    ...(results.imports.length > 0 ? ['## Accounts that move in', importTable(results)] : []),
    ...(results.revocationMemory === undefined ? [] : ['## Memory of ended sessions', describeMemory(results.revocationMemory)]),
    ...(results.userLists.size > 0 ? ['## A page of users', userListTable(results), describeUserLists()] : []),
  ]
  return `${sections.join('\n\n')}\n`
}

const titles: Record<RateId, string> = {
  'current-user': 'Current user',
  'read-user': 'Read one user',
  register: 'Register',
  'sign-in': 'Sign in',
  refresh: 'Refresh',
}

/** What the others are divided by. */
const bases: Record<RateId, ServerId> = {
  'current-user': 'bare-hono',
  'read-user': 'fastify',
  register: 'fastify',
  'sign-in': 'fastify',
  refresh: 'gatehouse-node',
}

function describeRun({ settings }: Results): string {
  const { rounds, seconds, starts, tool, postgres, machineLoad } = settings
  return [
    `- ${new Date().toISOString()}, ${availableParallelism()} × ${cpus()[0]?.model.trim()}, load average before: ${machineLoad.toFixed(2)}`,
    `- ${describeVersions()}, PostgreSQL ${postgres}`,
    `- ${tool}, ${connections} connections; ${rounds} rounds of ${seconds} s in turns, each after ${warmUp} s of warm-up; ${starts} starts`,
    '- Medians of the rounds, with the least and the most. A ratio is taken within a round, then its median.',
  ].join('\n')
}

function budgetRow(line: BudgetLine): string[] {
  const { what, least, most, unit = '', values } = line
  const met = isMet(line)
  const bound = least === undefined ? `≤ ${most} ${unit}` : `≥ ${least}`
  const verdict = met === undefined ? 'not measured' : met ? 'met' : '**not met**'
  return [what, bound.trim(), values.length === 0 ? '–' : `${spread(values)} ${unit}`.trim(), verdict]
}

function rateTable(results: Results, id: RateId): string {
  const base = bases[id]
  const measured = results.rates[id]
  const header = ['', 'requests/s', 'p50 ms', 'p99 ms', 'processor µs', `÷ ${titleOf(base)}`]
  const rows = inOrder(measured).map(([server, rounds]) => [
    titleOf(server),
    spread(perSecond(rounds)),
    ...medians(rounds),
    spread(shares(perSecond(rounds), perSecond(measured.get(base)))),
    ...(id === 'sign-in' ? [spread(signInShares(results, server))] : []),
  ])
  if (id !== 'sign-in') return table(header, rows)
  return `${table([...header, '÷ (cores ÷ one hash)'], rows)}\n\n${describeHashes(results)}`
}

function describeHashes({ hashes }: Results): string {
  const cores = availableParallelism()
  const one = median(hashes.map((hash) => hash.one))
  const reached = median(hashes.map((hash) => hash.perSecond))
  return (
    `One argon2id hash alone takes ${figure(one)} ms, so cores ÷ one hash is ${figure((cores * 1000) / one)}/s; ` +
    `hashing ${cores} at once and nothing else, this machine does ${figure(reached)}/s. Better Auth hashes with scrypt.`
  )
}

function floodTable(results: Results): string {
  const header = [
    '',
    `p99 ms, ${probeConnections} connections`,
    `with ${floodConnections} signing in`,
    'ratio',
    'sign-ins/s meanwhile',
  ]
  const rows = inOrder(results.floods).map(([server, rounds]) => [
    titleOf(server),
    spread(rounds.map(({ idle }) => idle.p99)),
    spread(rounds.map(({ flooded }) => flooded.p99)),
    spread(floodRatios(results, server)),
    spread(rounds.map(({ signIns }) => signIns.perSecond)),
  ])
  return table(header, rows)
}

function startTable({ starts, residentAtEnd }: Results): string {
  const header = ['', 'ready ms', 'resident MB after current user', 'after all the other workloads']
  const rows = inOrder(starts).map(([server, rounds]) => [
    titleOf(server),
    spread(rounds.map(({ ready }) => ready)),
    spread(rounds.flatMap(({ resident = [] }) => resident).map(toMegabytes)),
    spread([residentAtEnd.get(server) ?? []].flat().map(toMegabytes)),
  ])
  return table(header, rows)
}

function revocationTable({ revocations }: Results): string {
  const header = ['ms until refused', 'from the answer: p50', 'p90', 'p99', 'max', 'from the request: p50', 'p90', 'p99', 'max']
  const rows = [...revocations].flatMap(([condition, { endings }]) => {
    const each = endings.flat().map((refusal) => [refusal])
    const groups: [string, Refusal[][]][] = [
      ['by the instance asked', each.filter(([refusal]) => refusal?.asked)],
      ['by another', each.filter(([refusal]) => !refusal?.asked)],
      ['everywhere', endings],
    ]
    return groups.map(([who, chosen]) => [
      `${conditionTitles[condition]}: ${who}`,
      ...distribution(delays(chosen, 'sinceAnswer')),
      ...distribution(delays(chosen, 'sinceRequest')),
    ])
  })
  return table(header, rows)
}

function describeRevocations({ revocations }: Results): string {
  const lines = [...revocations].map(([condition, { endings, perSecond, disturbance }]) => {
    const refusals = endings.flat()
    const blur = percentile(
      refusals.map((refusal) => refusal.blur),
      0.99,
    )
    const relapses = refusals.reduce((sum, refusal) => sum + refusal.relapses, 0)
    return (
      `- ${conditionTitles[condition]}: ${disturbance}; ${endings.length} sessions; ${figure(perSecond)} current users/s on each instance; ` +
      `a poller's answers are ${figure(blur)} ms apart (p99); ${relapses} times a 200 followed a 401`
    )
  })
  return lines.join('\n')
}

function importTable({ imports }: Results): string {
  const header = ['', 'accounts', 'seconds', 'accounts/s', '÷ hashes that the cores do', 'seconds when repeated']
  const rows = imports.map(({ into, accounts, seconds, again, hash }) => [
    `into ${into}`,
    String(accounts),
    figure(seconds),
    figure(accounts / seconds),
    figure(accounts / seconds / hash.perSecond),
    figure(again),
  ])
  return table(header, rows)
}

function describeMemory(bytes: number): string {
  return `${figure(toMegabytes(bytes))} MB of an instance's heap for a million ended sessions.`
}

function userListTable({ userLists }: Results): string {
  const sizes = [...userLists.keys()]
  const header = ['ms, p50 / p99', ...sizes.map((size) => `${size.toLocaleString('en')} users`)]
  const rows = Object.entries(pageTitles).map(([id, title]) => [
    title,
    ...sizes.map((size) => {
      const times = userLists.get(size)?.[id as PageId]
      return times ? `${figure(times.p50)} / ${figure(times.p99)}` : '–'
    }),
  ])
  return table(header, rows)
}

function describeUserLists(): string {
  return `${listRequests.counted} requests of each kind, one after the other, 50 accounts on a page; each is recorded as an event.`
}

function distribution(values: readonly number[]): string[] {
  return [0.5, 0.9, 0.99, 1].map((share) => figure(percentile(values, share)))
}

function medians(rounds: Rate[]): string[] {
  return (['p50', 'p99', 'cost'] as const).map((name) => figure(median(rounds.map((rate) => rate[name]))))
}

/** The median, and in brackets the least and the most. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return '–'
  if (values.length === 1) return figure(median(values))
  return `${figure(median(values))} (${figure(Math.min(...values))} – ${figure(Math.max(...values))})`
}

/** Three digits that matter. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function inOrder<Value>(measured: Map<ServerId, Value>): [ServerId, Value][] {
  return servers.flatMap(({ id }): [ServerId, Value][] => {
    const value = measured.get(id)
    return value === undefined ? [] : [[id, value]]
  })
}

const titleOf = (id: ServerId) => servers.find((server) => server.id === id)?.title ?? id

function table(header: string[], rows: string[][]): string {
  const alignment = header.map((_, column) => (column === 0 ? ':--' : '--:'))
  return [header, alignment, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
