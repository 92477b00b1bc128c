// `npm start`: installs what serving needs, then runs the server on the pinned Node.
// It stands between npm and the server so that one signal to either drains and exits 0:
// through npx and pnpm a SIGTERM would stop at the first shell. Runs on Node 20, without packages.
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lockfile = `${root}pnpm-lock.yaml`
const installedLockfile = `${root}node_modules/.installed-lock.yaml`

/** Node's own type stripping, without a warning, came with this version. */
const leastNode = [22, 18]

const signals = ['SIGINT', 'SIGTERM']

/** Megabytes. Node takes more on a large machine, and then each collection of young objects takes milliseconds. */
const flags = ['--max-semi-space-size=4']

process.chdir(root)
if (!isInstalled()) install()
serve(findNode())

function isInstalled() {
  return existsSync(installedLockfile) && readFileSync(installedLockfile, 'utf8') === readFileSync(lockfile, 'utf8')
}

function install() {
  // Without the tools of development it takes half the time; where those are already, they stay.
  const scope = existsSync(`${root}node_modules/.bin/turbo`) ? [] : ['--prod']
  const { status } = spawnSync('npx', ['-y', 'pnpm@12.21.0', 'install', '--frozen-lockfile', ...scope], { stdio: 'inherit' })
  if (status !== 0) fail('the packages could not be installed; the lines above say why')
  copyFileSync(lockfile, installedLockfile)
}

function findNode() {
  const pinned = `${root}node_modules/.bin/node`
  if (existsSync(pinned)) return pinned
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [leastMajor, leastMinor] = leastNode
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return process.execPath
  return fail(`this system needs Node ${leastNode.join('.')} or later (here: ${process.versions.node})`)
}

function serve(node) {
  // One arena: memory that one thread hashed in is used again by the next, not kept by each.
  const env = { NODE_COMPILE_CACHE: `${root}node_modules/.cache/node`, MALLOC_ARENA_MAX: '1', ...process.env }
  const server = spawn(node, [...flags, 'apps/api/src/main.ts'], { stdio: 'inherit', env })
  const pass = (signal) => server.kill(signal)
  for (const signal of signals) process.on(signal, pass)
  server.on('error', (error) => fail(error.message))
  server.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const handled of signals) process.off(handled, pass)
    process.kill(process.pid, signal) // end as the server did
  })
}

function fail(reason) {
  process.stderr.write(`gatehouse: ${reason}\n`)
  process.exit(1)
}
