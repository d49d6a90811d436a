/** WebAssembly as Node has it. */
export interface Instance {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
}
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}
const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly

export const instantiate = <Exports extends Partial<Instance>>(bytes: Uint8Array, functions: object = {}): Exports =>
  new engine.Instance(new engine.Module(bytes), { js: functions }).exports as Exports
