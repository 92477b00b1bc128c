import { parseArgs } from 'node:util'
import { type LoadTool, pickLoadTool } from './load.ts'
import { servers, workloadIds } from './servers.ts'

/** The command line, parsed. */
export interface Options {
  rounds: number
  seconds: number
  /** Ended in each part of `revocation`. */
  sessions: number
  /** Brought over in `import`. */
  accounts: number
  servers: ReadonlySet<string>
  workloads: ReadonlySet<string>
  tool: LoadTool
  out: string | undefined
}

export function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      sessions: { type: 'string', default: '200' },
      accounts: { type: 'string', default: '3000' },
      only: { type: 'string' },
      tool: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const only = values.only?.split(',') ?? []
  return {
    rounds: wholeNumber('rounds', values.rounds, 50),
    seconds: wholeNumber('seconds', values.seconds, 60),
    sessions: wholeNumber('sessions', values.sessions, 2000),
    accounts: wholeNumber('accounts', values.accounts, 1_000_000),
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
