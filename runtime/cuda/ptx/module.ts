/** What a file of PTX holds, as `parse` reads it. Names are as nvcc wrote them. */

/** A line of a source. Code that was inlined also has the place that it was inlined at. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly inlinedAt?: Place
}

export type Operand =
  | { readonly kind: 'register'; readonly name: string; readonly negated?: true }
  | { readonly kind: 'symbol'; readonly name: string } // a variable, a label, a special register
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number } // 0f or 0d; every f32 is an f64
  | { readonly kind: 'address'; readonly base: Operand | undefined; readonly offset: number }
  | { readonly kind: 'list'; readonly items: readonly Operand[] } // { a, b }
  | { readonly kind: 'pair'; readonly first: Operand; readonly second: Operand } // p | q

export interface Instruction {
  readonly opcode: string // with its modifiers, 'add.rn.f32'
  readonly guard?: Operand & { readonly kind: 'register' }
  readonly operands: readonly Operand[]
  readonly place?: Place
}

/** Memory with a name: of a module, shared, of a thread's own, or a parameter. */
export interface Variable {
  readonly name: string
  readonly space: 'global' | 'const' | 'shared' | 'local' | 'param'
  readonly bytes: number
  readonly align: number
  readonly content: readonly number[] // its first bytes
}

export interface Entry {
  readonly name: string
  readonly params: readonly Variable[]
  readonly variables: readonly Variable[] // shared and local
  readonly registers: ReadonlyMap<string, string> // the type of each: 'f32', 'pred'
  readonly body: readonly Instruction[]
  readonly labels: ReadonlyMap<string, number> // the instruction that each stands before
  readonly tables: ReadonlyMap<string, readonly string[]> // labels that brx.idx chooses from
  readonly maxThreads: number // of a block; 1024 where nothing is said
}

export interface Module {
  readonly target: string // 'sm_80'
  readonly entries: ReadonlyMap<string, Entry>
  readonly variables: readonly Variable[]
}
