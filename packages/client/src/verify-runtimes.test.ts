import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Runtime,
  type SpawnedServer,
  repository,
  runtimeCommand,
  spawnServer,
  temporaryFolder,
  testSecret,
} from '../../../apps/api/runtime-tests/server.ts'
import { createApi } from '../../../apps/api/runtime-tests/suite/target.ts'

let server: SpawnedServer
beforeAll(async () => {
  server = await spawnServer('node', { DATA_DIR: temporaryFolder(), GATEHOUSE_SECRET: testSecret })
})
afterAll(() => server.stop())

/** Prints what comes of each token in its arguments: a name or a code. */
const script = `
  import { createVerifier } from ${JSON.stringify(new URL('verify.ts', import.meta.url).href)}
  const { argv } = await import('node:process')
  const [issuer, jwksUrl, elsewhere, ...tokens] = argv.slice(2)
  const outcome = (verifier, token) => verifier.verify(token).then(({ username }) => username, ({ code }) => code)
  const verifier = createVerifier({ issuer, jwksUrl })
  const request = new Request(issuer, { headers: { Authorization: 'Bearer ' + tokens[0] } })
  const outcomes = await Promise.all(tokens.map((token) => outcome(verifier, token)))
  outcomes.push((await verifier.verifyRequest(request)).username)
  outcomes.push(await outcome(createVerifier({ issuer, jwksUrl: elsewhere }), tokens[0]))
  console.log(JSON.stringify(outcomes))
`

test.each<Runtime>(['node', 'bun', 'deno'])('on %s a verifier accepts a server’s token and no other', async (runtime) => {
  const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: async () => undefined })
  const { username, token } = await api.account()
  const [header = '', payload = '', signature = ''] = token.split('.')
  const refused = [
    `${token}A`,
    `${token}=`,
    ` ${token}`,
    `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    `${header}.${payload}.${'A'.repeat(86)}`,
    `${header}.${payload}.${signature.slice(0, -2)}`,
    `${header}.${payload.slice(0, -4)}.${signature}`,
    'nonsense',
  ]
  const file = join(temporaryFolder(), 'verify.mjs')
  await writeFile(file, script)
  const [command, ...args] = runtimeCommand(runtime)
  const asked = ['http://127.0.0.1:8000', `${server.url}/.well-known/jwks.json`, `${server.url}/health/live`]
  const { stdout } = await promisify(execFile)(command, [...args, file, ...asked, token, ...refused], { cwd: repository })
  expect(JSON.parse(stdout)).toEqual([username, ...refused.map(() => 'invalid_token'), username, 'keys_unavailable'])
})
