import { type Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config.ts'
import { pickArgon2id } from '../crypto/argon2.ts'
import { wrapSha256 } from '../crypto/password.ts'
import { createSemaphore } from '../crypto/semaphore.ts'
import { inBatches } from '../import/batches.ts'
import { decodeText } from '../import/decode-text.ts'
import { type Outcome, importAccounts } from '../import/import-accounts.ts'
import { createImportQueries } from '../import/queries.ts'
import { readJson } from '../import/read-json.ts'
import type { SourceRecord } from '../import/record.ts'
import { createTally, describeSummary, reportLine } from '../import/summary.ts'
import { createTutorialQueries } from '../import/tutorial/queries.ts'
import { createReportFile, readBytes } from '../process/import-files.ts'
import { showProgress } from '../process/import-progress.ts'
import type { Shell } from './shell.ts'

interface Options {
  source?: string
  dryRun?: boolean
  report?: string
  json?: boolean
  allowRoles?: boolean
}

/** Where accounts come from. */
interface Source {
  name: string
  /** How many there are, where that is known. */
  total: number | undefined
  distinctKeys: boolean
  batches(signal: AbortSignal): AsyncIterable<SourceRecord[]>
  close(): Promise<void>
}

/** Accounts of a file that are looked at together. */
const batchSize = 500

/** Accounts left behind that standard output names. */
const naming = 20

/** `gatehouse import …`: brings accounts over from another system. */
export function addImportCommands(program: Command, shell: Shell): void {
  const imports = program.command('import').description('bring accounts over from another system').helpCommand(false)

  const withOptions = (command: Command) =>
    command
      .option('--source <name>', 'what the system is called here: by this name, each of its accounts comes over once', parseName)
      .option('--dry-run', 'say what would happen, and write no account')
      .option('--report <file>', 'write a line of JSON about every account')
      .option('--json', 'the summary as JSON')
  const withFile = (command: Command) =>
    withOptions(command.argument('<file>', 'a file, or - for standard input')).option('--allow-roles', 'take roles over too')

  withOptions(
    imports
      .command('tutorial')
      .description('from the FastAPI tutorial’s table `users` in PostgreSQL; it is only read')
      .requiredOption('--from <url>', 'postgres://user:password@host:5432/database'),
  ).action(async (options: Options & { from: string }, command: Command) => {
    const from = parseUrl(options.from)
    if (!from) return command.error('error: --from is a URL such as postgres://user@host:5432/database') // unquoted: it may hold a password
    return runImport(shell, await openTutorial(shell.config(), from, options.source), options)
  })
  withFile(imports.command('json').description('from a JSON array, or one JSON object a line')).action(
    (file: string, options: Options, command: Command) => runImport(shell, openFile(readJson, file, options, command), options),
  )
  withFile(imports.command('csv').description('from CSV with a header')).action(
    async (file: string, options: Options, command: Command) => {
      const { readCsv } = await import('../import/read-csv.ts')
      const ignore = (columns: string[]) => shell.log.warn({}, describeIgnored(columns))
      await runImport(
        shell,
        openFile((text) => readCsv(text, ignore), file, options, command),
        options,
      )
    },
  )
}

async function openTutorial({ database }: Config, from: URL, source: string | undefined): Promise<Source> {
  const { leadToOneDatabase, openSource } = await import('../db/open-source.ts')
  if (database.kind === 'postgres' && (await leadToOneDatabase(from.href, database.url))) {
    throw new Error('--from is the database that Gatehouse itself uses: give it another one, in DATABASE_URL')
  }
  const opened = await openSource(from.href)
  try {
    const tutorial = createTutorialQueries(opened)
    await tutorial.check()
    const name = source ?? `postgres://${from.hostname}:${from.port || '5432'}${from.pathname}`
    return { name, total: await tutorial.count(), distinctKeys: true, batches: () => tutorial.read(), close: opened.close }
  } catch (error) {
    await opened.close()
    throw error
  }
}

function openFile(
  read: (text: AsyncIterable<string>) => AsyncIterable<SourceRecord>,
  file: string,
  { source }: Options,
  command: Command,
): Source {
  if (file === '-' && source === undefined) command.error('error: standard input needs --source <name>')
  const batches = (signal: AbortSignal) => inBatches(read(decodeText(readBytes(file))), batchSize, signal)
  return { name: source ?? nameOf(file), total: undefined, distinctKeys: false, batches, close: async () => undefined }
}

async function runImport(shell: Shell, source: Source, options: Options): Promise<void> {
  const { dryRun = false, allowRoles = false, json = false, report: reportFile } = options
  const startedAt = performance.now()
  const stop = stoppedBySignal()
  const tally = createTally(naming)
  try {
    await shell.withDatabase(async ({ db }) => {
      const dependencies = { queries: createImportQueries(db), ...(await createHashing()), clock: () => new Date(), ...stop }
      const toImport = { source: source.name, dryRun, allowRoles, distinctKeys: source.distinctKeys }
      await withReport(reportFile, source.total, tally, (tell) =>
        importAccounts({ ...dependencies, tell }, source.batches(stop.signal), toImport),
      )
    })
  } finally {
    await source.close()
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  const summary = tally.summarize({ source: source.name, dry_run: dryRun, interrupted: stop.signal.aborted, seconds })
  shell.print(json ? JSON.stringify(summary, null, 2) : describeSummary(summary, tally.named, reportFile))
  if (stop.signal.aborted) process.exit(stop.exitCode()) // standard input may be waited for still
  process.exitCode = summary.left_behind > 0 ? 1 : 0
}

/** Lets `act` tell of every account: it is counted, shown, and written down where a file is named. */
async function withReport(
  file: string | undefined,
  total: number | undefined,
  tally: ReturnType<typeof createTally>,
  act: (tell: (outcome: Outcome) => void) => Promise<void>,
): Promise<void> {
  const report = file === undefined ? undefined : createReportFile(file)
  const progress = await showProgress(total)
  try {
    await act((outcome) => {
      tally.add(outcome)
      report?.write(reportLine(outcome))
      progress.advance()
    })
  } finally {
    progress.stop()
    report?.close()
  }
}

/** As many hashes at once as there are cores, and as many accounts again that are being written. */
async function createHashing() {
  const { argon2id } = await pickArgon2id()
  const cores = navigator.hardwareConcurrency
  const limited = createSemaphore(() => cores, Infinity)
  return { wrap: (digest: string) => limited(() => wrapSha256(argon2id, digest)), atOnce: 2 * cores }
}

/** The first signal stops the import where it can be gone on from; the second ends the process. */
function stoppedBySignal(): { signal: AbortSignal; exitCode(): number } {
  const stop = new AbortController()
  let exitCode = 0
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitCode)
      exitCode = 128 + number
      stop.abort()
    })
  }
  return { signal: stop.signal, exitCode: () => exitCode }
}

const describeIgnored = (columns: string[]) =>
  `these columns are no part of an account here and are ignored: ${columns.map((name) => JSON.stringify(name)).join(', ')}`

/** A file without its folder. */
const nameOf = (file: string) => file.split(/[/\\]/).at(-1) || file

function parseName(text: string): string {
  if (text.trim() === '' || text.length > 200 || !text.isWellFormed())
    throw new InvalidArgumentError('It has 1 to 200 characters.')
  return text
}

/** SQLAlchemy names its driver in the URL: `postgresql+psycopg2://`. */
function parseUrl(text: string): URL | undefined {
  const url = URL.parse(text.replace(/^(postgres(?:ql)?)\+\w+:/, '$1:'))
  return url && /^postgres(?:ql)?:$/.test(url.protocol) ? url : undefined
}
