export { type Api, createClient } from './client.ts'
