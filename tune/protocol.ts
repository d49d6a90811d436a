/** What a tuner and its process of candidates say to each other. */
import type { SourceFile } from '../grammar/source.ts'
import type { CompileOptions } from '../index.ts'
import type { Tried } from './rig.ts'
import type { Point } from './space.ts'

export interface Job {
  readonly file: SourceFile
  readonly attention: string
  readonly target: string
  readonly options: Pick<CompileOptions, 'dtype' | 'precision' | 'sizes' | 'plan' | 'features' | 'limits'>
  readonly tile: Readonly<Record<string, number>> // pinned
  readonly sizes: Readonly<Record<string, number>> // of the call that is timed
  readonly check: Readonly<Record<string, number>> // of calls that are verified, beside those of tiled axes
  readonly params: Readonly<Record<string, number | boolean>>
  readonly seed: number
  readonly clock: 'thread' | 'wall'
  readonly cache: boolean
}

export type Request =
  | { readonly do: 'open'; readonly job: Job }
  | { readonly do: 'build'; readonly points: readonly Point[] }
  | { readonly do: 'bits' | 'verify'; readonly point: Point }
  | { readonly do: 'turns'; readonly point: Point; readonly other: Point | undefined; readonly rounds: number }

export interface Reply {
  readonly result: Tried<unknown>
}
