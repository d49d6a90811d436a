// A process of candidates for tests: by the number of a point it answers, ends, or says nothing.
process.on('message', (request) => {
  const points = request.points ?? [request.point, request.other].filter(Boolean)
  const on = (what) => points.some(({ n, at = 'turns' }) => n === what && at === request.do)
  if (on('crash')) process.exit(7)
  if (on('kill')) process.kill(process.pid, 'SIGKILL')
  if (on('hang')) return
  const values = {
    open: undefined,
    build: points.map(() => ({ ok: true, value: undefined })),
    bits: String(process.pid),
    verify: undefined,
    turns: { own: [1], other: [] },
  }
  process.send({ result: { ok: true, value: values[request.do] } })
})
