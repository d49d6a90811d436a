import { distance } from 'fastest-levenshtein'

/** The candidate that the word was likely meant to be: about one edit for three letters, three at the most. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    const short = Math.min(word.length, candidate.length)
    const close = edits <= Math.min(3, Math.ceil(short / 3)) && edits < Math.max(word.length, candidate.length)
    if (candidate !== word && close && edits < fewest) [best, fewest] = [candidate, edits]
  }
  return best
}

/** A hint for what `suggest` finds. */
export function didYouMean(word: string, candidates: Iterable<string>): { readonly hint?: string } {
  const found = suggest(word, candidates)
  return found === undefined ? {} : { hint: `did you mean '${found}'?` }
}
