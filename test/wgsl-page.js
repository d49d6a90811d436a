// What the page of test/wgsl-browser.test.ts does with the modules beside it, as docs/targets/wgsl.md has it.

globalThis.launch = async (path, entry, inputs) => {
  const module = await import(path)
  const adapter = await navigator.gpu.requestAdapter()
  const { requiredFeatures, requiredLimits } = module
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits })
  const upload = ({ data, shape }) => {
    const buffer = device.createBuffer({
      size: data.length * 4,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    })
    device.queue.writeBuffer(buffer, 0, Float32Array.from(data))
    return { buffer, shape }
  }
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, upload(tensor)]))
  const op = await module[entry].create(device)
  const size = op.shapes(tensors).out.reduce((product, length) => product * length, 4)
  const out = { buffer: device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC }) }
  const read = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  op.encode(pass, { ...tensors, out })
  pass.end()
  encoder.copyBufferToBuffer(out.buffer, 0, read, 0, size)
  device.queue.submit([encoder.finish()])
  await read.mapAsync(GPUMapMode.READ)
  return [...new Float32Array(read.getMappedRange())]
}

globalThis.compileThere = async (path, text) => {
  const { compile } = await import(path)
  const made = await compile({ path: 'softmax.attn', text }, { target: 'wgsl', sizes: { d: 16, e: 16 } })
  return made.value.files.map((file) => file.text)
}
