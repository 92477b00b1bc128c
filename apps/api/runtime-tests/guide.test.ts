// Each ```sh block of a document runs, in order, in one bash; the ```json or ```text block right after it is its whole output.
// Tokens, ids and instants differ each time and are compared as such. A ```ts block that begins with a path quotes that file.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SpawnedServer, repository, spawnServer, temporaryFolder } from './server.ts'

describe.each(['README.md', 'docs/guide.md'])('%s', (document) => {
  const steps = readSteps(document)
  const folder = temporaryFolder()
  let server: SpawnedServer | undefined
  let outputs: string[] = []

  beforeAll(async () => {
    server = await spawnServer('node', { DATA_DIR: folder })
    outputs = await run(steps, new URL(server.url).host)
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(steps)('$title prints what the document says', ({ position, language, expected }) => {
    expect(comparable(outputs[position] ?? 'nothing ran', language)).toEqual(comparable(expected, language))
  })
})

const linked = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/administration.md',
  'docs/guide.md',
  'docs/moving-in.md',
  'docs/storage.md',
  'docs/tokens.md',
  'examples/README.md',
  'examples/backend/README.md',
  'examples/curl/README.md',
  'examples/react/README.md',
]

describe.each(linked)('%s', (document) => {
  test('every relative link leads to a file', () => {
    const targets = [...read(document).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target = '']) => target)
    expect(targets.filter((target) => !existsSync(join(repository, dirname(document), target)))).toEqual([])
  })

  test('every excerpt is in the file that it names', () => {
    for (const { path, lines } of readExcerpts(document)) expect(withoutIndent(read(path)), path).toContain(withoutIndent(lines))
  })
})

interface Block {
  language: string
  text: string
  /** Whether only blank lines stand before it and the block above. */
  follows: boolean
}

interface Step {
  position: number
  title: string
  command: string
  language: string
  /** Empty for a command that prints nothing. */
  expected: string
}

function read(path: string): string {
  return readFileSync(join(repository, path), 'utf8')
}

function blocksOf(document: string): Block[] {
  return [...read(document).matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match, i, matches) => {
    const above = matches[i - 1]
    const end = above ? above.index + above[0].length : 0
    const follows = match.input.slice(end, match.index).trim() === ''
    return { language: match[1] ?? '', text: match[2] ?? '', follows }
  })
}

function readSteps(document: string): Step[] {
  const blocks = blocksOf(document)
  const steps = blocks.flatMap(({ language, text: command }, i) => {
    if (language !== 'sh') return []
    const next = blocks[i + 1]
    const output = next?.follows && /^(?:json|text)$/.test(next.language) ? next : { language: 'text', text: '' }
    const title = command.split(/ ?\\?\n/, 1)[0] ?? ''
    return [{ title, command, language: output.language, expected: output.text }]
  })
  return steps.map((step, position) => ({ position, ...step }))
}

function readExcerpts(document: string): { path: string; lines: string }[] {
  return blocksOf(document).flatMap(({ language, text }) => {
    const [, path, lines] = /^\/\/ (\S+\.ts)\n(.*)$/s.exec(text) ?? []
    return language === 'ts' && path !== undefined && lines !== undefined ? [{ path, lines }] : []
  })
}

const withoutIndent = (code: string): string => code.replaceAll(/^[^\S\n]+/gm, '')

const documentedHost = '127.0.0.1:8000'

/** What each command prints; all run in one shell, so that variables last. Rejects at the first that fails. */
async function run(steps: Step[], host: string): Promise<string[]> {
  const script = steps.map(({ command }) => `${command.replaceAll(documentedHost, host)}\nprintf '\\0'\n`).join('')
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: repository })
  return stdout.replaceAll(host, documentedHost).split('\0')
}

const volatile: [pattern: RegExp, name: string][] = [
  [/\bA[\w-]{5,21}(?:…|\.\d+\.[\w-]{43})/g, 'refresh token'],
  [/eyJ[\w-]*(?:…|\.[\w-]+\.[\w-]+)/g, 'token'],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id'],
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g, 'instant'],
  [/(?<=":\s*)\d{10}(?=[,}\s])/g, '"seconds"'],
  [/(?<="next_cursor":\s*)"[\w-]{22}"/g, '"cursor"'],
]

function comparable(output: string, language: string): unknown {
  const text = volatile.reduce((so, [pattern, name]) => so.replaceAll(pattern, name), output.replaceAll('\r', '')).trim()
  return language === 'json' ? JSON.parse(text) : text
}
