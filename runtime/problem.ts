/**
 * What is wrong with a command, a path or a tensor file: a failure that no place in a source stands for.
 * It has code, title, message and hint as a `Diagnostic` has, and the exit code that it asks for.
 */
import type { Diagnostic } from '../grammar/diagnostic.ts'

/** 1: what was given is wrong; 2: the command line, or a path that cannot be read or written; 3: a tool or device is missing. */
export type ProblemExit = 1 | 2 | 3

export interface Problem {
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly title: string
  readonly message: string
  readonly hint?: string
  readonly exit: ProblemExit
}

/** Anything that is reported to the user, most of it with a place in a source. */
export type Finding = Diagnostic | Problem

/** Failure as a value, here and in `cli/`. */
export type Outcome<T> = Done<T> | Failed
export interface Done<T> {
  readonly ok: true
  readonly value: T
}
export interface Failed {
  readonly ok: false
  readonly findings: readonly Finding[]
}

export const done = <T>(value: T): Done<T> => ({ ok: true, value })
export const failed = (...findings: readonly Finding[]): Failed => ({ ok: false, findings })

export const hasPlace = (finding: Finding): finding is Diagnostic => 'at' in finding

/** The exit code of a failure: a wrong source is 1, and the most basic fault decides. */
export const exitOf = (findings: readonly Finding[]): ProblemExit =>
  findings.reduce<ProblemExit>((most, one) => (hasPlace(one) || one.exit <= most ? most : one.exit), 1)

/** Every code of this kind with its title and exit code; docs/errors.md has a section for each. */
const catalogue = {
  ATTN0300: ['bad-command-line', 2],
  ATTN0301: ['unknown-target', 2],
  ATTN0302: ['bad-option-value', 2],
  ATTN0303: ['unknown-axis-in-option', 2],
  ATTN0304: ['unknown-input', 2],
  ATTN0305: ['unknown-output', 2],
  ATTN0306: ['unknown-param', 2],
  ATTN0307: ['bad-param-value', 2],
  ATTN0308: ['missing-input', 2],
  ATTN0309: ['which-attention', 2],
  ATTN0310: ['file-not-found', 2],
  ATTN0311: ['cannot-read', 2],
  ATTN0312: ['cannot-write', 2],
  ATTN0313: ['source-not-utf8', 1],
  ATTN0315: ['not-an-attn-file', 2],
  ATTN0316: ['no-sources', 2],
  ATTN0317: ['same-output-twice', 2],
  ATTN0318: ['where-to-write', 2],
  ATTN0319: ['already-there', 2],
  ATTN0320: ['not-a-tensor-file', 1],
  ATTN0321: ['damaged-tensor-file', 1],
  ATTN0322: ['tensor-type', 1],
  ATTN0323: ['tensor-not-exact', 1],
  ATTN0324: ['tensor-shape', 1],
  ATTN0325: ['tensor-range', 1],
  ATTN0326: ['no-such-tensor', 1],
  ATTN0327: ['tensor-too-large', 1],
  ATTN0328: ['tiles-do-not-fit', 2],
  ATTN0330: ['target-cannot-run', 3],
  ATTN0331: ['tool-fails', 3],
  ATTN0340: ['unknown-error-code', 2],
  ATTN0341: ['undocumented-error-code', 2],
  ATTN0360: ['cache-unusable', 2],
  ATTN0361: ['cache-entry-changed', 1],
  ATTN0362: ['cache-key-replaced', 1],
  ATTN0370: ['no-legal-choice', 1],
  ATTN0371: ['newer-tuning-file', 1],
  ATTN0372: ['damaged-tuning-file', 1],
  ATTN0373: ['cannot-tune', 1],
  ATTN0374: ['tuning-log-cut-short', 1],
  ATTN0375: ['unsteady-clock', 1],
  ATTN0376: ['slower-than-baseline', 1],
  ATTN0380: ['stale-output', 1],
  ATTN0381: ['bad-configuration', 2],
  ATTN0382: ['configuration-cycle', 2],
  ATTN0383: ['configuration-fails', 2],
  ATTN0399: ['internal-error', 1],
} as const satisfies Readonly<Record<string, readonly [title: string, exit: ProblemExit]>>

export type ProblemCode = keyof typeof catalogue

export const problemCodes: readonly ProblemCode[] = Object.keys(catalogue) as ProblemCode[]

export function problem(code: ProblemCode, message: string, hint?: string): Problem {
  const [title, exit] = catalogue[code]
  return { code, severity: 'error', title, message, exit, ...(hint === undefined ? {} : { hint }) }
}

export const warning = (code: ProblemCode, message: string, hint?: string): Problem => ({
  ...problem(code, message, hint),
  severity: 'warning',
})
