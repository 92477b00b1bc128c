import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../../apps/api/runtime-tests/server.ts'
import { npmInstall, packTarball, packageFolder } from './npm.ts'

export interface Manifest {
  sideEffects: unknown
  exports: Record<string, string | { types: string; default: string }>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** The client as an application gets it. */
export interface Packed {
  tarball: string
  /** What is in the tarball, without `package/`. */
  files: string[]
  manifest: Manifest
  /** A folder with the tarball installed by npm, and these sources: a project of somebody else's. */
  consumer: string
  /** The installed package. */
  folder: string
}

/** Packs the client that was built, and installs it outside of the workspace. */
export async function packClient(): Promise<Packed> {
  const root = temporaryFolder()
  const { tarball, files } = await packTarball(root)
  const consumer = join(root, 'consumer')
  const folder = join(consumer, 'node_modules/@gatehouse/client')
  await install(consumer, [tarball, ...peers()])
  const manifest = readManifest(folder)
  return { tarball, files, manifest, consumer, folder }
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** What an application of the entries has besides, in the versions that the client is developed with. */
function peers(): string[] {
  const { peerDependencies = {}, devDependencies = {} } = readManifest(packageFolder)
  const names = Object.keys(peerDependencies).flatMap((name) => [name, `@types/${name}`])
  return names.flatMap((name) => (devDependencies[name] === undefined ? [] : [`${name}@${devDependencies[name]}`]))
}

async function install(consumer: string, packages: string[]): Promise<void> {
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  cpSync(join(packageFolder, 'package-tests/consumer'), consumer, { recursive: true })
  await npmInstall(consumer, packages)
}

/** The entries that hold code, such as `.` and `./verify`. */
export function entriesOf({ exports }: Manifest): [entry: string, files: { types: string; default: string }][] {
  return Object.entries(exports).flatMap(([entry, files]) => (typeof files === 'string' ? [] : [[entry, files]]))
}
