/** The words of a file of PTX, without blanks and comments. */

const token =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|("[^"]*"|0[fFdD][0-9a-fA-F]+(?![\w$])|0[xX][0-9a-fA-F]+U?|\d+U?|[%$_.a-zA-Z](?:[\w$.]|::(?=\w))*|\S)/y

export class Tokens {
  readonly #words: string[] = []
  #at = 0

  constructor(text: string) {
    token.lastIndex = 0
    for (let found = token.exec(text); found; found = token.exec(text))
      if (found[1] !== undefined) this.#words.push(found[1])
    if (token.lastIndex !== 0) throw new Error('a file of PTX has a character that is none')
  }

  /** The word `ahead` of the next one; '' at the end. */
  peek(ahead = 0): string {
    return this.#words[this.#at + ahead] ?? ''
  }
  next(): string {
    return this.#words[this.#at++] ?? ''
  }
  /** Steps over a word, if it is the next one. */
  skip(word: string): boolean {
    if (this.peek() !== word) return false
    this.#at++
    return true
  }
  expect(word: string): void {
    const found = this.next()
    if (found !== word) throw new Error(`PTX has ${found} where ${word} is expected, near ${this.near()}`)
  }
  get isDone(): boolean {
    return this.#at >= this.#words.length
  }
  near(): string {
    return this.#words.slice(Math.max(0, this.#at - 8), this.#at + 4).join(' ')
  }
}
