import { type AnyColumn, type SQL, sql } from 'drizzle-orm'

/**
 * Whether `column` is one of the texts in the JSON array that the placeholder `name` takes: one prepared statement
 * for any number of keys, on either driver.
 */
export function among(column: AnyColumn, name: string): SQL {
  const type = sql.raw(column.getSQLType())
  return sql`${column} = any(array(select json_array_elements_text(${sql.placeholder(name)}::text::json)::${type}))`
}
