/** `attnc complete bash|zsh|fish`: a script by which a shell completes command lines, made from the definitions of the commands. */
import type { Command, Option } from 'commander'
import { runners } from '../runtime/runners.ts'
import { targets } from '../targets/index.ts'
import { type Answer, refuse } from './answer.ts'
import { completeBash } from './complete-bash.ts'
import { completeFish } from './complete-fish.ts'
import { completeZsh } from './complete-zsh.ts'
import { parseChoice } from './options.ts'
import { buildProgram } from './program.ts'
import { shells } from './program-helpers.ts'

/** What can stand at a place: one of some words, a path, something that only its author knows, or nothing at all. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'sources' | 'folder' | 'assigned file' | 'any' | 'nothing' }

export interface OptionShape {
  readonly flags: readonly string[] // '-t', '--target'
  readonly text: string
  readonly value: Value
}

export interface CommandShape {
  readonly name: string
  readonly text: string
  readonly options: readonly OptionShape[]
  readonly value: Value // of its arguments
}

const scripts = { bash: completeBash, zsh: completeZsh, fish: completeFish } as const

export async function complete(args: readonly string[]): Promise<Answer> {
  const shell = parseChoice('complete', args[0] ?? '', shells)
  if (!shell.ok) return refuse(shell.findings)
  const text = scripts[shell.value](shapes())
  return { exit: 0, findings: [], out: text, json: { shell: shell.value, text } }
}

/** Every command as it is declared. */
export function shapes(): readonly CommandShape[] {
  const ignore = (): void => {}
  const program = buildProgram('', { out: ignore, err: ignore, fault: ignore }, async () => {})
  const names = program.commands.map((command) => command.name())
  const help = {
    name: 'help',
    text: 'print help on a command',
    options: [],
    value: { kind: 'words', words: names },
  } as const
  return [...program.commands.map(shapeOf), help]
}

function shapeOf(command: Command): CommandShape {
  const options = command.createHelp().visibleOptions(command)
  const [argument] = command.registeredArguments
  const value: Value = argument?.argChoices
    ? { kind: 'words', words: argument.argChoices }
    : { kind: argument ? (pathKinds[argument.name()] ?? 'any') : 'nothing' }
  return { name: command.name(), text: command.description(), options: options.map(optionShape), value }
}

/** By how arguments and values are called in the help. */
const pathKinds: Readonly<Record<string, 'sources' | 'folder'>> = {
  files: 'sources',
  file: 'sources',
  what: 'sources',
  place: 'folder',
}

function optionShape(option: Option): OptionShape {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null)
  return { flags, text: option.description, value: takenBy(option) }
}

function takenBy(option: Option): Value {
  if (!option.required && !option.optional) return { kind: 'nothing' }
  if (option.argChoices) return { kind: 'words', words: option.argChoices }
  if (option.long === '--target')
    return { kind: 'words', words: [...new Set(['auto', ...Object.keys(targets), ...Object.keys(runners)])] }
  const [, called = ''] = /[<[](.*)[>\]]/.exec(option.flags) ?? []
  return { kind: called === 'folder' ? 'folder' : called === 'name=file' ? 'assigned file' : 'any' }
}
