;; Scores of keys behind a query are as good as none. `first`: the first key's place behind the first query.
(func $hide (param $scores i32) (param $first i32) (param $count i32)
  (local $at i32) (local $end i32) (local $key v128)
  (loop $keys
    (local.set $key (i32x4.sub (i32x4.splat (local.get $first)) (v128.const i32x4 0 1 2 3)))
    (local.set $at (local.get $scores))
    (local.set $end (i32.add (local.get $at) (i32.const 128)))
    (loop $queries
      (v128.store (local.get $at)
        (v128.bitselect (v128.const f32x4 -1e30 -1e30 -1e30 -1e30) (v128.load (local.get $at))
          (i32x4.gt_s (local.get $key) (v128.const i32x4 0 0 0 0))))
      (local.set $key (i32x4.sub (local.get $key) (v128.const i32x4 4 4 4 4)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $queries (i32.lt_u (local.get $at) (local.get $end))))
    (local.set $first (i32.add (local.get $first) (i32.const 1)))
    (local.set $scores (i32.add (local.get $scores) (i32.const 128)))
    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
    (br_if $keys (local.get $count))))

;; The same for queries that see no later key: tiles of keys behind all of a tile's queries are left out.
(func (export "attention")
  (param $q i32) (param $k i32) (param $v i32) (param $out i32) (param $heads i32) (param $length i32) (param $own i32)
  (local $head i32) (local $bytes i32) (local $query i32) (local $rows i32) (local $key i32) (local $last i32) (local $count i32)
  (local $sums i32) (local $scores i32) (local $state i32)
  (local.set $sums (i32.add (local.get $own) (i32.const 8192)))
  (local.set $scores (i32.add (local.get $own) (i32.const 16384)))
  (local.set $state (i32.add (local.get $own) (i32.const 24576)))
  (local.set $bytes (i32.shl (local.get $length) (i32.const 8)))
  (loop $heads
    (local.set $query (i32.const 0))
    (loop $queries
      (local.set $rows (i32.sub (local.get $length) (local.get $query)))
      (if (i32.gt_s (local.get $rows) (i32.const 32)) (then (local.set $rows (i32.const 32))))
      (call $open
        (i32.add (local.get $q) (i32.shl (local.get $query) (i32.const 8))) (local.get $rows) (f32.const 0.18033688)
        (local.get $own) (local.get $sums) (local.get $state))
      (local.set $last (i32.add (local.get $query) (local.get $rows)))
      (local.set $key (i32.const 0))
      (loop $keys
        (local.set $count (i32.sub (local.get $last) (local.get $key)))
        (if (i32.gt_s (local.get $count) (i32.const 64)) (then (local.set $count (i32.const 64))))
        (call $multiply_keys
          (i32.add (local.get $k) (i32.shl (local.get $key) (i32.const 8))) (local.get $own) (local.get $scores)
          (local.get $rows) (local.get $count))
        (if (i32.gt_s (i32.add (local.get $key) (local.get $count)) (i32.add (local.get $query) (i32.const 1)))
          (then
            (call $hide
              (local.get $scores) (i32.sub (local.get $key) (local.get $query)) (local.get $count))))
        (call $weigh (local.get $scores) (local.get $state) (local.get $rows) (local.get $count))
        (call $multiply_values
          (i32.add (local.get $v) (i32.shl (local.get $key) (i32.const 8))) (local.get $scores) (local.get $sums)
          (i32.add (local.get $state) (i32.const 256)) (local.get $rows) (local.get $count))
        (local.set $key (i32.add (local.get $key) (i32.const 64)))
        (br_if $keys (i32.lt_s (local.get $key) (local.get $last))))
      (call $close
        (i32.add (local.get $out) (i32.shl (local.get $query) (i32.const 8))) (local.get $rows) (local.get $sums)
        (local.get $state))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (br_if $queries (i32.lt_s (local.get $query) (local.get $length))))
    (local.set $q (i32.add (local.get $q) (local.get $bytes)))
    (local.set $k (i32.add (local.get $k) (local.get $bytes)))
    (local.set $v (i32.add (local.get $v) (local.get $bytes)))
    (local.set $out (i32.add (local.get $out) (local.get $bytes)))
    (local.set $head (i32.add (local.get $head) (i32.const 1)))
    (br_if $heads (i32.lt_s (local.get $head) (local.get $heads)))))
