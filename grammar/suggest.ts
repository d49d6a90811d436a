import { distance } from 'fastest-levenshtein'

/** Among more names than these nothing is suggested: a file with as many unknown ones would not be done with them. */
const mostCandidates = 300

/** The candidates, none of them where they are too many. */
export function few(candidates: Iterable<string>): readonly string[] {
  const all: string[] = []
  for (const candidate of candidates) if (all.push(candidate) > mostCandidates) return []
  return all
}

/** One list after the other, which are not copied. */
export function* together(...lists: readonly Iterable<string>[]): Iterable<string> {
  for (const list of lists) yield* list
}

/** The candidate that the word was likely meant to be: about one edit for three letters, three at the most. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of few(candidates)) {
    if (Math.abs(word.length - candidate.length) > 3) continue
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
