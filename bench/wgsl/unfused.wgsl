// Attention in three kernels with all scores in between, blocked as the fused kernels are: 64 invocations, 32 by 32 elements,
// 4 by 4 of them for each invocation.

struct Given {
  queries: i32,
  keys: i32,
  width: i32,
  causal: i32,
}
@group(0) @binding(0) var<uniform> given: Given;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> product: array<f32>;

// product[rows, columns] = scale * the sum of left[row, n] * right, which lies as [column, n] or as [n, column]
fn multiply(group: vec3<u32>, local: i32, rows: i32, columns: i32, inner: i32, across: i32, down: i32, scale: f32) {
  let row = i32(group.y) * 32 + (local >> 3u);
  let column = i32(group.x) * 32 + (local & 7);
  var sums: array<array<f32, 4>, 4>;
  for (var n = 0; n < inner; n++) {
    let a0 = left[row * inner + n];
    let a1 = left[(row + 8) * inner + n];
    let a2 = left[(row + 16) * inner + n];
    let a3 = left[(row + 24) * inner + n];
    let b0 = right[column * across + n * down];
    let b1 = right[(column + 8) * across + n * down];
    let b2 = right[(column + 16) * across + n * down];
    let b3 = right[(column + 24) * across + n * down];
    sums[0][0] += a0 * b0;
    sums[0][1] += a0 * b1;
    sums[0][2] += a0 * b2;
    sums[0][3] += a0 * b3;
    sums[1][0] += a1 * b0;
    sums[1][1] += a1 * b1;
    sums[1][2] += a1 * b2;
    sums[1][3] += a1 * b3;
    sums[2][0] += a2 * b0;
    sums[2][1] += a2 * b1;
    sums[2][2] += a2 * b2;
    sums[2][3] += a2 * b3;
    sums[3][0] += a3 * b0;
    sums[3][1] += a3 * b1;
    sums[3][2] += a3 * b2;
    sums[3][3] += a3 * b3;
  }
  for (var r = 0; r < 4; r++) {
    for (var c = 0; c < 4; c++) {
      let at = vec2<i32>(row + r * 8, column + c * 8);
      if ((at.x < rows) & (at.y < columns)) { product[at.x * columns + at.y] = scale * sums[r][c]; }
    }
  }
}

@compute @workgroup_size(64)
fn scores(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  multiply(group, i32(local), given.queries, given.keys, given.width, given.width, 1, 1.0 / sqrt(f32(given.width)));
}

@compute @workgroup_size(64)
fn mix(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  multiply(group, i32(local), given.queries, given.width, given.keys, 1, given.width, 1.0);
}

var<workgroup> parts: array<f32, 64>;

// A group has a row.
@compute @workgroup_size(64)
fn softmax(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) localIndex: u32) {
  let local = i32(localIndex);
  let row = i32(group.x);
  let seen = select(given.keys, row + 1 + given.keys - given.queries, given.causal != 0);
  var most = -3.4e38;
  for (var j = local; j < seen; j += 64) { most = max(most, left[row * given.keys + j]); }
  parts[local] = most;
  workgroupBarrier();
  for (var n = 0; n < 64; n++) { most = max(most, parts[n]); }
  workgroupBarrier();
  var total = 0.0;
  for (var j = local; j < seen; j += 64) { total += exp(left[row * given.keys + j] - most); }
  parts[local] = total;
  workgroupBarrier();
  total = 0.0;
  for (var n = 0; n < 64; n++) { total += parts[n]; }
  for (var j = local; j < given.keys; j += 64) {
    let weight = exp(left[row * given.keys + min(j, seen - 1)] - most) / total;
    product[row * given.keys + j] = select(0.0, weight, j < seen);
  }
}
