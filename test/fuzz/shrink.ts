/** A shorter source with the same fault: lines, then tokens are left out while it stays. */
export async function shrink(text: string, hasFault: (text: string) => Promise<boolean>, tries = 400): Promise<string> {
  let left = tries
  let best = text
  for (const cut of [/(?<=\n)/, /(?<=[^\w]|\b)/]) {
    for (
      let size = Math.ceil(best.split(cut).length / 2);
      size >= 1 && left > 0;
      size = size > 1 ? Math.ceil(size / 2) : 0
    ) {
      for (let at = 0; at < best.split(cut).length && left > 0; ) {
        const shorter = best.split(cut).toSpliced(at, size).join('')
        left--
        if (await hasFault(shorter)) best = shorter
        else at += size
      }
    }
  }
  return best
}
