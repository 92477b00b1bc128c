import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { pickArgon2id } from '../crypto/argon2.ts'
import { wrapSha256 } from '../crypto/password.ts'
import { createSemaphore } from '../crypto/semaphore.ts'
import { inBatches } from '../import/batches.ts'
import { decodeText } from '../import/decode-text.ts'
import { importAccounts } from '../import/import-accounts.ts'
import { createImportQueries } from '../import/queries.ts'
import { readCsv } from '../import/read-csv.ts'
import { readJson } from '../import/read-json.ts'
import type { SourceRecord } from '../import/record.ts'
import { createTally, describeSummary, reportLine } from '../import/summary.ts'
import { createTutorialQueries } from '../import/tutorial/queries.ts'
import { createReportFile, readBytes } from './import-files.ts'
import { showProgress } from './import-progress.ts'
import { openDatabase } from './open-database.ts'

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
export function addImportCommand(program: Command, env: Record<string, string | undefined>): void {
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
    const config = parseConfig(env)
    return runImport(config, await openTutorial(config, from, options.source), options)
  })
  withFile(imports.command('json').description('from a JSON array, or one JSON object a line')).action(
    (file: string, options: Options, command: Command) =>
      runImport(parseConfig(env), openFile(readJson, file, options, command), options),
  )
  withFile(imports.command('csv').description('from CSV with a header')).action(
    (file: string, options: Options, command: Command) =>
      runImport(
        parseConfig(env),
        openFile((text) => readCsv(text, tellIgnored), file, options, command),
        options,
      ),
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
  return { name: source ?? basename(file), total: undefined, distinctKeys: false, batches, close: async () => undefined }
}

async function runImport(config: Config, source: Source, options: Options): Promise<void> {
  const { dryRun = false, allowRoles = false, json = false, report: reportFile } = options
  const startedAt = performance.now()
  const stop = stoppedBySignal()
  const database = await openDatabase(config, { info: () => undefined, warn: say, error: say })
  const report = reportFile === undefined ? undefined : createReportFile(reportFile)
  const tally = createTally(naming)
  const progress = await showProgress(source.total)
  try {
    await importAccounts(
      {
        queries: createImportQueries(database.db),
        ...(await createHashing()),
        clock: () => new Date(),
        signal: stop.signal,
        tell(outcome) {
          tally.add(outcome)
          report?.write(reportLine(outcome))
          progress.advance()
        },
      },
      source.batches(stop.signal),
      { source: source.name, dryRun, allowRoles, distinctKeys: source.distinctKeys },
    )
  } finally {
    progress.stop()
    report?.close()
    await Promise.all([database.close(), source.close()])
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  const summary = tally.summarize({ source: source.name, dry_run: dryRun, interrupted: stop.signal.aborted, seconds })
  const text = json ? JSON.stringify(summary, null, 2) : describeSummary(summary, tally.named, reportFile)
  process.stdout.write(`${text}\n`)
  if (stop.signal.aborted) process.exit(stop.exitCode()) // standard input may be waited for still
  process.exitCode = summary.left_behind > 0 ? 1 : 0
}

/** As many hashes at once as there are cores, and as many accounts again that are being written. */
async function createHashing() {
  const { argon2id } = await pickArgon2id()
  const cores = availableParallelism()
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

const say = (_fields: object, message: string) => void process.stderr.write(`gatehouse: ${message}\n`)

function tellIgnored(columns: string[]): void {
  say(
    {},
    `these columns are no part of an account here and are ignored: ${columns.map((name) => JSON.stringify(name)).join(', ')}`,
  )
}

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
