/** The commands that time: `tune` and `bench`, with their options. */
import { type Add, choice, list, shared } from './program.ts'

export function addTune(add: Add): void {
  const examples = [
    'attnc tune sigmoid.attn --shape b=1,h=8,i=4096,j=4096',
    'attnc tune sigmoid.attn --show-space',
    'attnc tune sigmoid.attn --space tile.i=32:64 --effort quick',
    'attnc tune report sigmoid.attn -o report.html',
  ]
  add(
    'tune',
    ' [what...]',
    'Finds the quickest tiles and other choices on this machine, and writes them beside the source; or reports on that.',
    examples,
    [0, 1, 2, 3, 4, 130],
  )
    .addOption(shared.target)
    .addOption(list('--shape <lengths>', 'lengths to be tuned for, as b=1,h=8,i=1024,j=1024'))
    .addOption(shared.param)
    .addOption(shared.attention)
    .addOption(shared.dtype)
    .addOption(shared.precision)
    .addOption(shared.size)
    .addOption(shared.tile)
    .addOption(shared.features)
    .addOption(shared.limits)
    .option('--arch <name>', 'of target cuda: a GPU to be modelled instead of timed, sm_80 or sm_90')
    .addOption(list('--space <values>', 'leaves these values of a parameter, as tile.i=16:32,threads=1'))
    .option('--show-space', 'print what there is to choose, and what was left out and why')
    .addOption(choice('--numerics <class>', 'whether bits of results may change (default: same)', ['same', 'any']))
    .addOption(choice('--effort <amount>', 'how much is tried (default: normal)', ['quick', 'normal', 'full']))
    .addOption(
      choice('--strategy <name>', 'in which order choices are tried', [
        ...['exhaustive', 'random', 'local', 'annealing', 'evolution', 'surrogate'],
      ]),
    )
    .option('--time <duration>', 'at most, as 90s or 10m')
    .option('--max-evals <number>', 'choices to try at most, those of earlier runs included')
    .addOption(shared.seed)
    .option('--log <file>', 'what was tried (default: FILE.attn.tuning.jsonl)')
    .option('--simulate <file>', 'replay a recorded space instead, and compare strategies on it')
    .option('-o, --out <file>', 'of report: where to write the page')
    .option('--csv', 'of report: print a table instead')
    .addOption(shared.noCache)
    .addOption(shared.stdinName)
}

export function addBench(add: Add): void {
  const examples = [
    'attnc bench sigmoid.attn --shape b=1,h=8,i=4096,j=4096 -o old.json',
    'attnc bench sigmoid.attn --shape b=1,h=8,i=4096,j=4096 --baseline old.json --fail-over 5%',
    'attnc bench sigmoid.attn --sweep j=256..65536 -o growth.svg',
  ]
  add(
    'bench',
    ' <file>',
    'Measures what a call takes, on random tensors, and compares it with an earlier result.',
    examples,
    [0, 1, 2, 3, 4, 130],
  )
    .addOption(shared.target)
    .addOption(list('--shape <lengths>', 'lengths of axes, as b=1,h=8,i=1024,j=1024'))
    .addOption(shared.param)
    .addOption(shared.attention)
    .addOption(shared.dtype)
    .addOption(shared.precision)
    .addOption(shared.size)
    .addOption(shared.tile)
    .addOption(shared.plan)
    .addOption(shared.features)
    .addOption(shared.limits)
    .addOption(shared.threads)
    .addOption(shared.seed)
    .option('--sweep <lengths>', 'one length after the other, as j=256..65536, which doubles, or j=100:200')
    .option('--time <duration>', 'of each measurement at most, as 30s (default: 5s)')
    .option('-o, --out <file>', 'where to write results, to compare with later; of a sweep also a plot: growth.svg')
    .option('--baseline <file>', 'earlier results to compare with')
    .option('--fail-over <percentage>', 'exit with 1 where a call is slower than in the baseline by more, as 5%')
    .addOption(shared.noTuned)
    .addOption(shared.noCache)
    .addOption(shared.stdinName)
}
