import type { Command } from 'commander'
import { ConfigError } from '../config.ts'
import { pickArgon2id } from '../crypto/argon2.ts'
import { inspectDatabase } from '../process/inspect-database.ts'
import { presentMasterSecrets } from '../process/master-secret.ts'
import { examine } from '../doctor/examine.ts'
import { type Finding, failure, isHealthy } from '../doctor/finding.ts'
import { describeFindings, listFindings } from '../doctor/report.ts'
import type { Shell } from './shell.ts'

/** `gatehouse doctor`: looks at what a deploy depends on, and ends with 1 where it must not go ahead. */
export function addDoctor(program: Command, shell: Shell): void {
  program
    .command('doctor')
    .description('check settings, database, keys, limits and addresses before a deploy; changes nothing')
    .option('--json', 'as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings = await findingsOf(shell)
      shell.print(json ? listFindings(findings) : describeFindings(findings))
      process.exitCode = isHealthy(findings) ? 0 : 1
    })
}

async function findingsOf(shell: Shell): Promise<Finding[]> {
  try {
    const config = shell.config()
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
