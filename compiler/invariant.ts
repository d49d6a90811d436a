/** A fault of the compiler itself. Users' mistakes are `Diagnostic` values and never thrown. */
export class InternalError extends Error {
  override readonly name = 'InternalError'
}

/** Throws an `InternalError` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message)
}

/** The end of every exhaustive switch: a forgotten variant fails to compile here. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected variant ${JSON.stringify(value)}`)
}
