/** `record[key]` if it is the record's own. Keys are names from sources, and `constructor` is one. */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
