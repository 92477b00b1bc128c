import { fillTutorial } from '../apps/api/runtime-tests/tutorial-source.ts'

/** `node bench/fill-source.ts <url of an empty database> <count>`: the tutorial's table with so many accounts, to import from. */
const [url = '', count = ''] = process.argv.slice(2)
if (!URL.canParse(url) || !/^\d{1,8}$/.test(count))
  throw new Error('usage: node bench/fill-source.ts <url of an empty database> <count>')
await fillTutorial(url, Number(count))
process.stdout.write(`${count} accounts\n`)
