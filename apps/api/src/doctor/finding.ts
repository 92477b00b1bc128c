/** What one check found. A failure is what a deploy must not go ahead with. */
export interface Finding {
  /** Names the check; stable, for programs. */
  check: string
  status: 'ok' | 'warning' | 'failure'
  /** What was found. */
  message: string
  /** What to do about it. */
  advice?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export const warning = (check: string, message: string, advice: string): Finding => ({
  check,
  status: 'warning',
  message,
  advice,
})

export const failure = (check: string, message: string, advice: string): Finding => ({
  check,
  status: 'failure',
  message,
  advice,
})

/** Whether a deploy may go ahead. */
export const isHealthy = (findings: readonly Finding[]): boolean => findings.every(({ status }) => status !== 'failure')
