import type { Command } from 'commander'
import { ConfigError, parseConfig } from '../config.ts'
import { pickArgon2id } from '../crypto/argon2.ts'
import { inspectDatabase } from '../process/inspect-database.ts'
import { presentMasterSecrets } from '../process/master-secret.ts'
import { examine } from './examine.ts'
import { type Finding, failure, isHealthy } from './finding.ts'
import { describeFindings, listFindings } from './report.ts'

/** `gatehouse doctor`: looks at what a deploy depends on, and ends with 1 where it must not go ahead. */
export function addDoctor(program: Command, env: Record<string, string | undefined>): void {
  program
    .command('doctor')
    .description('check settings, database, keys, limits and addresses before a deploy; changes nothing')
    .option('--json', 'as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings = await findingsOf(env)
      process.stdout.write(`${json ? listFindings(findings) : describeFindings(findings)}\n`)
      process.exitCode = isHealthy(findings) ? 0 : 1
    })
}

async function findingsOf(env: Record<string, string | undefined>): Promise<Finding[]> {
  try {
    const config = parseConfig(env)
    return await examine(config, {
      inspectDatabase: () => inspectDatabase(config),
      masterSecrets: () => presentMasterSecrets(config),
      argon2id: await pickArgon2id(),
      cores: navigator.hardwareConcurrency,
      fetch,
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) =>
      failure('configuration', problem, 'Set it, or leave it out. The rest is checked then.'),
    )
  }
}
