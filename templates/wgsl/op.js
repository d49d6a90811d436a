/** Notes the lengths of a tensor's axes; throws where they differ from lengths that are known. */
function measure(lengths, { name, axes }, tensor) {
  if (!tensor?.buffer || !Array.isArray(tensor.shape)) throw new TypeError(`${name} must be { buffer, shape }`)
  const { shape } = tensor
  if (shape.length !== axes.length)
    throw new RangeError(`${name} has ${shape.length} axes, not the ${axes.length} of [${axes.join(', ')}]`)
  axes.forEach((axis, n) => {
    const known = lengths.get(axis) ?? { length: shape[n], from: name }
    if (!Number.isInteger(shape[n]) || shape[n] < 0 || shape[n] >= 2 ** 30)
      throw new RangeError(`axis ${axis} of ${name} cannot have length ${shape[n]}`)
    if (known.length !== shape[n])
      throw new RangeError(
        `axis ${axis} is ${known.length} in ${known.from ?? 'this kernel'} but ${shape[n]} in ${name}`,
      )
    lengths.set(axis, known)
  })
}

/** Throws where a device has not what kernels take of one. */
function check(device) {
  const ask = 'adapter.requestDevice({ requiredFeatures, requiredLimits }) asks for what this module exports'
  if (!device?.limits)
    throw new TypeError('create takes a GPUDevice; where navigator.gpu is missing, there is no WebGPU')
  for (const feature of requiredFeatures)
    if (!device.features.has(feature)) throw new TypeError(`this device lacks the feature ${feature}: ${ask}`)
  for (const [name, least] of Object.entries(requiredLimits))
    if (device.limits[name] < least)
      throw new RangeError(`${name} is ${device.limits[name]} on this device, and ${least} is needed: ${ask}`)
}

/** Throws where a device does not bind that much at once. */
function measureBinding(name, size, limits) {
  for (const limit of ['maxStorageBufferBindingSize', 'maxBufferSize'])
    if (size > limits[limit])
      throw new RangeError(`${name} has ${size} bytes, more than the ${limits[limit]} of ${limit} of this device`)
}

/** A part of a buffer as a binding; throws where it is too small or of the wrong usage. */
function bind(name, { buffer, offset = 0 }, size, limits) {
  measureBinding(name, size, limits)
  const step = limits.minStorageBufferOffsetAlignment
  if (offset % step !== 0) throw new RangeError(`the offset of ${name} is ${offset}, no multiple of ${step}`)
  if (buffer.size - offset < size)
    throw new RangeError(`the buffer of ${name} has ${buffer.size - offset} bytes, but ${size} are needed`)
  if (!(buffer.usage & 128)) throw new TypeError(`the buffer of ${name} lacks the usage STORAGE`)
  return { buffer, offset, size }
}

/** Compiles the kernels of a program. */
export async function createOp(device, program) {
  check(device)
  const { limits } = device
  const module = device.createShaderModule({ code: shader })
  const compile = async (kernel) => {
    const types = ['uniform', ...kernel.bindings.map(({ writes }) => (writes ? 'storage' : 'read-only-storage'))]
    const entries = types.map((type, binding) => ({ binding, visibility: 4, buffer: { type } }))
    const group = device.createBindGroupLayout({ entries })
    const layout = device.createPipelineLayout({ bindGroupLayouts: [group] })
    const compute = { module, entryPoint: kernel.entry }
    return { ...kernel, group, pipeline: await device.createComputePipelineAsync({ layout, compute }) }
  }
  const copier = shader.includes('fn copy(') && (await compile({ entry: 'copy', bindings: [{}, { writes: true }] }))
  const kernels = await Promise.all(program.kernels.map(compile))
  const rooms = new Map()
  const room = (name, size) => {
    measureBinding(name, size, limits)
    if (!(rooms.get(name)?.size >= size)) rooms.set(name, device.createBuffer({ size, usage: 128 }))
    return bind(name, { buffer: rooms.get(name) }, size, limits)
  }
  const prepare = (tensors, options) => {
    const lengths = new Map(program.fixed.map(([axis, length]) => [axis, { length, from: undefined }]))
    for (const input of program.inputs) measure(lengths, input, tensors[input.name])
    return program.prepare(lengths, options)
  }
  let last = { key: '', buffer: undefined }
  const uniform = (given) => {
    const data = new DataView(new ArrayBuffer(Math.ceil((words.length + 1) / 4) * 16))
    data.setUint32(0, 0x7f800000, true)
    for (const [n, [name, set]] of words.entries()) data[set](4 * n + 4, Number(given[name] ?? 0), true)
    const bytes = new Uint8Array(data.buffer)
    if (last.key !== bytes.join()) {
      const buffer = device.createBuffer({ size: bytes.length, usage: 64, mappedAtCreation: true })
      new Uint8Array(buffer.getMappedRange()).set(bytes)
      buffer.unmap()
      last = { key: bytes.join(), buffer }
    }
    return { buffer: last.buffer }
  }
  const encode = (pass, tensors, options = {}) => {
    const given = prepare(tensors, options)
    const first = uniform(given)
    const bound = new Map()
    for (const { name, role, bytes, size } of program.buffers) {
      const needed = Math.max(4, Math.ceil((size(given) * bytes) / 4) * 4)
      if (role !== 'workspace' && !tensors[name]?.buffer) throw new TypeError(`${name} must be { buffer }`)
      bound.set(name, role === 'workspace' ? room(name, needed) : bind(name, tensors[name], needed, limits))
    }
    const align = (size) => Math.ceil(size / 256) * 256
    const pools = program.pools.map((names, n) => {
      const whole = room(
        `pool ${n}`,
        names.reduce((sum, name) => sum + align(bound.get(name).size), 0),
      )
      let offset = 0
      for (const name of names) {
        const { size } = bound.get(name)
        bound.set(name, { ...whole, offset, size })
        offset += align(size)
      }
      return whole
    })
    // Groups beyond one dimension lie in the next; kernels number them in 32 bits.
    const launch = ({ entry, group, pipeline }, resources, count) => {
      const side = limits.maxComputeWorkgroupsPerDimension
      const most = Math.min(side * side, 2 ** 31 - 1 - side)
      if (count > most) throw new RangeError(`${entry} takes ${count} workgroups, more than the ${most} of a launch`)
      const across = Math.min(count, side)
      const entries = [first, ...resources].map((resource, binding) => ({ binding, resource }))
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, device.createBindGroup({ layout: group, entries }))
      pass.dispatchWorkgroups(across, Math.ceil(count / across))
    }
    const copy = (to, from) => launch(copier, [from, { ...to, size: from.size }], Math.ceil(from.size / 4 / GROUP_SIZE))
    const pack = (names, entry) => {
      const parts = names.map((name) => bound.get(name))
      const whole = room(
        `packed ${entry}`,
        parts.reduce((sum, { size }) => sum + align(size), 0),
      )
      let offset = 0
      for (const part of parts) {
        copy({ ...whole, offset }, part)
        offset += align(part.size)
      }
      return whole
    }
    const dispatch = (kernel) => {
      const count = kernel.groups(given)
      if (count === 0) return
      const resources = kernel.bindings.map(({ buffer, pack: names, pool, spill }, n) => {
        if (names) return pack(names, kernel.entry)
        if (pool !== undefined) return pools[pool]
        return buffer === undefined ? room(`workspace ${n}`, 4 * spill * count) : bound.get(buffer)
      })
      launch(kernel, resources, count)
    }
    const run = (steps) => {
      for (const step of steps) {
        if (typeof step === 'number') dispatch(kernels[step])
        else
          for (let left = step.count(given); left > 0; left--) {
            run(step.steps)
            for (const [to, from] of step.become) copy(bound.get(to), bound.get(from))
          }
      }
    }
    run(program.steps)
  }
  return { shapes: (tensors, options = {}) => program.shapes(prepare(tensors, options)), encode }
}
