import type { CommandShape, Value } from './complete.ts'

/** Needs nothing but bash, of version 3.2 or later. */
export function completeBash(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name)
  return `# Completion of attnc commands for bash: source <(attnc complete bash)
_attnc() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' i
  COMPREPLY=()
  # bash takes --option=value and name=file apart at the sign
  if [[ $cur == = ]]; then
    cur=''
    [[ $prev != -* ]] && prev="\${COMP_WORDS[COMP_CWORD-2]}="
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
    [[ $prev != -* ]] && prev="\${COMP_WORDS[COMP_CWORD-3]}="
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.join(' | ')}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$command $prev" in
${commands.flatMap(valueCases).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
      '') _attnc_words '--help --version' ;;
${commands.map(({ name, options }) => `      ${name}) _attnc_words '${flagsOf(options)}' ;;`).join('\n')}
    esac
    return
  fi
  case $command in
    '') _attnc_words '${names.join(' ')}' ;;
${commands.flatMap(argumentCase).join('\n')}
  esac
}

_attnc_words() {
  local IFS=$' \\n'
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_attnc_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2> /dev/null
  COMPREPLY=($(compgen -d -- "$cur"; [[ -z $1 ]] || compgen -f -X "$1" -- "$cur"))
}

complete -F _attnc attnc
`
}

const flagsOf = (options: CommandShape['options']): string => options.flatMap(({ flags }) => flags).join(' ')

/** What follows an option. Bash numbers folders among files: '!*' as a pattern of files to leave out leaves out none. */
function valueCases({ name, options }: CommandShape): readonly string[] {
  return options.flatMap(({ flags, value }) => {
    if (value.kind === 'nothing') return []
    const end = value.kind === 'assigned file' ? '=' : ''
    const patterns = flags.map((flag) => `'${name} ${flag}${end}'`).join(' | ')
    return [`    ${patterns}) ${actionOf(value)}; return ;;`]
  })
}

const argumentCase = ({ name, value }: CommandShape): readonly string[] =>
  value.kind === 'nothing' || value.kind === 'any' ? [] : [`    ${name}) ${actionOf(value)} ;;`]

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'words':
      return `_attnc_words '${value.words.join(' ')}'`
    case 'sources':
      return "_attnc_paths '!*.attn'"
    case 'folder':
      return "_attnc_paths ''"
    case 'assigned file':
      return "_attnc_paths '!*'"
    default:
      return ':'
  }
}
