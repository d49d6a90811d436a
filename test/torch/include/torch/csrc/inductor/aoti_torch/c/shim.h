// Stands in for PyTorch's header of this name: see ../../../../../../standin.cc.
#pragma once
#include <cstddef>
#include <cstdint>

using AOTITorchError = int32_t;
using AtenTensorHandle = struct AtenTensorOpaque *;
using DeviceGuardHandle = struct DeviceGuardOpaque *;
using TorchLibraryHandle = struct TorchLibraryOpaque *;
using StableIValue = uint64_t;

extern "C" {
AOTITorchError aoti_torch_delete_tensor_object(AtenTensorHandle);
AOTITorchError aoti_torch_new_tensor_handle(AtenTensorHandle, AtenTensorHandle *copy);
AOTITorchError aoti_torch_get_const_data_ptr(AtenTensorHandle, const void **);
AOTITorchError aoti_torch_get_mutable_data_ptr(AtenTensorHandle, void **);
AOTITorchError aoti_torch_get_dim(AtenTensorHandle, int64_t *);
AOTITorchError aoti_torch_get_size(AtenTensorHandle, int64_t dim, int64_t *);
AOTITorchError aoti_torch_get_stride(AtenTensorHandle, int64_t dim, int64_t *);
AOTITorchError aoti_torch_get_dtype(AtenTensorHandle, int32_t *);
AOTITorchError aoti_torch_get_device_type(AtenTensorHandle, int32_t *);
AOTITorchError aoti_torch_get_device_index(AtenTensorHandle, int32_t *);
int32_t aoti_torch_device_type_cuda();
AOTITorchError aoti_torch_create_device_guard(int32_t device, DeviceGuardHandle *);
AOTITorchError aoti_torch_delete_device_guard(DeviceGuardHandle);
AOTITorchError aoti_torch_library_init_def(const char *ns, const char *file, uint32_t line, TorchLibraryHandle *);
AOTITorchError aoti_torch_library_init_impl(const char *ns, const char *key, const char *file, uint32_t line, TorchLibraryHandle *);
AOTITorchError aoti_torch_library_def(TorchLibraryHandle, const char *schema);
AOTITorchError aoti_torch_library_impl(TorchLibraryHandle, const char *name, void (*)(StableIValue *, uint64_t, uint64_t));
AOTITorchError aoti_torch_delete_library_object(TorchLibraryHandle);
#ifdef USE_CUDA  // as there: without it the stream cannot be asked for
AOTITorchError aoti_torch_get_current_cuda_stream(int32_t device, void **stream);
#endif
AOTITorchError standin_new_empty(AtenTensorHandle like, const int64_t *sizes, std::size_t dim, int32_t dtype, AtenTensorHandle *);
}
