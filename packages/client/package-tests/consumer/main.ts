import { runScenarios } from './scenarios.js'

declare const process: { argv: string[] }

const [, , url = '', silent = ''] = process.argv
// Nothing ends the process after that: it has to end by itself.
console.log(JSON.stringify(await runScenarios(url, silent)))
