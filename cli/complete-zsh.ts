import type { CommandShape, OptionShape, Value } from './complete.ts'

export const completeZsh = (commands: readonly CommandShape[]): string => `#compdef attnc
# Completion of attnc commands for zsh: source <(attnc complete zsh), or as the file _attnc in a folder of $fpath
_attnc() {
  local context state line
  typeset -A opt_args
  local -a commands=(
${commands.map(({ name, text }) => `    ${quote(`${name}:${text.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _arguments -C '(- *)--help[print help]' '(- *)--version[print the version]' '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join('\n')}
      esac ;;
  esac
}

_attnc_assigned() {
  compset -P '*='
  _files
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _attnc "$@"; else compdef _attnc attnc; fi
`

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function commandCase({ name, options, value }: CommandShape): string {
  const all = [...options.flatMap(optionSpecs), ...(value.kind === 'nothing' ? [] : [`*: :${actionOf(value)}`])]
  return `        ${name}) _arguments ${all.map(quote).join(' ')} ;;`
}

/** Each may stand several times: some add up. */
function optionSpecs({ flags, text, value }: OptionShape): readonly string[] {
  const about = text.replace(/[[\]\\:]/g, (sign) => `\\${sign}`)
  const takes = value.kind === 'nothing' ? '' : `: :${actionOf(value)}`
  return flags.map((flag) => `*${flag}${takes !== '' && flag.startsWith('--') ? '=' : ''}[${about}]${takes}`)
}

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`
    case 'sources':
      return '_files -g "*.attn(-.)"'
    case 'folder':
      return '_files -/'
    case 'assigned file':
      return '_attnc_assigned'
    default:
      return ''
  }
}
