import type { Outcome } from './import-accounts.ts'

/** What an import came to. */
export interface Summary {
  source: string
  dry_run: boolean
  /** Whether it was stopped before the end of the source. */
  interrupted: boolean
  accounts: number
  imported: number
  already_imported: number
  deleted_since: number
  left_behind: number
  /** How many were left behind for what. */
  reasons: Record<string, number>
  /** How many came over otherwise than they were, and in what. */
  notes: Record<string, number>
  seconds: number
}

type LeftBehind = Extract<Outcome, { outcome: 'left_behind' }>

/** Counts outcomes, and keeps the first of those left behind. */
export function createTally(naming: number) {
  const counts = { imported: 0, already_imported: 0, deleted_since: 0, left_behind: 0 }
  const reasons: Record<string, number> = {}
  const notes: Record<string, number> = {}
  const named: LeftBehind[] = []
  const count = (of: Record<string, number>, name: string) => void (of[name] = (of[name] ?? 0) + 1)
  return {
    named,
    get accounts() {
      return Object.values(counts).reduce((sum, each) => sum + each, 0)
    },
    add(outcome: Outcome): void {
      counts[outcome.outcome] += 1
      if (outcome.outcome === 'imported') for (const note of outcome.notes) count(notes, note)
      if (outcome.outcome !== 'left_behind') return
      for (const { code } of outcome.reasons) count(reasons, code)
      if (named.length < naming) named.push(outcome)
    },
    summarize(run: Pick<Summary, 'source' | 'dry_run' | 'interrupted' | 'seconds'>): Summary {
      const { seconds, ...rest } = run
      return { ...rest, accounts: this.accounts, ...counts, reasons, notes, seconds }
    },
  }
}

const noteTexts: Record<string, string> = {
  create_time_unknown: 'without a create_time: the time of the import is theirs',
  role_ignored: 'with a role that was ignored; --allow-roles takes it over',
}

/** For people. */
export function describeSummary(summary: Summary, named: readonly LeftBehind[], reportFile: string | undefined): string {
  const { accounts, source, dry_run: dryRun, interrupted, left_behind: left } = summary
  const row = (count: number, what: string) => `${String(count).padStart(8)}  ${what}`
  const unnamed = left - named.length
  return [
    `${accounts} ${accounts === 1 ? 'account' : 'accounts'} of ${printable(source)}${dryRun ? ', nothing written' : ''}:`,
    row(summary.imported, dryRun ? 'would come over' : 'came over'),
    ...Object.entries(summary.notes).map(([note, count]) => row(count, `  ${noteTexts[note] ?? note}`)),
    row(summary.already_imported, 'came over before'),
    row(summary.deleted_since, 'came over before and were deleted here'),
    row(left, dryRun ? 'would be left behind' : 'left behind'),
    ...named.map(describeLeftBehind),
    ...(unnamed > 0 ? [`  and ${unnamed} more${reportFile === undefined ? '; --report <file> names them all' : ''}`] : []),
    ...(reportFile === undefined ? [] : [`The report on every account is in ${reportFile}.`]),
    ...(interrupted ? ['Interrupted: the same command goes on from here.'] : []),
  ].join('\n')
}

function describeLeftBehind({ username, position, reasons }: LeftBehind): string {
  const name = username === null ? `record ${position}` : `${printable(username)} (record ${position})`
  return `  ${name}: ${reasons.map(({ message }) => printable(message, 300)).join('; ')}`
}

/** What a terminal may show: no character that would move its cursor or change its colours. */
function printable(text: string, maxLength = 80): string {
  const shown = shorten(text, maxLength)
  return shown.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)
}

/** A line of the report: JSON, with names of a bearable length. */
export function reportLine(outcome: Outcome): string {
  return JSON.stringify({ ...outcome, username: outcome.username === null ? null : shorten(outcome.username, 400) })
}

const shorten = (text: string, maxLength: number) => (text.length > maxLength ? `${text.slice(0, maxLength)}…` : text)
