"""Calls an operator of a generated extension: call.py MODULE OPERATOR HOW IN.npz OUT.npz; prints what it left behind.

HOW is a word: how tensors lie ('dense', or 'tokens': the second axis beside the last), or what is wrong with the call.
"""

import importlib
import json
import sys

import numpy as np
import torch

module, operator, how, source, target = sys.argv[1:6]
call = getattr(importlib.import_module(module), operator)
types = {"float16": torch.float16, "float32": torch.float32, "int32": torch.int32, "bool": torch.bool}
arrays = np.load(source)
given, params = {}, {}
for name in arrays.files:
    array = arrays[name]
    if name.startswith("param_"):
        params[name.removeprefix("param_")] = array.item()
        continue
    if how == "tokens" and array.ndim == 4:
        array = np.ascontiguousarray(array.swapaxes(1, 2)).swapaxes(1, 2)
    given[name] = torch.Tensor(array, types[str(array.dtype)], "cuda:1")
names = list(given)
first, second = given[names[0]], given[names[1]]

if how == "grad":
    first.requires_grad = True
if how == "cpu":
    second.device = "cpu"
if how == "all cpu":
    for one in given.values():
        one.device = "cpu"
if how == "devices":
    second.device = "cuda:0"
if how == "dtype":
    given[names[0]] = first.to(torch.float32)
if how == "axes":
    given[names[0]] = first.reshape(*[int(n) for n in first.shape], 1)
if how == "width":
    given[names[1]] = second.transpose(-1, -2)
if how == "meta dtype":
    for one in given.values():
        one.device = "meta"
    given[names[0]] = first.to(torch.float32)
if how == "meta width":
    for one in given.values():
        one.device = "meta"
    given[names[1]] = second.transpose(-1, -2)

if how == "meta narrow":
    for one in given.values():
        one.device = "meta"
    given[names[1]] = second[..., :8]

told = None
results = ()
try:
    results = call(*given.values(), **params)
    results = results if isinstance(results, tuple) else (results,)
    if how == "grad":
        results[0].backward()
except (RuntimeError, NotImplementedError) as error:
    told = f"{type(error).__name__}: {error}"
faked = ()
if told is None:
    np.savez(target, **{f"result{n}": result.array for n, result in enumerate(results)})
    for one in given.values():
        one.device = "meta"
    faked = call(*given.values(), **params)
    faked = faked if isinstance(faked, tuple) else (faked,)
print(json.dumps({
    "told": told,
    "handles": torch._library.standin_handles(),
    "log": torch._library.standin_log().decode().splitlines(),
    "results": [[result.dtype.name, list(result.shape)] for result in results],
    "faked": [[result.dtype.name, list(result.shape)] for result in faked],
}))
