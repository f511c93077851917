#pragma once
#include <stddef.h>

/// Calls of malloc, calloc, realloc and the aligned allocators by the calling thread so far.
///
/// The test executable takes these functions over from the C library for everybody in the process
/// and hands them on; where the C library is not glibc nothing is counted and this is -1.
long ct_allocations(void);

/// Bytes that malloc and its kin have handed out and not got back, of all threads; 0 where the C library
/// is not glibc.
long ct_allocated_bytes(void);
