/** WebAssembly as engines have it, which no library of types that the project uses declares. */
export interface Engine {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): readonly { readonly name: string }[] }
  readonly Instance: new (module: object, imports?: object) => { readonly exports: object }
  readonly Memory: { readonly prototype: { grow: (pages: number) => number } }
}

export const engine: Engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly

export type Exports = Readonly<Record<string, (...args: readonly number[]) => number>>
export const instantiate = (bytes: Uint8Array, functions: object = {}): Exports =>
  new engine.Instance(new engine.Module(bytes), { js: functions }).exports as Exports
