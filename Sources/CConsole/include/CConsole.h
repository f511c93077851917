#pragma once
#include <stddef.h>

/// A static file of the web console.
struct facet_console_file {
    const char *name;
    const unsigned char *bytes;
    size_t count;
};

/// All of them, `facet_console_file_count` many.
const struct facet_console_file *facet_console_files(void);
size_t facet_console_file_count(void);
