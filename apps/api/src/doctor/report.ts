import { type Finding, isHealthy } from './finding.ts'

const marks: Record<Finding['status'], string> = { ok: 'ok     ', warning: 'warning', failure: 'FAILURE' }

/** The findings for people: a line each, and below it what to do. */
export function describeFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, message, advice }) => {
    const line = `${marks[status]}  ${check.padEnd(width)}  ${message}`
    return advice === undefined ? [line] : [line, `${' '.repeat(width + 11)}→ ${advice}`]
  })
  return [...lines, '', summarize(findings)].join('\n')
}

/** The same for programs. */
export const listFindings = (findings: readonly Finding[]): string =>
  JSON.stringify({ healthy: isHealthy(findings), checks: findings }, null, 2)

function summarize(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  const verdict = isHealthy(findings) ? 'Ready to deploy' : 'Not ready to deploy'
  return `${verdict}: ${count('failure')} failed, ${count('warning')} to look at, ${count('ok')} fine.`
}
