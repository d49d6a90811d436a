/** The commands that help to get going: what each takes, in the words of its help. */
import { type Add, choice, oneOf, shared } from './program.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export const templateNames = ['causal', 'softmax', 'sliding_window', 'alibi', 'sigmoid', 'normalizer'] as const
export const toolNames = ['vite', 'node', 'cmake', 'c', 'torch'] as const

export function addHelpers(add: Add): void {
  add(
    'init',
    ' [place]',
    'Writes a first source, commented, into a folder or under a name, or a project in a folder; never over anything.',
    ['attnc init', 'attnc init kernels/', 'attnc init my_attention --template alibi', 'attnc init app --for vite'],
    [0, 2, 4],
  )
    .addOption(choice('--template <name>', 'what the source is of (default: causal)', templateNames))
    .addOption(choice('--for <tool>', 'also what a small project needs to be built by it', toolNames))
  add(
    'doctor',
    '',
    'Shows what attnc and its targets find on this machine, and what is missing.',
    ['attnc doctor', 'attnc doctor --target native', 'attnc doctor --json'],
    [0, 2, 3, 4],
  ).addOption(shared.target)
  add(
    'complete',
    '',
    'Prints a script by which a shell completes attnc commands.',
    ['source <(attnc complete bash)', 'source <(attnc complete zsh)', 'attnc complete fish | source'],
    [0, 2, 4],
  ).addArgument(oneOf('<shell>', shells))
  add(
    'lsp',
    '',
    'Serves an editor: the Language Server Protocol on standard input and output, until the editor leaves.',
    ['attnc lsp'],
    [0, 1, 4],
  ).option('--stdio', 'what it does anyway; many editors ask for it')
  add(
    'cmake-dir',
    '',
    'Prints the folder in which CMake finds attnc.',
    ['cmake -B build -Dattnc_DIR="$(attnc cmake-dir)"'],
    [0, 4],
  )
}
