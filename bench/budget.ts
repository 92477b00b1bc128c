import { availableParallelism } from 'node:os'
import { conditionIds, conditionTitles } from './disturbance.ts'
import type { Figures } from './load.ts'
import type { Results } from './results.ts'
import type { Refusal } from './revocation.ts'
import type { RateId, ServerId } from './servers.ts'
import { median, percentile, shares } from './statistics.ts'

/** What Gatehouse on Node promises, and what it did. */
export interface BudgetLine {
  what: string
  least?: number
  most?: number
  unit?: string
  /** One value per round; none where the run left it out. */
  values: number[]
}

export function budgetLines(results: Results): BudgetLine[] {
  const { starts } = results
  const started = starts.get('gatehouse-node') ?? []
  return [
    { what: 'current user ÷ bare Hono', least: 0.75, values: ratio(results, 'current-user', 'gatehouse-node', 'bare-hono') },
    { what: 'read one user ÷ Fastify', least: 1.2, values: ratio(results, 'read-user', 'gatehouse-node', 'fastify') },
    { what: 'sign-ins ÷ (cores ÷ one hash)', least: 0.8, values: signInShares(results, 'gatehouse-node') },
    { what: 'p99 of current user in a sign-in flood ÷ idle', most: 3, values: floodRatios(results, 'gatehouse-node') },
    { what: 'ready on PostgreSQL', most: 1000, unit: 'ms', values: started.map(({ ready }) => ready) },
    {
      what: 'resident on PostgreSQL',
      most: 150,
      unit: 'MB',
      values: started.flatMap(({ resident = [] }) => resident).map(toMegabytes),
    },
    ...conditionIds.map((condition) => ({
      what: `ended session refused everywhere, p99, ${conditionTitles[condition]}`,
      most: 1000,
      unit: 'ms',
      values: [results.revocations.get(condition) ?? []]
        .flat()
        .map(({ endings }) => percentile(delays(endings, 'sinceAnswer'), 0.99)),
    })),
  ]
}

/** Undefined where nothing was measured. */
export function isMet({ least = -Infinity, most = Infinity, values }: BudgetLine): boolean | undefined {
  if (values.length === 0) return undefined
  return median(values) >= least && median(values) <= most
}

function ratio({ rates }: Results, id: RateId, server: ServerId, base: ServerId): number[] {
  return shares(perSecond(rates[id].get(server)), perSecond(rates[id].get(base)))
}

/** Sign-ins as a share of the hashes that the cores could compute if they did nothing else, at the speed of one alone. */
export function signInShares({ rates, hashes }: Results, server: ServerId): number[] {
  const most = hashes.map(({ one }) => (availableParallelism() * 1000) / one)
  return shares(perSecond(rates['sign-in'].get(server)), most)
}

export function floodRatios({ floods }: Results, server: ServerId): number[] {
  return (floods.get(server) ?? []).map(({ idle, flooded }) => flooded.p99 / idle.p99)
}

/** Milliseconds until the last of each list of instances refused its session. */
export function delays(endings: readonly Refusal[][], since: 'sinceAnswer' | 'sinceRequest'): number[] {
  return endings.map((refusals) => Math.max(...refusals.map((refusal) => refusal[since])))
}

export const perSecond = (rounds: readonly Figures[] = []): number[] => rounds.map((figures) => figures.perSecond)

export const toMegabytes = (bytes: number): number => bytes / 1e6
