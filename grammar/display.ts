import width from 'fast-string-width'

/** The columns that a text takes on a terminal: two for a wide character, none for one that combines. */
export const displayWidth = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : width(text))
