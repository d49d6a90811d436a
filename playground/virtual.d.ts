declare module 'virtual:examples' {
  export const groups: readonly import('./examples.ts').Group[]
}
