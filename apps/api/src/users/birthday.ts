/** A date, or an ISO 8601 date-time with or without seconds and offset. */
const shape =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$/i

/**
 * The calendar day of a date or date-time, as `YYYY-MM-DD`; undefined when there is no such day.
 * A date-time means its own day, whatever its offset: a birthday has no time zone.
 */
export function parseBirthday(text: string): string | undefined {
  const day = shape.exec(text)?.[1]
  if (day === undefined || day.startsWith('0000')) return undefined // PostgreSQL has no year 0
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) ? day : undefined
}
