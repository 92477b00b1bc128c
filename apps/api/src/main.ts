import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { createApp } from './app.ts'
import { type Config, parseConfig } from './config.ts'
import { pickArgon2id } from './crypto/argon2.ts'
import { installedDocsAssets } from './process/docs-assets.ts'
import { describeKeys } from './health/readiness.ts'
import { yieldingToRequests } from './process/background-threads.ts'
import { fail } from './process/fail.ts'
import { type ProcessLog, createLogger } from './process/logger.ts'
import { masterSecretsOf } from './process/master-secret.ts'
import { createResources } from './resources.ts'
import { openDatabase } from './process/open-database.ts'
import { listen, remoteAddress } from './process/serve.ts'

/** The entry on Node, Bun and Deno: configuration → database → application → server, until a signal. */
async function main(): Promise<void> {
  const config = parseConfig(process.env)
  const log = await createLogger(config, process.stdout.isTTY)
  const { logger } = log
  const database = await openDatabase(config, logger)
  const resources = await createResources(
    { ...config.settings, masterSecrets: masterSecretsOf(config) },
    {
      database,
      argon2id: yieldingToRequests((await pickArgon2id()).argon2id),
      hashConcurrency: availableParallelism(),
      clock: () => new Date(),
      log: logger,
      docsAssets: installedDocsAssets,
      addressOf: remoteAddress,
    },
  )
  if (!resources.keyring.signer) logger.error({}, `not ready: ${describeKeys(resources.keyring)}`)
  const server = await listen(createApp(resources).fetch, config)
  announce(server.url, config, log)

  onSignal(async (signal) => {
    logger.info({ signal }, 'draining')
    await server.drain()
    await database.close()
    logger.info({}, 'stopped')
    log.flush()
    process.exit(0)
  })
}

function announce(url: string, { database }: Config, { logger, flush }: ProcessLog): void {
  const data = database.kind === 'embedded' ? resolve(database.folder) : 'PostgreSQL'
  // Said at any log level: with PORT=0 nothing else tells the port.
  logger.child({}, { level: 'info' }).info({ url, docs: `${url}/docs`, data }, `Gatehouse listens on ${url}`)
  flush()
}

/** A terminal's Ctrl-C reaches every process of a group, and a parent may pass it on: that is still one signal. Milliseconds. */
const sameSignal = 300

function onSignal(stop: (signal: string) => Promise<void>): void {
  let first: number | undefined
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => {
      if (first === undefined) {
        first = performance.now()
        void stop(signal).catch(fail)
      } else if (performance.now() - first > sameSignal) {
        process.exit(128 + number)
      }
    })
  }
}

await main().catch(fail)
