#pragma once
#include <stddef.h>
#include <stdint.h>

// libFuzzer's loop: runs `one_input` until a limit of its command line is reached.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one_input)(const uint8_t *data, size_t size));
