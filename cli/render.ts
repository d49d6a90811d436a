/** Findings as text for people: with the lines that they are about, or in a line each. */
import { styleText } from 'node:util'
import { renderHuman, renderShort } from '../grammar/diagnostic.ts'
import { type Finding, hasPlace } from '../runtime/problem.ts'

const styles = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  message: 'bold',
  gutter: 'blue',
  primary: ['bold', 'red'],
  secondary: 'blue',
  hint: ['bold', 'cyan'],
} as const

export type Paint = (role: keyof typeof styles, text: string) => string

export const painter = (colored: boolean): Paint =>
  colored ? (role, text) => styleText([styles[role]].flat(), text, { validateStream: false }) : (_role, text) => text

export function renderFinding(finding: Finding, paint: Paint): string {
  if (hasPlace(finding)) return renderHuman(finding, { color: paint })
  const { severity, code, message, hint } = finding
  const first = `${paint(severity, `${severity}[${code}]`)}${paint('message', `: ${visible(message)}`)}`
  return hint === undefined ? first : `${first}\n${paint('hint', 'hint')}: ${visible(hint)}`
}

/** Control characters of paths and names must not reach a terminal; line ends are ours. */
export const visible = (text: string): string =>
  text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)

export const renderFindings = (findings: readonly Finding[], paint: Paint): string =>
  findings.map((finding) => `${renderFinding(finding, paint)}\n`).join('\n')

/** `file:line:column: error[ATTN0123]: message`, or without a place where there is none. */
export const renderLines = (findings: readonly Finding[]): string =>
  findings.map((finding) => `${hasPlace(finding) ? renderShort(finding) : shortOf(finding)}\n`).join('')

const shortOf = ({ severity, code, message }: Finding): string =>
  `${severity}[${code}]: ${visible(message).replaceAll('\n', ' ')}`
