import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

const run = promisify(execFile)

export const packageFolder: string = fileURLToPath(new URL('..', import.meta.url))

/** Runs a command of npm to its end in `folder`; its output. Of what this process's own npm said it learns where the machine's settings are. */
export async function npm(folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_globalconfig$)/i.test(name))
  // The Node that runs the tests runs npm's too: the build needs no other.
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const { stdout } = await run('npm', args, { cwd: folder, env: { ...Object.fromEntries(own), PATH: path, ...env } })
  return stdout
}

/** Packs the client that was built into `folder`. */
export async function packTarball(folder: string): Promise<{ tarball: string; files: string[] }> {
  const packed = await npm(packageFolder, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }]
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) }
}

/** Installs what the manifest of `folder` asks for, and `packages`, from the registry or this machine's copies of it. */
export const npmInstall = (folder: string, packages: readonly string[] = []): Promise<string> =>
  npm(folder, ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages])
