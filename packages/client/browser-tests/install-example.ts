import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, temporaryFolder } from '../../../apps/api/runtime-tests/server.ts'
import { npmInstall, packTarball } from '../package-tests/npm.ts'

/** Copies an example to a folder of its own and installs it there as anybody would, with this package from its tarball. */
export async function installExample(name: string): Promise<string> {
  const folder = temporaryFolder()
  cpSync(join(repository, 'examples', name), folder, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) })
  const { tarball } = await packTarball(folder)
  const file = join(folder, 'package.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(?<="@gatehouse\/client": )"[^"]+"/, `"file:${tarball}"`))
  await npmInstall(folder)
  return folder
}
