"""Stands in for PyTorch's module of this name: C++ is compiled with the headers beside it, CUDA with those that emulate it."""

import os
import subprocess

from setuptools import Extension
from setuptools.command.build_ext import build_ext


def CUDAExtension(name, sources, extra_compile_args, py_limited_api):
    made = Extension(name, sources, py_limited_api=py_limited_api)
    made.flags = extra_compile_args
    return made


class BuildExtension(build_ext):
    def build_extension(self, ext):
        output = os.path.abspath(self.get_ext_fullpath(ext.name))
        for folder in [self.build_temp, os.path.dirname(output)]:
            os.makedirs(folder, exist_ok=True)
        objects = []
        for source in ext.sources:
            objects.append(os.path.join(self.build_temp, os.path.basename(source) + ".o"))
            of_cuda = source.endswith(".cu")
            emulated = ["-O1", "-w", "-x", "c++", "-I", os.environ["ATTNC_EMULATION"]]
            flags = emulated if of_cuda else [*ext.flags["cxx"], *os.environ["ATTNC_STANDIN_FLAGS"].split()]
            self.run([*flags, "-std=c++17", "-ffp-contract=off", "-fPIC", "-c", source, "-o", objects[-1]])
        self.run(["-shared", *objects, "-o", output])

    def run(self, flags=None):
        if flags is None:
            return super().run()
        subprocess.run([os.environ["CXX"], *flags], check=True)
