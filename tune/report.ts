/** A log of tuning as a page that stands alone: text, tables and SVG, without scripts and without addresses. */
import { type Entry, type Subject, trialsOf } from './log.ts'
import type { Roofline } from './roofline.ts'
import { keyOf, type Parameter, type Point, type Value } from './space.ts'
import { escapeText, heatMap, type Point2, plot, shortLabel } from './svg.ts'
import { isTimed, type Timed, type Trial } from './trial.ts'

/** All trials of one subject, in order. */
export interface Run {
  readonly subject: Subject
  readonly parameters: readonly Parameter[]
  readonly usual: Point
  readonly roofline: Roofline | undefined
  readonly trials: readonly Trial[]
}

export function runsOf(entries: readonly Entry[]): readonly Run[] {
  const runs = new Map<string, Run>()
  for (const entry of entries)
    if ('parameters' in entry) {
      const { subject, parameters, usual, roofline } = entry
      runs.set(JSON.stringify(subject), { subject, parameters, usual, roofline, trials: trialsOf(entries, subject) })
    }
  return [...runs.values()].filter(({ trials }) => trials.some(isTimed))
}

const timed = ({ trials }: Run): readonly Timed[] => trials.filter(isTimed)
/** What may become the choice: it was surely quicker than the best before it, and right. A log in which nothing was verified has all. */
function chosen(run: Run): readonly Timed[] {
  const all = timed(run)
  const verified = all.filter((one) => one.verified)
  return verified.length > 0 ? verified : all
}
const leastOf = (all: readonly Timed[]): Timed | undefined =>
  all.reduce<Timed | undefined>((best, one) => (best && best.milliseconds <= one.milliseconds ? best : one), undefined)
const quickest = (run: Run): Timed | undefined => leastOf(chosen(run))

const unit = ({ subject }: Run): string => (subject.modelled ? 'modelled ms of a call' : 'ms of a call')

/** Each tried time, and the best so far. */
function history(run: Run): string {
  let best = Infinity
  const all = run.trials.flatMap((trial, n) =>
    isTimed(trial) ? [{ x: n + 1, y: trial.milliseconds, about: about(trial) }] : [],
  )
  const counts = new Set<Trial>(chosen(run))
  const steps = run.trials.flatMap((trial, n) => {
    if (isTimed(trial) && counts.has(trial)) best = Math.min(best, trial.milliseconds)
    return Number.isFinite(best) ? [{ x: n + 1, y: best }] : []
  })
  return plot({
    ...{ title: 'Search', x: 'candidates tried', y: unit(run), logY: true },
    series: [
      { name: 'tried', form: 'dots', points: all },
      { name: 'best so far', form: 'steps', points: steps },
    ],
  })
}

const about = ({ point, milliseconds }: Timed): string => `${keyOf(point)}: ${shortLabel(milliseconds)} ms`

/** Each parameter against time; values that are not all numbers stand beside each other. */
function parameterPlots(run: Run): readonly string[] {
  return run.parameters
    .filter(({ values }) => values.length > 1)
    .map(({ name, values }) => {
      const isNumber = values.every((value) => typeof value === 'number')
      const points = timed(run).map((trial) => ({
        x: isNumber ? Number(trial.point[name]) : values.indexOf(trial.point[name] ?? ''),
        y: trial.milliseconds,
        about: about(trial),
      }))
      const scale = isNumber ? { logX: true } : { words: values.map(String) }
      return plot({
        ...{ title: `${name} and time`, x: name, y: unit(run), logY: true, ...scale },
        series: [{ name, form: 'dots', points }],
      })
    })
}

/** Of the first two tiles: the best time with both, relative to the best of all. */
function tileMap(run: Run): readonly string[] {
  const [rows, columns] = run.parameters.filter(({ name, values }) => name.startsWith('tile.') && values.length > 1)
  const best = quickest(run)
  if (!rows || !columns || !best) return []
  const at = (x: Value, y: Value): number | undefined => {
    const times = timed(run).flatMap(({ point, milliseconds }) =>
      point[columns.name] === x && point[rows.name] === y ? [milliseconds] : [],
    )
    return times.length > 0 ? Math.min(...times) / best.milliseconds : undefined
  }
  return [heatMap({ title: 'Time relative to the best', x: columns, y: rows, at })]
}

/**
 * What each candidate computes in a second, below what its device can: memory bounds a call of few operations a byte, units of
 * multiplication one of many (Williams, Waterman and Patterson, 2009). All compute the same, and so stand above each other.
 */
function rooflinePlot(run: Run): readonly string[] {
  const { roofline, usual, subject } = run
  const best = quickest(run)
  if (!roofline || !best) return []
  const { flops, bytes, gflops, gbytes, from } = roofline
  const [intensity, ridge] = [flops / bytes, gflops / gbytes]
  const [scale, prefix] = gflops >= 10_000 ? [1000, 'T'] : [1, 'G']
  const placed = (trial: Timed): Point2 => {
    const y = flops / trial.milliseconds / 1e6 / scale
    return { x: intensity, y, about: `${keyOf(trial.point)}: ${shortLabel(y)} ${prefix}FLOP/s` }
  }
  const isUsual = ({ point }: Timed): boolean => keyOf(point) === keyOf(usual)
  const ends = [Math.min(intensity, ridge) / 8, ridge, Math.max(intensity, ridge) * 8]
  const of = from === 'measured' ? 'measured on this machine' : `published of ${subject.device.replace(/,.*/, '')}`
  return [
    plot({
      ...{ title: 'Roofline', x: 'floating-point operations a byte', logX: true, logY: true },
      y: `${subject.modelled ? 'modelled ' : ''}${prefix}FLOP/s`,
      series: [
        {
          name: `limits, ${of}`,
          form: 'line',
          points: ends.map((x) => ({ x, y: Math.min(gflops, gbytes * x) / scale })),
        },
        {
          name: 'tried',
          form: 'dots',
          points: timed(run)
            .filter((one) => one !== best && !isUsual(one))
            .map(placed),
        },
        { name: 'usual choice', form: 'dots', points: timed(run).filter(isUsual).map(placed) },
        { name: 'best', form: 'dots', points: [placed(best)] },
      ],
    }),
  ]
}

/** Every plot of a run, as SVG. */
export const plotsOf = (run: Run): readonly string[] => [
  history(run),
  ...rooflinePlot(run),
  ...tileMap(run),
  ...parameterPlots(run),
]

export function page(title: string, runs: readonly Run[]): string {
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeText(title)}</title>`,
    `<style>${style}</style></head><body>`,
    `<h1>${escapeText(title)}</h1>`,
    ...runs.map(section),
    '</body></html>\n',
  ].join('\n')
}

const style = [
  ':root{color-scheme:light dark}',
  'body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}',
  '.plots{margin:1rem 0;display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:1rem}',
  'svg{width:100%;height:auto}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}',
  'td.number{text-align:right;font-variant-numeric:tabular-nums}',
].join('')

function section(run: Run): string {
  const { subject, trials, usual, roofline } = run
  const best = quickest(run)
  const least = leastOf(timed(run))
  const first = timed(run).find(({ point }) => keyOf(point) === keyOf(usual))
  const rows = [
    ['lengths', subject.shape],
    ['device', subject.device],
    ...(subject.modelled ? [['times', 'of a model: nothing was run on such a device']] : []),
    ['types', subject.dtype],
    ['tried', `${trials.length}, of which ${trials.length - timed(run).length} failed`],
    ...(first ? [['usual choice', about(first)]] : []),
    ...(best ? [['best', about(best)]] : []),
    ...(least && least !== best ? [['least seen, but not surely less', about(least)]] : []),
    ...(first && best ? [['gain', `${(first.milliseconds / best.milliseconds).toFixed(2)} times as quick`]] : []),
    ...(roofline && best ? [['of the limit', `${(100 * shareOf(roofline, best)).toFixed(1)} %`]] : []),
  ]
  return [
    `<h2>${escapeText(`${subject.attention}, ${subject.target}`)}</h2>`,
    tableOf(rows),
    `<div class="plots">${plotsOf(run).join('\n')}</div>`,
    failures(trials),
    '<h3>The ten quickest</h3>',
    tableOf(
      [...timed(run)]
        .sort((a, b) => a.milliseconds - b.milliseconds)
        .slice(0, 10)
        .map((trial) => [
          keyOf(trial.point),
          shortLabel(trial.milliseconds),
          String(trial.rounds),
          trial.verified ? 'yes' : 'no',
        ]),
      ['choice', subject.modelled ? 'modelled ms' : 'ms', 'rounds', 'verified'],
    ),
  ].join('\n')
}

/** Of what bounds the call, that the quickest reaches. */
const shareOf = ({ flops, bytes, gflops, gbytes }: Roofline, best: Timed): number =>
  Math.max(flops / gflops, bytes / gbytes) / 1e6 / best.milliseconds

function failures(trials: readonly Trial[]): string {
  const rows = trials.flatMap((trial) =>
    isTimed(trial) ? [] : [[trial.failure.reason, keyOf(trial.point), trial.failure.text]],
  )
  return rows.length === 0 ? '' : `<h3>What failed</h3>\n${tableOf(rows, ['reason', 'choice', 'what it said'])}`
}

function tableOf(rows: readonly (readonly string[])[], head: readonly string[] = []): string {
  const first =
    head.length > 0 ? `<tr>${head.map((name) => `<th scope="col">${escapeText(name)}</th>`).join('')}</tr>\n` : ''
  return `<table>${first}${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}</table>`
}
const cell = (content: string): string =>
  `<td${/^-?[\d.]+(e-?\d+)?$/.test(content) ? ' class="number"' : ''}>${escapeText(content)}</td>`

/** One line for each trial; parameters as columns. */
export function csvOf(runs: readonly Run[]): string {
  const names = [...new Set(runs.flatMap(({ parameters }) => parameters.map(({ name }) => name)))]
  const head = [
    'attention',
    'target',
    'device',
    'dtype',
    'shape',
    ...names,
    'modelled',
    'ms',
    'cost',
    'low',
    'high',
    'rounds',
    'verified',
    'failure',
  ]
  const lines = runs.flatMap(({ subject, trials }) =>
    trials.map((trial) => [
      ...[subject.attention, subject.target, subject.device, subject.dtype, subject.shape],
      ...names.map((name) => trial.point[name] ?? ''),
      subject.modelled ?? false,
      ...(isTimed(trial)
        ? [trial.milliseconds, trial.cost, trial.low, trial.high, trial.rounds, trial.verified, '']
        : ['', '', '', '', '', '', `${trial.failure.reason}: ${trial.failure.text}`]),
    ]),
  )
  return [head, ...lines].map((line) => `${line.map((value) => csvCell(String(value))).join(',')}\n`).join('')
}

/** As RFC 4180 has it. */
const csvCell = (value: string): string => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
