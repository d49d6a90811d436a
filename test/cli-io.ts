import { main } from '../cli/main.ts'

export interface Ran {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** The command line in this process, with what it prints; `stdin` is what `-` reads. */
export async function attnc(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Ran> {
  let [out, err] = ['', '']
  const exit = await main(args, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    readStdin: async () => (typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin),
    colors: { out: false, err: false },
  })
  return { exit, out, err }
}
