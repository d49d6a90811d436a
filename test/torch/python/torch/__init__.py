"""Stands in for PyTorch in tests of generated extensions: tensors are arrays of NumPy, operators are found in ../../standin.cc.

A tensor of the device 'cuda' is memory of this process. One of 'meta' has no elements: operators are answered by their fakes.
"""

import ctypes
import math
import os

import numpy as np

_library = ctypes.CDLL(os.environ["ATTNC_STANDIN_TORCH"], ctypes.RTLD_GLOBAL)
_word, _text = ctypes.c_uint64, ctypes.c_char_p
for _name, _result, _arguments in [
    ("standin_tensor", _word, [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]),
    ("standin_optional", _word, [_word]),
    ("standin_schema", _text, [_text]),
    ("standin_call", ctypes.c_int, [_text, ctypes.c_void_p, _word, _word, _text, ctypes.c_size_t]),
    ("standin_log", _text, []),
    ("standin_handles", ctypes.c_longlong, []),
    ("aoti_torch_delete_tensor_object", ctypes.c_int32, [_word]),
    ("aoti_torch_get_dim", ctypes.c_int32, [_word, ctypes.c_void_p]),
    ("aoti_torch_get_size", ctypes.c_int32, [_word, ctypes.c_int64, ctypes.c_void_p]),
    ("aoti_torch_get_dtype", ctypes.c_int32, [_word, ctypes.c_void_p]),
    ("aoti_torch_get_device_index", ctypes.c_int32, [_word, ctypes.c_void_p]),
    ("aoti_torch_get_const_data_ptr", ctypes.c_int32, [_word, ctypes.c_void_p]),
]:
    getattr(_library, _name).restype = _result
    getattr(_library, _name).argtypes = _arguments


class dtype:
    def __init__(self, name, code, array):
        self.name, self.code, self.array = name, code, np.dtype(array)

    def __repr__(self):
        return f"torch.{self.name}"


uint8 = dtype("uint8", 0, np.uint8)
int32 = dtype("int32", 3, np.int32)
int64 = dtype("int64", 4, np.int64)
float16 = dtype("float16", 5, np.float16)
float32 = dtype("float32", 6, np.float32)
float64 = dtype("float64", 7, np.float64)
bool = dtype("bool", 11, np.bool_)
bfloat16 = dtype("bfloat16", 15, np.uint16)  # as bits
_dtypes = [uint8, int32, int64, float16, float32, float64, bool, bfloat16]


class Tensor:
    def __init__(self, array, dtype, device="cpu"):
        self.array, self.dtype, self.device, self.requires_grad, self.grad_fn = array, dtype, device, False, None

    @property
    def shape(self):
        return self.array.shape

    def dim(self):
        return self.array.ndim

    def to(self, to):
        if not isinstance(to, dtype):
            return Tensor(self.array, self.dtype, "cuda:0" if to == "cuda" else to)
        return Tensor(self.array.astype(to.array), to, self.device)

    def reshape(self, *shape):
        return Tensor(self.array.reshape(shape), self.dtype, self.device)

    def transpose(self, a, b):
        return Tensor(self.array.swapaxes(a, b), self.dtype, self.device)

    def expand(self, *shape):
        return Tensor(np.broadcast_to(self.array, shape), self.dtype, self.device)

    def new_empty(self, shape, dtype=None):
        dtype = dtype or self.dtype
        return Tensor(np.broadcast_to(np.empty([1] * len(shape), dtype.array), shape), dtype, self.device)

    def item(self):
        return self.array.item()

    def __getitem__(self, places):
        return Tensor(np.asarray(self.array[places]), self.dtype, self.device)

    def __floordiv__(self, by):
        return Tensor(self.array // by, self.dtype, self.device)

    def __mod__(self, by):
        return Tensor(self.array % by, self.dtype, self.device)

    def backward(self):
        if self.grad_fn is None:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        self.grad_fn(None, None)

    def _handle(self):
        index = int(self.device.partition(":")[2] or 0)
        size = self.array.itemsize
        lengths = (ctypes.c_int64 * (self.dim() + 1))(*self.shape)
        strides = (ctypes.c_int64 * (self.dim() + 1))(*[stride // size for stride in self.array.strides])
        kind = 1 if self.device.startswith("cuda") else 0
        return _library.standin_tensor(self.array.ctypes.data, self.dtype.code, kind, index, self.dim(), lengths, strides)


def arange(count, device="cpu", dtype=int64):
    return Tensor(np.arange(count, dtype=dtype.array), dtype, "cuda:0" if device == "cuda" else device)


def ones(*shape, dtype=float32, device="cpu"):
    return _filled(shape, 1, dtype, device)


def zeros(*shape, dtype=float32, device="cpu"):
    return _filled(shape, 0, dtype, device)


def _filled(shape, value, dtype, device):
    return Tensor(np.full(shape, value, dtype.array), dtype, "cuda:0" if device == "cuda" else device)


def sin(tensor):
    return Tensor(np.sin(tensor.array.astype(np.float32)), float32, tensor.device)


def cos(tensor):
    return Tensor(np.cos(tensor.array.astype(np.float32)), float32, tensor.device)


def _check(condition, message):
    if not condition:
        raise RuntimeError(message())


def sym_min(a, b):
    return min(a, b)


def sym_max(a, b):
    return max(a, b)


class _Cuda:
    @staticmethod
    def is_available():
        return True


cuda = _Cuda()


class no_grad:
    on = True

    def __enter__(self):
        no_grad.on = False

    def __exit__(self, *error):
        no_grad.on = True


class _Library:
    def __init__(self):
        self.fakes, self.backwards = {}, {}

    def register_fake(self, name):
        if _library.standin_schema(name.encode()) is None:
            raise RuntimeError(f"there is no operator {name}")

        def register(function):
            self.fakes[name] = function
            return function

        return register

    def register_autograd(self, name, backward):
        if _library.standin_schema(name.encode()) is None:
            raise RuntimeError(f"there is no operator {name}")
        self.backwards[name] = backward


library = _Library()


def _taken(handle):
    """The tensor of a handle, which is deleted with it."""
    number, data = ctypes.c_int64(), ctypes.c_void_p()
    _library.aoti_torch_get_dim(handle, ctypes.byref(number))
    shape = []
    for n in range(number.value):
        _library.aoti_torch_get_size(handle, n, ctypes.byref(number))
        shape.append(number.value)
    code, device = ctypes.c_int32(), ctypes.c_int32()
    _library.aoti_torch_get_dtype(handle, ctypes.byref(code))
    _library.aoti_torch_get_device_index(handle, ctypes.byref(device))
    _library.aoti_torch_get_const_data_ptr(handle, ctypes.byref(data))
    [of] = [one for one in _dtypes if one.code == code.value]
    text = ctypes.string_at(data.value, math.prod(shape) * of.array.itemsize) if math.prod(shape) else b""
    _library.aoti_torch_delete_tensor_object(handle)
    return Tensor(np.frombuffer(text, of.array).reshape(shape), of, f"cuda:{device.value}")


def _boxed(kind, value):
    if kind.endswith("?"):
        return 0 if value is None else _library.standin_optional(_boxed(kind[:-1], value))
    if kind == "Tensor":
        return value._handle()
    if kind == "float":
        return int(np.float64(value).view(np.uint64))
    return int(np.int64(value).view(np.uint64))


class _Operator:
    def __init__(self, name, schema):
        self.name = name
        inputs, outputs = schema.split(") -> ")
        parts = [part.strip() for part in inputs.partition("(")[2].split(",")]
        self.places = parts.index("*") if "*" in parts else len(parts)
        self.formal = [part.partition("=")[0].split(" ") + [part.partition("=")[1] != ""] for part in parts if part != "*"]
        self.outputs = 1 if outputs == "Tensor" else outputs.count("Tensor")

    def __call__(self, *places, **named):
        if len(places) > self.places:
            raise TypeError(f"{self.name}() takes {self.places} positional argument(s) but {len(places)} were given")
        values = []
        for n, (kind, name, has_default) in enumerate(self.formal):
            if n >= len(places) and name not in named and not has_default:
                raise TypeError(f"{self.name}() is missing value for argument '{name}'")
            values.append(places[n] if n < len(places) else named.pop(name, None))
        if named:
            raise TypeError(f"{self.name}() got unexpected keyword arguments {sorted(named)}")
        tensors = [value for value in values if isinstance(value, Tensor)]
        keywords = {name: value for (_, name, _), value in zip(self.formal[self.places :], values[self.places :])}
        if any(tensor.device == "meta" for tensor in tensors):
            return library.fakes[self.name](*values[: self.places], **keywords)
        if not any(tensor.device.startswith("cuda") for tensor in tensors):
            raise NotImplementedError(f"Could not run '{self.name}' with arguments from the 'CPU' backend")
        stack = (_word * max(len(values), self.outputs))(*[_boxed(kind, value) for (kind, _, _), value in zip(self.formal, values)])
        text = ctypes.create_string_buffer(4096)
        if _library.standin_call(self.name.encode(), stack, len(values), self.outputs, text, len(text)) != 0:
            raise RuntimeError(text.value.decode())
        results = [_taken(stack[n]) for n in range(self.outputs)]
        if no_grad.on and any(tensor.requires_grad for tensor in tensors):
            for result in results:
                result.grad_fn = library.backwards[self.name]
        return results[0] if self.outputs == 1 else tuple(results)


class _Namespace:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        qualified = f"{self._name}::{name}"
        schema = _library.standin_schema(qualified.encode())
        if schema is None:
            raise AttributeError(f"'_OpNamespace' '{self._name}' object has no attribute '{name}'")
        return _Operator(qualified, schema.decode())


class _Ops:
    def load_library(self, path):
        ctypes.CDLL(path)

    def __getattr__(self, name):
        return _Namespace(name)


ops = _Ops()
