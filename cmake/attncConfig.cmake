# The CMake package of attnc, a compiler for attention kernels:
#
#   find_package(attnc CONFIG REQUIRED)       # with -Dattnc_DIR=<what `attnc cmake-dir` prints>
#   attnc_add_library(kernels TARGETS native SOURCES causal.attn)
#   target_link_libraries(app PRIVATE kernels)
#
# Needs CMake 3.21 (paths in dependency files; every generator that is Make or Ninja), and Node.

if(CMAKE_VERSION VERSION_LESS 3.21)
  set(attnc_FOUND FALSE)
  set(attnc_NOT_FOUND_MESSAGE "attnc needs CMake 3.21 or newer, this is ${CMAKE_VERSION}")
  return()
endif()

find_program(ATTNC_NODE NAMES node DOC "Node, which runs attnc")
if(NOT ATTNC_NODE)
  set(attnc_FOUND FALSE)
  set(attnc_NOT_FOUND_MESSAGE "attnc runs in Node, and there is no node: https://nodejs.org, or -DATTNC_NODE=PATH")
  return()
endif()

set(ATTNC_CXX_FLAGS "-O3" CACHE STRING "Flags for generated C++; kernels are slow without optimisation, also in debug builds")

get_filename_component(ATTNC_PACKAGE "${CMAKE_CURRENT_LIST_DIR}/.." REALPATH)
set(ATTNC_SCRIPT "${ATTNC_PACKAGE}/bin/attnc.js")
execute_process(
  COMMAND "${ATTNC_NODE}" "${ATTNC_SCRIPT}" --version
  OUTPUT_VARIABLE attnc_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_VARIABLE attnc_problem RESULT_VARIABLE attnc_result)
if(NOT attnc_result EQUAL 0)
  set(attnc_FOUND FALSE)
  set(attnc_NOT_FOUND_MESSAGE "attnc does not run: ${attnc_problem}")
  return()
endif()

# attnc_add_library(NAME TARGETS native|cuda... SOURCES FILE.attn... [ARCH sm_80...] [OPTIONS ...])
#
# A static library of the generated kernels, with their headers on the include path of what links it. With several TARGETS,
# one library for each, NAME_native and NAME_cuda: their functions have the same names, so a program links one of them.
#
# ARCH       architectures of the target cuda: sm_80, 90; without it CMAKE_CUDA_ARCHITECTURES, else sm_80
# OPTIONS    further options of `attnc build`: --size d=128,e=128 --dtype f16
function(attnc_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "TARGETS;SOURCES;ARCH;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "attnc_add_library(${name}): what is '${arg_UNPARSED_ARGUMENTS}'? It takes TARGETS, SOURCES, ARCH, OPTIONS")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "attnc_add_library(${name}) has no SOURCES")
  endif()
  if(NOT arg_TARGETS)
    message(FATAL_ERROR "attnc_add_library(${name}) has no TARGETS: native, cuda, or both")
  endif()
  list(LENGTH arg_TARGETS targets)
  foreach(target IN LISTS arg_TARGETS)
    set(library "${name}")
    if(targets GREATER 1)
      set(library "${name}_${target}")
    endif()
    if(target STREQUAL "native")
      set(extension cc)
    elseif(target STREQUAL "cuda")
      set(extension cu)
    else()
      message(FATAL_ERROR "attnc_add_library(${name}): no target '${target}', TARGETS takes native and cuda")
    endif()
    _attnc_add(${library} ${target} ${extension} "${arg_SOURCES}" "${arg_OPTIONS}")
    if(target STREQUAL "cuda")
      _attnc_set_cuda(${library} "${arg_ARCH}")
    endif()
  endforeach()
endfunction()

# One command for each source, and all that it writes as its output.
function(_attnc_add library target extension sources options)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/attnc/${library}")
  set(generated)
  set(emit)
  if(target STREQUAL "native")
    set(emit --emit lib) # code for every level of instructions, chosen when it runs
  endif()
  foreach(source IN LISTS sources)
    get_filename_component(path "${source}" ABSOLUTE)
    get_filename_component(base "${path}" NAME)
    string(REGEX REPLACE "\\.attn$" "" base "${base}")
    set(outputs "${folder}/${base}.${extension}" "${folder}/${base}.h")
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND "${ATTNC_NODE}" "${ATTNC_SCRIPT}" build "${path}" --target ${target} ${emit} ${options} -o "${folder}"
              -MD -MF "${folder}/${base}.d" --format short --quiet
      DEPENDS "${path}" "${ATTNC_PACKAGE}/package.json"
      DEPFILE "${folder}/${base}.d"
      WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
      COMMENT "attnc ${target} ${base}"
      VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()
  add_library(${library} STATIC ${generated})
  target_include_directories(${library} SYSTEM INTERFACE "${folder}")
  set_target_properties(${library} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(target STREQUAL "native")
    # Fused or not, a score that is computed twice has to be the same twice.
    target_compile_features(${library} PRIVATE cxx_std_17)
    separate_arguments(flags UNIX_COMMAND "${ATTNC_CXX_FLAGS}")
    target_compile_options(${library} PRIVATE ${flags} -ffp-contract=off)
    target_link_libraries(${library} PUBLIC m)
  endif()
endfunction()

function(_attnc_set_cuda library architectures)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "CUDA" IN_LIST languages)
    message(FATAL_ERROR "attnc_add_library(${library}): TARGETS cuda needs CUDA: project(... LANGUAGES C CXX CUDA)")
  endif()
  if(architectures)
    string(REGEX REPLACE "(sm|compute)_" "" architectures "${architectures}")
  elseif(CMAKE_CUDA_ARCHITECTURES)
    set(architectures "${CMAKE_CUDA_ARCHITECTURES}")
  else()
    set(architectures 80)
  endif()
  set_target_properties(${library} PROPERTIES CUDA_ARCHITECTURES "${architectures}" CUDA_STANDARD 17)
  target_compile_options(${library} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-fmad=false>")
endfunction()
