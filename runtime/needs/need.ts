/** What targets need of a machine to run what they generate: told by each runner, shown by `attnc doctor`. */

/** Something that is there or is not. */
export interface Need {
  readonly what: string // 'C++ compiler'
  readonly state: 'ok' | 'missing' | 'unusable'
  readonly found: string // a version, a path; else why it is missing or unusable
  readonly required: boolean // false: all works without it, some of it less well
  readonly help?: string // what to install or to do, and what works without it
}

export const isWell = ({ state, required }: Need): boolean => state === 'ok' || !required
