import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { bun } from './servers.ts'

/** What ran, as a line of the report. */
export function describeVersions(): string {
  const { hono, fastify, 'better-auth': betterAuth } = pinned('package.json')
  const bunVersion = existsSync(bun) ? execFileSync(bun, ['--version'], { encoding: 'utf8' }).trim() : 'not installed'
  return `Node ${process.versions.node}, Bun ${bunVersion}, hono ${hono}, fastify ${fastify}, better-auth ${betterAuth}`
}

/** Bare hono is a measure of Gatehouse only in the version that Gatehouse uses. */
export function checkPins(): void {
  const [ours, gatehouse] = [pinned('package.json'), pinned('../apps/api/package.json')]
  for (const name of ['hono', '@hono/node-server']) {
    if (ours[name] !== gatehouse[name])
      throw new Error(`bench pins ${name} ${ours[name]}, Gatehouse ${gatehouse[name]}: pin the same`)
  }
}

function pinned(manifest: string): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(new URL(manifest, import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return dependencies
}
