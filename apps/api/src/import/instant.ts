/** A date and time, as ISO 8601 or PostgreSQL write them, with a zone or without. */
const shape =
  /^(\d{4}-\d{2}-\d{2})(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?(Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$/i

/** Reads an instant of the years 1970 to 9999, to the millisecond. Without a zone it is UTC. */
export function parseInstant(text: string): Date | undefined {
  const [, day, hours = '00', minutes = '00', seconds = '00', fraction = '', zone = 'Z'] = shape.exec(text) ?? []
  if (day === undefined) return undefined
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined // 30 February
  const local = Date.parse(`${day}T${hours}:${minutes}:${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`)
  const time = new Date(local - offsetOf(zone))
  return time.getTime() >= 0 && time.getUTCFullYear() <= 9999 ? time : undefined
}

/** Milliseconds that a zone is ahead of UTC. */
function offsetOf(zone: string): number {
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? []
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? -offset : offset
}
