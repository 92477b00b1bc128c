import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { packClient } from '../packages/client/package-tests/packed.ts'

// What a page loads to sign up, sign in and stay signed in: with our client, and with others. `node client-sizes.ts [file]`

interface Client {
  title: string
  /** A module that makes the client as its documentation does. */
  source: string
  /** Whose version is printed. */
  name: string
}

const here = fileURLToPath(new URL('.', import.meta.url))
const tools = createRequire(new URL('../packages/client/package-tests/package.json', import.meta.url))
const esbuild = tools.resolve('esbuild/bin/esbuild')

const ours: Client[] = [
  {
    title: 'Gatehouse, what `createClient` needs',
    source: `import { createClient } from '@gatehouse/client'; console.log(createClient('https://x.example'))`,
    name: '@gatehouse/client',
  },
  { title: 'Gatehouse, everything of the entry', source: `export * from '@gatehouse/client'`, name: '@gatehouse/client' },
  { title: 'Gatehouse, everything of `/verify`', source: `export * from '@gatehouse/client/verify'`, name: '@gatehouse/client' },
]

const others: Client[] = [
  {
    title: 'hono, `hc` alone: no session',
    source: `import { hc } from 'hono/client'; console.log(hc('https://x.example'))`,
    name: 'hono',
  },
  {
    title: 'Better Auth, `createAuthClient`',
    source: `import { createAuthClient } from 'better-auth/client'; console.log(createAuthClient({ baseURL: 'https://x.example' }))`,
    name: 'better-auth',
  },
  {
    title: 'PocketBase',
    source: `import PocketBase from 'pocketbase'; console.log(new PocketBase('https://x.example'))`,
    name: 'pocketbase',
  },
  {
    title: 'Logto, browser',
    source: `import LogtoClient from '@logto/browser'; console.log(new LogtoClient({ endpoint: 'https://x.example', appId: 'x' }))`,
    name: '@logto/browser',
  },
  {
    title: 'Supabase, auth alone',
    source: `import { AuthClient } from '@supabase/auth-js'; console.log(new AuthClient({ url: 'https://x.example' }))`,
    name: '@supabase/auth-js',
  },
]

const { consumer } = await packClient()
const lines = [...ours.map((client) => row(client, consumer)), ...others.map((client) => row(client, here))]
const table = [
  '|  | version | minified | gzip -9 | brotli | ÷ Gatehouse, gzip |',
  '| :-- | --: | --: | --: | --: | --: |',
  ...lines.map(({ title, version, minified, gzip, brotli }) => {
    const times = (gzip / (lines[0]?.gzip ?? 0)).toFixed(2)
    return `| ${[title, version, minified, gzip, brotli, times].join(' | ')} |`
  }),
].join('\n')
rmSync(dirname(consumer), { recursive: true })
process.stdout.write(`${table}\n`)
const out = process.argv[2]
if (out !== undefined) writeFileSync(out, `${heading()}\n\n${table}\n`)

function row({ title, source, name }: Client, folder: string) {
  const args = ['--bundle', '--minify', '--format=esm', '--platform=browser', '--target=es2022', '--log-level=error']
  const bundle = execFileSync(esbuild, args, { cwd: folder, input: source, maxBuffer: 2 ** 26 })
  return {
    title,
    version: versionOf(join(folder, 'node_modules', name)),
    minified: bundle.length,
    gzip: gzipSync(bundle, { level: 9 }).length,
    brotli: brotliCompressSync(bundle).length,
  }
}

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

function heading(): string {
  const esbuildVersion = execFileSync(esbuild, ['--version'], { encoding: 'utf8' }).trim()
  return [
    '# What a page loads for its users to sign in',
    '',
    `- ${new Date().toISOString()}, esbuild ${esbuildVersion}: a browser bundle of a module that makes the client, minified, ES2022`,
    '- Bytes. Ours is bundled from the tarball that `npm pack` makes, installed by npm.',
    '- They differ in what they do: Better Auth keeps the session in a cookie that the server renews; Logto sends people to its own',
    '  pages; PocketBase and Supabase bring more than accounts (records and files; OAuth, one-time codes, passkeys, multi-factor).',
  ].join('\n')
}
