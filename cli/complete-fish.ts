import type { CommandShape, OptionShape, Value } from './complete.ts'

export const completeFish = (
  commands: readonly CommandShape[],
): string => `# Completion of attnc commands for fish: attnc complete fish | source
complete -c attnc -f
complete -c attnc -n __fish_use_subcommand -l help -d 'print help'
complete -c attnc -n __fish_use_subcommand -l version -d 'print the version'
${commands.map(({ name, text }) => `complete -c attnc -n __fish_use_subcommand -a ${name} -d ${quote(text)}`).join('\n')}
${commands.flatMap(linesOf).join('\n')}
`

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function linesOf({ name, options, value }: CommandShape): readonly string[] {
  const head = `complete -c attnc -n '__fish_seen_subcommand_from ${name}'`
  const values = value.kind === 'nothing' || value.kind === 'any' ? [] : [`${head} ${actionOf(value)}`]
  return [...options.map((option) => `${head} ${optionOf(option)}`), ...values]
}

function optionOf({ flags, text, value }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  return [...names, ...(value.kind === 'nothing' ? [] : ['-r', actionOf(value)]), `-d ${quote(text)}`]
    .filter((part) => part !== '')
    .join(' ')
}

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `-a ${quote(value.words.join(' '))}`
    case 'sources':
      return "-a '(__fish_complete_suffix .attn)'"
    case 'folder':
      return "-a '(__fish_complete_directories)'"
    case 'assigned file':
      return '-F'
    default:
      return ''
  }
}
